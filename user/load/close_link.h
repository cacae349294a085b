/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program that sees mail servers' sockets close: bpf/close.bpf.c. */
#ifndef SMTPXDP_CLOSE_LINK_H
#define SMTPXDP_CLOSE_LINK_H

struct pins;
struct smtpxdp;

/*
 * Attaches it where it is loaded, pinned to outlive the daemon, and takes down
 * the generation before's. -errno.
 */
int close_link_attach(const struct pins *p, const struct smtpxdp *skel);

/* Takes down all but this generation's; 0: all. -errno. */
int close_link_unpin(const char *dir, int but);

#endif
