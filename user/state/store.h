/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state file, an SQLite database: bans, offences and what was allowlisted
 * by command, for the time after a reboot. It knows nothing of maps: what is
 * to be written is state.h's business.
 *
 * Several processes may have it open. All functions return 0 or -errno:
 * -EUCLEAN   the file is corrupt
 * -ESTALE    it mirrors other maps than these: see state.h
 * -ENOTSUP   it was made by a newer version
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

/* Times are seconds of the wall clock, as it was when they were written. */
struct stored_ban {
	struct net net;
	int64_t since, expires;
	uint32_t failures;
	uint16_t code;
	uint8_t flags; /* enum ban_flags */
	char reason[BAN_REASON_SIZE];
};

struct stored_history {
	struct net net;
	uint32_t offences;
	int64_t until; /* the end of the last ban */
};

/* Opens DIR/smtpxdp.db, and makes both where they are missing. */
int store_open(struct store **s, const char *dir);

/*
 * Only for reading, where writing is not possible: sees what was moved from
 * the log to the file, which is all but the last seconds. -ENOENT.
 */
int store_open_read_only(struct store **s, const char *dir);

void store_close(struct store *s); /* NULL is fine */

/*
 * Every change is in a transaction; one that is not committed never was. To
 * begin waits for up to 20 seconds while another process has one.
 */
int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Has somebody removed or replaced the file? */
bool store_moved(struct store *s);

/* Moves the log's content to the file, as far as nobody reads it. */
void store_checkpoint(struct store *s);

/* When the file was last written; -ENOENT if never. */
int store_stamp(struct store *s, struct stamp *m);
int store_put_stamp(struct store *s, const struct stamp *m);

/* Adds so many seconds to all times: the wall clock was set. */
int store_shift(struct store *s, int64_t seconds);

/* What is the same already is not written. */
int store_put_ban(struct store *s, const struct stored_ban *b);
int store_put_history(struct store *s, const struct stored_history *h);
int store_put_allow(struct store *s, const struct net *net);

/* Not to be there is no error. */
enum store_table { STORE_BANS, STORE_HISTORY, STORE_ALLOW, STORE_TABLES };
int store_del(struct store *s, enum store_table t, const struct net *net);

/*
 * Every row; stops where fn is not 0. fn may delete the row it is called
 * with. Those that make no sense are left out and counted in *odd.
 */
typedef int (*store_ban_fn)(const struct stored_ban *b, void *ctx);
typedef int (*store_history_fn)(const struct stored_history *h, void *ctx);
typedef int (*store_net_fn)(const struct net *net, void *ctx);
int store_each_ban(struct store *s, store_ban_fn fn, void *ctx, size_t *odd);
/* The longest past first. */
int store_each_history(struct store *s, store_history_fn fn, void *ctx,
		       size_t *odd);
int store_each_net(struct store *s, enum store_table t, store_net_fn fn,
		   void *ctx, size_t *odd);
int store_count(struct store *s, enum store_table t, size_t *n);

/*
 * Renames a corrupt file to smtpxdp.db.corrupt-DATE, which is new, together
 * with its log; its new path in `to`. Nobody in this process has it open.
 */
int store_set_aside(const char *dir, char to[static PATH_MAX]);

/* What is wrong with DIR/smtpxdp.db, and what to do about it. */
#define STORE_EXPLAIN_SIZE (PATH_MAX + 256)
const char *store_explain(const char *dir, int err, char *buf, size_t size);

#endif
