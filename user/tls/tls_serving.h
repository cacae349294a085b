/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Containers that serve mail already when the daemon starts. */
#ifndef SMTPXDP_TLS_SERVING_H
#define SMTPXDP_TLS_SERVING_H

#include <linux/types.h>
#include <sys/types.h>

/*
 * Calls fn for the processes of each network namespace, but the daemon's own, in
 * which a process listens on one of these ports (bits, as in struct settings).
 */
void tls_serving_each(const __u64 *ports, void (*fn)(pid_t pid, void *ctx),
		      void *ctx);

#endif
