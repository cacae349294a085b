// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attaches the gate and the sensor to the devices that are watched. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/ifaces.h"
#include "lists/cut.h"
#include "lists/proxies.h"
#include "load/beside.h"
#include "maps/sign_map.h"
#include "sys/attach.h"
#include "sys/dispatcher.h"
#include "sys/links.h"
#include "sys/rcu.h"
#include "tell/journal.h"
#include "smtpxdp.skel.h"

/*
 * Tells the journal why an interface cannot be attached, once, for attaching is
 * retried. Returns err.
 */
static int refused(struct watched *w, int err, const char *why)
{
	if (err == -ENODEV)
		return err; /* the interface has just gone */
	if (!w->told)
		journal_note(err == -EAGAIN ? MESSAGE_WAITING : MESSAGE_FAULT,
			     "%s", why);
	w->told = true;
	return err;
}

/*
 * File descriptors of an interface's programs; negative where the kernel has
 * refused to load one.
 */
struct programs_of {
	int gate;
	int out;
	int in;
};

/* Picks the programs for a device with or without Ethernet headers. -errno. */
static int find_programs(const struct ifaces *f, struct watched *w,
			 struct programs_of *of)
{
	struct link link;
	int err = link_read(w->iface.ifindex, &link);

	if (err)
		return err;
	if (link.ethernet) {
		w->iface.flags &= ~IFACE_RAW;
		of->gate = bpf_program__fd(f->skel->progs.drop_ethernet);
		of->out = bpf_program__fd(f->skel->progs.detect_ethernet);
	} else {
		w->iface.flags |= IFACE_RAW;
		of->gate = bpf_program__fd(f->skel->progs.drop_raw);
		of->out = bpf_program__fd(f->skel->progs.detect_raw);
	}
	of->in = w->iface.flags & IFACE_FED ?
			 -1 :
			 bpf_program__fd(f->skel->progs.listen);
	return 0;
}

static int attach_gate(struct ifaces *f, struct watched *w, int gate, char *why,
		       size_t size)
{
	w->iface.flags &= ~IFACE_XDP_GENERIC;
	return attach_xdp(f->pins->dir, &w->iface, gate, why, size);
}

/*
 * Attaches the gate beside others, in libxdp's dispatcher. Who is not root waits
 * until root does that: the unit's ExecStartPost=, or somebody by hand.
 */
static int attach_beside(struct ifaces *f, struct watched *w, int gate,
			 char *why, size_t size)
{
	char cause[384];
	int err;

	if (geteuid()) {
		snprintf(
			why, size,
			"%s has libxdp's dispatcher, into which root puts the "
			"gate, by smtpxdp beside, as the unit does behind each "
			"start",
			w->iface.name);
		return -EAGAIN;
	}
	err = beside_put(f->pins->dir, &w->iface, cause, sizeof(cause));
	if (!err)
		return attach_gate(f, w, gate, why, size);
	snprintf(why, size, "cannot attach XDP to %s beside others: %s",
		 w->iface.name, cause);
	return err;
}

/*
 * Undoes what came of a moment without a gate: ends connections that banned
 * clients have made, and forgets that servers accepted those.
 */
static void end_moment(const struct ifaces *f)
{
	bool more = true;

	rcu_wait();
	while (more && cut_connections(f->pins, NULL, 0, &more) >= 0)
		;
	sign_forget_passes(f->pins);
}

/*
 * Attaches the gate below others of ours: the kernel refuses it there, so those
 * are taken away for a moment.
 */
static int attach_below(struct ifaces *f, struct watched *w, int gate,
			char *why, size_t size)
{
	bool lifted[DAEMON_IFACES_MAX] = {}, any = false;
	char ignored[512];
	struct links l;
	int err = links_read(&l);

	for (__u32 i = 0; i < f->n && !err; i++) {
		const struct daemon_iface *up = &f->list[i].iface;

		lifted[i] = &f->list[i] != w && up->ifindex &&
			    links_hand_on(&l, w->iface.ifindex, up->ifindex) &&
			    attached_xdp(f->pins->dir, up) &&
			    !detach_xdp(f->pins->dir, up);
		any |= lifted[i];
	}
	links_free(&l);
	if (!any)
		return -EBUSY;
	err = attach_gate(f, w, gate, why, size);
	for (__u32 i = 0; i < f->n; i++) {
		struct programs_of of;

		if (lifted[i] && !find_programs(f, &f->list[i], &of))
			attach_gate(f, &f->list[i], of.gate, ignored,
				    sizeof(ignored));
	}
	end_moment(f);
	return err;
}

int ifaces_attach_gate(struct ifaces *f, struct watched *w)
{
	struct programs_of of;
	int err = find_programs(f, w, &of);
	char why[512];

	if (err || of.gate < 0)
		return err;
	err = attach_gate(f, w, of.gate, why, sizeof(why));
	if (err == -EBUSY && dispatcher_is_on(&w->iface))
		err = attach_beside(f, w, of.gate, why, sizeof(why));
	else if (err == -EBUSY)
		err = attach_below(f, w, of.gate, why, sizeof(why));
	if (err)
		return refused(w, err, why);
	/* no kernel has native XDP on loopback */
	if (w->iface.flags & IFACE_XDP_GENERIC && !w->told &&
	    w->iface.ifindex != LOOPBACK_IFINDEX)
		journal_note(MESSAGE_GENERIC_XDP,
			     "%s: native XDP was refused (%s); generic XDP "
			     "drops later and slower",
			     w->iface.name, *why ? why : "as before");
	return 0;
}

int ifaces_attach_sensor(struct ifaces *f, struct watched *w)
{
	struct programs_of of;
	int err = find_programs(f, w, &of);
	char why[512];

	if (!err && of.out >= 0)
		err = attach_tc(f->pins->dir, &w->iface, TC_OUT, of.out, why,
				sizeof(why));
	if (!err && of.in >= 0)
		err = attach_tc(f->pins->dir, &w->iface, TC_IN, of.in, why,
				sizeof(why));
	else if (!err && w->iface.flags & IFACE_FED)
		detach_tc(f->pins->dir, &w->iface, TC_IN);
	return err ? refused(w, err, why) : 0;
}

bool ifaces_is_attached(const struct ifaces *f, struct watched *w)
{
	const char *dir = f->pins->dir;
	struct programs_of of;

	return w->iface.ifindex && !find_programs(f, w, &of) &&
	       (of.gate < 0 || attached_xdp(dir, &w->iface)) &&
	       (of.out < 0 || attached_tc(dir, &w->iface)) &&
	       (of.in < 0 || attached_tc_in(dir, &w->iface));
}
