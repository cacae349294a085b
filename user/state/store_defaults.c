// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/store_defaults.h"

#include <errno.h>

#include "state/store_sql.h"

int store_each_default(struct store *s, store_default_fn fn, void *ctx)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(s->db, "SELECT key, value FROM defaults",
				    -1, &stmt, NULL);
	int err = store_error(s->db, rc);

	while (!err && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = fn((const char *)sqlite3_column_text(stmt, 0),
			 (const char *)sqlite3_column_text(stmt, 1), ctx);
	if (!err)
		err = store_error(s->db, rc);
	sqlite3_finalize(stmt);
	return err;
}

int store_put_default(struct store *s, const char *key, const char *value)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(
		s->db, "INSERT OR REPLACE INTO defaults VALUES (?1, ?2)", -1,
		&stmt, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
	return store_error(s->db, rc);
}
