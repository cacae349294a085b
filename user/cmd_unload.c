// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp unload: what a daemon that is gone for good has left behind. */
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "cmd.h"
#include "loader.h"
#include "output.h"
#include "settings_map.h"

static int detach_all(struct pins *p)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int err = info ? daemon_read(p, info) : -1;

	for (__u32 i = 0; !err && i < info->n_ifaces; i++)
		err = detach(p->dir, &info->ifaces[i]);
	free(info);
	return err;
}

int cmd_unload(const struct globals *g, int argc, char **argv)
{
	int lock, err = cmd_no_args(argc, argv);
	struct pins p;

	if (err)
		return err;
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	lock = pins_lock_daemon(g->pin_dir);
	if (lock < 0) {
		pins_close(&p);
		return fail("the daemon runs on %s: stop it first", g->pin_dir);
	}
	err = detach_all(&p);
	pins_close(&p);
	if (!err)
		err = loader_unpin(g->pin_dir);
	pins_unlock(lock);
	if (err)
		return fail("cannot take down all of %s: %s", g->pin_dir,
			    strerror(-err));
	output_done(json_pack("{s:s}", "unloaded", g->pin_dir), "unloaded %s",
		    g->pin_dir);
	return 0;
}
