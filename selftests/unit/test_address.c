// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses and networks (user/base/address.h). */
#include <errno.h>

#include "base/address.h"
#include "lib/fixture.h"

static const struct {
	const char *in;
	const char *out; /* NULL: refused */
} addresses[] = {
	{ "192.0.2.7", "192.0.2.7" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "fe80::1", "fe80::1" },
	{ "2001:db8::192.0.2.7", "2001:db8::c000:207" },
	/* v4-mapped is IPv4; v4-compatible (RFC 4291, 2.5.5.1) is not. */
	{ "::ffff:192.0.2.7", "192.0.2.7" },
	{ "::FFFF:c000:207", "192.0.2.7" },
	{ "0:0:0:0:0:ffff:c000:0207", "192.0.2.7" },
	{ "::192.0.2.7", "::192.0.2.7" },
	{ "64:ff9b::192.0.2.7", "64:ff9b::c000:207" },
	{ "2001:db8:85a3:8d3:1319:8a2e:370:7348",
	  "2001:db8:85a3:8d3:1319:8a2e:370:7348" },
	{ "", NULL },
	{ " 192.0.2.7", NULL },
	{ "192.0.2.7 ", NULL },
	{ "192.0.2.7\n", NULL },
	/* What inet_aton() reads as octal, hexadecimal, or with parts missing:
	 * never, somebody else would be banned. */
	{ "192.0.2.07", NULL },
	{ "192.0.2.010", NULL },
	{ "0300.0.2.7", NULL },
	{ "0xc0.0.2.7", NULL },
	{ "3221225991", NULL },
	{ "192.0.519", NULL },
	{ "192.0.2", NULL },
	{ "127.1", NULL },
	{ "192.0.2.", NULL },
	{ "192.0.2.7.", NULL },
	{ "192.0.2.7.8", NULL },
	{ "192..2.7", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.-7", NULL },
	{ "192.0.2.4294967303", NULL },
	{ "fe80::1%eth0", NULL },
	{ "fe80::1%2", NULL },
	{ "192.0.2.7%eth0", NULL },
	{ "[2001:db8::1]", NULL },
	{ "[::1]:25", NULL },
	{ "192.0.2.7:25", NULL },
	{ ":", NULL },
	{ ":::", NULL },
	{ "1::2::3", NULL },
	{ "2001:db8::12345", NULL },
	{ "1:2:3:4:5:6:7", NULL },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "::ffff:192.0.2.07", NULL },
	{ "2001:db8::g", NULL },
	{ "localhost", NULL },
	{ "192.0.2.7/32", NULL },
	/* FULLWIDTH digits; Arabic-Indic ones. */
	{ "\xef\xbc\x91.0.2.7", NULL },
	{ "\xd9\xa1.0.2.7", NULL },
};

static void test_addresses(void **state)
{
	char buf[ADDR_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct addr a;
		int err = addr_parse(addresses[i].in, &a);

		if (err != (addresses[i].out ? 0 : -EINVAL))
			fail_msg("'%s': %d", addresses[i].in, err);
		if (!err)
			assert_string_equal(addr_format(&a, buf),
					    addresses[i].out);
	}
}

static void test_layout(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct addr a;

	assert_int_equal(addr_parse("192.0.2.7", &a), 0);
	assert_memory_equal(a.b, mapped, 16);
	assert_true(addr_is_v4(&a));
	assert_int_equal(addr_parse("2001:db8::1", &a), 0);
	assert_memory_equal(a.b, v6, 16);
	assert_false(addr_is_v4(&a));
}

