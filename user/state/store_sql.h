/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by store*.c only: the database and its statements. */
#ifndef SMTPXDP_STORE_SQL_H
#define SMTPXDP_STORE_SQL_H

#include <sqlite3.h>

#include "state/store.h"

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

enum sql {
	SQL_PUT_BAN,
	SQL_PUT_HISTORY,
	SQL_PUT_ALLOW,
	SQL_PUT_LOGIN,
	SQL_PUT_ACCOUNT_NET,
	SQL_PUT_STAMP,
	SQL_DEL_BAN,
	SQL_DEL_HISTORY,
	SQL_DEL_ALLOW,
	SQL_DEL_LOGIN,
	SQL_DEL_CLAIMS,
	SQL_MAX
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_MAX]; /* prepared when first needed */
};

/* An SQLite result code as one of store.h's errors. */
int store_error(sqlite3 *db, int rc);
/* A statement, prepared when first asked for; NULL: see sqlite3_errcode(). */
sqlite3_stmt *store_statement(struct store *s, enum sql which);
int store_exec(struct store *s, const char *sql);
/* Is there a table of this name? 1, 0, or an error: a file of before may be read
 * only. */
int store_has_table(struct store *s, const char *name);

#endif
