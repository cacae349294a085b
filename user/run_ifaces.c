// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "run.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "journal.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"
#include "smtpxdp.skel.h"

static int add_iface(struct run *r, const char *name)
{
	struct daemon_iface *iface = &r->info.ifaces[r->info.n_ifaces];
	unsigned int ifindex = if_nametoindex(name);
	int ethernet = iface_is_ethernet(name);

	if (!ifindex || ethernet < 0)
		return fail("no interface %s here: see `ip link` for those "
			    "there are",
			    name);
	if (r->info.n_ifaces == DAEMON_IFACES_MAX)
		return fail("more than %d interfaces", DAEMON_IFACES_MAX);
	for (__u32 i = 0; i < r->info.n_ifaces; i++)
		if (r->info.ifaces[i].ifindex == ifindex)
			return 0;
	iface->ifindex = ifindex;
	snprintf(iface->name, sizeof(iface->name), "%s", name);
	r->ethernet[r->info.n_ifaces++] = ethernet;
	return 0;
}

static int add_default_ifaces(struct run *r)
{
	struct netinfo *info = malloc(sizeof(*info));
	char name[IF_NAMESIZE];
	int err = info ? netinfo_read(info) : -ENOMEM;

	if (err)
		err = fail("cannot ask for the routes: %s", strerror(-err));
	else if (!info->n_default)
		err = fail("no default route, and so no default interface: "
			   "name one with -i, or by the key interfaces");
	for (size_t i = 0; !err && i < info->n_default; i++)
		if (if_indextoname(info->default_ifindex[i], name))
			err = add_iface(r, name);
	free(info);
	return err;
}

int run_find_ifaces(struct run *r, const struct config *c)
{
	char **names = config_items(c, KEY_INTERFACES);
	int err = 0;

	if (!names)
		return fail("out of memory");
	for (int i = 0; names[i] && !err; i++)
		err = add_iface(r, names[i]);
	if (!err && !names[0])
		err = add_default_ifaces(r);
	config_items_free(names);
	return err;
}

void run_inherit(struct run *r)
{
	struct daemon_info *old = malloc(sizeof(*old));

	if (!old || daemon_read(&r->d.pins, old)) {
		free(old);
		return;
	}
	r->info.lost_told = old->lost_told;
	for (__u32 i = 0; i < old->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		bool wanted = false;

		if (old->netns != r->info.netns) {
			/* Its indices and filters are another namespace's. */
			detach_links(r->d.pins.dir, &old->ifaces[i]);
			continue;
		}

		for (__u32 k = 0; k < r->info.n_ifaces; k++) {
			if (r->info.ifaces[k].ifindex != old->ifaces[i].ifindex)
				continue;
			wanted = r->inherited[k] = true;
			r->info.ifaces[k].flags |=
				old->ifaces[i].flags & IFACE_QDISC_OURS;
		}
		if (!wanted)
			detach(r->d.pins.dir, &old->ifaces[i]);
	}
	free(old);
}

void run_detach(struct run *r, bool all)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < r->info.n_ifaces; i++) {
		int err;

		if (!all && r->inherited[i]) {
			r->info.ifaces[kept++] = r->info.ifaces[i];
			continue;
		}
		err = detach(r->d.pins.dir, &r->info.ifaces[i]);
		if (err)
			journal_note(MESSAGE_FAULT, "cannot detach from %s: %s",
				     r->info.ifaces[i].name, strerror(-err));
	}
	r->info.n_ifaces = kept;
}

static int attach_gate(struct run *r, __u32 i)
{
	struct daemon_iface *iface = &r->info.ifaces[i];
	struct bpf_program *prog = r->ethernet[i] ?
					   r->skel->progs.drop_ethernet :
					   r->skel->progs.drop_raw;
	char why[512];

	if (attach_xdp(r->d.pins.dir, iface, bpf_program__fd(prog), why,
		       sizeof(why)))
		return fail("%s", why);
	if (iface->flags & IFACE_XDP_GENERIC)
		journal_note(MESSAGE_GENERIC_XDP,
			     "%s: native XDP was refused (%s); generic XDP "
			     "drops later and slower",
			     iface->name, *why ? why : "as before");
	return 0;
}

static int attach_sensor(struct run *r, __u32 i)
{
	struct bpf_program *prog = r->ethernet[i] ?
					   r->skel->progs.detect_ethernet :
					   r->skel->progs.detect_raw;
	char why[512];

	return attach_tc(r->d.pins.dir, &r->info.ifaces[i],
			 bpf_program__fd(prog), why, sizeof(why)) ?
		       fail("%s", why) :
		       0;
}

static int attach_each(struct run *r, bool inherited,
		       int (*attach)(struct run *r, __u32 i))
{
	int err = 0;

	for (__u32 i = 0; i < r->info.n_ifaces && !err; i++)
		if (r->inherited[i] == inherited)
			err = attach(r, i);
	return err;
}

int run_attach(struct run *r)
{
	int err;

	carry_streams(&r->carry);
	err = attach_each(r, true, attach_sensor);
	if (!err) {
		/* From here on, no new ban is made in the old table. */
		carry_bans(&r->carry);
		err = attach_each(r, true, attach_gate);
	}
	if (!err) {
		carry_drain(&r->carry);
		err = attach_each(r, false, attach_gate);
	}
	return err ? err : attach_each(r, false, attach_sensor);
}

int run_publish(struct run *r)
{
	struct daemon_info *info = malloc(sizeof(*info));
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir), err;

	err = info ? daemon_read(p, info) : -ENOMEM;
	if (!err) {
		info->n_ifaces = r->info.n_ifaces;
		memcpy(info->ifaces, r->info.ifaces, sizeof(info->ifaces));
		err = daemon_write(p, info);
	}
	pins_unlock(lock);
	free(info);
	return err;
}
