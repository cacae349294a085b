// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/run.h"

#include <stdlib.h>
#include <string.h>

#include "sys/attach.h"
#include "tell/journal.h"
#include "base/output.h"
#include "maps/settings_map.h"

/* Takes over one interface of the earlier daemon, or detaches from it. */
static void inherit(struct run *r, const struct daemon_info *old,
		    const struct daemon_iface *iface)
{
	struct ifaces *f = &r->d.ifaces;

	if (old->netns != r->info.netns) {
		/* ifindex and filters are of another network namespace */
		detach_links(f->pins->dir, iface);
		return;
	}
	for (__u32 i = 0; i < f->n; i++) {
		if (f->list[i].iface.ifindex != iface->ifindex)
			continue;
		f->list[i].inherited = iface->ifindex;
		f->list[i].iface.flags |= iface->flags & IFACE_QDISC_OURS;
		return;
	}
	detach(f->pins->dir, iface);
}

void run_inherit(struct run *r)
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

void run_detach(struct run *r, bool all)
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
 * absent yet, or in use by another program.
 */
static int check_attached(struct ifaces *f)
{
	bool refused = false;

	for (__u32 i = 0; i < f->n; i++) {
		if (ifaces_is_attached(f, &f->list[i]))
			return 0;
		refused |= f->list[i].told;
	}
	return refused ? fail("nothing could be attached") : 0;
}

int run_attach(struct run *r)
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
