/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows in maps clients, repeats and nets. */
#ifndef SMTPXDP_ENTRY_H
#define SMTPXDP_ENTRY_H

#include "maps.h"

/* Static: too large for the BPF stack. */
static const struct client client_zero;

/* Finds or makes an entry of map clients or nets. NULL: no room. */
static __always_inline struct client *
entry_get(void *map, const struct addr *key, __u8 len)
{
	struct client *c = bpf_map_lookup_elem(map, key);

	if (c)
		return c;
	bpf_map_update_elem(map, key, &client_zero, BPF_NOEXIST);
	c = bpf_map_lookup_elem(map, key);
	if (c)
		c->len = len;
	return c;
}

#endif
