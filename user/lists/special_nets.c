// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/special_nets.h"

#include <stddef.h>

#include "base/address.h"

#define V4(a, b, c, d, n)                                                      \
	{                                                                      \
		.len = ADDR_V4_BITS + (n), .addr = {                           \
			[10] = 0xff,                                           \
			[11] = 0xff,                                           \
			[12] = (a),                                            \
			[13] = (b),                                            \
			[14] = (c),                                            \
			[15] = (d)                                             \
		}                                                              \
	}

/* From IANA's registries of special-purpose addresses. */
static const struct {
	const char *what;
	struct net net;
} special[] = {
	{ "unspecified", V4(0, 0, 0, 0, 8) },
	{ "private", V4(10, 0, 0, 0, 8) },
	{ "CGNAT", V4(100, 64, 0, 0, 10) },
	{ "loopback", V4(127, 0, 0, 0, 8) },
	{ "link-local", V4(169, 254, 0, 0, 16) },
	{ "private", V4(172, 16, 0, 0, 12) },
	{ "private", V4(192, 168, 0, 0, 16) },
	{ "multicast", V4(224, 0, 0, 0, 4) },
	{ "reserved", V4(240, 0, 0, 0, 4) },
	{ "unspecified", { .len = 128 } },
	{ "loopback", { .len = 128, .addr = { [15] = 1 } } },
	{ "private", { .len = 7, .addr = { 0xfc } } },
	{ "link-local", { .len = 10, .addr = { 0xfe, 0x80 } } },
	{ "multicast", { .len = 8, .addr = { 0xff } } },
};

const char *net_special(const struct net *net)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (net_contains(&special[i].net, net) ||
		    net_contains(net, &special[i].net))
			return special[i].what;
	return NULL;
}
