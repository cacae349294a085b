/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network devices of this namespace, and which of them lie on which. */
#ifndef SMTPXDP_LINKS_H
#define SMTPXDP_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#define LINK_KIND_SIZE 16

struct link {
	unsigned int ifindex;
	/*
	 * The bridge or bond that it is a port of, and that gets its packets;
	 * or 0.
	 */
	unsigned int master;
	/*
	 * The device that a VLAN, macvlan or ipvlan gets its packets from; or
	 * 0.
	 */
	unsigned int lower;
	/* the kernel's id of the namespace with a veth's other end, or -1 */
	int peer_netns;
	bool up;
	bool ethernet; /* its frames have the header, as loopback's do */
	bool loopback;
	char kind[LINK_KIND_SIZE]; /* "bridge", "veth", ...; "": its own */
	char name[IF_NAMESIZE];
};

/* Asks for one device. -errno; -ENODEV if there is none of that index. */
int link_read(unsigned int ifindex, struct link *link);

struct links {
	struct link *list;
	size_t n, room;
};

/* Asks for all devices. -errno. links_free() in any case. */
int links_read(struct links *l);
void links_free(struct links *l);

/* NULL: there is none of that index. */
const struct link *links_find(const struct links *l, unsigned int ifindex);

/* Does a packet that comes in by `from` come in by `to`, too, at once or next? */
bool links_hand_on(const struct links *l, unsigned int from, unsigned int to);

/*
 * Do strangers come in by this device, not only containers, virtual machines
 * and tunnels' ends? Of a device with others below: by one of those. What a
 * veth leads to is not known: to a container.
 */
bool links_lead_outside(const struct links *l, const struct link *link);

/*
 * Lists the devices where the packets of a device come in first: below VLANs,
 * bonds and bridges, of which only the ports count that lead outside. The
 * device itself, if it has none below. Returns how many, at most `max`.
 */
size_t links_lowest(const struct links *l, unsigned int ifindex,
		    unsigned int *list, size_t max);

#endif
