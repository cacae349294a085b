// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files of networks and of bans: the same text by both readers, and by one of
 * another make (lib/net_reader.h); and what groups make of the networks against
 * looking at each of them.
 *
 * Bytes: 512
 * Fuzzes: user/base/net_list.c user/lists/ban_file.c user/lists/group_list.c
 * Fuzzes: user/base/net_line.c user/base/address.c user/base/quoted.c
 * Fuzzes: user/lists/ban_fields.c
 * Seeds: selftests/unit/test_net_list.c selftests/unit/test_ban_file.c
 * Seeds: selftests/unit/test_group_list.c selftests/unit/test_duration.c
 */
#include <errno.h>

#include "ban.h"
#include "base/address.h"
#include "base/net_list.h"
#include "base/quoted.h"
#include "fuzz/fuzz.h"
#include "lib/config_reader.h"
#include "lib/net_reader.h"
#include "lists/ban_file.h"
#include "lists/group_list.h"

#define GROUP_NETS 16 /* the naive lookup is quadratic */
#define SECONDS_MAX (100ULL * 366 * 86400)

/* 512 bytes hold some 50 ranges, each of 254 networks at most. */
#define LINES_MAX 16384

/* What the other reader finds, and the line where it stops; 0: at the end. */
struct plain {
	struct net net[LINES_MAX];
	struct {
		bool whole;
		uint64_t seconds;
		char reason[512];
	} ban[LINES_MAX];
	size_t n, wrong;
	size_t n_wrong, wrongs[BAN_FILE_FAULTS];
};

struct wanted {
	struct group_list groups;
	const struct plain *plain;
	size_t n;
	uint8_t kinds; /* shifted by one for each network */
};

static void check_net(const struct net *net)
{
	char text[NET_TEXT], err[256];
	struct net again;

	must(net->len <= ADDR_BITS);
	for (unsigned int i = net->len; i < ADDR_BITS; i++)
		must(!(net->addr[i / 8] & 0x80 >> i % 8));
	must(strlen(net_format(net, text)) < sizeof(text));
	must(!net_parse(text, &again, err, sizeof(err)));
	must(net_equal(net, &again));
}

/* ---- the other reader */

READER_BEGINS
static bool is_space(char c)
{
	return c && strchr(" \t\r\n\v\f", c);
}

/* Takes the first word of s[0..*n]; s becomes what is behind it. */
static size_t take_word(const char **s, size_t *n, const char **word)
{
	size_t len = 0;

	while (*n && is_space(**s))
		++*s, --*n;
	*word = *s;
	while (len < *n && !is_space((*s)[len]))
		len++;
	*s += len;
	*n -= len;
	return len;
}

/* Adds one to a number of 16 bytes; false: it was the largest. */
static bool count_up(uint8_t *a)
{
	for (int i = 15; i >= 0; i--)
		if (++a[i])
			return true;
	return false;
}

/* The bits behind the last one that is set. */
static int zeros(const uint8_t *a)
{
	int n = 0;

	while (n < 128 && !(a[15 - n / 8] >> n % 8 & 1))
		n++;
	return n;
}

/* The networks of a range, each as wide as it can be, from the first on. */
static bool plain_range(struct plain *p, struct net a, const struct net *b)
{
	static const uint8_t v4[16] = { [10] = 0xff, [11] = 0xff };
	bool a_v4 = !memcmp(a.addr, v4, 12), b_v4 = !memcmp(b->addr, v4, 12);

	if (a_v4 != b_v4 || memcmp(a.addr, b->addr, 16) > 0)
		return false;
	if (!a_v4 && memcmp(a.addr, v4, 16) < 0 && memcmp(b->addr, v4, 16) > 0)
		return false;
	for (;;) {
		struct net last = a;
		int len = 128 - zeros(a.addr);

		for (;; len++) {
			last = a;
			for (int i = len; i < 128; i++)
				last.addr[i / 8] |= 0x80 >> i % 8;
			if (memcmp(last.addr, b->addr, 16) <= 0)
				break;
		}
		p->net[p->n] = a;
		p->net[p->n++].len = len;
		if (!memcmp(last.addr, b->addr, 16))
			return true;
		memcpy(a.addr, last.addr, 16);
		count_up(a.addr);
	}
}

