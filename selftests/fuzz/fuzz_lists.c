// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files of networks and of bans: the same text by both readers, and by one of
 * another make (lib/net_reader.h); and what groups make of the networks against
 * looking at each of them.
 *
 * Bytes: 512
 * Fuzzes: user/base/net_list.c user/lists/ban_file.c user/lists/group_list.c
 * Fuzzes: user/base/address.c
 * Seeds: selftests/unit/test_net_list.c selftests/unit/test_ban_file.c
 * Seeds: selftests/unit/test_group_list.c selftests/unit/test_duration.c
 */
#include <errno.h>

#include "ban.h"
#include "base/address.h"
#include "base/net_list.h"
#include "fuzz/fuzz.h"
#include "lib/config_reader.h"
#include "lib/net_reader.h"
#include "lists/ban_file.h"
#include "lists/group_list.h"

#define GROUP_NETS 16 /* the naive lookup is quadratic */
#define SECONDS_MAX (100ULL * 366 * 86400)

#define LINES_MAX 2048

/* What the other reader finds, and the line where it stops; 0: at the end. */
struct plain {
	struct net net[LINES_MAX];
	struct {
		bool whole;
		uint64_t seconds;
		const char *reason;
		size_t reason_len;
	} ban[LINES_MAX];
	size_t n, wrong;
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

/* A line of a list of networks. False: it is wrong. */
static bool plain_line(struct plain *p, const char *s, size_t n)
{
	const char *word, *more;
	size_t len;

	for (size_t i = 0; i < n; i++)
		if (s[i] == '#' || s[i] == ';')
			n = i;
	len = take_word(&s, &n, &word);
	if (take_word(&s, &n, &more))
		return false;
	return !len || plain_net(word, len, true, &p->net[p->n++]);
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

/* A line of a file of bans: NETWORK [TIME] [REASON]. */
static bool plain_ban(struct plain *p, const char *s, size_t n)
{
	typeof(p->ban[0]) *b = &p->ban[p->n];
	const char *word;
	size_t len, n_time;

	for (size_t i = 0; i < n; i++)
		if ((s[i] == '#' || s[i] == ';') && (!i || is_space(s[i - 1])))
			n = i;
	len = take_word(&s, &n, &word);
	if (!len)
		return true;
	memset(b, 0, sizeof(*b));
	b->whole = !memchr(word, '/', len);
	if (!plain_net(word, len, false, &p->net[p->n++]))
		return false;
	n_time = take_word(&s, &n, &word);
	if (is_time(word, n_time)) {
		if (!conf_time(word, n_time, &b->seconds) || !b->seconds ||
		    b->seconds > 100ULL * 365 * 86400)
			return false;
		take_word(&s, &n, &word);
	}
	b->reason = word;
	b->reason_len = s + n - word;
	while (b->reason_len && is_space(word[b->reason_len - 1]))
		b->reason_len--;
	for (size_t i = 0; i < b->reason_len; i++)
		if (word[i] < ' ' || word[i] > '~')
			return false;
	return b->reason_len < 64;
}

static void read_plainly(const struct input *in, struct plain *p,
			 bool (*take)(struct plain *, const char *, size_t))
{
	const char *s = (const char *)in->at, *end = s + in->left, *lf;

	p->n = p->wrong = 0;
	for (size_t line = 1; s < end && !p->wrong; s = lf + 1, line++) {
		const char *from = s;
		size_t n = p->n;

		lf = memchr(s, '\n', end - s) ?: end;
		if (take == plain_line && line == 1 && end - s >= 3 &&
		    !memcmp(s, "\xef\xbb\xbf", 3))
			from += 3;
		if (!memchr(s, 0, lf - s) && take(p, from, lf - from))
			continue;
		p->wrong = line;
		p->n = n;
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

		if (!net_contains(&g->net, host))
			continue;
		if (!best || g->kind > best->kind ||
		    (g->kind == best->kind && g->net.len > best->net.len) ||
		    (g->kind == best->kind && g->net.len == best->net.len &&
		     g->group > best->group))
			best = g;
	}
	return best ? best->group : GROUP_NONE;
}

/* What the programs do: the longest network that contains it. */
static enum group look(const struct group_list *l, const struct net *host)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (net_contains(&l->nets[i].net, host) &&
		    (!best || l->nets[i].net.len > best->net.len))
			best = &l->nets[i];
	return best ? best->group : GROUP_NONE;
}

static void check_groups(struct group_list *l)
{
	struct group_net all[GROUP_NETS];
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
			must(look(l, &host) == look_naively(all, n, &host));
			host.len = all[i].net.len;
		}
	}
}

static void read_bans(const struct input *in, const struct plain *p)
{
	FILE *f = stream_of(in);
	struct ban_file bans;
	char err[256] = "";
	size_t line = 0;
	int ret = ban_file_read(&bans, f, &line, err, sizeof(err));

	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*err);
	must(p->wrong == (ret ? line : 0));
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
		must(!e->reason == !p->ban[i].reason_len);
		if (e->reason)
			must(strlen(bans.text + e->reason) ==
				     p->ban[i].reason_len &&
			     !memcmp(bans.text + e->reason, p->ban[i].reason,
				     p->ban[i].reason_len));
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
}

static void seeds(void)
{
}