static const struct {
	const char *in;
	const char *out; /* NULL: refused, with ... */
	int len; /* as struct net counts */
	const char *reason; /* in the error */
} nets[] = {
	{ "192.0.2.7", "192.0.2.7/32", 128, NULL },
	{ "192.0.2.7/32", "192.0.2.7/32", 128, NULL },
	{ "192.0.2.0/24", "192.0.2.0/24", 120, NULL },
	{ "10.0.0.0/8", "10.0.0.0/8", 104, NULL },
	{ "128.0.0.0/1", "128.0.0.0/1", 97, NULL },
	{ "0.0.0.0/0", "0.0.0.0/0", 96, NULL },
	{ "0.0.0.0", "0.0.0.0/32", 128, NULL },
	{ "2001:db8::/32", "2001:db8::/32", 32, NULL },
	{ "2001:db8::1", "2001:db8::1/128", 128, NULL },
	{ "2000::/3", "2000::/3", 3, NULL },
	{ "8000::/1", "8000::/1", 1, NULL },
	{ "::1", "::1/128", 128, NULL },
	/* Written as IPv6, the length counts as IPv6's. */
	{ "::ffff:192.0.2.7", "192.0.2.7/32", 128, NULL },
	{ "::ffff:192.0.2.0/120", "192.0.2.0/24", 120, NULL },
	{ "::ffff:0.0.0.0/96", "0.0.0.0/0", 96, NULL },
	{ "::/96", "::/96", 96, NULL },
	{ "::ffff:192.0.2.0/24", .reason = "did you mean ::/24" },
	/* Host bits: what was probably meant. */
	{ "192.0.2.7/24", .reason = "did you mean 192.0.2.0/24" },
	{ "192.0.2.129/25", .reason = "did you mean 192.0.2.128/25" },
	{ "192.0.2.1/31", .reason = "did you mean 192.0.2.0/31" },
	{ "192.0.2.7/0", .reason = "did you mean 0.0.0.0/0" },
	{ "2001:db8::1/64", .reason = "did you mean 2001:db8::/64" },
	{ "2001:db8::1/127", .reason = "did you mean 2001:db8::/127" },
	/* All of IPv4 within an IPv6 network, which nobody means. */
	{ "::/0", .reason = "every IPv4 address" },
	{ "::/1", .reason = "every IPv4 address" },
	{ "::/80", .reason = "every IPv4 address" },
	{ "::fffe:0:0/95", .reason = "every IPv4 address" },
	{ "192.0.2.0/33", .reason = "0 to 32" },
	{ "192.0.2.0/128", .reason = "0 to 32" },
	{ "192.0.2.0/-1", .reason = "0 to 32" },
	{ "192.0.2.0/+24", .reason = "0 to 32" },
	{ "192.0.2.0/", .reason = "0 to 32" },
	{ "192.0.2.0/024", .reason = "0 to 32" },
	{ "192.0.2.0/00", .reason = "0 to 32" },
	{ "192.0.2.0/ 24", .reason = "0 to 32" },
	{ "192.0.2.0/24 ", .reason = "0 to 32" },
	{ "192.0.2.0/24/8", .reason = "0 to 32" },
	{ "192.0.2.0/2e1", .reason = "0 to 32" },
	{ "192.0.2.0/0x18", .reason = "0 to 32" },
	{ "192.0.2.0/4294967320", .reason = "0 to 32" },
	{ "192.0.2.0/255.255.255.0", .reason = "0 to 32" },
	{ "2001:db8::/129", .reason = "0 to 128" },
	{ "2001:db8::/999", .reason = "0 to 128" },
	{ "", .reason = "not an IP address" },
	{ "/", .reason = "not an IP address" },
	{ "/24", .reason = "not an IP address" },
	{ "192.0.2.07", .reason = "not an IP address" },
	{ "192.0.2/24", .reason = "not an IP address" },
	{ "192.0.2.*", .reason = "not an IP address" },
	{ "192.0.2.1-192.0.2.9", .reason = "not an IP address" },
	{ "192.0.2.0\\24", .reason = "not an IP address" },
	{ "mail.example.org", .reason = "not an IP address" },
	{ "fe80::1%eth0", .reason = "leave away the zone" },
	{ "fe80::%eth0/64", .reason = "leave away the zone" },
	{ "0000:0000:0000:0000:0000:0000:255.255.255.255.0000000000000000000",
	  .reason = "not an IP address" },
};

static void test_nets(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(nets); i++) {
		struct net n, before;
		char err[256] = "", text[NET_TEXT];
		int ret;

		memset(&before, 0xa5, sizeof(before));
		n = before;
		ret = net_parse(nets[i].in, &n, err, sizeof(err));
		if (!nets[i].out) {
			if (ret != -EINVAL || !strstr(err, nets[i].reason))
				fail_msg("'%s': %d, '%s'", nets[i].in, ret,
					 err);
			assert_memory_equal(&n, &before, sizeof(n));
			continue;
		}
		if (ret)
			fail_msg("'%s': '%s'", nets[i].in, err);
		assert_string_equal(net_format(&n, text), nets[i].out);
		assert_int_equal(n.len, nets[i].len);
	}
}

