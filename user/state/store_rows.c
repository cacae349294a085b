// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rows of the state file. Networks are text, as sqlite3(1) shows them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/escape.h"
#include "state/store_sql.h"

/*
 * Times come from jiffies, and rounding moves them by a second: that is no
 * reason to write a page. (No abs(): of the lowest number it is an error.)
 */
#define MOVED(column)                                                          \
	"excluded." column " NOT BETWEEN " column " - 1 AND " column " + 1"

static const char *const sql[SQL_MAX] = {
	[SQL_PUT_BAN] =
		"INSERT INTO bans (net, since, expires, failures, code, flags,"
		" reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		" ON CONFLICT (net) DO UPDATE SET since = excluded.since,"
		" expires = excluded.expires, failures = excluded.failures,"
		" code = excluded.code, flags = excluded.flags,"
		" reason = excluded.reason WHERE " MOVED("since") " OR " MOVED(
			"expires") " OR failures <> excluded.failures"
				   " OR code <> excluded.code OR flags <> excluded.flags"
				   " OR reason <> excluded.reason",
	[SQL_PUT_HISTORY] =
		"INSERT INTO history (net, offences, until) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (net) DO UPDATE SET until = excluded.until,"
		" offences = excluded.offences WHERE " MOVED(
			"until") " OR offences <> excluded.offences",
	[SQL_PUT_ALLOW] = "INSERT OR IGNORE INTO allow (net) VALUES (?1)",
	[SQL_PUT_LOGIN] =
		"INSERT INTO logins (net, first, last, account)"
		" VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (net) DO UPDATE SET first = excluded.first,"
		" last = excluded.last, account = excluded.account"
		" WHERE " MOVED("first") " OR " MOVED(
			"last") " OR account <> excluded.account",
	[SQL_PUT_ACCOUNT_NET] =
		"INSERT INTO account_nets (user, net, last) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (user, net) DO UPDATE SET last = excluded.last"
		" WHERE excluded.last NOT BETWEEN last - 86400 AND last + 86400",
	[SQL_PUT_STAMP] =
		("INSERT OR REPLACE INTO moment (id, boot_id, map_id, wall,"
		 " boot) VALUES (1, ?1, ?2, ?3, ?4)"),
	[SQL_DEL_BAN] = "DELETE FROM bans WHERE net = ?1",
	[SQL_DEL_HISTORY] = "DELETE FROM history WHERE net = ?1",
	[SQL_DEL_ALLOW] = "DELETE FROM allow WHERE net = ?1",
	[SQL_DEL_LOGIN] = "DELETE FROM logins WHERE net = ?1",
	[SQL_DEL_CLAIMS] = "DELETE FROM claims WHERE net = ?1",
};

static const char *const tables[STORE_TABLES] = {
	[STORE_BANS] = "bans",	   [STORE_HISTORY] = "history",
	[STORE_ALLOW] = "allow",   [STORE_LOGINS] = "logins",
	[STORE_CLAIMS] = "claims",
};

sqlite3_stmt *store_statement(struct store *s, enum sql which)
{
	if (!s->stmt[which])
		sqlite3_prepare_v3(s->db, sql[which], -1,
				   SQLITE_PREPARE_PERSISTENT, &s->stmt[which],
				   NULL);
	return s->stmt[which];
}

/* Runs a statement whose values are bound, and resets it. */
static int run(struct store *s, sqlite3_stmt *stmt)
{
	int err = store_error(s->db, sqlite3_step(stmt));

	sqlite3_reset(stmt);
	return err;
}

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
	sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

/* A statement with its first value bound; or NULL, and the error in *err. */
static sqlite3_stmt *with_text(struct store *s, enum sql which,
			       const char *text, int *err)
{
	sqlite3_stmt *stmt = store_statement(s, which);

	if (stmt)
		bind_text(stmt, 1, text);
	else
		*err = store_error(s->db, sqlite3_errcode(s->db));
	return stmt;
}

int store_put_ban(struct store *s, const struct stored_ban *b)
{
	char net[NET_TEXT];
	int err = 0;
	sqlite3_stmt *stmt =
		with_text(s, SQL_PUT_BAN, net_format(&b->net, net), &err);

	if (!stmt)
		return err;
	sqlite3_bind_int64(stmt, 2, b->since);
	sqlite3_bind_int64(stmt, 3, b->expires);
	sqlite3_bind_int64(stmt, 4, b->failures);
	sqlite3_bind_int(stmt, 5, b->code);
	/* The column held 8 bits of flags alone before. */
	sqlite3_bind_int64(stmt, 6, (int64_t)b->owner << 8 | b->flags);
	bind_text(stmt, 7, b->reason);
	return run(s, stmt);
}

