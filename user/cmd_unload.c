// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp unload: what a daemon that is gone for good has left behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "cmd.h"
#include "loader.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"

/* Filters have no pin: they are known by the daemon's map only. */
static int detach_filters(struct pins *p)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int err = info ? daemon_read(p, info) : -ENOMEM;

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
		err = detach(p->dir, &info->ifaces[i]);
	}
	free(info);
	return err ? fail("cannot detach: %s", strerror(-err)) : 0;
}

static int unload(const char *dir)
{
	struct pins p;
	int err;

	if (pins_exist(dir)) {
		if (pins_open(&p, dir))
			return EXIT_FAILURE;
		err = detach_filters(&p);
		pins_close(&p);
		if (err)
			return err;
	}
	err = loader_unpin(dir);
	if (err)
		return fail("cannot take down all of %s: %s", dir,
			    strerror(-err));
	output_done(json_pack("{s:s}", "unloaded", dir), "unloaded %s", dir);
	return 0;
}

int cmd_unload(const struct globals *g, int argc, char **argv)
{
	int lock, err = cmd_no_args(argc, argv);

	if (err)
		return err;
	lock = pins_lock_daemon(g->pin_dir);
	if (lock == -EWOULDBLOCK)
		return fail("the daemon runs on %s: stop it first", g->pin_dir);
	if (lock == -ENOENT)
		return fail("nothing is loaded at %s", g->pin_dir);
	if (lock < 0)
		return fail("cannot lock %s: %s", g->pin_dir, strerror(-lock));
	err = unload(g->pin_dir);
	pins_unlock(lock);
	return err;
}
