/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gate beside other XDP programs: libxdp's dispatcher is the one program of
 * an interface, and calls several, one after the other. Each change makes a new
 * dispatcher, which replaces the old one as a whole.
 *
 * In the dispatcher is a twin of the gate that is pinned: the same code, on the
 * same maps, of the type that libxdp needs. libxdp pins it, in folders of
 * root's: so root puts it there, and keeps nothing of its own.
 */
#ifndef SMTPXDP_DISPATCHER_H
#define SMTPXDP_DISPATCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon.h"

struct bpf_object;

/* Is a dispatcher of libxdp's attached to it? */
bool dispatcher_is_on(const struct daemon_iface *iface);

/* Does it call a gate of ours, of whatever build? */
bool dispatcher_has_ours(const struct daemon_iface *iface);

/*
 * Opens the gate that is pinned below dir, for such an interface: its fd, or
 * -errno.
 */
int dispatcher_open_gate(const char *dir, const struct daemon_iface *iface);

/* The id of that gate if its twin is in the dispatcher, else 0. */
__u32 dispatcher_find(const char *dir, const struct daemon_iface *iface);

/*
 * Loads the twin, a program of an object that is open, and has the dispatcher
 * call it, before all others. 0, or -errno with cause and remedy in `why`.
 */
int dispatcher_add(const struct daemon_iface *iface, struct bpf_object *obj,
		   const char *prog, char *why, size_t size);

/*
 * Takes those of ours out of it that are not the twin of the gate pinned below
 * dir; dir NULL: all of ours. 0, or -errno as above.
 */
int dispatcher_clear(const struct daemon_iface *iface, const char *dir,
		     char *why, size_t size);

/* Calls fn for each interface whose dispatcher calls a gate of ours. */
void dispatcher_for_each(void (*fn)(const struct daemon_iface *iface,
				    void *ctx),
			 void *ctx);

#endif
