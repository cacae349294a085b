// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smtpxdp beside: root's part where other XDP programs are on an interface. The
 * daemon, which is not root's, cannot reach libxdp's pins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/cmd.h"
#include "daemon.h"
#include "load/beside.h"
#include "maps/pins.h"
#include "maps/settings_map.h"
#include "sys/dispatcher.h"
#include "sys/netinfo.h"

struct work {
	const char *dir;
	const struct daemon_info *info;
	json_t *done; /* names of interfaces */
	int err; /* exit code */
};

static void put(const struct daemon_iface *iface, struct work *w)
{
	char why[512];

	if (!dispatcher_is_on(iface))
		return;
	if (beside_put(w->dir, iface, why, sizeof(why)))
		w->err = fail("%s: %s", iface->name, why);
	else
		json_array_append_new(w->done, json_string(iface->name));
}

/* Takes an earlier daemon's gate from an interface that is not watched now. */
static void leave(const struct daemon_iface *iface, void *ctx)
{
	struct work *w = ctx;
	char why[512];

	for (__u32 i = 0; i < w->info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		if (w->info->ifaces[i].ifindex == iface->ifindex)
			return;
	if (dispatcher_clear(iface, NULL, why, sizeof(why)))
		w->err = fail("%s: %s", iface->name, why);
}

static int work_on(struct work *w)
{
	if (w->info->netns != netns_inode())
		return fail("the daemon is in another network namespace: run "
			    "this there");
	for (__u32 i = 0; i < w->info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		put(&w->info->ifaces[i], w);
	dispatcher_for_each(leave, w);
	return w->err;
}

static void tell(const struct work *w)
{
	json_t *doc = json_pack("{s:O}", "beside", w->done), *name;
	bool told = output_json(doc);
	size_t i;

	json_decref(doc);
	json_array_foreach(w->done, i, name)
		if (!told)
			printf("%s: the gate is in libxdp's dispatcher\n",
			       json_string_value(name));
}

static int beside(const struct globals *g, int argc, char **argv)
{
	struct daemon_info *info;
	struct work w = { .dir = g->pin_dir };
	struct pins p;
	int err = cmd_arguments(g, argc, argv);

	if (err)
		return err;
	if (geteuid())
		return fail("this is for root: libxdp's pins are root's");
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	info = calloc(1, sizeof(*info));
	w.info = info;
	w.done = json_array();
	err = info ? daemon_read(&p, info) : -ENOMEM;
	if (err)
		err = fail("cannot read map daemon: %s", strerror(-err));
	else
		err = work_on(&w);
	if (!err)
		tell(&w);
	json_decref(w.done);
	free(info);
	pins_close(&p);
	return err;
}

const struct cmd cmd_beside = {
	.name = "beside",
	.fn = beside,
	.args = "",
	.help = "put the gate beside other XDP programs, by libxdp",
};
