/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches the programs that see mail servers' sockets close: bpf/close.bpf.c,
 * bpf/tls_close.bpf.c.
 */
#ifndef SMTPXDP_CLOSE_LINK_H
#define SMTPXDP_CLOSE_LINK_H

struct pins;
struct smtpxdp;

/*
 * Attaches the programs that are loaded, pins their links, so that they outlive
 * the daemon, and removes the pins of earlier generations. -errno.
 */
int close_link_attach(const struct pins *p, const struct smtpxdp *skel);

/* Removes the pins of all generations but one; 0: of all. -errno. */
int close_link_unpin(const char *dir, int but);

#endif
