// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/special_nets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
static const struct net special[] = {
	V4(0, 0, 0, 0, 8), /* unspecified */
	V4(10, 0, 0, 0, 8), /* private */
	V4(100, 64, 0, 0, 10), /* CGNAT */
	V4(127, 0, 0, 0, 8), /* loopback */
	V4(169, 254, 0, 0, 16), /* link-local */
	V4(172, 16, 0, 0, 12), /* private */
	V4(192, 168, 0, 0, 16), /* private */
	V4(224, 0, 0, 0, 4), /* multicast */
	V4(240, 0, 0, 0, 4), /* reserved */
	{ .len = 128 }, /* unspecified */
	{ .len = 128, .addr = { [15] = 1 } }, /* loopback */
	{ .len = 7, .addr = { 0xfc } }, /* private */
	{ .len = 10, .addr = { 0xfe, 0x80 } }, /* link-local */
	{ .len = 8, .addr = { 0xff } }, /* multicast */
};

int special_nets(struct net_set *s)
{
	struct net *nets = malloc(sizeof(special));

	if (!nets)
		return -ENOMEM;
	memcpy(nets, special, sizeof(special));
	net_set_init(s, nets, sizeof(special) / sizeof(*special));
	return 0;
}
