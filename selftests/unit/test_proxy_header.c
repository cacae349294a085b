// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The PROXY protocol's header (bpf/pure/proxy_header.h): what haproxy and others
 * write, what is none, and addresses against inet_pton().
 */
#include <arpa/inet.h>

#include "base/address.h"
#include "lib/fixture.h"
#include "lib/proxy_feed.h"

static const struct line {
	const char *text;
	const char *client; /* NULL: nobody; "": no header */
} lines[] = {
	{ "PROXY TCP4 198.51.100.7 192.0.2.25 40000 587\r\n", "198.51.100.7" },
	{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	  "255.255.255.255" },
	{ "PROXY TCP6 2001:db8::7 2001:db8:25::25 1 2\r\n", "2001:db8::7" },
	{ "PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n", "198.51.100.7" },
	{ "PROXY TCP6 ::198.51.100.7 ::1 1 2\r\n", "::198.51.100.7" },
	{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "PROXY UNKNOWN\r\n", NULL },
	{ "PROXY UNKNOWN ffff:f::f 1 whatever\r\n", NULL },
	{ "PROXY TCP4 198.51.100.7 192.0.2.25 40000 587\n", "" },
	{ "PROXY TCP4 198.51.100.7 192.0.2.25 40000 65536\r\n", "" },
	{ "PROXY TCP4 198.51.100.7 192.0.2.25 40000 99999\r\n", "" },
	{ "PROXY TCP4 198.51.100.256 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4 198.51.100 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4 198.51.100.07 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4 198.51..7 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4 198.51.100.7.8 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4  198.51.100.7 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY TCP4 198.51.100.7 192.0.2.25  587\r\n", "" },
	{ "PROXY TCP4 2001:db8::7 2001:db8::8 1 2\r\n", "" },
	{ "PROXY TCP6 198.51.100.7 192.0.2.25 1 2\r\n", "" },
	{ "PROXY TCP5 198.51.100.7 192.0.2.25 1 2\r\n", "" },
	{ "PROXY UDP4 198.51.100.7 192.0.2.25 1 2\r\n", "" },
	{ "PROXY TCP6 2001:db8:::7 ::1 1 2\r\n", "" },
	{ "PROXY TCP6 2001::db8::7 ::1 1 2\r\n", "" },
	{ "PROXY TCP6 :1::7 ::1 1 2\r\n", "" },
	{ "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", "" },
	{ "PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", "" },
	{ "PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n", "" },
	{ "PROXY TCP6 12345:: ::1 1 2\r\n", "" },
	{ "proxy TCP4 198.51.100.7 192.0.2.25 40000 587\r\n", "" },
	{ "EHLO client.example\r\n", "" },
	{ "\r\nPROXY TCP4 198.51.100.7 192.0.2.25 40000 587\r\n", "" },
	{ "PROXY UNKNOWN 0123456789012345678901234567890123456789012345678901"
	  "2345678901234567890123456789012345678901234567890\r\n",
	  "" },
};

static void check(const void *text, size_t len, const char *client,
		  size_t header)
{
	struct proxy_header h;
	size_t used;

	for (size_t step = 1; step <= PROXY_CHUNK; step++) {
		int v = feed_header(&h, text, len, step, &used);
		char got[ADDR_TEXT];

		if (!client) {
			assert_int_equal(v, PROXY_NOBODY);
		} else if (!*client) {
			assert_int_equal(v, PROXY_NONE);
			continue;
		} else {
			assert_int_equal(v, PROXY_NAMES);
			assert_string_equal(addr_format(&h.src, got), client);
		}
		assert_int_equal(used, header);
		assert_int_equal(h.pos, header);
	}
}

static void test_lines(void **state)
{
	char text[256];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		size_t n = strlen(lines[i].text);

		print_message("%s", lines[i].text);
		snprintf(text, sizeof(text), "%sEHLO x\r\n", lines[i].text);
		check(text, strlen(text), lines[i].client, n);
	}
}