static void test_errors(void **state)
{
	char err[256], tiny[8], huge[5000];
	struct net n;

	/* It names the input, and harmlessly. */
	assert_int_equal(net_parse("x\033[2Jy", &n, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "x\\x1b[2Jy"));
	memset(huge, '1', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(net_parse(huge, &n, err, sizeof(err)), -EINVAL);
	assert_true(strlen(err) < 200);
	assert_int_equal(net_parse("x", &n, tiny, sizeof(tiny)), -EINVAL);
	assert_int_equal(strlen(tiny), sizeof(tiny) - 1);
	assert_int_equal(net_parse("x", &n, NULL, 0), -EINVAL);
	assert_int_equal(net_parse("192.0.2.0/24", &n, NULL, 0), 0);
}

/* ---- against bits taken one by one */

static bool bit(const uint8_t *b, unsigned int i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

/* Half of them IPv4; many zeros and ones, so that networks nest. */
static struct addr random_addr(void)
{
	struct addr a = {};

	for (int i = 0; i < 16; i++)
		a.b[i] = dice(3) ? dice(256) : dice(2) ? 0 : 0xff;
	if (dice(2))
		memcpy(a.b, (uint8_t[12]){ [10] = 0xff, 0xff }, 12);
	return a;
}

static void test_mask(void **state)
{
	for (int round = 0; round < 20000; round++) {
		struct addr a = random_addr(), m = a, back;
		unsigned int len = dice(ADDR_BITS + 1);
		struct net n = net_of(&a, len);

		addr_mask(&m, len);
		for (int i = 0; i < ADDR_BITS; i++)
			assert_int_equal(bit(m.b, i),
					 i < (int)len && bit(a.b, i));
		assert_int_equal(n.len, len);
		back = net_addr(&n);
		assert_memory_equal(&back, &m, sizeof(m));
	}
}

/* What is around a network does not depend on how it was made. */
static void test_around(void **state)
{
	for (int round = 0; round < 20000; round++) {
		struct addr a = random_addr();
		struct net n = net_of(&a, dice(ADDR_BITS + 1));
		unsigned int len = dice(n.len + 1);
		struct net got = net_around(&n, len), want = net_of(&a, len);
		struct net longer = net_around(&n, ADDR_BITS);

		assert_memory_equal(&got, &want, sizeof(got));
		assert_true(net_equal(&got, &want));
		assert_int_equal(net_equal(&got, &n), len == n.len);
		assert_memory_equal(longer.addr, n.addr, sizeof(n.addr));
		want.addr[dice(16)] ^= 1 << dice(8);
		assert_false(net_equal(&got, &want));
	}
}

static void test_host(void **state)
{
	char text[ADDR_TEXT];
	struct net host, net;

	assert_int_equal(host_parse("192.0.2.7", &host), 0);
	assert_int_equal(net_parse("192.0.2.7/32", &net, NULL, 0), 0);
	assert_true(net_equal(&host, &net));
	assert_string_equal(host_format(&host, text), "192.0.2.7");
	assert_int_equal(host_parse("2001:db8::1", &host), 0);
	assert_int_equal(host.len, ADDR_BITS);
	assert_string_equal(host_format(&host, text), "2001:db8::1");
	assert_int_equal(host_parse("192.0.2.0/24", &host), -EINVAL);
}

static void test_contains(void **state)
{
	int yes = 0;

	for (int round = 0; round < 50000; round++) {
		struct addr a = random_addr(), b = dice(2) ? a : random_addr();
		struct net outer = net_of(&a, dice(ADDR_BITS + 1));
		struct net inner = net_of(&b, dice(ADDR_BITS + 1));
		bool want = outer.len <= inner.len;

		for (unsigned int i = 0; i < outer.len; i++)
			want &= bit(outer.addr, i) == bit(inner.addr, i);
		assert_int_equal(net_contains(&outer, &inner), want);
		yes += want;
	}
	assert_in_range(yes, 5000, 45000);
}

static void test_is_v4(void **state)
{
	static const struct {
		const char *net;
		bool v4;
	} cases[] = {
		{ "192.0.2.7", true },	  { "0.0.0.0/0", true },
		{ "10.0.0.0/8", true },	  { "::1", false },
		{ "2000::/3", false },	  { "::/96", false },
		{ "::192.0.2.7", false }, { "::ffff:10.0.0.0/104", true },
	};
	struct net n;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(net_parse(cases[i].net, &n, NULL, 0), 0);
		assert_int_equal(net_is_v4(&n), cases[i].v4);
	}
	/* Shorter than what marks IPv4, though the bits would fit. */
	n = (struct net){ .len = 95, .addr = { [10] = 0xff, 0xfe } };
	assert_false(net_is_v4(&n));
}

static void test_round_trip(void **state)
{
	char text[NET_TEXT], addr[ADDR_TEXT];

	for (int round = 0; round < 50000; round++) {
		struct addr a = random_addr(), b;
		struct net want = net_of(&a, dice_range(0, ADDR_BITS)), got;

		assert_int_equal(addr_parse(addr_format(&a, addr), &b), 0);
		assert_memory_equal(&a, &b, sizeof(a));
		net_format(&want, text);
		if (net_parse(text, &got, addr, sizeof(addr)))
			assert_true(want.len < ADDR_V4_BITS); /* IPv4 in it */
		else
			assert_memory_equal(&want, &got, sizeof(want));
	}
}

/* No text of these letters breaks it, and what is read is what is written. */
static void test_random_text(void **state)
{
	static const char letters[] = "0123456789abcdef:.:./%- f:0.";
	char s[64], text[NET_TEXT], err[256];
	struct net n, again;
	int good = 0;

	for (int round = 0; round < 300000; round++) {
		size_t len = dice(12);

		for (size_t i = 0; i < len; i++)
			s[i] = letters[dice(sizeof(letters) - 1)];
		s[len] = '\0';
		if (net_parse(s, &n, err, sizeof(err)))
			continue;
		good++;
		assert_int_equal(net_parse(net_format(&n, text), &again, err,
					   sizeof(err)),
				 0);
		assert_memory_equal(&n, &again, sizeof(n));
	}
	printf("# %d of them are networks\n", good);
	assert_true(good > 100);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_is_v4),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_random_text),
	};

	return cmocka_run_group_tests_name("address", tests, setup, NULL);
}