int store_put_history(struct store *s, const struct stored_history *h)
{
	char net[NET_TEXT];
	int err = 0;
	sqlite3_stmt *stmt =
		with_text(s, SQL_PUT_HISTORY, net_format(&h->net, net), &err);

	if (!stmt)
		return err;
	sqlite3_bind_int64(stmt, 2, h->offences);
	sqlite3_bind_int64(stmt, 3, h->until);
	return run(s, stmt);
}

int store_put_login(struct store *s, const struct stored_login *l)
{
	char net[NET_TEXT];
	int err = 0;
	sqlite3_stmt *stmt =
		with_text(s, SQL_PUT_LOGIN, net_format(&l->net, net), &err);

	if (!stmt)
		return err;
	sqlite3_bind_int64(stmt, 2, l->first);
	sqlite3_bind_int64(stmt, 3, l->last);
	sqlite3_bind_int64(stmt, 4, l->account);
	return run(s, stmt);
}

static int run_net(struct store *s, enum sql which, const struct net *n)
{
	char net[NET_TEXT];
	int err = 0;
	sqlite3_stmt *stmt = with_text(s, which, net_format(n, net), &err);

	return stmt ? run(s, stmt) : err;
}

int store_put_allow(struct store *s, const struct net *net)
{
	return run_net(s, SQL_PUT_ALLOW, net);
}

int store_del(struct store *s, enum store_table t, const struct net *net)
{
	return run_net(s, SQL_DEL_BAN + t, net);
}

int store_clear(struct store *s, enum store_table t)
{
	char text[64];

	snprintf(text, sizeof(text), "DELETE FROM %s", tables[t]);
	return store_exec(s, text);
}

int store_put_stamp(struct store *s, const struct stamp *m)
{
	int err = 0;
	sqlite3_stmt *stmt = with_text(s, SQL_PUT_STAMP, m->boot_id, &err);

	if (!stmt)
		return err;
	sqlite3_bind_int64(stmt, 2, m->map_id);
	sqlite3_bind_int64(stmt, 3, m->wall);
	sqlite3_bind_int64(stmt, 4, m->boot);
	return run(s, stmt);
}

int store_shift(struct store *s, int64_t seconds)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "UPDATE bans SET since = since + %lld,"
		 " expires = expires + %lld;"
		 "UPDATE claims SET since = since + %lld,"
		 " expires = expires + %lld;"
		 "UPDATE history SET until = until + %lld;"
		 "UPDATE logins SET first = first + %lld, last = last + %lld;"
		 "UPDATE account_nets SET last = last + %lld;",
		 (long long)seconds, (long long)seconds, (long long)seconds,
		 (long long)seconds, (long long)seconds, (long long)seconds,
		 (long long)seconds, (long long)seconds);
	return store_exec(s, text);
}

/* Runs a query and calls fn with each row; stops where fn is not 0. */
typedef int (*row_fn)(sqlite3_stmt *row, void *ctx);

static int query(struct store *s, const char *text, row_fn fn, void *ctx)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL), err = 0;

	while (rc == SQLITE_OK || (rc == SQLITE_ROW && !err)) {
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW)
			err = fn(stmt, ctx);
	}
	sqlite3_finalize(stmt);
	return err ? err : store_error(s->db, rc);
}

struct walk {
	union {
		store_ban_fn ban;
		store_history_fn history;
		store_login_fn login;
		store_net_fn net;
	} fn;
	void *ctx;
	size_t *odd;
};

