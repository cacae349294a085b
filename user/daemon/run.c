// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/run.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "daemon/event_handler.h"
#include "lists/allow_names.h"
#include "lists/allowlist.h"
#include "lists/config_apply.h"
#include "lists/groups_plan.h"
#include "load/programs.h"
#include "load/socket_links.h"
#include "maps/activity_map.h"
#include "maps/generation.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"
#include "state/stamp.h"
#include "state/state_keeper.h"
#include "sys/attach.h"
#include "sys/capability.h"
#include "sys/dispatcher.h"
#include "sys/netinfo.h"
#include "sys/uprobe.h"
#include "tell/journal.h"
#include "tls/tls_probes.h"
#include "tls/tls_sensor.h"
#include "tls/tls_watch.h"

static struct watched *find_watched(struct ifaces *f, __u32 ifindex)
{
	for (__u32 i = 0; i < f->n; i++)
		if (f->list[i].iface.ifindex == ifindex)
			return &f->list[i];
	return NULL;
}

/* Takes over one interface of the earlier daemon, or detaches from it. */
static void inherit(struct run *r, const struct daemon_info *old,
		    const struct daemon_iface *iface)
{
	struct ifaces *f = &r->d.ifaces;
	struct watched *w;

	if (old->netns != r->info.netns) {
		/* ifindex and filters are of another network namespace */
		detach_links(f->pins->dir, iface);
		return;
	}
	w = find_watched(f, iface->ifindex);
	if (!w && ifaces_keep(f, iface))
		w = find_watched(f, iface->ifindex);
	if (!w) {
		detach(f->pins->dir, iface);
		return;
	}
	w->inherited = iface->ifindex;
	w->iface.flags |= iface->flags & IFACE_QDISC_OURS;
}

/*
 * Takes over what an earlier daemon left attached: notes interfaces that are
 * still to be watched, and which clsact qdiscs that daemon made; detaches from
 * all others.
 */
static void run_inherit(struct run *r)
{
	struct daemon_info *old = malloc(sizeof(*old));

	if (old && !daemon_read(&r->d.pins, old)) {
		r->info.lost_told = old->lost_told;
		for (__u32 i = 0; i < old->n_ifaces && i < DAEMON_IFACES_MAX;
		     i++)
			inherit(r, old, &old->ifaces[i]);
	}
	free(old);
}

/*
 * Detaches the programs and removes the interfaces from the list; with `all`
 * false, only those that no earlier daemon had attached.
 */
static void run_detach(struct run *r, bool all)
{
	struct ifaces *f = &r->d.ifaces;

	for (__u32 i = f->n; i-- > 0;) {
		const struct daemon_iface *iface = &f->list[i].iface;
		int err;

		if (!all && f->list[i].inherited)
			continue;
		err = detach(f->pins->dir, iface);
		if (err)
			journal_note(MESSAGE_FAULT, "cannot detach from %s: %s",
				     iface->name, strerror(-err));
		ifaces_remove(f, i);
	}
}

/* Attaches all present interfaces that are, or are not, inherited. */
static void attach_each(struct ifaces *f, bool inherited,
			int (*attach)(struct ifaces *f, struct watched *w))
{
	for (__u32 i = 0; i < f->n; i++)
		if (f->list[i].iface.ifindex &&
		    f->list[i].inherited == inherited)
			attach(f, &f->list[i]);
}

/*
 * Fails only if nothing is attached and some interface refused: others may be
 * absent yet, or in use by another program, or wait until root has put the gate
 * into libxdp's dispatcher.
 */
static int check_attached(struct ifaces *f)
{
	bool refused = false;

	for (__u32 i = 0; i < f->n; i++) {
		if (ifaces_is_attached(f, &f->list[i]))
			return 0;
		refused |=
			f->list[i].told && !dispatcher_is_on(&f->list[i].iface);
	}
	return refused ? fail("nothing could be attached") : 0;
}

/*
 * Replaces an earlier daemon's programs, then attaches to the other interfaces.
 * A failure of one is told to the journal; if none is attached, fail().
 */
static int run_attach(struct run *r)
{
	struct ifaces *f = &r->d.ifaces;

	carry_streams(&r->carry);
	attach_each(f, true, ifaces_attach_sensor);
	/* from here on, no program writes bans to the old table */
	carry_bans(&r->carry);
	attach_each(f, true, ifaces_attach_gate);
	carry_drain(&r->carry);
	attach_each(f, false, ifaces_attach_gate);
	attach_each(f, false, ifaces_attach_sensor);
	return check_attached(f);
}

/*
 * Puts the configuration in force, before the new programs see a packet, under
 * one writers' lock. 0, or an exit code after printing the cause.
 */
static int put_in_force(struct run *r, const struct config *c)
{
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir);
	int err = lock < 0 ? lock : carry_fill(&r->carry);

	if (!err) {
		activity_begin(p);
		run_inherit(r);
		ifaces_expect(&r->d.ifaces);
		ifaces_fill(&r->d.ifaces, &r->info);
		err = daemon_write(p, &r->info);
	}
	if (!err)
		err = config_apply(p, c);
	if (!err)
		allow_names_hurry(p, true);
	if (!err)
		fuse_resume(p, &r->d.fuse);
	if (!err)
		groups_apply(p, c, true);
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

/* Tells that a program which sees sockets is not attached: the rest goes on. */
static void tell_unattached(int err, const char *what, const char *prog)
{
	if (err)
		journal_note(MESSAGE_FAULT,
			     "cannot attach to where sockets %s: %s; %s", what,
			     strerror(-err), program_lost(prog));
}

