/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages about what happened: to the journal, if one runs, with structured
 * fields, and to stderr unless stderr is the journal.
 */
#ifndef SMTPXDP_JOURNAL_H
#define SMTPXDP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "event.h"
#include "tell/messages.h"

/* A message on a client or network, without members that are 0, NULL or "". */
struct record {
	enum message kind;
	const struct net *client; /* the host: 128 bits */
	const struct net *net;
	uint16_t code; /* SMTP reply code */
	uint32_t failures;
	uint32_t window_sec;
	uint64_t duration; /* seconds */
	uint8_t sensor; /* enum sensor */
	bool unanswered; /* the client did not wait for the reply */
	bool regular; /* the client has logged in before */
	uint8_t offender; /* enum offender */
	bool again; /* by stale-rate: of passwords tried before */
	uint8_t users; /* users tried, up to USERS_MAX */
	uint8_t group; /* enum group */
	char country[3]; /* ISO 3166-1 code, or "" */
	uint32_t asn;
	uint32_t ifindex;
	const void *text; /* the reply's line: raw */
	size_t text_len;
	const void *user; /* the user tried, with log-users: raw */
	size_t user_len;
	/* number of the client's offences, this one included */
	uint32_t offence;
	const char *reason; /* why, in words; NULL: by command */
	uint64_t packets, bytes; /* dropped by a ban that has ended */
	uint32_t connections; /* connections cut */
};

extern const char *const message_names[MESSAGES_MAX];
extern const char *const message_ids[MESSAGES_MAX];

/* Nonzero in commands: messages go to the journal, but not to stderr. */
extern int journal_quiet;

/* Messages told, by enum message: in map activity, NULL until pins_open(). */
extern __u64 *journal_told;

/*
 * Once journald reads again, a message says how many it did not take: with the
 * next message, or by this.
 */
void journal_catch_up(void);

/* Messages that journald did not take, since the last call. */
uint64_t journal_lost(void);

/* A message about a client or network. */
void journal_record(const struct record *r);

/*
 * The same as the environment of a program: its fields, SMTPXDP_MESSAGE and
 * SMTPXDP_TIME. NULL-terminated, to be freed with its strings; NULL: no memory.
 */
char **journal_environment(const struct record *r);

/* A message without a client, of the daemon's own life. */
__attribute__((format(printf, 2, 3))) void journal_note(enum message kind,
							const char *fmt, ...);

#endif
