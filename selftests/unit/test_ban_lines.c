// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of bans (include/ban_ops.h) alone: what it finds and what not, how
 * full it gets. With several CPUs at once: see test_ban_order.c.
 */
#include <arpa/inet.h>

#include "lib/ban_memory.h"

/* Addresses of all kinds that differ in one bit, each somebody else's. */
static void test_whose(void **state)
{
	static const struct addr kinds[] = {
		{ .d = { 0, 0, ADDR_V4_WORD, 0x01020304 } },
		{ .d = { 0, 0, ADDR_V4_WORD, 0 } },
		{ .d = { 0xb80d0120, 0x01020304, 0, 0 } },
		{ .d = { 0xb80d0120, 0x01020304, 0x05060708, 0x090a0b0c } },
		{ .d = { 0, 0, 0, 0 } },
		{ .d = { 0, 0, 0, 0x01000000 } },
		{ .d = { ADDR_V4_WORD, 0x01020304, 0, 0 } },
		{ .d = { 0x00010000, 0, 0, 0 } },
	};

	table_make(50, 100);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(put(&kinds[i], LONG, NOW, BAN_REPLACE), 0);
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			assert_int_equal(holds(&kinds[k], NOW), k <= i);
		for (int bit = 0; bit < 128; bit++) {
			struct addr a = kinds[i];

			a.b[bit / 8] ^= 1 << bit % 8;
			if (!memcmp(&a, &kinds[5], sizeof(a)) ||
			    !memcmp(&a, &kinds[4], sizeof(a)))
				continue;
			assert_false(holds(&a, NOW));
		}
		assert_true(holds(&kinds[i], LONG - 1));
		assert_false(holds(&kinds[i], LONG));
	}
	assert_int_equal(check_table(), ARRAY_SIZE(kinds));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(lift(&kinds[i], BAN_TICK_MAX), 1);
		assert_false(holds(&kinds[i], NOW));
	}
	assert_int_equal(check_table(), 0);
}

/* It holds as many as it says, wherever they hash to, and not one more. */
static void test_full(void **state)
{
	static const uint32_t sizes[] = { 1,   2,   3,	  16,	    33,
					  511, 512, 1000, LINES_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		/* As full as user space makes it, small ones to the brim. */
		uint32_t slots = sizes[i] * BAN_WAYS;
		uint32_t max = sizes[i] <= 16	    ? slots :
			       sizes[i] < BAN_SMALL ? slots / 2 :
						      slots * 10 / 14;
		struct addr a;

		table_make(sizes[i], max);
		for (uint32_t n = 0; n < max; n++) {
			a = v4(n);
			assert_int_equal(put(&a, LONG + n % 2, NOW, BAN_EXTEND),
					 0);
		}
		a = v4(max);
		assert_int_equal(put(&a, LONG, NOW, BAN_EXTEND), -E2BIG);
		assert_false(holds(&a, NOW));
		assert_int_equal(check_table(), max);
		for (uint32_t n = 0; n < max; n++) {
			a = v4(n);
			assert_true(holds(&a, NOW));
		}
		/* What has run out makes room, the rest stays. */
		for (uint32_t n = max; n < max + max / 4; n++) {
			a = v4(n);
			if (put(&a, 2 * LONG, LONG, BAN_EXTEND))
				assert_true(max < slots); /* none in reach */
			else
				assert_true(holds(&a, LONG));
		}
		check_table();
		for (uint32_t n = 1; n < max; n += 2) {
			a = v4(n);
			assert_true(holds(&a, LONG));
		}
		for (uint32_t n = 0; n < max + max / 4; n++) {
			a = v4(n);
			lift(&a, BAN_TICK_MAX);
		}
		assert_int_equal(check_table(), 0);
	}
}

/* Lists as they come: the nth address of each. */
static struct addr v6(uint32_t upper, uint32_t lower)
{
	struct addr a = {};

	a.d[0] = htonl(upper);
	a.d[1] = htonl(lower);
	return a;
}

static struct addr listed(int kind, uint32_t n)
{
	switch (kind) {
	case 0: /* one behind the other */
		return v4(htonl(0x0a000000 + n));
	case 1: /* the first of each /24 */
		return v4(htonl(n << 8 | n >> 24));
	case 2: /* one of each /19 */
		return v4(htonl(n << 13 | (n & 1)));
	case 3: /* the /64s of a provider's /32 */
		return v6(0x20010db8, n);
	case 4: /* the first /64 of each /56, each /48, each /36, each /32 */
		return v6(0x20010db8 + (n >> 24), n << 8);
	case 5:
		return v6(0x20010db8 + (n >> 16), n << 16);
	case 6:
		return v6(0x20010000 + (n >> 4), n << 28);
	case 7:
		return v6(0x20010000 + n, 0);
	default: /* the last one of each /56 of two providers */
		return v6(n & 1 ? 0x20010db8 : 0x2a000000, n << 7 | 0xff);
	}
}

/* Of ban_map.h, which has a table of its own. */
uint32_t ban_map_info_entries(uint32_t max_bans);

/* Of whatever list, and whatever the seed, as many fit as are promised. */
static void test_fits(void **state)
{
	static const struct {
		uint32_t bans, n_lines, seeds;
	} sizes[] = {
		/* n_lines: as ban_map_info_entries() says */
		{ 100, 50, 1000 },  { 1000, 500, 300 },	 { 2047, 1024, 100 },
		{ 2048, 717, 100 }, { 65536, 22938, 6 }, { 280000, 98000, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(ban_map_info_entries(sizes[i].bans),
				 sizes[i].n_lines + 1);
		for (uint32_t s = 0; s < 9 * sizes[i].seeds; s++) {
			table_make(sizes[i].n_lines, sizes[i].bans);
			for (uint32_t n = 0; n < sizes[i].bans; n++) {
				struct addr a = listed(s % 9, n);

				if (put(&a, LONG, NOW, BAN_EXTEND))
					fail_msg("list %u: %u of %u fit", s % 9,
						 n, sizes[i].bans);
			}
			assert_int_equal(head->used, sizes[i].bans);
		}
	}
}

static void test_modes(void **state)
{
	struct addr a = v4(7);

	table_make(3, 4);
	assert_int_equal(put(&a, LONG, NOW, BAN_EXTEND), 0);
	assert_int_equal(put(&a, LONG - 1, NOW, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG - 1)); /* not made shorter */
	assert_int_equal(put(&a, LONG + 1, NOW, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG));
	assert_int_equal(put(&a, LONG - 1, NOW, BAN_REPLACE), 0);
	assert_false(holds(&a, LONG - 1));
	assert_int_equal(lift(&a, NOW), 0); /* it has not run out */
	assert_int_equal(check_table(), 1);
	assert_int_equal(put(&a, 2 * LONG, LONG, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG));
	assert_int_equal(check_table(), 1);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_modes),
	};

	return cmocka_run_group_tests_name("ban_lines", tests, setup, NULL);
}
