// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp unload: takes down what an ended daemon has left attached. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/as_owner.h"
#include "sys/attach.h"
#include "sys/dispatcher.h"
#include "cmd/cmd.h"
#include "daemon.h"
#include "maps/generation.h"
#include "maps/layout_map.h"
#include "maps/pins_owner.h"
#include "sys/netinfo.h"
#include "base/output.h"
#include "maps/pins.h"
#include "sys/systemd_job.h"

/*
 * Filters of clsact have no pin: only map daemon names their interfaces. It may
 * be another version's, so layout_read() reads it.
 */
static int detach_filters(const char *dir)
{
	struct daemon_info *info = calloc(1, sizeof(*info));
	int now = generation_current(dir), err = info ? 0 : -ENOMEM;

	if (!err && now > 0)
		err = layout_read(dir, now, map_names[MAP_DAEMON], info);
	for (__u32 i = 0; !err && i < info->n_ifaces && i < DAEMON_IFACES_MAX;
	     i++) {
		if (info->ifaces[i].flags & IFACE_CLSACT &&
		    info->netns != netns_inode()) {
			fail("the filter on %s is in another network "
			     "namespace: run this there",
			     info->ifaces[i].name);
			free(info);
			return EXIT_FAILURE;
		}
		err = detach(dir, &info->ifaces[i]);
	}
	free(info);
	return err ? fail("cannot detach: %s", strerror(-err)) : 0;
}

/* libxdp's pins are root's. */
static void leave(const struct daemon_iface *iface, void *ctx)
{
	char why[512];

	if (dispatcher_clear(iface, NULL, why, sizeof(why)))
		*(int *)ctx =
			fail("cannot detach from %s: %s", iface->name, why);
}

static int take_down(const char *dir)
{
	int err = 0;

	if (!geteuid())
		dispatcher_for_each(leave, &err);
	if (!err)
		err = as_owner_begin(dir);

	if (!err)
		err = detach_filters(dir);
	if (!err && (err = pins_remove_dir(dir)))
		fail("cannot take down all of %s: %s", dir, strerror(-err));
	as_owner_end();
	return err;
}

static int unload(const char *dir)
{
	if (take_down(dir))
		return EXIT_FAILURE;
	/* its owner cannot remove it from a folder of root's */
	rmdir(dir);
	output_done(json_pack("{s:s}", "unloaded", dir), "unloaded %s", dir);
	return 0;
}

/* Says "protection stays on" only where a gate is attached. */
static void tell_kept(const char *dir)
{
	bool gate = attached_any_gate(dir);

	output_done(json_pack("{s:n, s:b}", "unloaded", "protection", gate),
		    "the unit is not being stopped for good: %s",
		    gate ? "protection stays on" :
			   "what is loaded stays, but there is no protection: "
			   "no gate is attached");
}

/* Is this a `systemctl stop`, which ends protection? 1, 0, or -errno. */
static int asked_to_stop(const char *dir)
{
	int stopping = systemd_is_stopping();

	if (stopping == -ENXIO)
		fail("--if-stopping is for ExecStopPost= of a unit of "
		     "systemd's: this runs in none");
	else if (stopping < 0)
		fail("cannot ask systemd whether it stops the daemon or "
		     "restarts it: %s; what is attached stays, smtpxdp unload "
		     "ends it",
		     strerror(-stopping));
	else if (!stopping)
		tell_kept(dir);
	return stopping;
}

static int unload_locked(const char *dir, bool if_loaded)
{
	int lock = pins_lock_daemon(dir), err;

	if (lock == -EWOULDBLOCK)
		return fail("the daemon runs on %s: stop it first", dir);
	if (lock == -ENOENT)
		return if_loaded ? 0 : fail("nothing is loaded at %s", dir);
	if (lock < 0)
		return fail("cannot lock %s: %s", dir, strerror(-lock));
	/* its map daemon would say which filters to remove */
	err = pins_complain_owner(dir) ? EXIT_FAILURE : unload(dir);
	pins_unlock(lock);
	return err;
}

static const struct cmd_option options[] = {
	{ 's', false, "if-stopping", NULL, false,
	  "only while systemd stops the unit that calls this, for ExecStop= "
	  "and ExecStopPost=" },
	{}
};

static int unload_if(const struct globals *g, int argc, char **argv)
{
	bool if_stopping = false;
	int c, stopping = 1;

	while ((c = cmd_option(g, argc, argv)) > 0)
		if_stopping = true;
	if (c < 0)
		return EXIT_USAGE;
	if (if_stopping)
		stopping = asked_to_stop(g->pin_dir);
	if (stopping <= 0)
		return stopping ? EXIT_FAILURE : 0;
	return unload_locked(g->pin_dir, if_stopping);
}

const struct cmd cmd_unload = {
	.name = "unload",
	.fn = unload_if,
	.args = "",
	.help = "end protection: detach everything; bans stay on file",
	.options = options,
};
