// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/store_accounts.h"

#include <errno.h>

#include "state/store_sql.h"

int store_account_key(struct store *s, uint64_t k[static 2])
{
	sqlite3_stmt *stmt = NULL;
	int rc, there = store_has_table(s, "account_nets");

	if (there <= 0)
		return there ? there : -ENOENT;
	rc = sqlite3_prepare_v2(s->db, "SELECT k0, k1 FROM account_key", -1,
				&stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		k[0] = sqlite3_column_int64(stmt, 0);
		k[1] = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? -ENOENT : store_error(s->db, rc);
}

/* Runs a statement with up to three numbers. */
static int run(struct store *s, const char *sql, const int64_t v[], int n)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	for (int i = 0; rc == SQLITE_OK && i < n; i++)
		rc = sqlite3_bind_int64(stmt, i + 1, v[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return store_error(s->db, rc);
}

int store_put_account_key(struct store *s, const uint64_t k[static 2])
{
	const int64_t v[] = { k[0], k[1] };
	int err = store_exec(s, "DELETE FROM account_nets");

	return err ? err :
		     run(s,
			 "INSERT OR REPLACE INTO account_key VALUES (1, ?1, ?2)",
			 v, 2);
}

int store_put_account_net(struct store *s, const struct stored_account_net *n)
{
	sqlite3_stmt *stmt = store_statement(s, SQL_PUT_ACCOUNT_NET);
	int err;

	if (!stmt)
		return store_error(s->db, sqlite3_errcode(s->db));
	sqlite3_bind_int64(stmt, 1, n->user);
	sqlite3_bind_int64(stmt, 2, n->net);
	sqlite3_bind_int64(stmt, 3, n->last);
	err = store_error(s->db, sqlite3_step(stmt));
	sqlite3_reset(stmt);
	return err;
}

int store_del_account_net(struct store *s, const struct stored_account_net *n)
{
	const int64_t v[] = { n->user, n->net };

	return run(s, "DELETE FROM account_nets WHERE user = ?1 AND net = ?2",
		   v, 2);
}

int store_each_account_net(struct store *s, store_account_net_fn fn, void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	struct stored_account_net n;
	int err = store_has_table(s, "account_nets"), rc;

	if (err <= 0)
		return err;
	rc = sqlite3_prepare_v2(s->db,
				"SELECT user, net, last FROM account_nets"
				" ORDER BY last",
				-1, &stmt, NULL);
	err = store_error(s->db, rc);
	while (!err && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		n.user = sqlite3_column_int64(stmt, 0);
		n.net = sqlite3_column_int64(stmt, 1);
		n.last = sqlite3_column_int64(stmt, 2);
		err = fn(&n, ctx);
	}
	sqlite3_finalize(stmt);
	return err ? err : store_error(s->db, rc);
}
