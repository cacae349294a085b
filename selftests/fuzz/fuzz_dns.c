// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Answers of DNS: any bytes, of which only sound addresses may come that stand
 * in them; and messages of records that are known, against a reader of those.
 *
 * Bytes: 1024
 * Fuzzes: user/base/dns_answer.c
 */
#include "base/address.h"
#include "base/dns_answer.h"
#include "fuzz/fuzz.h"

#define HOSTS 4
#define RECORDS_MAX 40
#define LINKS_MAX 16 /* of CNAMEs */

enum { A = 1, CNAME = 5, TXT = 16, AAAA = 28 };

static const char *const hosts[HOSTS] = { "h.example", "a.example", "b.example",
					  "c.example" };

struct record {
	uint8_t host;
	uint8_t type;
	uint8_t target; /* of a CNAME */
	uint32_t ttl;
	struct addr addr;
};

READER_BEGINS
static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static bool in_nobody_s_net(const struct addr *a)
{
	static const char *const nets[] = { "0.0.0.0/8",      "127.0.0.0/8",
					    "169.254.0.0/16", "224.0.0.0/3",
					    "fe80::/10",      "ff00::/8" };
	struct net net, host = net_of(a, ADDR_BITS);

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++) {
		must(!net_parse(nets[i], &net, NULL, 0));
		if (net_contains(&net, &host))
			return true;
	}
	return !net_is_v4(&host) && !a->d[0] && !a->d[1];
}

/* What the records are to give, for a family. */
static void check(const struct record *r, size_t n, int v6,
		  const struct dns_answer *got)
{
	struct addr list[RECORDS_MAX];
	size_t host = 0, links = 0, have = 0, dropped = 0, all = 0;
	const struct name_addrs *f = &got->family[v6];
	uint32_t ttl = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		if (r[i].host != host ||
		    (r[i].type != CNAME && r[i].type != (v6 ? AAAA : A)))
			continue;
		ttl = r[i].ttl < ttl ? r[i].ttl : ttl;
		if (r[i].type == CNAME) {
			host = r[i].target;
			i = -1;
			if (++links > LINKS_MAX) {
				must(f->fault == DNS_SENSELESS && !f->n);
				return;
			}
			continue;
		}
		all++;
		if (in_nobody_s_net(&r[i].addr))
			dropped++;
		else if (have < RECORDS_MAX)
			list[have++] = r[i].addr;
	}
	qsort(list, have, sizeof(*list), by_bytes);
	for (size_t i = 0, to = 0; i <= have; i++)
		if (i == have)
			have = to, i++;
		else if (!to || by_bytes(&list[i], &list[to - 1]))
			list[to++] = list[i];
	must(got->ttl == ttl);
	must(got->unusable == dropped);
	must(f->n == (have < NAME_ADDRS_MAX ? have : NAME_ADDRS_MAX));
	must(!memcmp(f->addr, list, f->n * sizeof(*list)));
	must((got->too_many > 0) == (have > NAME_ADDRS_MAX));
	must(f->fault == (have	  ? DNS_OK :
			  dropped ? DNS_UNUSABLE :
				    DNS_NO_ADDRESS));
}

READER_ENDS

struct message {
	uint8_t b[65536];
	size_t n;
};

static void put(struct message *m, const void *data, size_t n)
{
	memcpy(m->b + m->n, data, n);
	m->n += n;
}

static void put16(struct message *m, unsigned int n)
{
	put(m, (uint8_t[]){ n >> 8, n }, 2);
}

/* All hosts have a letter and "example". Whole, or by a pointer to the first. */
static size_t name_of(const char *host, bool pointer, uint8_t to[11])
{
	memcpy(to, "\1?\7example", 11);
	to[1] = *host;
	if (!pointer)
		return 11;
	to[2] = 0xc0;
	to[3] = 14; /* behind the question's first label */
	return 4;
}

static void put_record(struct message *m, const struct record *r, bool pointer)
{
	uint8_t name[11], target[11];
	size_t len = name_of(hosts[r->target], pointer, target);

	put(m, name, name_of(hosts[r->host], pointer, name));
	put16(m, r->type);
	put16(m, 1);
	put16(m, r->ttl >> 16);
	put16(m, r->ttl);
	if (r->type == A) {
		put16(m, 4);
		put(m, &r->addr.b[12], 4);
	} else if (r->type == CNAME) {
		put16(m, len);
		put(m, target, len);
	} else {
		put16(m, 16);
		put(m, &r->addr, 16);
	}
}

static struct record take_record(struct input *in)
{
	static const uint8_t types[] = {
		A, A, A, AAAA, AAAA, AAAA, CNAME, TXT
	};
	uint8_t dice = take_byte(in), near = take_byte(in);
	struct record r = { .host = dice & 8 ? dice >> 4 & 3 : 0,
			    .type = types[dice & 7],
			    .target = dice >> 6,
			    .ttl = near };

	if (r.type == A) {
		r.addr.d[2] = ADDR_V4_WORD;
		take(in, &r.addr.b[12], 2);
		r.addr.b[15] = near;
	} else if (near & 1) {
		take(in, &r.addr, 16);
	} else {
		take(in, &r.addr, 2);
		r.addr.b[15] = near;
	}
	if (near > 250)
		take(in, &r.ttl, sizeof(r.ttl));
	r.ttl &= INT32_MAX; /* RFC 2181, 8 */
	return r;
}

static void try_records(struct input *in, int v6)
{
	static struct message m;
	struct dns_answer a = { .ttl = UINT32_MAX };
	struct record r[RECORDS_MAX];
	uint8_t name[11];
	size_t n = 0;

	m.n = 0;
	put(&m, "\0\0\x81\x80\0\1\0\0\0\0\0\0", 12);
	put(&m, name, name_of(hosts[0], false, name));
	put16(&m, A);
	put16(&m, 1);
	while (in->left && n < RECORDS_MAX) {
		r[n] = take_record(in);
		put_record(&m, &r[n], r[n].ttl & 2);
		n++;
	}
	m.b[7] = n;
	dns_answer_read(m.b, m.n, hosts[0], v6, &a);
	check(r, n, v6, &a);
}

static void try_bytes(const struct input *in, int v6)
{
	struct dns_answer a = { .ttl = UINT32_MAX };
	const struct name_addrs *f = &a.family[v6];

	dns_answer_read(in->at, in->left, hosts[0], v6, &a);
	must(f->fault < DNS_FAULTS_MAX && f->n <= NAME_ADDRS_MAX);
	must(!f->n == (f->fault != DNS_OK));
	for (uint32_t i = 0; i < f->n; i++) {
		const struct addr *addr = &f->addr[i];

		must(!in_nobody_s_net(addr));
		must(!i || by_bytes(addr, addr - 1) > 0);
		must(memmem(in->at, in->left, v6 ? addr->b : &addr->b[12],
			    v6 ? 16 : 4));
	}
	a.family[!v6].fault = DNS_NO_ADDRESS;
	must(dns_answer_is_sound(&a));
}

static void fuzz(struct input *in)
{
	uint8_t how = take_byte(in);

	if (how & 2)
		try_bytes(in, how & 1);
	else
		try_records(in, how & 1);
}

static void seeds(void)
{
	static const char whole[] =
		"\2\0\0\x81\x80\0\1\0\1\0\0\0\0\1h\7example\0\0\1\0\1"
		"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\7";
	uint8_t many[65] = {};

	seed(whole, sizeof(whole) - 1);
	for (size_t i = 1; i < sizeof(many); i++)
		many[i] = (i - 1) % 4 ? 198 - i : 0;
	seed(many, sizeof(many));
}