/* How many ones a netmask begins with; 0: it is none. */
static int plain_mask(const char *s, size_t n)
{
	uint8_t b[4];
	uint32_t v = 0;
	int len = 0;

	if (memchr(s, ':', n) || !plain_v4(s, n, b))
		return 0;
	for (int i = 0; i < 4; i++)
		v = v << 8 | b[i];
	while (v & 1U << 31)
		v <<= 1, len++;
	return v ? 0 : len;
}

static bool plain_address(const char *s, size_t n)
{
	struct net net;

	return !memchr(s, '/', n) && plain_net(s, n, true, &net);
}

/* An address and its netmask, as if it were written with a length. */
static bool plain_masked(struct plain *p, const char *s, size_t n, int len,
			 bool masked)
{
	char text[600];

	if (!len || memchr(s, ':', n) || memchr(s, '/', n))
		return false;
	snprintf(text, sizeof(text), "%.*s/%d", (int)n, s, len);
	return plain_net(text, strlen(text), masked, &p->net[p->n++]);
}

/* The networks of a line; *s becomes what is behind. *whole: one address. */
static bool plain_nets(struct plain *p, const char **s, size_t *n, bool masked,
		       bool *whole)
{
	const char *end = *s + *n, *w, *x, *rest;
	size_t len, more, left;
	struct net a, b;
	bool good;

	*whole = false;
	while (*s < end && is_space(**s))
		++*s;
	for (w = *s; *s < end && !is_space(**s) && !strchr("#;-", **s);)
		++*s;
	len = *s - w;
	if (!len && (*s == end || **s != '-')) {
		*n = end - *s;
		return true;
	}
	for (rest = *s; rest < end && is_space(*rest);)
		rest++;
	good = rest < end && *rest == '-';
	if (good)
		for (rest++; rest < end && is_space(*rest);)
			rest++;
	for (x = rest; rest < end && !is_space(*rest) && !strchr("#;", *rest);)
		rest++;
	more = rest - x;
	left = end - rest;
	if (good) {
		*s = rest, *n = left;
		return plain_address(w, len) && plain_address(x, more) &&
		       plain_net(w, len, false, &a) &&
		       plain_net(x, more, false, &b) && plain_range(p, a, &b);
	}
	if (plain_address(w, len) && plain_address(x, more)) {
		*s = rest, *n = left;
		return plain_masked(p, w, len, plain_mask(x, more), masked);
	}
	*n = end - *s;
	if (more && *x == '/')
		return false;
	x = memchr(w, '/', len);
	if (x && plain_mask(x + 1, len - (x + 1 - w)))
		return plain_masked(p, w, x - w,
				    plain_mask(x + 1, len - (x + 1 - w)),
				    masked);
	*whole = !x;
	return plain_net(w, len, masked, &p->net[p->n++]);
}

/* A line of a list of networks. False: it is wrong. */
static bool plain_line(struct plain *p, const char *s, size_t n)
{
	bool whole;

	if (!plain_nets(p, &s, &n, true, &whole))
		return false;
	for (; n && is_space(*s); n--)
		s++;
	return !n || *s == '#' || *s == ';';
}

static bool is_time(const char *s, size_t n)
{
	bool unit = false;

	for (size_t i = 0; i < n; i++) {
		if (!isdigit(s[i]) && !memchr("smhd", s[i], 4))
			return false;
		unit |= !isdigit(s[i]);
	}
	return unit && isdigit(*s);
}

static bool is_name(const char *s, size_t n)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri",
					     "sat", "sun", "jan", "feb", "mar",
					     "apr", "may", "jun", "jul", "aug",
					     "sep", "oct", "nov", "dec" };

	for (size_t i = 0; n >= 3 && i < sizeof(names) / sizeof(*names); i++)
		if (!strncasecmp(s, names[i], 3))
			return true;
	return false;
}

/* A digit, behind any number of names of days and months. */
static bool is_figure(const char *s, size_t n)
{
	const char *word;

	if (n && *s == '+')
		s++, n--;
	while (is_name(s, n)) {
		take_word(&s, &n, &word);
		for (; n && is_space(*s); n--)
			s++;
	}
	return n && isdigit(*s);
}

/* A reason, in quotes or not. */
static bool plain_reason(const char *s, size_t n, char *to)
{
	size_t len = 0, i;

	if (n && *s == '"') {
		for (i = 1; i < n && s[i] != '"'; i++) {
			if (s[i] == '\\' && ++i < n && s[i] != '"' &&
			    s[i] != '\\')
				return false;
			if (i < n)
				to[len++] = s[i];
		}
		if (i >= n)
			return false;
		for (i++; i < n && is_space(s[i]);)
			i++;
		if (i < n && s[i] != '#' && s[i] != ';')
			return false;
	} else {
		for (i = 0; i < n; i++)
			if ((s[i] == '#' || s[i] == ';') &&
			    (!i || is_space(s[i - 1])))
				n = i;
		while (n && is_space(s[n - 1]))
			n--;
		memcpy(to, s, n);
		len = n;
	}
	to[len] = '\0';
	for (i = 0; i < len; i++)
		if (to[i] < ' ' || to[i] > '~')
			return false;
	return len < 64;
}

