/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel programs tell the daemon through the ring buffer. */
#ifndef SMTPXDP_EVENT_H
#define SMTPXDP_EVENT_H

#include "addr.h"
#include "settings.h"
#include "tried.h"

#define EVENT_VERSION 1

enum event_kind {
	EVENT_FAILURE = 1, /* one failed login; only with log-failures */
	EVENT_CROSSED,	   /* the client crossed the threshold */
	EVENT_NET_CROSSED, /* its network did: len is that one's */
	EVENT_PROCESS,	   /* a process sends from a mail port, the first time */
};

enum event_outcome {
	OUTCOME_NONE,	   /* EVENT_FAILURE; of a network: user space bans */
	OUTCOME_BANNED,	   /* a provisional ban was written */
	OUTCOME_MONITOR,   /* mode is monitor: nothing was written */
	OUTCOME_MAP_FULL,  /* map bans had no room: the client is NOT banned */
	OUTCOME_BRAKE,	   /* nor here: max-bans-per-minute is reached */
	OUTCOME_FUSE,	   /* nor here: the fuse has blown */
};

/* What the failures within the rate's time look like. */
enum offender {
	OFFENDER_UNKNOWN, /* it is not known who was tried, or two users were */
	OFFENDER_STALE,	  /* one user over and over: an old password? */
	OFFENDER_ATTACK,  /* many users */
};

enum sensor { SENSOR_WIRE = 1, SENSOR_TLS };

struct event {
	__u16 version; /* EVENT_VERSION; a reader skips others */
	__u8 kind;     /* enum event_kind */
	__u8 outcome;  /* enum event_outcome */
	__u8 sensor;   /* enum sensor */
	__u8 len;      /* of the client's network, 0..128 */
	__u16 code;    /* reply code */
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	struct addr client; /* the peer's address, not masked */
	__u32 ifindex;
	__u32 failures; /* in the window, this one included */
	__u32 window_sec;
	__u32 ban_sec; /* EVENT_CROSSED: of the provisional ban */
	__u32 pid;     /* EVENT_PROCESS only: of the process */
	__u16 port;    /* the mail server's */
	__u8 text_len; /* 0..TEXT_SIZE */
	__u8 regular;  /* the client has logged in before */
	__u8 policy;   /* enum policy_kind: what it was measured by */
	__u8 offender; /* enum offender */
	__u8 users;    /* that were tried within the rate's time, as far as
			  is known; USERS_MAX: that many or more */
	__u8 unanswered; /* the client had no whole reply */
	__u8 pad[4];
	__u8 text[TEXT_SIZE]; /* how the reply's line begins: raw, untrusted */
	__u8 user_len; /* 0..USER_NAME_SIZE; 0 unless log-users is on */
	__u8 user[USER_NAME_SIZE]; /* how the name tried begins: likewise */
};

_Static_assert(sizeof(struct event) == 64 + TEXT_SIZE + 64, "ring buffer record");

#endif