static const char *text_at(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

static bool net_at(sqlite3_stmt *row, struct net *net)
{
	char why[256];

	return !net_parse(text_at(row, 0), net, why, sizeof(why));
}

/* False: another program wrote a reason that lists would have to escape. */
static bool reason_at(sqlite3_stmt *row, int column,
		      char reason[static BAN_REASON_SIZE])
{
	const char *text = text_at(row, column);

	if (reason_fault(text))
		return false;
	strcpy(reason, text);
	return true;
}

static int ban_row(sqlite3_stmt *row, void *ctx)
{
	struct walk *w = ctx;
	struct stored_ban b = {
		.since = sqlite3_column_int64(row, 1),
		.expires = sqlite3_column_int64(row, 2),
		.failures = sqlite3_column_int64(row, 3),
		.code = sqlite3_column_int(row, 4),
		.flags = sqlite3_column_int64(row, 5),
		.owner = sqlite3_column_int64(row, 5) >> 8,
	};

	if (net_at(row, &b.net) && reason_at(row, 6, b.reason))
		return w->fn.ban(&b, w->ctx);
	++*w->odd;
	return 0;
}

int store_each_ban(struct store *s, store_ban_fn fn, void *ctx, size_t *odd)
{
	struct walk w = { .fn.ban = fn, .ctx = ctx, .odd = odd };

	return query(s,
		     "SELECT net, since, expires, failures, code, flags, reason"
		     " FROM bans",
		     ban_row, &w);
}

static int history_row(sqlite3_stmt *row, void *ctx)
{
	struct walk *w = ctx;
	int64_t offences = sqlite3_column_int64(row, 1);
	struct stored_history h = { .offences = offences,
				    .until = sqlite3_column_int64(row, 2) };

	if (net_at(row, &h.net) && offences > 0 && offences <= UINT32_MAX)
		return w->fn.history(&h, w->ctx);
	++*w->odd;
	return 0;
}

int store_each_history(struct store *s, store_history_fn fn, void *ctx,
		       size_t *odd)
{
	struct walk w = { .fn.history = fn, .ctx = ctx, .odd = odd };

	return query(s,
		     "SELECT net, offences, until FROM history ORDER BY until",
		     history_row, &w);
}

static int login_row(sqlite3_stmt *row, void *ctx)
{
	struct walk *w = ctx;
	int64_t account = sqlite3_column_int64(row, 3);
	struct stored_login l = { .first = sqlite3_column_int64(row, 1),
				  .last = sqlite3_column_int64(row, 2),
				  .account = account };

	if (net_at(row, &l.net) && l.first <= l.last && account >= 0 &&
	    account <= UINT32_MAX)
		return w->fn.login(&l, w->ctx);
	++*w->odd;
	return 0;
}

static int number_row(sqlite3_stmt *row, void *ctx)
{
	*(int64_t *)ctx = sqlite3_column_int64(row, 0);
	return 0;
}

int store_each_login(struct store *s, store_login_fn fn, void *ctx, size_t *odd)
{
	struct walk w = { .fn.login = fn, .ctx = ctx, .odd = odd };
	int64_t there = 0;
	int err = query(s,
			"SELECT count(*) FROM sqlite_schema"
			" WHERE name = 'logins'",
			number_row, &there);

	return err || !there ?
		       err :
		       query(s, "SELECT net, first, last, account FROM logins",
			     login_row, &w);
}

static int net_row(sqlite3_stmt *row, void *ctx)
{
	struct walk *w = ctx;
	struct net net;

	if (net_at(row, &net))
		return w->fn.net(&net, w->ctx);
	++*w->odd;
	return 0;
}

int store_each_net(struct store *s, enum store_table t, store_net_fn fn,
		   void *ctx, size_t *odd)
{
	struct walk w = { .fn.net = fn, .ctx = ctx, .odd = odd };
	char text[64];

	snprintf(text, sizeof(text), "SELECT net FROM %s", tables[t]);
	return query(s, text, net_row, &w);
}

static int count_row(sqlite3_stmt *row, void *ctx)
{
	*(size_t *)ctx = sqlite3_column_int64(row, 0);
	return 0;
}

int store_count(struct store *s, enum store_table t, size_t *n)
{
	char text[64];

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", tables[t]);
	return query(s, text, count_row, n);
}

static int stamp_row(sqlite3_stmt *row, void *ctx)
{
	struct stamp *m = ctx;

	snprintf(m->boot_id, sizeof(m->boot_id), "%s", text_at(row, 0));
	m->map_id = sqlite3_column_int64(row, 1);
	m->wall = sqlite3_column_int64(row, 2);
	m->boot = sqlite3_column_int64(row, 3);
	return 0;
}

int store_stamp(struct store *s, struct stamp *m)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = query(s, "SELECT boot_id, map_id, wall, boot FROM moment",
		    stamp_row, m);
	return err ? err : *m->boot_id ? 0 : -ENOENT;
}
