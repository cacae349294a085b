// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Compares the list with the interfaces there are, instead of following the
 * kernel's messages one by one: some of those may be lost.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "sys/attach.h"
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

/* Attaches the gate, then the sensor: banned clients get no chance between. */
static bool attach(struct ifaces *f, struct watched *w)
{
	int err = ifaces_attach_gate(f, w);

	/* either is of use without the other */
	err |= ifaces_attach_sensor(f, w);
	if (err)
		return false;
	w->told = false;
	journal_note(MESSAGE_ATTACHED, "attached to %s: XDP %s, tc %s",
		     w->iface.name,
		     !attached_xdp(f->pins->dir, &w->iface) ? "none" :
		     w->iface.flags & IFACE_XDP_GENERIC	    ? "generic" :
							      "native",
		     !attached_tc(f->pins->dir, &w->iface) ? "none" :
		     w->iface.flags & IFACE_CLSACT	   ? "clsact" :
							     "tcx");
	return true;
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
	}
	return memcmp(&before, &w->iface, sizeof(before));
}

bool ifaces_sync(struct ifaces *f)
{
	bool changed = false, again = false;

	for (__u32 i = f->n; i-- > 0;)
		changed |= check(f, i);
	changed |= ifaces_add_missing(f);
	for (__u32 i = f->n; i-- > 0;)
		changed |= bring_up(f, i, &again);
	if (changed && ifaces_publish(f))
		journal_note(MESSAGE_FAULT, "cannot write map daemon");
	return again;
}
