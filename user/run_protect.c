// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "run.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activity_map.h"
#include "allowlist.h"
#include "apply.h"
#include "event_handler.h"
#include "generation.h"
#include "journal.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"
#include "smtpxdp.skel.h"
#include "state_keeper.h"
#include "tls_pins.h"
#include "tls_sensor.h"
#include "tls_watch.h"

/* Before any packet comes to the new programs, and in one stroke. */
static int put_in_force(struct run *r, const struct config *c)
{
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir);
	int err = lock < 0 ? lock : carry_fill(&r->carry);

	if (!err) {
		activity_begin(p);
		run_inherit(r);
		err = daemon_write(p, &r->info);
	}
	if (!err)
		err = config_apply(p, c);
	if (!err)
		err = allowlist_sync_host(p);
	if (!err)
		err = generation_switch(p->dir, p->generation);
	pins_unlock(lock);
	if (!err)
		return 0;
	generation_remove(p->dir, p->generation);
	return fail("cannot put the configuration in force: %s",
		    strerror(-err));
}

/* Without it, all the rest goes on. */
static void start_tls(struct run *r, const struct config *c)
{
	char **paths = config_items(c, KEY_TLS_LIBRARIES), why[256] = "";

	if (r->tls && paths)
		r->d.tls = tls_sensor_start(&r->d.pins, r->skel, paths, why,
					    sizeof(why));
	else
		tls_unpin(r->d.pins.dir, 0);
	tls_forget(&r->d.pins);
	if (r->tls_error)
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

static int start(struct run *r, const struct config *c)
{
	struct handler h = { .pins = &r->d.pins };
	int err;

	r->carry = (struct carry){ .to = &r->d.pins,
				   .btf = bpf_object__btf(r->skel->obj),
				   .on_event = handle_event,
				   .ctx = &h };
	r->info.pid = getpid();
	r->info.netns = netns_inode();
	/* Absolute: commands edit it from wherever they are called. */
	if (!realpath(r->d.config_path, r->info.config_path))
		snprintf(r->info.config_path, sizeof(r->info.config_path), "%s",
			 r->d.config_path);
	snprintf(r->info.state_dir, sizeof(r->info.state_dir), "%s",
		 r->state_dir);
	err = put_in_force(r, c);
	if (!err)
		err = state_keeper_start(r->state, &r->d.pins);
	if (!err)
		err = run_attach(r);
	if (!err)
		err = run_publish(r);
	if (err)
		return err;
	start_tls(r, c);
	h.tls = r->d.tls;
	carry_drain(&r->carry); /* what the TLS sensor before counted */
	carry_end(&r->carry);
	journal_note(MESSAGE_STARTED,
		     "smtpxdp " VERSION " watches %s%s, mode %s, rate %s",
		     r->info.ifaces[0].name,
		     r->info.n_ifaces > 1 ? " and more" : "",
		     c->value[KEY_MODE], c->value[KEY_RATE]);
	return 0;
}

int run_protect(struct run *r, const struct config *c)
{
	int err = start(r, c);
	bool started = !err;

	if (!err)
		err = event_loop(&r->d);
	tls_sensor_stop(r->d.tls);
	if (r->ephemeral) {
		tls_unpin(r->d.pins.dir, 0);
		tls_publish(&r->d.pins, NULL);
	}
	state_keeper_stop(r->state);
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
