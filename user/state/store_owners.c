// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/store_owners.h"

#include <string.h>

#include "base/address.h"
#include "base/escape.h"
#include "state/store_sql.h"

static sqlite3_stmt *prepare(struct store *s, const char *text, int *err)
{
	sqlite3_stmt *stmt = NULL;

	*err = store_error(s->db,
			   sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL));
	return stmt;
}

/* Runs a statement whose values are bound, and frees it. */
static int run(struct store *s, sqlite3_stmt *stmt)
{
	int err = store_error(s->db, sqlite3_step(stmt));

	sqlite3_finalize(stmt);
	return err;
}

int store_put_claim(struct store *s, const struct stored_ban *c)
{
	char net[NET_TEXT];
	int err;
	sqlite3_stmt *stmt = prepare(s,
				     "INSERT OR REPLACE INTO claims VALUES"
				     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
				     &err);

	if (!stmt)
		return err;
	sqlite3_bind_text(stmt, 1, net_format(&c->net, net), -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, c->owner);
	sqlite3_bind_int64(stmt, 3, c->since);
	sqlite3_bind_int64(stmt, 4, c->expires);
	sqlite3_bind_int64(stmt, 5, c->failures);
	sqlite3_bind_int(stmt, 6, c->code);
	sqlite3_bind_int(stmt, 7, c->flags);
	sqlite3_bind_text(stmt, 8, c->reason, -1, SQLITE_STATIC);
	return run(s, stmt);
}

static const char *text_at(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

static int claim_row(sqlite3_stmt *row, store_ban_fn fn, void *ctx, size_t *odd)
{
	struct stored_ban c = {
		.owner = sqlite3_column_int64(row, 1),
		.since = sqlite3_column_int64(row, 2),
		.expires = sqlite3_column_int64(row, 3),
		.failures = sqlite3_column_int64(row, 4),
		.code = sqlite3_column_int(row, 5),
		.flags = sqlite3_column_int(row, 6),
	};
	const char *reason = text_at(row, 7);
	char why[256];

	if (net_parse(text_at(row, 0), &c.net, why, sizeof(why)) ||
	    reason_fault(reason)) {
		++*odd;
		return 0;
	}
	strcpy(c.reason, reason);
	return fn(&c, ctx);
}

int store_each_claim(struct store *s, store_ban_fn fn, void *ctx, size_t *odd)
{
	int err = 0, rc = SQLITE_DONE;
	sqlite3_stmt *stmt;

	if (store_has_table(s, "claims") <= 0)
		return 0;
	stmt = prepare(s,
		       "SELECT net, owner, since, expires, failures, code,"
		       " flags, reason FROM claims",
		       &err);
	while (!err && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = claim_row(stmt, fn, ctx, odd);
	sqlite3_finalize(stmt);
	return err ? err : store_error(s->db, rc);
}

int store_put_owner(struct store *s, uint32_t owner, const char *name)
{
	int err;
	sqlite3_stmt *stmt = prepare(
		s, "INSERT OR IGNORE INTO owners VALUES (?1, ?2)", &err);

	if (!stmt)
		return err;
	sqlite3_bind_int64(stmt, 1, owner);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	return run(s, stmt);
}

/* In table bans, the owner is above the eight bits of the flags. */
int store_tidy_owners(struct store *s)
{
	return store_exec(s, "DELETE FROM owners WHERE id NOT IN"
			     " (SELECT flags >> 8 FROM bans UNION"
			     " SELECT owner FROM claims)");
}

int store_each_owner(struct store *s, store_owner_fn fn, void *ctx)
{
	int err = 0, rc = SQLITE_DONE;
	sqlite3_stmt *stmt;

	if (store_has_table(s, "owners") <= 0)
		return 0;
	stmt = prepare(s, "SELECT id, name FROM owners", &err);
	while (!err && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!reason_fault(text_at(stmt, 1)))
			err = fn(sqlite3_column_int64(stmt, 0),
				 text_at(stmt, 1), ctx);
	sqlite3_finalize(stmt);
	return err ? err : store_error(s->db, rc);
}
