// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activity_map.h"
#include "allowlist.h"
#include "apply.h"
#include "journal.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"
#include "tls_sensor.h"
#include "tls_watch.h"

static int put_in_force(struct run *r, const struct config *c)
{
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir);
	int err = lock < 0 ? lock : daemon_write(p, &r->info);

	if (!err)
		err = config_apply(p, c);
	if (!err)
		err = allowlist_sync_host(p);
	pins_unlock(lock);
	return err ? fail("cannot put the configuration in force: %s",
			  strerror(-err)) :
		     0;
}

/* Without it, all the rest goes on. */
static void start_tls(struct run *r, const struct config *c)
{
	char **paths = config_items(c, KEY_TLS_LIBRARIES), why[256] = "";

	tls_forget(&r->d.pins);
	if (r->tls && paths)
		r->d.tls = tls_sensor_start(r->skel, paths, why, sizeof(why));
	else if (r->tls_error)
		snprintf(why, sizeof(why), "its programs cannot be loaded: %s",
			 strerror(-r->tls_error));
	if (*why)
		journal_note(MESSAGE_BLIND, "%s TLS: %s",
			     r->d.tls ? "not all is seen of" : "blind for all",
			     why);
	if (tls_publish(&r->d.pins, r->d.tls))
		journal_note(MESSAGE_FAULT, "cannot write map daemon");
	config_items_free(paths);
}

int run_protect(struct run *r, const struct config *c)
{
	bool started = false;
	int err;

	r->info.pid = getpid();
	r->info.netns = netns_inode();
	activity_begin(&r->d.pins);
	run_inherit(r);
	/* Absolute: commands edit it from wherever they are called. */
	if (!realpath(r->d.config_path, r->info.config_path))
		snprintf(r->info.config_path, sizeof(r->info.config_path), "%s",
			 r->d.config_path);
	err = put_in_force(r, c);
	if (!err)
		err = run_attach(r);
	if (!err)
		err = run_publish(r);
	if (!err)
		start_tls(r, c);
	if (!err) {
		journal_note(MESSAGE_STARTED,
			     "smtpxdp " VERSION
			     " watches %s%s, mode %s, rate %s",
			     r->info.ifaces[0].name,
			     r->info.n_ifaces > 1 ? " and more" : "",
			     c->value[KEY_MODE], c->value[KEY_RATE]);
		err = event_loop(&r->d);
		started = true;
	}
	tls_sensor_stop(r->d.tls);
	tls_publish(&r->d.pins, NULL);
	if (!started || r->ephemeral) {
		run_detach(r, started);
		run_publish(r);
	}
	if (started)
		journal_note(
			MESSAGE_STOPPED, "smtpxdp has ended; %s",
			r->ephemeral ?
				"the programs are detached, bans are kept" :
				"protection stays on");
	return err ? EXIT_FAILURE : 0;
}
