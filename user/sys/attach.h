/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches the programs to interfaces: XDP by a link (native, or generic where
 * the driver refuses), tc by a TCX link or, before Linux 6.6, by a clsact
 * filter. The links are pinned below DIR/links, so that they outlive the
 * daemon.
 */
#ifndef SMTPXDP_ATTACH_H
#define SMTPXDP_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon.h"

/*
 * The sensor reads replies on their way out; the sensor of users reads what
 * clients say on its way in.
 */
enum tc_side { TC_OUT, TC_IN, TC_SIDES };

/*
 * Attach a program to iface->ifindex, or swap it into the link that an earlier
 * daemon left there. They set iface->flags; attach_xdp() says in `why` what
 * made it choose generic XDP. On an error they return -errno, with cause and
 * remedy in `why`, and leave nothing attached that they attached.
 */
int attach_xdp(const char *dir, struct daemon_iface *iface, int prog_fd,
	       char *why, size_t size);
int attach_tc(const char *dir, struct daemon_iface *iface, enum tc_side side,
	      int prog_fd, char *why, size_t size);

/*
 * Notes in iface->flags that a clsact qdisc, if one has to be made, will be
 * ours: to be written into map daemon before attaching, so that detach() knows
 * it though the daemon is killed meanwhile.
 */
void attach_expect(struct daemon_iface *iface);

/* Detach the gate only, or one program of the sensor. */
int detach_xdp(const char *dir, const struct daemon_iface *iface);
int detach_tc(const char *dir, const struct daemon_iface *iface,
	      enum tc_side side);

/* Detaches from an interface what this or an earlier daemon has attached. */
int detach(const char *dir, const struct daemon_iface *iface);

/*
 * Removes only the pinned links. That works for an interface of another network
 * namespace, too, where a filter cannot be reached.
 */
int detach_links(const char *dir, const struct daemon_iface *iface);

/*
 * Return the id of the attached program, or 0. They ask the kernel, by the
 * pinned link or for the filter. The gate is attached, too, if its twin is in
 * libxdp's dispatcher: dispatcher.h.
 */
__u32 attached_xdp(const char *dir, const struct daemon_iface *iface);
__u32 attached_tc(const char *dir, const struct daemon_iface *iface);
__u32 attached_tc_in(const char *dir, const struct daemon_iface *iface);

/* Is the gate attached that way, beside other XDP programs? */
bool attached_beside(const char *dir, const struct daemon_iface *iface);

/* Is a gate pinned below dir, on any interface? Without one, no ban holds. */
bool attached_any_gate(const char *dir);

#endif
