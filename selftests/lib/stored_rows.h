/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows of the state file with values of any type: what has to be read of them,
 * and what a file has to hold into which they are put one after the other.
 */
#ifndef SELFTESTS_STORED_ROWS_H
#define SELFTESTS_STORED_ROWS_H

#include <math.h>
#include <sqlite3.h>

#include "lib/net_reader.h"
#include "state/store.h"

#define ROWS_MAX 6

struct rows {
	struct stored_ban ban[ROWS_MAX];
	struct stored_history history[ROWS_MAX];
	struct stored_login login[ROWS_MAX];
	struct net net[ROWS_MAX];
	size_t bans, histories, logins, nets, odd;
};

/* A value as it is in a row, and what SQLite's C interface makes of it. */
struct value {
	int type;
	int64_t i;
	double d;
	char *text;
};

static inline int64_t whole(double d)
{
	return isnan(d)	       ? 0 :
	       d <= -0x1p63    ? INT64_MIN :
	       d >= 0x1p63 - 1 ? INT64_MAX :
				 (int64_t)d;
}

static inline int64_t as_number(const struct value *v)
{
	const char *s = v->text;
	__int128 sum = 0;
	bool minus;

	if (v->type == SQLITE_INTEGER)
		return v->i;
	if (v->type == SQLITE_FLOAT)
		return whole(v->d);
	if (v->type == SQLITE_NULL)
		return 0;
	s += strspn(s, " \t\n\v\f\r");
	minus = *s == '-';
	s += *s == '-' || *s == '+';
	for (; isdigit(*s) && sum < (__int128)1 << 100; s++)
		sum = sum * 10 + *s - '0';
	sum = minus ? -sum : sum;
	return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : sum;
}

static inline bool as_net(const struct value *v, struct net *net)
{
	return v->text && plain_net(v->text, strlen(v->text), false, net);
}

/* Numbers become digits, which are a reason, too: not compared. */
static inline bool as_reason(const struct value *v, char *reason)
{
	size_t n = v->text ? strlen(v->text) : 0;

	if (n > 63)
		return false;
	for (size_t i = 0; i < n; i++)
		if (v->text[i] < ' ' || v->text[i] > '~')
			return false;
	memset(reason, 0, BAN_REASON_SIZE);
	memcpy(reason, v->text ?: "", n);
	return true;
}

static inline bool know_ban(struct rows *r, const struct value *v)
{
	struct stored_ban *b = &r->ban[r->bans];

	*b = (struct stored_ban){ .since = as_number(&v[1]),
				  .expires = as_number(&v[2]),
				  .failures = as_number(&v[3]),
				  .code = as_number(&v[4]),
				  .flags = as_number(&v[5]) };
	if (!as_net(v, &b->net) || !as_reason(&v[6], b->reason))
		return false;
	r->bans++;
	return true;
}

static inline bool know_history(struct rows *r, const struct value *v)
{
	struct stored_history *h = &r->history[r->histories];
	int64_t offences = as_number(&v[1]);

	*h = (struct stored_history){ .offences = offences,
				      .until = as_number(&v[2]) };
	if (!as_net(v, &h->net) || offences < 1 || offences >> 32)
		return false;
	r->histories++;
	return true;
}

static inline bool know_login(struct rows *r, const struct value *v)
{
	struct stored_login *l = &r->login[r->logins];
	int64_t account = as_number(&v[3]);

	*l = (struct stored_login){ .first = as_number(&v[1]),
				    .last = as_number(&v[2]),
				    .account = account };
	if (!as_net(v, &l->net) || l->first > l->last || account >> 32)
		return false;
	r->logins++;
	return true;
}

static inline bool know_net(struct rows *r, const struct value *v)
{
	r->nets += as_net(v, &r->net[r->nets]);
	return as_net(v, &(struct net){});
}

static inline bool same_ban(const struct stored_ban *a,
			    const struct stored_ban *b)
{
	return net_equal(&a->net, &b->net) && a->since == b->since &&
	       a->expires == b->expires && a->failures == b->failures &&
	       a->code == b->code && a->flags == b->flags &&
	       !strcmp(a->reason, b->reason);
}

static inline bool same_history(const struct stored_history *a,
				const struct stored_history *b)
{
	return net_equal(&a->net, &b->net) && a->offences == b->offences &&
	       a->until == b->until;
}

static inline bool same_login(const struct stored_login *a,
			      const struct stored_login *b)
{
	return net_equal(&a->net, &b->net) && a->first == b->first &&
	       a->last == b->last && a->account == b->account;
}

/* More than a second apart? */
static inline bool apart(int64_t a, int64_t b)
{
	__int128 d = (__int128)a - b;

	return d > 1 || d < -1;
}

/* Puts a row into a table of which networks are the key. */
#define PUT(table, n, row, stays)                                              \
	do {                                                                   \
		size_t k_ = 0;                                                 \
                                                                               \
		while (k_ < (n) && !net_equal(&(table)[k_].net, &(row)->net))  \
			k_++;                                                  \
		if (k_ < (n)) {                                                \
			typeof((row)) old = &(table)[k_];                      \
                                                                               \
			if (stays)                                             \
				break;                                         \
		}                                                              \
		(n) += k_ == (n);                                              \
		(table)[k_] = *(row);                                          \
	} while (0)

static inline void model_ban(struct rows *r, const struct stored_ban *b)
{
	PUT(r->ban, r->bans, b,
	    !apart(old->since, b->since) && !apart(old->expires, b->expires) &&
		    old->failures == b->failures && old->code == b->code &&
		    old->flags == b->flags && !strcmp(old->reason, b->reason));
}

static inline void model_history(struct rows *r, const struct stored_history *h)
{
	PUT(r->history, r->histories, h,
	    !apart(old->until, h->until) && old->offences == h->offences);
}

static inline void model_login(struct rows *r, const struct stored_login *l)
{
	PUT(r->login, r->logins, l,
	    !apart(old->first, l->first) && !apart(old->last, l->last) &&
		    old->account == l->account);
}

static inline void model_net(struct rows *r, const struct net *net)
{
	size_t k = 0;

	while (k < r->nets && !net_equal(&r->net[k], net))
		k++;
	r->net[k] = *net;
	r->nets += k == r->nets;
}

/* Takes a row out of what is known: each has to be there as often as here. */
#define STRIKE(table, n, row, same)                                            \
	do {                                                                   \
		size_t k_ = 0;                                                 \
                                                                               \
		while (k_ < (n) && !same(&(table)[k_], row))                   \
			k_++;                                                  \
		must(k_ < (n));                                                \
		(table)[k_] = (table)[--(n)];                                  \
	} while (0)

#endif
