/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends TCP connections of other network namespaces, which sock_diag(7) does not
 * reach without CAP_SYS_ADMIN: by copies of the sockets of the processes there
 * (pidfd_getfd(2)), which takes CAP_SYS_PTRACE.
 *
 * Whoever runs these processes may have a file in a socket's place, which makes
 * wait whoever closes it. So a child does all of it, and nobody waits for that
 * for more than a bounded time.
 */
#ifndef SMTPXDP_SOCKETS_ELSEWHERE_H
#define SMTPXDP_SOCKETS_ELSEWHERE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "addr.h"

/*
 * Is the connection of this peer (of 128 bits) with a local port to end? Then
 * *why is the network because of which.
 */
typedef bool (*ends_fn)(const struct net *peer, __u16 port, struct net *why,
			void *ctx);

/*
 * Ends connections of all processes in `n` network namespaces, by their inodes.
 * Stores each one's *why in list, of *n_list at most, and how many in *n_list.
 * 0; -ETIMEDOUT: not all were looked at; -EACCES: it is not allowed; or another
 * -errno. *n_list is right in any case.
 */
int sockets_elsewhere_end(const ino_t *ns, size_t n, ends_fn ends, void *ctx,
			  struct net *list, size_t *n_list);

#endif
