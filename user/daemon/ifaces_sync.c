// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Compares the list with the interfaces there are, instead of following the
 * kernel's messages one by one: some of those may be lost.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "sys/attach.h"
#include "sys/links.h"
#include "daemon/ifaces.h"
#include "tell/journal.h"

static bool is_configured(const struct ifaces *f, const char *name)
{
	for (int i = 0; f->names[i]; i++)
		if (!strcmp(f->names[i], name))
			return true;
	return false;
}

/* Detaches from an interface that was deleted or has left this namespace. */
static void take_leave(struct ifaces *f, __u32 i)
{
	struct watched *w = &f->list[i];
	bool wait = is_configured(f, w->iface.name);

	detach(f->pins->dir, &w->iface);
	journal_note(MESSAGE_WAITING, "%s is gone%s", w->iface.name,
		     wait ? ": it is attached again when it comes back" : "");
	if (!wait) {
		ifaces_remove(f, i);
		return;
	}
	w->iface.ifindex = w->iface.flags = 0;
	w->told = false;
}

/* Notices that an interface has gone or has a new name. True: changed. */
static bool check(struct ifaces *f, __u32 i)
{
	struct daemon_iface *iface = &f->list[i].iface;
	char name[IF_NAMESIZE];

	if (!iface->ifindex)
		return false;
	if (!if_indextoname(iface->ifindex, name)) {
		take_leave(f, i);
		return true;
	}
	if (!strcmp(name, iface->name))
		return false;
	journal_note(MESSAGE_RENAMED, "%s is called %s now: it stays watched",
		     iface->name, name);
	strcpy(iface->name, name);
	return true;
}

static bool is_watched(const struct ifaces *f, __u32 ifindex)
{
	for (__u32 i = 0; i < f->n; i++)
		if (f->list[i].iface.ifindex == ifindex)
			return true;
	return false;
}

static void tell_attached(const struct ifaces *f, struct watched *w)
{
	const char *dir = f->pins->dir;

	w->told = false;
	journal_note(MESSAGE_ATTACHED, "attached to %s: XDP %s, tc %s",
		     w->iface.name,
		     !attached_xdp(dir, &w->iface)	? "none" :
		     attached_beside(dir, &w->iface)	? "dispatcher" :
		     w->iface.flags & IFACE_XDP_GENERIC ? "generic" :
							  "native",
		     !attached_tc(dir, &w->iface)  ? "none" :
		     w->iface.flags & IFACE_CLSACT ? "clsact" :
						     "tcx");
}

/* Attaches the gate, then the sensor: banned clients get no chance between. */
static bool attach(struct ifaces *f, struct watched *w)
{
	int err = ifaces_attach_gate(f, w);

	/* either is of use without the other */
	err |= ifaces_attach_sensor(f, w);
	if (!err)
		tell_attached(f, w);
	return !err;
}

/*
 * Attaches an interface that is present and not attached yet. True: its entry
 * has changed; *again: attaching failed.
 */
static bool bring_up(struct ifaces *f, __u32 i, bool *again)
{
	struct watched *w = &f->list[i];
	struct daemon_iface before = w->iface;
	__u32 ifindex = before.ifindex;

	if (!ifindex)
		ifindex = if_nametoindex(w->iface.name);
	if (!ifindex)
		return false;
	if (!before.ifindex && is_watched(f, ifindex)) {
		/* listed twice: it was watched by another name */
		ifaces_remove(f, i);
		return true;
	}
	w->iface.ifindex = ifindex;
	if_indextoname(ifindex, w->iface.name);
	if (!ifaces_is_attached(f, w)) {
		attach_expect(&w->iface);
		if (memcmp(&before, &w->iface, sizeof(before)))
			ifaces_publish(f);
		*again |= !attach(f, w);
	} else if (w->told) { /* by root, into libxdp's dispatcher */
		tell_attached(f, w);
	}
	return memcmp(&before, &w->iface, sizeof(before));
}

/*
 * Moves the sensor of users to the lowest devices, if ports came or went. True:
 * an entry has changed.
 */
static bool move_sensors(struct ifaces *f, const struct links *l)
{
	struct watched before[DAEMON_IFACES_MAX];
	bool changed = false;

	memcpy(before, f->list, sizeof(before));
	ifaces_note_fed(f, l);
	for (__u32 i = 0; i < f->n; i++) {
		struct watched *w = &f->list[i];

		if (!w->iface.ifindex ||
		    w->iface.flags == before[i].iface.flags)
			continue;
		changed = true;
		ifaces_attach_sensor(f, w);
	}
	return changed;
}

/* Is the gate on all devices where the packets of this one come in first? */
static bool is_superseded(const struct ifaces *f, const struct links *l,
			  __u32 ifindex)
{
	unsigned int lowest[DAEMON_IFACES_MAX];
	size_t n = links_lowest(l, ifindex, lowest, DAEMON_IFACES_MAX);

	for (size_t i = 0; i < n; i++) {
		struct daemon_iface below = { .ifindex = lowest[i] };

		if (lowest[i] == ifindex || !is_watched(f, lowest[i]) ||
		    !attached_xdp(f->pins->dir, &below))
			return false;
	}
	return n;
}

/*
 * Lets go of chosen interfaces when those below them are watched instead: ports
 * were added to a bridge, or an earlier daemon chose otherwise. True: changed.
 */
static bool let_go(struct ifaces *f, const struct links *l)
{
	bool changed = false;

	for (__u32 i = f->n; i-- > 0 && ifaces_are_chosen(f);) {
		const struct daemon_iface *iface = &f->list[i].iface;

		if (!is_superseded(f, l, iface->ifindex))
			continue;
		detach(f->pins->dir, iface);
		journal_note(MESSAGE_ATTACHED,
			     "the devices below %s are watched instead of it",
			     iface->name);
		ifaces_remove(f, i);
		changed = true;
	}
	return changed;
}

bool ifaces_sync(struct ifaces *f)
{
	bool changed = false, again = false;
	struct links l;

	for (__u32 i = f->n; i-- > 0;)
		changed |= check(f, i);
	changed |= ifaces_add_missing(f);
	for (__u32 i = f->n; i-- > 0;)
		changed |= bring_up(f, i, &again);
	if (!links_read(&l)) {
		changed |= let_go(f, &l);
		changed |= move_sensors(f, &l);
	}
	links_free(&l);
	if (changed && ifaces_publish(f))
		journal_note(MESSAGE_FAULT, "cannot write map daemon");
	return again;
}
