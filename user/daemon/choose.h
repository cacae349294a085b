/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chooses the devices to watch where the key interfaces names none: where
 * clients of the mail ports come in.
 */
#ifndef SMTPXDP_CHOOSE_H
#define SMTPXDP_CHOOSE_H

#include <linux/types.h>
#include <stddef.h>

#define CHOOSE_SEEN_MAX 64

/* Devices by which clients of mail ports have come in. */
struct seen_devices {
	size_t n;
	unsigned int ifindex[CHOOSE_SEEN_MAX];
};

/*
 * Lists the lowest devices below (links.h):
 * - those that a default route leads to;
 * - those with an address at which a mail port is listened on;
 * - bridges with a port that leads to a mail server's network namespace;
 * - if such a server's packets are routed: those with a public address;
 * - those by which clients have come in: `seen`.
 * Never loopback, a tunnel or a container's device, unless the default route
 * leads there. `ports` has a bit for each mail port. Returns how many, at most
 * `max`, or -errno.
 */
int choose_devices(const __u64 *ports, const struct seen_devices *seen,
		   unsigned int *list, size_t max);

#endif
