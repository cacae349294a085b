/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches the programs that see sockets accepted (bpf/accept.bpf.c) and closed
 * (bpf/close.bpf.c, bpf/tls_close.bpf.c).
 */
#ifndef SMTPXDP_SOCKET_LINKS_H
#define SMTPXDP_SOCKET_LINKS_H

struct pins;
struct smtpxdp;

/*
 * Attach the programs that are loaded, pin their links, so that they outlive the
 * daemon, and remove the pins of earlier generations. -errno.
 */
int accept_link_attach(const struct pins *p, const struct smtpxdp *skel);
int close_links_attach(const struct pins *p, const struct smtpxdp *skel);

/* Takes back accept_link_attach(), for a start that comes to nothing. */
void accept_link_undo(const struct pins *p);

/* Removes the pins of all of them, of all generations. */
void socket_links_unpin(const char *dir);

#endif