/* A line of a file of bans: NETWORK [TIME] [REASON]. */
static bool plain_ban(struct plain *p, const char *s, size_t n)
{
	typeof(p->ban[0]) b = {};
	size_t first = p->n, n_time;
	const char *word;

	if (!plain_nets(p, &s, &n, false, &b.whole))
		return false;
	if (p->n == first)
		return true;
	for (; n && is_space(*s); n--)
		s++;
	for (n_time = 0; n_time < n && !is_space(s[n_time]);)
		n_time++;
	if (is_time(s, n_time)) {
		if (n_time >= 64 || !conf_time(s, n_time, &b.seconds) ||
		    !b.seconds || b.seconds > 100ULL * 365 * 86400)
			return false;
		take_word(&s, &n, &word);
		for (; n && is_space(*s); n--)
			s++;
	} else if (is_figure(s, n)) {
		return false;
	}
	if (!plain_reason(s, n, b.reason))
		return false;
	for (; first < p->n; first++)
		p->ban[first] = b;
	return true;
}

static void read_plainly(const struct input *in, struct plain *p,
			 bool (*take)(struct plain *, const char *, size_t))
{
	const char *s = (const char *)in->at, *end = s + in->left, *lf;

	bool bans = take == plain_ban;

	p->n = p->wrong = p->n_wrong = 0;
	for (size_t line = 1; s < end && !p->wrong; s = lf + 1, line++) {
		const char *from = s;
		size_t n = p->n;

		lf = memchr(s, '\n', end - s) ?: end;
		if (line == 1 && end - s >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
			from += 3;
		if (!memchr(s, 0, lf - s) && take(p, from, lf - from))
			continue;
		p->n = n;
		if (!bans)
			p->wrong = line;
		else if (p->n_wrong++ < BAN_FILE_FAULTS)
			p->wrongs[p->n_wrong - 1] = line;
	}
}
READER_ENDS

static int take_net(const struct net *net, void *ctx)
{
	struct wanted *w = ctx;
	struct group_net g = { .net = *net };

	check_net(net);
	must(w->n < w->plain->n);
	must(net_equal(net, &w->plain->net[w->n]));
	w->kinds = w->kinds * 5 + 7;
	g.kind = w->kinds / 4 % SOURCES_MAX;
	g.group = GROUP_STRICT + w->kinds / 16 % 3;
	if (!(w->kinds / 64 % 4)) {
		g.group = GROUP_RATED;
		g.kind = SOURCE_ASN;
		/* an AS has a network once, as databases do */
		g.asn = 1 + net->len + net->addr[15];
	}
	if (w->n++ < GROUP_NETS)
		must(!group_list_add(&w->groups, &g));
	return 0;
}

static void read_nets(const struct input *in, struct wanted *w)
{
	FILE *f = stream_of(in);
	char err[256] = "";
	size_t line = 0;
	int ret = net_list_read(f, take_net, w, &line, err, sizeof(err));

	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*err);
	must(!ret || line);
	must(w->plain->wrong == (ret ? line : 0));
	must(w->n == w->plain->n);
}

/* What counts for an address, as group_list.h says it. */
static enum group look_naively(const struct group_net *nets, size_t n,
			       const struct net *host)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct group_net *g = &nets[i];

		if (g->group == GROUP_RATED || !net_contains(&g->net, host))
			continue;
		if (!best || g->kind > best->kind ||
		    (g->kind == best->kind && g->net.len > best->net.len) ||
		    (g->kind == best->kind && g->net.len == best->net.len &&
		     g->group > best->group))
			best = g;
	}
	return best ? best->group : GROUP_NONE;
}

/* The longest network of these, of ASes alone or of any, that contains it. */
static struct group_net longest(const struct group_net *nets, size_t n,
				bool rated, const struct net *host)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < n; i++)
		if ((!rated || nets[i].group == GROUP_RATED) &&
		    net_contains(&nets[i].net, host) &&
		    (!best || nets[i].net.len > best->net.len))
			best = &nets[i];
	return best ? *best : (struct group_net){};
}

