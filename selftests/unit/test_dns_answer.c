// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The addresses in answers of DNS, honest and hostile ones. */
#include "base/address.h"
#include "base/dns_answer.h"
#include "lib/fixture.h"

#define A 1
#define CNAME 5
#define AAAA 28

/* A message under construction. */
static struct {
	uint8_t b[65536];
	size_t n;
	unsigned int records;
} m;

static struct dns_answer answer;

static void put16(unsigned int n)
{
	m.b[m.n++] = n >> 8;
	m.b[m.n++] = n;
}

static void put_name(const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		m.b[m.n++] = len;
		memcpy(m.b + m.n, name, len);
		m.n += len;
		name += len + (name[len] == '.');
	}
	m.b[m.n++] = 0;
}

static void begin(void)
{
	static const uint8_t head[12] = { 0x12, 0x34, 0x81, 0x80, 0, 1 };

	memset(&m, 0, sizeof(m));
	memcpy(m.b, head, sizeof(head));
	m.n = sizeof(head);
	put_name("home.example");
	put16(A);
	put16(1);
	answer = (struct dns_answer){ .ttl = UINT32_MAX };
}

static void record(const char *name, unsigned int type, uint32_t ttl,
		   const void *data, size_t size)
{
	put_name(name);
	put16(type);
	put16(1);
	put16(ttl >> 16);
	put16(ttl);
	put16(size);
	memcpy(m.b + m.n, data, size);
	m.n += size;
	m.records++;
	m.b[6] = m.records >> 8;
	m.b[7] = m.records;
}

static void address(const char *name, uint32_t ttl, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	if (addr_is_v4(&a))
		record(name, A, ttl, &a.b[12], 4);
	else
		record(name, AAAA, ttl, &a, 16);
}

static void alias(const char *name, uint32_t ttl, const char *to)
{
	uint8_t target[256];
	size_t at = m.n, len;

	put_name(to);
	len = m.n - at;
	memcpy(target, m.b + at, len);
	m.n = at;
	record(name, CNAME, ttl, target, len);
}

static void read_as(int family, enum dns_fault fault)
{
	dns_answer_read(m.b, m.n, "home.example", family, &answer);
	assert_int_equal(answer.family[family].fault, fault);
}

static void is(int family, uint32_t i, const char *text)
{
	char buf[ADDR_TEXT];

	assert_true(i < answer.family[family].n);
	assert_string_equal(addr_format(&answer.family[family].addr[i], buf),
			    text);
}

static void test_addresses(void **state)
{
	begin();
	address("HOME.example", 300, "198.51.100.9");
	address("home.example", 60, "198.51.100.7");
	address("home.example", 90, "198.51.100.9");
	address("other.example", 1, "203.0.113.1");
	address("home.example", 7, "2001:db8::7");
	read_as(0, DNS_OK);
	assert_int_equal(answer.family[0].n, 2);
	is(0, 0, "198.51.100.7");
	is(0, 1, "198.51.100.9");
	assert_int_equal(answer.ttl, 60);
	read_as(1, DNS_OK);
	is(1, 0, "2001:db8::7");
	assert_int_equal(answer.ttl, 7);
	assert_int_equal(answer.unusable + answer.too_many, 0);
	assert_true(dns_answer_is_sound(&answer));
}

/* In any order, and not without end. */
static void test_aliases(void **state)
{
	begin();
	address("c.example", 60, "198.51.100.7");
	alias("b.example", 20, "c.example");
	alias("home.example", 40, "b.example");
	read_as(0, DNS_OK);
	is(0, 0, "198.51.100.7");
	assert_int_equal(answer.ttl, 20);

	begin();
	alias("home.example", 40, "b.example");
	alias("b.example", 40, "home.example");
	read_as(0, DNS_SENSELESS);
	begin();
	alias("home.example", 40, "b.example");
	read_as(0, DNS_NO_ADDRESS);
}

/* The lowest ones, whatever their order is this time. */
static void test_too_many(void **state)
{
	char text[32];

	for (int step = 1; step < 250; step += 96) {
		begin();
		for (int i = 0; i < 250; i++) {
			snprintf(text, sizeof(text), "198.51.100.%d",
				 1 + i * step % 250);
			address("home.example", 60, text);
		}
		read_as(0, DNS_OK);
		assert_int_equal(answer.family[0].n, NAME_ADDRS_MAX);
		assert_int_equal(answer.too_many, 250 - NAME_ADDRS_MAX);
		for (int i = 0; i < NAME_ADDRS_MAX; i++) {
			snprintf(text, sizeof(text), "198.51.100.%d", i + 1);
			is(0, i, text);
		}
	}
}

static void test_unusable(void **state)
{
	static const char *const none[] = {
		"0.0.0.0",   "0.1.2.3",		"127.0.0.1", "169.254.1.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "::",
		"::1",	     "fe80::1",		"febf::1",   "ff02::1",
	};
	static const char *const some[] = {
		"10.1.2.3",   "172.16.0.1",  "192.168.1.1",
		"100.64.0.1", "169.253.1.1", "223.255.255.255",
		"fd00::1",    "fec0::1",     "2001:db8::",
	};
	struct addr a;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		begin();
		address("home.example", 60, none[i]);
		read_as(!!strchr(none[i], ':'), DNS_UNUSABLE);
		assert_int_equal(answer.unusable, 1);
		assert_int_equal(addr_parse(none[i], &a), 0);
		assert_false(dns_is_usable(&a));
	}
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		begin();
		address("home.example", 60, some[i]);
		read_as(!!strchr(some[i], ':'), DNS_OK);
	}
	begin(); /* loopback as an IPv6 address that is none */
	addr_parse("127.0.0.1", &a);
	record("home.example", AAAA, 60, &a, 16);
	read_as(1, DNS_UNUSABLE);
}

static void test_senseless(void **state)
{
	size_t whole;

	begin();
	address("home.example", 60, "198.51.100.7");
	whole = m.n;
	for (m.n = 0; m.n < whole; m.n++) {
		answer = (struct dns_answer){ .ttl = UINT32_MAX };
		read_as(0, DNS_SENSELESS);
	}
	begin(); /* an A record of three bytes, one of another class */
	record("home.example", A, 60, "abc", 3);
	read_as(0, DNS_NO_ADDRESS);
	begin(); /* a name that points at itself */
	alias("home.example", 60, "x.example");
	m.b[m.n - 11] = 0xc0;
	m.b[m.n - 10] = m.n - 11;
	read_as(0, DNS_SENSELESS);
}

/* What a process that was taken over may say. */
static void test_sound(void **state)
{
	struct dns_answer good, a;

	begin();
	address("home.example", 60, "198.51.100.7");
	read_as(0, DNS_OK);
	read_as(1, DNS_NO_ADDRESS);
	good = answer;
	assert_true(dns_answer_is_sound(&good));
	a = good;
	a.family[0].n = NAME_ADDRS_MAX + 1;
	assert_false(dns_answer_is_sound(&a));
	a = good;
	a.family[1].fault = DNS_FAULTS_MAX;
	assert_false(dns_answer_is_sound(&a));
	a = good;
	a.family[1].fault = DNS_OK;
	assert_false(dns_answer_is_sound(&a));
	a = good;
	a.family[0].addr[0].b[12] = 0;
	assert_false(dns_answer_is_sound(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_senseless),
		cmocka_unit_test(test_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
