/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state file, an SQLite database: it keeps bans, offences, the networks
 * allowlisted by command, who has logged in, and the defaults of keys over a
 * reboot. It knows nothing of maps: state.h decides what is written.
 *
 * Several processes may have the file open. All functions return 0 or -errno:
 * -EUCLEAN   the file is corrupt
 * -ESTALE    the file mirrors other maps: see state.h
 * -ENOTSUP   a newer version has made it
 * -EMEDIUMTYPE  it is a database, but not ours
 * -ENOSPC, -EROFS, -EACCES, -EBUSY, -EIO, -ENOMEM
 */
#ifndef SMTPXDP_STORE_H
#define SMTPXDP_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "ban.h"
#include "state/stamp.h"

#define STORE_NAME "smtpxdp.db"
#define STORE_SCHEMA 1

struct store;

/* Times are seconds of the wall clock, as it was at the time of the stamp. */
struct stored_ban {
	struct net net;
	int64_t since, expires;
	uint32_t failures;
	uint16_t code;
	uint8_t flags; /* enum ban_flags */
	uint32_t owner; /* see ban_owner() */
	char reason[BAN_REASON_SIZE];
};

struct stored_history {
	struct net net;
	uint32_t offences;
	int64_t until; /* the end of the last ban */
};

struct stored_login {
	struct net net;
	int64_t first, last;
	uint32_t account; /* see struct login */
};

/* Opens DIR/smtpxdp.db, and makes both where they are missing. */
int store_open(struct store **s, const char *dir);

/*
 * Opens a file that cannot be written: sees only rows that were moved from the
 * log to the file, which is all but the last seconds. -ENOENT.
 */
int store_open_read_only(struct store **s, const char *dir);

void store_close(struct store *s); /* NULL is fine */

/*
 * Every change belongs to a transaction, and takes effect when that is
 * committed. store_begin() waits for up to 20 seconds while another process has
 * a transaction.
 */
int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Was the file removed or replaced since it was opened? */
bool store_moved(struct store *s);

/* Moves rows from the log to the file, as far as no reader holds them. */
void store_checkpoint(struct store *s);

/* The stamp of the last save; -ENOENT if there was none. */
int store_stamp(struct store *s, struct stamp *m);
int store_put_stamp(struct store *s, const struct stamp *m);

/* Adds so many seconds to all times, after the wall clock was set. */
int store_shift(struct store *s, int64_t seconds);

/* Rows that are the same already are not written again. */
int store_put_ban(struct store *s, const struct stored_ban *b);
int store_put_history(struct store *s, const struct stored_history *h);
int store_put_allow(struct store *s, const struct net *net);
int store_put_login(struct store *s, const struct stored_login *l);

/* A row that is not there is no error. */
enum store_table {
	STORE_BANS,
	STORE_HISTORY,
	STORE_ALLOW,
	STORE_LOGINS,
	STORE_CLAIMS,
	STORE_TABLES
};
int store_del(struct store *s, enum store_table t, const struct net *net);
/* All rows, at once. */
int store_clear(struct store *s, enum store_table t);

/*
 * Calls fn for every row; stops where fn is not 0. fn may delete that row. Rows
 * that make no sense are left out and counted in *odd.
 */
typedef int (*store_ban_fn)(const struct stored_ban *b, void *ctx);
typedef int (*store_history_fn)(const struct stored_history *h, void *ctx);
typedef int (*store_login_fn)(const struct stored_login *l, void *ctx);
typedef int (*store_net_fn)(const struct net *net, void *ctx);
int store_each_ban(struct store *s, store_ban_fn fn, void *ctx, size_t *odd);
/* In the order of `until`, the earliest first. */
int store_each_history(struct store *s, store_history_fn fn, void *ctx,
		       size_t *odd);
/* None, where a file of before is opened to be read only. */
int store_each_login(struct store *s, store_login_fn fn, void *ctx,
		     size_t *odd);
int store_each_net(struct store *s, enum store_table t, store_net_fn fn,
		   void *ctx, size_t *odd);
int store_count(struct store *s, enum store_table t, size_t *n);

/*
 * Renames a corrupt file to smtpxdp.db.corrupt-DATE, with its log; its new path
 * is in `to`. This process must not have it open.
 */
int store_set_aside(const char *dir, char to[static PATH_MAX]);

/* An error as people read it: the path, the cause and the remedy. */
#define STORE_EXPLAIN_SIZE (PATH_MAX + 256)
const char *store_explain(const char *dir, int err, char *buf, size_t size);

#endif
