/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libxdp's dispatcher, by libxdp. It is opened when it is needed: who has no
 * dispatcher does not need it.
 *
 * Functions return 0, or -errno with cause and remedy in `why`.
 */
#ifndef SMTPXDP_LIBXDP_H
#define SMTPXDP_LIBXDP_H

#include <linux/types.h>
#include <stddef.h>

struct bpf_object;

/*
 * Loads a program of an object that is open, and has the dispatcher that is on
 * the interface call it: those of a lower priority before, the next one if it
 * passes the packet.
 */
int libxdp_add(__u32 ifindex, struct bpf_object *obj, const char *prog,
	       unsigned int priority, char *why, size_t size);

/* Takes the program with this id out of the dispatcher. */
int libxdp_remove(__u32 ifindex, __u32 id, char *why, size_t size);

#endif