/* Writes version 2; `more` bytes of TLVs follow the addresses. */
static size_t binary(uint8_t *to, uint8_t command, uint8_t family,
		     const void *ends, size_t size, size_t more)
{
	static const uint8_t mark[] = "\r\n\r\n\0\r\nQUIT\n";

	memcpy(to, mark, 12);
	to[12] = command;
	to[13] = family;
	to[14] = (size + more) >> 8;
	to[15] = size + more;
	memcpy(to + 16, ends, size);
	memset(to + 16 + size, '\n', more);
	memcpy(to + 16 + size + more, "EHLO x\r\n", 8);
	return 16 + size + more;
}

static void test_binary(void **state)
{
	static const uint8_t v4[12] = { 198, 51, 100,  7,    192, 0,
					2,   25, 0x9c, 0x40, 2,	  0x4b };
	static const uint8_t v6[36] = { 0x20, 0x01,	0x0d,
					0xb8, [15] = 7, [31] = 1 };
	static const size_t tlvs[] = { 0, 1, 24, 25, 100, 65000 };
	static uint8_t text[70000];

	for (size_t i = 0; i < sizeof(tlvs) / sizeof(*tlvs); i++) {
		size_t n = binary(text, 0x21, 0x11, v4, 12, tlvs[i]);

		check(text, n + 8, "198.51.100.7", n);
		n = binary(text, 0x21, 0x21, v6, 36, tlvs[i]);
		check(text, n + 8, "2001:db8::7", n);
		n = binary(text, 0x20, 0, v6, 0, tlvs[i]); /* LOCAL */
		check(text, n + 8, NULL, n);
		n = binary(text, 0x20, 0x11, v4, 12, tlvs[i]);
		check(text, n + 8, NULL, n);
		n = binary(text, 0x21, 0, v6, 0, tlvs[i]); /* UNSPEC */
		check(text, n + 8, NULL, n);
		n = binary(text, 0x21, 0x12, v4, 12, tlvs[i]); /* UDP */
		check(text, n + 8, NULL, n);
	}
	check(text, binary(text, 0x21, 0x11, v4, 11, 0), "", 0);
	check(text, binary(text, 0x21, 0x21, v6, 35, 0), "", 0);
	check(text, binary(text, 0x11, 0x11, v4, 12, 0), "", 0);
	check(text, binary(text, 0x22, 0x11, v4, 12, 0), "", 0);
	binary(text, 0x21, 0x11, v4, 12, 0);
	text[4] = '\n';
	check(text, 28, "", 0);
}

/* Ports, which tell a client's own connection to the proxy. */
static void test_ends(void **state)
{
	static const char text[] =
		"PROXY TCP4 198.51.100.7 192.0.2.25 40000 587\r\n";
	char got[ADDR_TEXT];
	struct proxy_header h;
	size_t used;

	assert_int_equal(feed_header(&h, text, strlen(text), 7, &used),
			 PROXY_NAMES);
	assert_string_equal(addr_format(&h.dst, got), "192.0.2.25");
	assert_int_equal(ntohs(h.sport), 40000);
	assert_int_equal(ntohs(h.dport), 587);
}

static const char *const alphabet[] = {
	":",	"::",	 ":", "0",   "1",   "f",
	"abcd", "10000", ".", "255", "256", "1.2.3.4",
};

/* Random text, and random addresses: inet_pton() has to agree. */
static void test_addresses(void **state)
{
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		char a[256] = "", text[320];
		struct proxy_header h;
		struct in6_addr want;
		size_t used;
		int v;

		if (i % 2) {
			for (int n = random() % 18; n >= 0; n--)
				strcat(a, alphabet[random() % 12]);
		} else {
			for (int n = 0; n < 8; n++)
				((uint16_t *)&want)[n] =
					random() % 3 ?
						0 :
						random() >> random() % 16;
			inet_ntop(AF_INET6, &want, a, sizeof(a));
		}
		if (strlen(a) > 45)
			continue;
		snprintf(text, sizeof(text), "PROXY TCP6 %s ::1 1 2\r\n", a);
		v = feed_header(&h, text, strlen(text), 64, &used);
		if ((v == PROXY_NAMES) != inet_pton(AF_INET6, a, &want))
			fail_msg("'%s': %d", a, v);
		if (v == PROXY_NAMES)
			assert_memory_equal(&h.src, &want, 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
