/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map events: the record that BPF programs send to the daemon. */
#ifndef SMTPXDP_EVENT_H
#define SMTPXDP_EVENT_H

#include "addr.h"
#include "settings.h"
#include "tried.h"

#define EVENT_VERSION 1

enum event_kind {
	EVENT_FAILURE = 1, /* one failed login; only with log-failures on */
	EVENT_CROSSED, /* a client reached a limit */
	/* its network reached net-rate; len is the network's */
	EVENT_NET_CROSSED,
	EVENT_PROCESS, /* a process first listens on, or sends from, a mail port */
	EVENT_REGULAR, /* a regular begins to fail: for the fuse */
	EVENT_PROXIED, /* a banned client comes by a proxy */
	EVENT_CLAIM, /* a peer sends headers as proxies do: see claimant.h */
	EVENT_WIDENED, /* a ban does not spare PORT_DELIVERY any more */
	EVENT_ACCOUNT, /* a user reached account-rate; client: the last of them */
	EVENT_AS, /* an AS reached as-rate; client: the last of them */
};

enum event_outcome {
	/* nothing held a ban back; a network's is the daemon's to write */
	OUTCOME_NONE,
	OUTCOME_BANNED, /* a provisional ban was written */
	OUTCOME_MONITOR, /* mode is monitor: nothing was written */
	OUTCOME_MAP_FULL, /* map bans is full: the client is NOT banned */
	OUTCOME_BRAKE, /* max-bans-per-minute is reached: NOT banned */
	OUTCOME_FUSE, /* the fuse has blown: NOT banned */
	OUTCOME_BRAKE_SHARE, /* by the client's network: NOT banned */
	OUTCOME_FRONT, /* many accounts log in from there: NOT banned */
};

/* What the users tried within the rate's time, and the passwords, suggest. */
enum offender {
	/* a password was not read, or is the first */
	OFFENDER_UNKNOWN,
	OFFENDER_STALE, /* a password that comes again */
	OFFENDER_ATTACK, /* attack-users users or more, or 3 */
	OFFENDER_GUESSES, /* one password after the other */
};

enum sensor { SENSOR_WIRE = 1, SENSOR_TLS };

struct event {
	__u16 version; /* EVENT_VERSION; a reader skips others */
	__u8 kind; /* enum event_kind */
	__u8 outcome; /* enum event_outcome */
	__u8 sensor; /* enum sensor */
	__u8 len; /* prefix length of the client or network, 0..128 */
	__u16 code; /* SMTP reply code */
	__u64 boot_ns; /* ns of CLOCK_BOOTTIME */
	struct addr client; /* address of the connection, not masked */
	__u32 ifindex; /* 0: not known */
	__u32 failures; /* within window_sec, this one included */
	__u32 window_sec;
	__u32 ban_sec; /* seconds of the provisional ban */
	__u32 pid; /* EVENT_PROCESS only: in the daemon's PID namespace */
	__u16 port; /* local port of the mail server */
	__u8 text_len; /* 0..TEXT_SIZE */
	/* 1: the client has logged in before */
	__u8 regular;
	__u8 policy; /* enum policy_kind that measured the failure */
	__u8 offender; /* enum offender */
	/*
	 * users tried within the rate's time, as far as known; USERS_MAX: that
	 * many or more
	 */
	__u8 users;
	/* 1: the connection ended before a whole reply had left */
	__u8 unanswered;
	__u32 account; /* of the client's last login: see login.h */
	/* the reply's line, as far as it fits: raw, untrusted */
	__u8 text[TEXT_SIZE];
	__u8 user_len; /* 0..USER_NAME_SIZE; 0 unless log-users is on */
	/* the name tried, as far as it fits: raw, untrusted */
	__u8 user[USER_NAME_SIZE];
	struct addr proxy; /* that has named the client; zeros: none */
	__u8 cause; /* enum cause, of EVENT_CROSSED: see account_window.h */
	__u8 pad[7];
};

_Static_assert(sizeof(struct event) == 64 + TEXT_SIZE + 64 + 16 + 8,
	       "ring buffer record");

#endif
