// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of one build's types into another's (user/maps/layout.h), by BTF. */
#include "lib/fixture.h"

#include <bpf/btf.h>

#include "load/carry_map.h"
#include "maps/layout.h"
#include "pure/window.h"

/* Two builds' idea of the same thing. */
struct v1 {
	__u32 small;
	__s16 negative;
	__u8 gone;
	char text[16];
	struct {
		__u64 b;
		__u8 a;
	} in[2];
};

struct v2 {
	struct {
		__u16 a;
		__u64 b;
		__u64 c;
	} in[3];
	char text[8];
	__u64 small;
	__s64 negative;
	__u32 added;
};

struct types {
	int u8, u16, u32, u64, s16, s64, text;
};

static void basic_types(struct btf *b, struct types *t)
{
	t->u8 = btf__add_int(b, "unsigned char", 1, 0);
	t->u16 = btf__add_int(b, "unsigned short", 2, 0);
	t->u32 = btf__add_int(b, "unsigned int", 4, 0);
	t->u64 = btf__add_int(b, "unsigned long long", 8, 0);
	t->s16 = btf__add_int(b, "short", 2, BTF_INT_SIGNED);
	t->s64 = btf__add_int(b, "long long", 8, BTF_INT_SIGNED);
	t->text = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
}

#define FIELD(b, type, holder, field)                                          \
	assert_int_equal(btf__add_field(b, #field, type,                       \
					8 * offsetof(holder, field), 0),       \
			 0)

static struct btf *build_v1(__u32 *top)
{
	struct btf *b = btf__new_empty();
	int inner, array, text;
	struct types t;

	basic_types(b, &t);
	inner = btf__add_struct(b, "inner", sizeof(((struct v1 *)0)->in[0]));
	btf__add_field(b, "b", t.u64, 0, 0);
	btf__add_field(b, "a", t.u8, 64, 0);
	array = btf__add_array(b, t.u32, inner, 2);
	text = btf__add_array(b, t.u32, t.text, 16);
	*top = btf__add_struct(b, "v", sizeof(struct v1));
	FIELD(b, t.u32, struct v1, small);
	FIELD(b, t.s16, struct v1, negative);
	FIELD(b, t.u8, struct v1, gone);
	FIELD(b, text, struct v1, text);
	FIELD(b, array, struct v1, in);
	return b;
}

static struct btf *build_v2(__u32 *top)
{
	struct btf *b = btf__new_empty();
	int inner, array, text, alias;
	struct types t;

	basic_types(b, &t);
	inner = btf__add_struct(b, "inner", sizeof(((struct v2 *)0)->in[0]));
	btf__add_field(b, "a", t.u16, 0, 0);
	btf__add_field(b, "b", t.u64, 64, 0);
	btf__add_field(b, "c", t.u64, 128, 0);
	array = btf__add_array(b, t.u32, inner, 3);
	text = btf__add_array(b, t.u32, t.text, 8);
	alias = btf__add_const(b, btf__add_typedef(b, "__u64", t.u64));
	*top = btf__add_struct(b, "v", sizeof(struct v2));
	FIELD(b, array, struct v2, in);
	FIELD(b, text, struct v2, text);
	FIELD(b, alias, struct v2, small);
	FIELD(b, t.s64, struct v2, negative);
	FIELD(b, t.u32, struct v2, added);
	return b;
}

static void test_by_name(void **state)
{
	const struct v1 old = { .small = 7,
				.negative = -3,
				.gone = 9,
				.text = "twelve bytes",
				.in = { { 1ULL << 40, 200 }, { 2, 3 } } };
	struct v2 new;
	__u32 t1, t2;
	struct btf *b1 = build_v1(&t1), *b2 = build_v2(&t2);
	char buf[64];

	memset(&new, 0xff, sizeof(new));
	layout_convert(b1, t1, &old, b2, t2, &new);
	assert_int_equal(new.small, 7);
	assert_int_equal(new.negative, -3);
	assert_int_equal(new.added, 0);
	assert_string_equal(new.text, "twelve ");
	assert_int_equal(new.in[0].a, 200);
	assert_int_equal(new.in[0].b, 1ULL << 40);
	assert_int_equal(new.in[0].c, 0);
	assert_int_equal(new.in[1].a, 3);
	assert_int_equal(new.in[2].b, 0);
	assert_string_equal(layout_dropped(b1, t1, b2, t2, buf, sizeof(buf)),
			    "gone");
	btf__free(b1);
	btf__free(b2);
}

/* Back to the older one: what does not fit, is as large as can be. */
static void test_narrower(void **state)
{
	const struct v2 new = { .in = { { 1000, 5, 6 }, {}, { 1, 2, 3 } },
				.text = "seven b",
				.small = 1ULL << 33 | 5,
				.negative = -3,
				.added = 1 };
	struct v1 old;
	__u32 t1, t2;
	struct btf *b1 = build_v1(&t1), *b2 = build_v2(&t2);
	char buf[64];

	layout_convert(b2, t2, &new, b1, t1, &old);
	assert_int_equal(old.small, UINT32_MAX);
	assert_int_equal(old.negative, -3);
	assert_int_equal(old.gone, 0);
	assert_string_equal(old.text, "seven b");
	assert_int_equal(old.in[0].a, 255);
	assert_int_equal(old.in[0].b, 5);
	assert_string_equal(layout_dropped(b2, t2, b1, t1, buf, sizeof(buf)),
			    "added");
	btf__free(b1);
	btf__free(b2);
}

