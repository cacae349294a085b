// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens, checks and sets aside the state file. store_rows.c has its rows. */
#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "state/store_sql.h"

/* "SMXD" in the file's header marks it as ours, also for file(1). */
#define APPLICATION_ID 0x534d5844
/* A daemon that saves a million bans holds the lock for some seconds. */
#define BUSY_MSEC 20000
#define WAL_TRIES 100
#define WAL_WAIT_USEC 20000

static const char schema[] =
	"CREATE TABLE bans (net TEXT PRIMARY KEY, since INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, failures INTEGER NOT NULL,"
	" code INTEGER NOT NULL, flags INTEGER NOT NULL,"
	" reason TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE history (net TEXT PRIMARY KEY,"
	" offences INTEGER NOT NULL, until INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE allow (net TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE moment (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" boot_id TEXT NOT NULL, map_id INTEGER NOT NULL,"
	" wall INTEGER NOT NULL, boot INTEGER NOT NULL) STRICT;"
	"PRAGMA application_id = " TEXT_OF(
		APPLICATION_ID) ";"
				"PRAGMA user_version = " TEXT_OF(
					STORE_SCHEMA) ";";

/*
 * Came later: a file of before has no such tables, and the version of before does
 * not mind them.
 */
static const char later[] =
	"CREATE TABLE IF NOT EXISTS logins (net TEXT PRIMARY KEY,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" account INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS defaults (key TEXT PRIMARY KEY,"
	" value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS claims (net TEXT NOT NULL,"
	" owner INTEGER NOT NULL, since INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, failures INTEGER NOT NULL,"
	" code INTEGER NOT NULL, flags INTEGER NOT NULL,"
	" reason TEXT NOT NULL, PRIMARY KEY (net, owner))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS owners (id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS account_nets (user INTEGER NOT NULL,"
	" net INTEGER NOT NULL, last INTEGER NOT NULL,"
	" PRIMARY KEY (user, net)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS account_key (id INTEGER PRIMARY KEY"
	" CHECK (id = 1), k0 INTEGER NOT NULL, k1 INTEGER NOT NULL) STRICT;";

/* Of the versions that kept no defaults: those that have changed since. */
static const char earlier_defaults[] =
	"INSERT INTO defaults (key, value)"
	" SELECT * FROM (VALUES ('rate', '10/120s'), ('slow-rate', 'off'))"
	" WHERE NOT EXISTS (SELECT 1 FROM defaults)";

/* With synchronous = FULL, a commit returns when the disk has it. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA journal_size_limit = 4194304;"
			       "PRAGMA cache_size = -16384;";

static int system_error(sqlite3 *db)
{
	int err = sqlite3_system_errno(db);

	return err == ENOSPC || err == EDQUOT ? -ENOSPC :
	       err == EROFS		      ? -EROFS :
	       err == EACCES || err == EPERM  ? -EACCES :
	       err == ENOENT		      ? -ENOENT :
						-EIO;
}

int store_error(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
	case SQLITE_ERROR: /* our SQL is right, so a table is wrong */
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	}
	return system_error(db);
}

