/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happened, told: to the journal where there is one, with structured
 * fields, and to stderr unless that is the journal too.
 */
#ifndef SMTPXDP_JOURNAL_H
#define SMTPXDP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "event.h"
#include "tell/messages.h"

/* Fields that are zero or NULL are left out. */
struct record {
	enum message kind;
	const struct addr *client;
	const struct net *net;
	uint16_t code;
	uint32_t failures;
	uint32_t window_sec;
	uint64_t duration; /* seconds */
	uint8_t sensor;	   /* enum sensor */
	bool unanswered;   /* the client did not wait for the reply */
	bool regular;	   /* has logged in before */
	uint8_t offender;  /* enum offender */
	uint8_t users;	   /* that were tried */
	uint8_t group; /* enum group */
	char country[3]; /* or "" */
	uint32_t asn;
	uint32_t ifindex;
	const void *text; /* of the reply: raw */
	size_t text_len;
	const void *user; /* who was tried, with log-users: raw */
	size_t user_len;
	uint32_t offence; /* the client's nth, from 1 */
	const char *reason;
	uint64_t packets, bytes; /* dropped, of a ban that ended */
	uint32_t connections; /* that were cut */
};

extern const char *const message_names[MESSAGES_MAX];
extern const char *const message_ids[MESSAGES_MAX];
const char *sensor_name(uint8_t sensor);
const char *offender_name(uint8_t offender);

/* Where journald listens; sd_journal_sendv() does not say if nobody does. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A command tells the journal only: its own output is for the terminal. */
extern int journal_quiet;

/* Where messages are counted, by their kind; pins_open() says it. Or NULL. */
extern __u64 *journal_told;

void journal_record(const struct record *r);

/* A message of the daemon's own life, with no client. */
__attribute__((format(printf, 2, 3))) void journal_note(enum message kind,
							const char *fmt, ...);

#endif
