/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chooses the devices to watch where the key interfaces names none: where
 * clients of the mail ports come in.
 */
#ifndef SMTPXDP_CHOOSE_H
#define SMTPXDP_CHOOSE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define CHOOSE_SEEN_MAX 64

struct choose_from {
	const __u64 *ports; /* a bit for each mail port */
	/* devices by which clients of mail ports have come in */
	size_t n_seen;
	unsigned int seen[CHOOSE_SEEN_MAX];
	bool containers; /* look for those; see server_read_ports() */
};

/*
 * Lists the lowest devices below (links.h):
 * - those that a default route leads to;
 * - those with an address at which a mail port is listened on;
 * - bridges with a port that leads to a mail server's network namespace;
 * - if such a server's packets are routed: those with a public address;
 * - those by which clients have come in.
 * Never loopback, a tunnel or a container's device, unless the default route
 * leads there. `list` has `n` devices already, up to `max`. Returns how many
 * they are then, or -errno.
 */
int choose_devices(const struct choose_from *from, unsigned int *list, size_t n,
		   size_t max);

#endif
