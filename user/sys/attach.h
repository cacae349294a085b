/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Puts the programs onto interfaces: XDP by a link (native, or generic where
 * the driver refuses), tc by a TCX link or, before Linux 6.6, a clsact filter.
 * Links are pinned, so that they outlive the daemon.
 */
#ifndef SMTPXDP_ATTACH_H
#define SMTPXDP_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon.h"

/* The sensor's halves: replies go out, what clients say comes in. */
enum tc_side { TC_OUT, TC_IN, TC_SIDES };

/*
 * Attaches to iface->ifindex, or swaps the programs in what an earlier daemon
 * left there. Sets iface->flags; if XDP is generic, says why in `why`. On an
 * error returns -errno, and the cause and remedy in `why`; what was attached
 * by this call is taken down again.
 */
int attach_xdp(const char *dir, struct daemon_iface *iface, int prog_fd,
	       char *why, size_t size);
int attach_tc(const char *dir, struct daemon_iface *iface, enum tc_side side,
	      int prog_fd, char *why, size_t size);

/* Takes down what is attached to an interface, whoever attached it. */
int detach(const char *dir, const struct daemon_iface *iface);

/* Only the links: of another network namespace's interface. */
int detach_links(const char *dir, const struct daemon_iface *iface);

/*
 * The program's id that is attached, as the kernel has it (by the link that is
 * pinned, or the filter), or 0.
 */
__u32 attached_xdp(const char *dir, const struct daemon_iface *iface);
__u32 attached_tc(const char *dir, const struct daemon_iface *iface);
__u32 attached_tc_in(const char *dir, const struct daemon_iface *iface);

/* Is a gate pinned below dir, on any interface? Bans hold only there. */
bool attached_any_gate(const char *dir);

#endif
