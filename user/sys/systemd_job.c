// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/systemd_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#define MANAGER "org.freedesktop.systemd1"
/* systemctl uses this socket, too: it needs no D-Bus daemon. */
#define PRIVATE_BUS "unix:path=/run/systemd/private"

static int connect_manager(sd_bus **bus)
{
	int err = sd_bus_new(bus);

	if (err >= 0)
		err = sd_bus_set_address(*bus, PRIVATE_BUS);
	if (err >= 0)
		err = sd_bus_start(*bus);
	if (err >= 0)
		return 0;
	*bus = sd_bus_unref(*bus);
	return sd_bus_open_system(bus);
}

static int object_of(const char *unit, char **object)
{
	return sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit,
				  object);
}

/*
 * Sets *job to the object of the unit's pending job, or "/" if there is none.
 */
static int job_of(sd_bus *bus, const char *unit, char **job)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char *object;
	int err = object_of(unit, &object);

	if (err < 0)
		return err;
	err = sd_bus_get_property(bus, MANAGER, object, MANAGER ".Unit", "Job",
				  NULL, &reply, "(uo)");
	if (err >= 0)
		err = sd_bus_message_read(reply, "(uo)", NULL, &path);
	if (err >= 0) {
		*job = strdup(path);
		err = *job ? 0 : -ENOMEM;
	}
	sd_bus_message_unref(reply);
	free(object);
	return err;
}

/*
 * The job of a unit that goes down says why: "stop", "restart", or "start" if a
 * start was asked for while it was being stopped. After a crash there is no
 * job.
 */
static int job_is_stop(sd_bus *bus, const char *job)
{
	char *type = NULL;
	int err;

	if (!strcmp(job, "/"))
		return 0;
	err = sd_bus_get_property_string(bus, MANAGER, job, MANAGER ".Job",
					 "JobType", NULL, &type);
	if (err >= 0)
		err = !strcmp(type, "stop");
	free(type);
	return err;
}

int systemd_is_stopping(void)
{
	char *unit = NULL, *job = NULL;
	sd_bus *bus = NULL;
	int err = sd_pid_get_unit(0, &unit);

	if (err == -ENODATA)
		err = -ENXIO;
	if (err >= 0)
		err = connect_manager(&bus);
	if (err >= 0)
		err = job_of(bus, unit, &job);
	if (err >= 0)
		err = job_is_stop(bus, job);
	sd_bus_flush_close_unref(bus);
	free(unit);
	free(job);
	return err;
}

bool systemd_has_restarted(void)
{
	char *unit = NULL, *object = NULL;
	uint32_t restarts = 0;
	sd_bus *bus = NULL;
	int err = getenv("NOTIFY_SOCKET") ? sd_pid_get_unit(0, &unit) : -ENXIO;

	if (err >= 0)
		err = connect_manager(&bus);
	if (err >= 0)
		err = object_of(unit, &object);
	if (err >= 0)
		err = sd_bus_get_property_trivial(bus, MANAGER, object,
						  MANAGER ".Service",
						  "NRestarts", NULL, 'u',
						  &restarts);
	sd_bus_flush_close_unref(bus);
	free(unit);
	free(object);
	return err >= 0 && restarts;
}
