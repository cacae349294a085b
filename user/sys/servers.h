/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The mail servers of this machine, by network namespace. */
#ifndef SMTPXDP_SERVERS_H
#define SMTPXDP_SERVERS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_PORTS_MAX 8

/* A network namespace where mail ports are listened on, not by loopback only. */
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
 * Lists the servers of all processes that this one can see; `ports` has a bit
 * for each mail port. *list is to be freed. Returns how many, or -errno.
 */
int servers_list(const __u64 *ports, struct server **list);

#endif