/* Starts the TLS sensor, if wanted; without it, the rest goes on. */
static void start_tls(struct run *r, const struct config *c)
{
	char **paths = config_items(c, KEY_TLS_LIBRARIES), why[256] = "";

	if (r->parts & PARTS_TLS && paths)
		r->d.tls = tls_sensor_start(&r->d.pins, r->skel, paths, why,
					    sizeof(why));
	else
		tls_sensor_remove(&r->d.pins);
	tls_forget(&r->d.pins);
	if (!(r->parts & PARTS_TLS) && config_tls(c) != CONFIG_TLS_OFF)
		snprintf(why, sizeof(why), "%s",
			 r->info.n_refused ?
				 "its programs cannot be loaded" :
				 "this kernel has no way to see what sockets "
				 "send (tracepoint sock_send_length, fexit, "
				 "kprobes)");
	if (*why)
		journal_note(MESSAGE_BLIND, "%s TLS: %s",
			     r->d.tls ? "not all is seen of" : "blind for all",
			     why);
	if (tls_publish(&r->d.pins, r->d.tls))
		journal_note(MESSAGE_FAULT, "cannot write map daemon");
	config_items_free(paths);
}

/*
 * Gives up CAP_SYS_ADMIN; not with a TLS sensor before Linux 6.6, which needs
 * it to probe libraries that turn up later.
 */
static void drop_admin(const struct run *r)
{
	int err = r->d.tls && !uprobe_multi_works() ?
			  0 :
			  capability_drop(CAP_SYS_ADMIN);

	if (err)
		journal_note(MESSAGE_FAULT, "cannot give up CAP_SYS_ADMIN: %s",
			     strerror(-err));
}

/* Tells the journal of interfaces that are not there yet. */
static void tell_waiting(const struct ifaces *f)
{
	if (!f->n)
		journal_note(MESSAGE_WAITING,
			     "there is no default route, and no interface by "
			     "which clients of a mail port come in: it is "
			     "attached when there is one; or name it with -i, "
			     "or by the key interfaces");
	for (__u32 i = 0; i < f->n; i++)
		if (!f->list[i].iface.ifindex)
			journal_note(MESSAGE_WAITING,
				     "%s: there is no such interface; it is "
				     "attached when it appears",
				     f->list[i].iface.name);
}

/* Puts all in force, attaches, and starts the TLS sensor. 0, or an error. */
static int start(struct run *r, const struct config *c)
{
	char text[512];
	struct handler h = { .pins = &r->d.pins,
			     .cuts = &r->d.cuts,
			     .fuse = &r->d.fuse,
			     .on_event = &r->d.on_event };
	int err;

	r->carry = (struct carry){ .to = &r->d.pins,
				   .btf = bpf_object__btf(r->skel->obj),
				   .on_event = handle_event,
				   .ctx = &h };
	r->info.pid = getpid();
	r->info.netns = netns_inode();
	if (read_boot_id(r->info.boot_id))
		*r->info.boot_id = '\0'; /* saving will tell */
	/* absolute, for commands run in other folders */
	if (!realpath(r->d.config_path, r->info.config_path))
		snprintf(r->info.config_path, sizeof(r->info.config_path), "%s",
			 r->d.config_path);
	snprintf(r->info.state_dir, sizeof(r->info.state_dir), "%s",
		 r->state_dir);
	err = put_in_force(r, c);
	if (!err)
		err = state_keeper_start(r->state, &r->d.pins, c);
	if (!err) /* before the sensor asks who has accepted */
		tell_unattached(accept_link_attach(&r->d.pins, r->skel),
				"are accepted", "accepted");
	if (!err) {
		err = run_attach(r);
		if (err)
			accept_link_undo(&r->d.pins);
	}
	if (!err)
		err = ifaces_publish(&r->d.ifaces);
	if (err)
		return err;
	tell_unattached(close_links_attach(&r->d.pins, r->skel), "close",
			"closed");
	tell_unattached(overdue_attach(&r->d.overdue, r->skel),
			"wait with a reply", "overdue");
	start_tls(r, c);
	drop_admin(r);
	h.tls = r->d.tls;
	carry_drain(&r->carry); /* what the earlier TLS sensor counted */
	carry_end(&r->carry);
	journal_note(MESSAGE_STARTED,
		     "smtpxdp " VERSION " %s, mode %s, rate %s",
		     ifaces_describe(&r->d.ifaces, text, sizeof(text)),
		     c->value[KEY_MODE], c->value[KEY_RATE]);
	tell_waiting(&r->d.ifaces);
	return 0;
}

int run_protect(struct run *r, const struct config *c)
{
	int err = start(r, c);
	bool started = !err;

	r->served = started;
	if (!err)
		err = event_loop(&r->d);
	tls_sensor_stop(r->d.tls);
	overdue_free(&r->d.overdue);
	if (r->ephemeral) {
		tls_sensor_remove(&r->d.pins);
		socket_links_unpin(r->d.pins.dir);
		tls_publish(&r->d.pins, NULL);
	}
	state_keeper_stop(r->state);
	if (!started || r->ephemeral) {
		run_detach(r, started);
		ifaces_publish(&r->d.ifaces);
	}
	if (started)
		journal_note(
			MESSAGE_STOPPED, "smtpxdp has ended; %s",
			r->ephemeral ?
				"the programs are detached, bans are kept" :
				"protection stays on");
	return err ? EXIT_FAILURE : 0;
}