/* Same size, other fields: not the same. Same fields by a typedef: the same. */
static void test_same(void **state)
{
	__u32 t1, t1b, t2;
	struct btf *b1 = build_v1(&t1), *b1b = build_v1(&t1b);
	struct btf *b2 = build_v2(&t2);
	struct types t;
	int a, b, c, alias;

	assert_true(layout_same(b1, t1, b1b, t1b));
	assert_false(layout_same(b1, t1, b2, t2));
	basic_types(b1, &t);
	a = btf__add_struct(b1, "s", 8);
	btf__add_field(b1, "jiffies", t.u64, 0, 0);
	b = btf__add_struct(b1, "s", 8);
	btf__add_field(b1, "seconds", t.u64, 0, 0);
	alias = btf__add_typedef(b1, "u64", t.u64);
	c = btf__add_struct(b1, "s", 8);
	btf__add_field(b1, "jiffies", alias, 0, 0);
	assert_false(layout_same(b1, a, b1, b));
	assert_true(layout_same(b1, a, b1, c));
	btf__free(b1);
	btf__free(b1b);
	btf__free(b2);
}

/* Bit fields that grow, shrink and become whole numbers. */
static void test_bits(void **state)
{
	struct old {
		__u64 before;
		__u32 a : 24, b : 8;
		__u16 c : 10, d : 6;
	} old = { 1, 0xabcdef, 200, 1000, 33 };
	struct new
	{
		__u32 d;
		__u32 b : 4, a : 28;
		__u8 c;
	}
	new;
	struct btf *f = btf__new_empty(), *t = btf__new_empty();
	struct types tf, tt;
	int of, nt;

	basic_types(f, &tf);
	basic_types(t, &tt);
	of = btf__add_struct(f, "s", sizeof(old));
	btf__add_field(f, "before", tf.u64, 0, 0);
	btf__add_field(f, "a", tf.u32, 64, 24);
	btf__add_field(f, "b", tf.u32, 88, 8);
	btf__add_field(f, "c", tf.u16, 96, 10);
	btf__add_field(f, "d", tf.u16, 106, 6);
	nt = btf__add_struct(t, "s", sizeof(new));
	btf__add_field(t, "d", tt.u32, 0, 0);
	btf__add_field(t, "b", tt.u32, 32, 4);
	btf__add_field(t, "a", tt.u32, 36, 28);
	btf__add_field(t, "c", tt.u8, 64, 0);
	memset(&new, 0xff, sizeof(new));
	layout_convert(f, of, &old, t, nt, &new);
	assert_int_equal(new.d, 33);
	assert_int_equal(new.b, 15);
	assert_int_equal(new.a, 0xabcdef);
	assert_int_equal(new.c, 255);
	btf__free(f);
	btf__free(t);
}

static void count(struct client *c, __u32 n, __u32 tick, bool ban)
{
	__u32 ticket = 0;

	for (__u32 i = 0; i < n; i++) {
		c->failures++;
		ticket = window_add(c, tick + i);
	}
	if (ban) {
		c->until = window_until(5000, MODE_ENFORCE);
		c->spent = ticket + 1;
	}
}

/* Whoever is banned does not fill his next window. */
static void test_merge_banned(void **state)
{
	struct client c = {}, next = { .last_seen = 4999 }, late = next;

	count(&c, 10, 100, true);
	count(&next, 3, 200, false);
	count(&late, 3, 200, false);
	late.last_seen = 5000;
	client_merge(&c, &next);
	assert_int_equal(c.failures, 13);
	assert_int_equal(c.last_seen, 4999);
	assert_int_equal(window_count(&c, 300, 5000), 0);
	client_merge(&c, &late);
	assert_int_equal(c.failures, 16);
	assert_int_equal(window_count(&c, 300, 5000), 3);
}

/* However the failures are parted, the window is as if one had counted all. */
static void test_client_merge(void **state)
{
	dice_seed();
	for (int i = 0; i < 2000; i++) {
		struct client whole = {}, first = {}, second = {}, before;
		__u32 a = dice_range(0, 300), b = dice_range(0, 300);
		bool ban = dice(2);

		count(&whole, a, 100, ban && a);
		count(&whole, b, 1000, false);
		count(&first, a, 100, ban && a);
		count(&second, b, 1000, false);
		second.last_seen = 6000;
		before = first;
		client_merge(&first, &second);
		assert_true(client_has(&first, &before) || !a ||
			    b > LOG_SLOTS - 1);
		assert_false(client_has(&second, &before));
		assert_int_equal(first.failures, a + b);
		assert_int_equal(first.head, whole.head);
		assert_int_equal(first.spent, whole.spent);
		assert_int_equal(first.until, whole.until);
		assert_memory_equal(first.log, whole.log, sizeof(whole.log));
		assert_int_equal(window_count(&first, 1300, 5000),
				 window_count(&whole, 1300, 5000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_narrower),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_client_merge),
		cmocka_unit_test(test_merge_banned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
