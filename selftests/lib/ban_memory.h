/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A table of bans in memory of the test's own, and what is right of any. The
 * includer may define BAN_SEEN: how the running CPU sees a line.
 */
#ifndef SELFTESTS_BAN_MEMORY_H
#define SELFTESTS_BAN_MEMORY_H

#include "ban_ops.h"
#include "lib/fixture.h"

#ifndef BAN_SEEN
#define BAN_SEEN(line) (line)
#endif

#define LINES_MAX 100000
#define NOW 1000
#define LONG 5000

/* Slots, and two filters of a line for each twelve lines of slots. */
static struct ban_line lines[LINES_MAX + LINES_MAX / 4 + 8];
static struct ban_infos infos[LINES_MAX + 1];
static struct ban_head *const head = (struct ban_head *)lines;

static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i)
{
	assert_in_range(i, 1, ban_entries(h) - 1);
	return BAN_SEEN(&lines[i]);
}

static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i)
{
	assert_in_range(i, 1, h->lines);
	return &infos[i];
}

static inline void table_make(uint32_t n_lines, uint32_t max)
{
	uint32_t filter = max * BAN_FILTER_ROOM / 512 + 1;

	assert_true(n_lines + 2 * filter < ARRAY_SIZE(lines));
	memset(lines, 0, (1 + n_lines + 2 * filter) * sizeof(*lines));
	memset(infos, 0, (n_lines + 1) * sizeof(*infos));
	head->lines = n_lines;
	head->filter_lines = filter;
	head->max = max;
	for (int i = 0; i < 4; i++)
		head->seed[i] = dice_roll() | 1;
}

static inline struct addr v4(uint32_t n)
{
	struct addr a = { .d[2] = ADDR_V4_WORD };

	a.d[3] = n;
	return a;
}

static inline int put(const struct addr *a, uint32_t expires, uint32_t now,
		      enum ban_put_mode mode)
{
	struct ban_client c = { .addr = *a };
	struct ban_entry e = { .expires = expires, .now = now, .mode = mode };

	ban_client(head, &c);
	return ban_put(head, &c, &e);
}

static inline bool holds(const struct addr *a, uint32_t now)
{
	struct ban_client c = { .addr = *a };

	ban_client(head, &c);
	return ban_search(head, &c, 0, now) >= 0;
}

static inline int lift(const struct addr *a, uint32_t until)
{
	struct ban_client c = { .addr = *a };

	ban_client(head, &c);
	return ban_remove(head, &c, until);
}

static inline uint32_t passes(uint32_t line)
{
	return (lines[line].count[0] & BAN_PASS_MASK) / BAN_PASS;
}

/*
 * With nobody at work: each slot is free or published, each entry is where its
 * search goes, each line knows exactly how many went past it, and the filter in
 * force has everybody.
 */
static inline unsigned int check_table(void)
{
	static uint32_t want[LINES_MAX + 1];
	unsigned int n = 0;

	memset(want, 0, (head->lines + 1) * sizeof(*want));
	for (uint32_t i = 1; i <= head->lines; i++) {
		for (int w = 0; w < BAN_WAYS; w++) {
			struct ban_client c = {
				.addr = infos[i].way[w].client
			};
			uint32_t dist;

			assert_int_not_equal(lines[i].expires[w], BAN_CLAIMED);
			if (lines[i].expires[w] == BAN_FREE)
				continue;
			n++;
			ban_client(head, &c);
			assert_int_equal(lines[i].who[w], c.key);
			assert_true(
				ban_filter_has(head, ban_hash(head, &c.addr)));
			for (dist = 0; dist < BAN_PROBE; dist++) {
				uint32_t at =
					ban_index_at(head->lines, c.home, dist);

				if (at == i)
					break;
				want[at]++;
			}
			assert_true(dist < BAN_PROBE);
		}
	}
	for (uint32_t i = 1; i <= head->lines; i++)
		assert_int_equal(passes(i), want[i]);
	assert_int_equal(head->used, n);
	return n;
}

#endif
