// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/ifaces.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/choose.h"
#include "lists/proxies.h"
#include "maps/settings_map.h"
#include "maps/sign_map.h"
#include "sys/attach.h"
#include "sys/links.h"

#define CONTAINERS_USEC 60000000

void ifaces_add(struct ifaces *f, __u32 ifindex, const char *name)
{
	struct watched *w = &f->list[f->n];

	if (f->n == DAEMON_IFACES_MAX)
		return;
	*w = (struct watched){ .iface.ifindex = ifindex };
	snprintf(w->iface.name, sizeof(w->iface.name), "%s", name);
	f->n++;
}

void ifaces_remove(struct ifaces *f, __u32 i)
{
	memmove(&f->list[i], &f->list[i + 1],
		(--f->n - i) * sizeof(f->list[0]));
}

static bool is_listed(const struct ifaces *f, __u32 ifindex, const char *name)
{
	for (__u32 i = 0; i < f->n; i++)
		if ((ifindex && f->list[i].iface.ifindex == ifindex) ||
		    !strcmp(f->list[i].iface.name, name))
			return true;
	return false;
}

static void add_chosen(struct ifaces *f, __u32 ifindex)
{
	char name[IF_NAMESIZE];
	__u32 before = f->n;

	if (if_indextoname(ifindex, name) && !is_listed(f, ifindex, name))
		ifaces_add(f, ifindex, name);
	if (f->n > before)
		f->list[before].iface.flags = IFACE_CHOSEN;
}

/* Adds the interfaces that choose.h says. -errno. */
static int choose(struct ifaces *f, const struct choose_from *from)
{
	unsigned int chosen[DAEMON_IFACES_MAX];
	__u32 before = f->n;
	int n;

	for (__u32 i = 0; i < before; i++)
		chosen[i] = f->list[i].iface.ifindex;
	n = choose_devices(from, chosen, before, DAEMON_IFACES_MAX);
	for (int i = before; i < n; i++)
		add_chosen(f, chosen[i]);
	return n < 0 ? n : 0;
}

static void came_in(uint32_t ifindex, const struct sign *s, void *ctx)
{
	struct choose_from *from = ctx;

	if (from->n_seen < CHOOSE_SEEN_MAX)
		from->seen[from->n_seen++] = ifindex;
}

/*
 * Are containers to be looked at? A minute long after the devices have changed,
 * for a container's server starts later than its link; then each minute.
 */
static bool containers_are_due(struct ifaces *f)
{
	uint64_t now = clock_monotonic_usec();

	if (now - f->changed_usec > CONTAINERS_USEC &&
	    now - f->containers_usec < CONTAINERS_USEC)
		return false;
	f->containers_usec = now;
	return true;
}

bool ifaces_add_missing(struct ifaces *f)
{
	struct choose_from from = { .ports = settings_now(f->pins)->ports };
	__u32 before = f->n;

	for (int i = 0; f->names[i]; i++)
		if (!is_listed(f, if_nametoindex(f->names[i]), f->names[i]))
			ifaces_add(f, 0, f->names[i]);
	if (ifaces_are_chosen(f)) {
		arrivals_each(f->pins, came_in, &from);
		from.containers = containers_are_due(f);
		choose(f, &from);
	}
	return f->n != before;
}

void ifaces_note_fed(struct ifaces *f, const struct links *l)
{
	for (__u32 i = 0; i < f->n; i++) {
		__u32 to = f->list[i].iface.ifindex;

		f->list[i].iface.flags &= ~IFACE_FED;
		for (__u32 k = 0; k < f->n && to; k++) {
			__u32 from = f->list[k].iface.ifindex;

			if (k != i && from && links_hand_on(l, from, to))
				f->list[i].iface.flags |= IFACE_FED;
		}
	}
}

bool ifaces_keep(struct ifaces *f, const struct daemon_iface *iface)
{
	bool below = false;
	__u32 before = f->n;
	struct links l;
	int err;

	if (!ifaces_are_chosen(f))
		return false;
	err = links_read(&l);
	for (__u32 i = 0; i < f->n && !err; i++)
		below |= links_hand_on(&l, f->list[i].iface.ifindex,
				       iface->ifindex);
	links_free(&l);
	if (below || iface->flags & IFACE_CHOSEN)
		add_chosen(f, iface->ifindex);
	return f->n > before;
}

/* Adds loopback, if a proxy on this host reaches the mail server by it. */
static int add_for_proxies(struct ifaces *f, const struct config *c)
{
	int here = proxies_are_here(c);

	if (here > 0 && !is_listed(f, LOOPBACK_IFINDEX, "lo"))
		ifaces_add(f, LOOPBACK_IFINDEX, "lo");
	return here < 0 ? here : 0;
}

/* Adds what is chosen, by the configured ports. -errno. */
static int find_chosen(struct ifaces *f, const struct config *c)
{
	uint64_t ports[65536 / 64] = {};
	struct choose_from from = { .ports = (const __u64 *)ports,
				    .containers = true };

	parse_ports(c->value[KEY_PORTS], ports, &(struct why){});
	return choose(f, &from);
}

int ifaces_find(struct ifaces *f, const struct config *c)
{
	int err;

	f->names = config_items(c, KEY_INTERFACES);
	if (!f->names)
		return -ENOMEM;
	err = add_for_proxies(f, c);
	if (err)
		return err;
	if (!f->names[0])
		return find_chosen(f, c);
	for (int i = 0; f->names[i]; i++) {
		__u32 ifindex = if_nametoindex(f->names[i]);

		if (is_listed(f, ifindex, f->names[i]))
			continue;
		ifaces_add(f, ifindex, f->names[i]);
		/* the name may be an alternative one */
		if_indextoname(ifindex, f->list[f->n - 1].iface.name);
	}
	return 0;
}

void ifaces_free(struct ifaces *f)
{
	config_items_free(f->names);
}

void ifaces_expect(struct ifaces *f)
{
	struct links l;

	if (!links_read(&l))
		ifaces_note_fed(f, &l);
	links_free(&l);
	for (__u32 i = 0; i < f->n; i++)
		if (f->list[i].iface.ifindex)
			attach_expect(&f->list[i].iface);
}

void ifaces_fill(const struct ifaces *f, struct daemon_info *info)
{
	info->n_ifaces = f->n;
	for (__u32 i = 0; i < f->n; i++)
		info->ifaces[i] = f->list[i].iface;
}

int ifaces_publish(const struct ifaces *f)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int lock = pins_lock_writer(f->pins->dir), err;

	err = info ? daemon_read(f->pins, info) : -ENOMEM;
	if (!err) {
		ifaces_fill(f, info);
		err = daemon_write(f->pins, info);
	}
	pins_unlock(lock);
	free(info);
	return err;
}

static size_t list_names(const struct ifaces *f, bool there, const char *verb,
			 char *buf, size_t size)
{
	size_t n = 0;

	*buf = '\0';
	for (__u32 i = 0; i < f->n && n < size; i++) {
		const struct daemon_iface *iface = &f->list[i].iface;

		if (!iface->ifindex == there)
			continue;
		n += snprintf(buf + n, size - n, "%s %s", n ? "," : verb,
			      iface->name);
	}
	return n < size ? n : size - 1;
}

const char *ifaces_describe(const struct ifaces *f, char *buf, size_t size)
{
	size_t n = list_names(f, true, "watches", buf, size);
	char waiting[256];

	if (list_names(f, false, "waits for", waiting, sizeof(waiting)))
		snprintf(buf + n, size - n, "%s%s", n ? "; " : "", waiting);
	else if (!n)
		snprintf(buf, size, "waits for an interface to watch");
	return buf;
}