int store_exec(struct store *s, const char *sql)
{
	return store_error(s->db, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

int store_has_table(struct store *s, const char *name)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(
		s->db, "SELECT 1 FROM sqlite_schema WHERE name = ?1", -1, &stmt,
		NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 1 : store_error(s->db, rc);
}

static int pragma(struct store *s, const char *sql, int64_t *value)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return store_error(s->db, rc);
}

/*
 * Is the file ours, with tables that this version knows? *empty: it has no
 * tables yet. To be called in a transaction, because another process may be
 * making them.
 */
static int check(struct store *s, bool *empty)
{
	int64_t application = 0, version = 0, tables = 0;
	int err = pragma(s, "PRAGMA application_id", &application);

	if (!err)
		err = pragma(s, "PRAGMA user_version", &version);
	if (!err)
		err = pragma(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err)
		return err;
	*empty = !application && !version && !tables;
	if (*empty)
		return 0;
	if (application != APPLICATION_ID)
		return -EMEDIUMTYPE;
	return version > STORE_SCHEMA ? -ENOTSUP : version < 1 ? -EUCLEAN : 0;
}

/* Checks again: another process may have made the tables meanwhile. */
static int create(struct store *s)
{
	bool empty;
	int err = store_begin(s);

	if (!err)
		err = check(s, &empty);
	if (!err && empty)
		err = store_exec(s, schema);
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

static int prepare(struct store *s)
{
	bool empty = false;
	int err = store_exec(s, "BEGIN");

	if (!err)
		err = check(s, &empty);
	store_rollback(s);
	if (!err)
		err = store_exec(s, settings);
	if (!err && empty)
		err = create(s);
	if (!err)
		err = store_exec(s, later);
	return err || empty ? err : store_exec(s, earlier_defaults);
}

/*
 * Tries several times: to change to WAL, SQLite takes a lock, and does not wait
 * while another process that does the same holds it.
 */
static int prepare_patiently(struct store *s)
{
	int err = prepare(s);

	for (int n = 0; err == -EBUSY && n < WAL_TRIES; n++) {
		usleep(WAL_WAIT_USEC);
		err = prepare(s);
	}
	return err;
}

/* Makes the folder and the file, which only their owner may read. */
static int make_file(const char *dir, const char *path)
{
	int fd, err;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* SQLite makes the files beside it the same user's */
	err = file_own_as(fd, dir);
	close(fd);
	return err;
}

static int path_of(const char *dir, char path[static PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/" STORE_NAME, dir);

	/* Leaves room for "-wal" and ".corrupt-DATE". */
	return n < PATH_MAX - 64 ? 0 : -ENAMETOOLONG;
}

static int open_db(struct store **out, const char *name, int flags)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = sqlite3_open_v2(name, &s->db, flags, NULL);
	if (rc != SQLITE_OK) {
		int err = store_error(s->db, rc);

		store_close(s);
		return err;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MSEC);
	*out = s;
	/* Sorts in memory: a read-only file system would refuse files. */
	return store_exec(s, "PRAGMA temp_store = MEMORY");
}

int store_open(struct store **out, const char *dir)
{
	char path[PATH_MAX];
	struct store *s = NULL;
	int err = path_of(dir, path);

	*out = NULL;
	if (!err)
		err = make_file(dir, path);
	if (!err)
		err = open_db(&s, path, SQLITE_OPEN_READWRITE);
	if (!err)
		err = prepare_patiently(s);
	if (err)
		store_close(s);
	else
		*out = s;
	return err;
}

int store_open_read_only(struct store **out, const char *dir)
{
	char path[PATH_MAX], uri[3 * PATH_MAX] = "file:", *u = uri + 5;
	struct store *s = NULL;
	bool empty = false;
	int err = path_of(dir, path);

	*out = NULL;
	for (const char *c = path; !err && *c; c++)
		u += sprintf(u, strchr("%?#", *c) ? "%%%02x" : "%c", *c);
	if (!err && access(path, R_OK))
		err = -errno;
	strcpy(u, "?immutable=1");
	if (!err)
		err = open_db(&s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	if (!err)
		err = check(s, &empty);
	if (!err && empty)
		err = -ENOENT;
	if (err)
		store_close(s);
	else
		*out = s;
	return err;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < SQL_MAX; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	free(s);
}

int store_begin(struct store *s)
{
	return store_exec(s, "BEGIN IMMEDIATE");
}

int store_commit(struct store *s)
{
	int err = store_exec(s, "COMMIT");

	if (err)
		store_rollback(s);
	return err;
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool store_moved(struct store *s)
{
	int moved = 0;

	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved;
}

void store_checkpoint(struct store *s)
{
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
				  NULL);
}

/* Renames to a new name, which ends with "-1" and so on if need be. */
static int take_name(const char *path, char *to)
{
	char date[32];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	n = snprintf(to, PATH_MAX, "%s.corrupt-%s", path, date);
	for (int i = 1; i < 100; i++) {
		if (!renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE))
			return 0;
		if (errno != EEXIST)
			break;
		snprintf(to + n, PATH_MAX - n, "-%d", i);
	}
	return -errno;
}

int store_set_aside(const char *dir, char to[static PATH_MAX])
{
	static const char *const parts[] = { "-wal", "-shm" };
	char path[PATH_MAX], from[PATH_MAX + 8], aside[PATH_MAX + 8];
	int err = path_of(dir, path);

	if (!err)
		err = take_name(path, to);
	/* sqlite3 .recover needs the log, too. */
	for (int i = 0; !err && i < 2; i++) {
		sprintf(from, "%s%s", path, parts[i]);
		sprintf(aside, "%s%s", to, parts[i]);
		if (rename(from, aside) && errno != ENOENT)
			err = -errno;
	}
	return err;
}

const char *store_explain(const char *dir, int err, char *buf, size_t size)
{
	const char *what = strerror(-err);
	const char *remedy = "see that it can be written, or give smtpxdp run "
			     "another folder with --state";

	switch (err) {
	case -EUCLEAN:
		what = "it is corrupt";
		remedy = "the daemon sets it aside and makes a new one";
		break;
	case -ESTALE:
		what = "the daemon has not taken it over";
		remedy = "see why: journalctl -t smtpxdp";
		break;
	case -ENOTSUP:
		what = "a newer smtpxdp has written it";
		remedy = "install that version again, or move the file away "
			 "and lose what is in it; it is left as it is";
		break;
	case -EMEDIUMTYPE:
		what = "it is a database of some other program";
		remedy = "give smtpxdp run another folder with --state; it is "
			 "left as it is";
		break;
	case -ENOSPC:
		remedy = "make room there";
		break;
	case -EBUSY:
		what = "another process has locked it for long";
		remedy = "see who has it open: fuser -v on it";
		break;
	case -EROFS:
		remedy = "make it writable (the kernel mounts a file system "
			 "read-only after an error: see dmesg), or give "
			 "smtpxdp run another folder with --state";
		break;
	}
	snprintf(buf, size, "%s/" STORE_NAME ": %s; %s", dir, what, remedy);
	return buf;
}
