// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which devices lie on which (user/sys/links.c), and where packets come in
 * first: with stacks that this machine may be unable to make.
 */
#include <string.h>

#include "lib/fixture.h"
#include "sys/links.h"

enum {
	LO = 1,
	ETH0, /* legs of bond0 */
	ETH1,
	BOND0,
	BOND0_5, /* a port of br5 */
	BR5,
	ETH2, /* a port of br0 */
	BR0,
	TAP0, /* a port of br0 */
	VETH0, /* a port of br0 */
	BR0_9, /* a VLAN on the bridge */
	ETH3,
	ETH3_7,
	ETH3_7_8, /* a VLAN in a VLAN */
	MV0, /* a macvlan on eth3 */
	DOCKER0,
	VETH1, /* a port of docker0 */
	WG0,
	EMPTY, /* a bridge without ports */
	MV1, /* a macvlan on a device of another namespace */
};

static struct link all[] = {
	{ .ifindex = LO, .loopback = true },
	{ .ifindex = ETH0, .master = BOND0 },
	{ .ifindex = ETH1, .master = BOND0 },
	{ .ifindex = BOND0, .kind = "bond" },
	{ .ifindex = BOND0_5, .kind = "vlan", .lower = BOND0, .master = BR5 },
	{ .ifindex = BR5, .kind = "bridge" },
	{ .ifindex = ETH2, .master = BR0 },
	{ .ifindex = BR0, .kind = "bridge" },
	{ .ifindex = TAP0, .kind = "tun", .master = BR0 },
	{ .ifindex = VETH0, .kind = "veth", .master = BR0 },
	{ .ifindex = BR0_9, .kind = "vlan", .lower = BR0 },
	{ .ifindex = ETH3 },
	{ .ifindex = ETH3_7, .kind = "vlan", .lower = ETH3 },
	{ .ifindex = ETH3_7_8, .kind = "vlan", .lower = ETH3_7 },
	{ .ifindex = MV0, .kind = "macvlan", .lower = ETH3 },
	{ .ifindex = DOCKER0, .kind = "bridge" },
	{ .ifindex = VETH1, .kind = "veth", .master = DOCKER0 },
	{ .ifindex = WG0, .kind = "wireguard" },
	{ .ifindex = EMPTY, .kind = "bridge" },
	{ .ifindex = MV1, .kind = "macvlan" },
};

static const struct links links = { .list = all,
				    .n = sizeof(all) / sizeof(*all) };

static void lowest_are(unsigned int ifindex, const unsigned int *want, size_t n)
{
	unsigned int got[8];

	assert_int_equal(links_lowest(&links, ifindex, got, 8), n);
	assert_memory_equal(got, want, n * sizeof(*want));
}

#define LOWEST(ifindex, ...)                                                   \
	do {                                                                   \
		static const unsigned int want[] = { __VA_ARGS__ };            \
		lowest_are(ifindex, want, sizeof(want) / sizeof(*want));       \
	} while (0)

static void test_lowest(void **state)
{
	LOWEST(ETH0, ETH0);
	LOWEST(BOND0, ETH0, ETH1);
	LOWEST(BR5, ETH0, ETH1);
	LOWEST(BR0, ETH2);
	LOWEST(BR0_9, ETH2);
	LOWEST(ETH3_7_8, ETH3);
	LOWEST(MV0, ETH3);
	LOWEST(MV1, MV1);
	LOWEST(WG0, WG0);
	/* Of a bridge without ways outside, the bridge; never a container's. */
	LOWEST(DOCKER0, DOCKER0);
	LOWEST(EMPTY, EMPTY);
	assert_int_equal(links_lowest(&links, 99, NULL, 0), 0);
}

static void test_outside(void **state)
{
	static const unsigned int inner[] = { LO,    TAP0, VETH0, DOCKER0,
					      VETH1, WG0,  EMPTY };

	for (size_t i = 0; i < links.n; i++) {
		bool want = true;

		for (size_t k = 0; k < sizeof(inner) / sizeof(*inner); k++)
			want &= inner[k] != all[i].ifindex;
		assert_int_equal(links_lead_outside(&links, &all[i]), want);
	}
}

static void test_hands_on(void **state)
{
	static const struct {
		unsigned int from, to;
		bool yes;
	} cases[] = {
		{ ETH0, ETH0, true },	  { ETH0, BR5, true },
		{ ETH1, BOND0_5, true },  { ETH0, ETH1, false },
		{ BR5, ETH0, false },	  { ETH2, BR0_9, true },
		{ TAP0, BR0, true },	  { ETH2, TAP0, false },
		{ ETH3, ETH3_7_8, true }, { ETH3, MV0, true },
		{ ETH3_7, MV0, false },	  { LO, ETH0, false },
		{ 99, ETH0, false },	  { ETH0, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(links_hand_on(&links, cases[i].from,
					       cases[i].to),
				 cases[i].yes);
}

/* Two devices that claim to lie on each other: it comes to an end. */
static void test_circle(void **state)
{
	struct link two[] = {
		{ .ifindex = 1, .kind = "bridge", .master = 2 },
		{ .ifindex = 2, .kind = "bridge", .master = 1 },
	};
	struct links l = { .list = two, .n = 2 };
	unsigned int got[8];

	links_lowest(&l, 1, got, 8);
	assert_false(links_lead_outside(&l, &two[0]));
	assert_true(links_hand_on(&l, 1, 2));
	assert_false(links_hand_on(&l, 1, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lowest),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_hands_on),
		cmocka_unit_test(test_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
