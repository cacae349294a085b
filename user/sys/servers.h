/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The mail servers of this machine, by network namespace. */
#ifndef SMTPXDP_SERVERS_H
#define SMTPXDP_SERVERS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_PORTS_MAX 8

/* A network namespace that processes have, and the mail ports there. */
struct server {
	uint64_t netns; /* inode */
	bool here; /* it is the namespace of this process */
	int id; /* by which the kernel's links name it here; -1: none */
	int pid; /* the first process there */
	char name[16]; /* of that process */
	uint16_t port[SERVER_PORTS_MAX];
	size_t n_ports;
};

/*
 * Lists the namespaces of all processes that this one can see, without their
 * ports. *list is to be freed. Returns how many, or -errno.
 */
int servers_list(struct server **list);

/*
 * Finds the mail ports that are listened on there, not by loopback only; `ports`
 * has a bit for each mail port. The kernel looks through all sockets for that:
 * a millisecond, on a large machine. False: none.
 */
bool server_read_ports(struct server *s, const __u64 *ports);

#endif