static void check_groups(struct group_list *l)
{
	struct group_net all[GROUP_NETS], found;
	size_t n = l->n;

	if (n)
		memcpy(all, l->nets, n * sizeof(*all));
	group_list_finish(l);
	must(l->n <= n);
	for (size_t i = 0; i < n; i++) {
		struct net host = all[i].net;

		/* its first address, and its last */
		for (int last = 0; last < 2; last++) {
			for (unsigned int b = host.len; last && b < 128; b++)
				host.addr[b / 8] |= 0x80 >> b % 8;
			host.len = ADDR_BITS;
			/* the programs take the longest one */
			found = longest(l->nets, l->n, false, &host);
			must(found.group == look_naively(all, n, &host));
			must(found.asn == longest(all, n, true, &host).asn);
			host.len = all[i].net.len;
		}
	}
}

/*
 * What is read with its fields is read again as it is written; and whatever
 * other lines say is the same with and without.
 */
static void check_restored(const struct input *in, const struct plain *p)
{
	FILE *f = stream_of(in);
	char text[512], fields[BAN_FIELDS_TEXT], quoted[QUOTED_SIZE(256)];
	struct ban_file bans, again;

	must(!ban_file_read(&bans, f, true));
	for (size_t i = 0; i < bans.n; i++) {
		const struct ban_file_entry *e = &bans.entries[i], *a;
		struct ban_fields b = { .window = e->window,
					.failures = e->failures,
					.since = e->since,
					.code = e->code,
					.flags = e->flags };

		snprintf(b.owner, sizeof(b.owner), "%s",
			 e->owner ? bans.text + e->owner : "");
		snprintf(text, sizeof(text), "192.0.2.7 %s%s",
			 quoted_format(e->reason ? bans.text + e->reason : "",
				       quoted),
			 ban_fields_format(&b, fields));
		f = fmemopen(text, strlen(text), "r");
		must(f && !ban_file_read(&again, f, true));
		fclose(f);
		a = again.entries;
		must(again.n == 1);
		must(a->window == e->window);
		must(a->failures == e->failures && a->since == e->since &&
		     a->code == e->code && a->flags == e->flags &&
		     !a->owner == !e->owner);
		must(!e->owner || !strcmp(again.text + a->owner, b.owner));
		ban_file_free(&again);
	}
	must(bans.n >= p->n);
	ban_file_free(&bans);
}

/* A reason that was read is read again as it is quoted. */
static void check_quoted(const char *reason)
{
	char quoted[QUOTED_SIZE(BAN_REASON_SIZE)], again[512];

	quoted_format(reason, quoted);
	must(strlen(quoted) < sizeof(quoted));
	must(plain_reason(quoted, strlen(quoted), again));
	must(!strcmp(again, reason));
}

static void read_bans(const struct input *in, const struct plain *p)
{
	FILE *f = stream_of(in);
	struct ban_file bans;

	must(!ban_file_read(&bans, f, false));
	must(bans.wrong == p->n_wrong);
	for (size_t i = 0; i < bans.wrong && i < BAN_FILE_FAULTS; i++) {
		must(bans.faults[i].line == p->wrongs[i]);
		must(*bans.faults[i].why);
	}
	must(bans.n == p->n);
	for (size_t i = 0; i < bans.n; i++) {
		const struct ban_file_entry *e = &bans.entries[i];

		check_net(&e->net);
		must(!e->whole || e->net.len == ADDR_BITS);
		must(e->seconds <= SECONDS_MAX);
		must(!e->reason || e->reason < bans.text_len);
		if (e->reason)
			must(strlen(bans.text + e->reason) < BAN_REASON_SIZE);
		must(net_equal(&e->net, &p->net[i]));
		must(e->whole == p->ban[i].whole);
		must(e->seconds == p->ban[i].seconds);
		must(!strcmp(e->reason ? bans.text + e->reason : "",
			     p->ban[i].reason));
		check_quoted(p->ban[i].reason);
	}
	ban_file_free(&bans);
}

static void fuzz(struct input *in)
{
	static struct plain plain;
	struct wanted w = { .plain = &plain };

	read_plainly(in, &plain, plain_line);
	read_nets(in, &w);
	check_groups(&w.groups);
	free(w.groups.nets);
	read_plainly(in, &plain, plain_ban);
	read_bans(in, &plain);
	check_restored(in, &plain);
}

static void seeds(void)
{
}
