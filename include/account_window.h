/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Users that are guessed at, and the networks from which each has logged in:
 * maps accounts and account_nets, for account-rate. See bpf/account.h.
 */
#ifndef SMTPXDP_ACCOUNT_WINDOW_H
#define SMTPXDP_ACCOUNT_WINDOW_H

#include "client.h"

#define ACCOUNTS_MAX 4096
/* A user's entry is one of so many neighbours in map accounts. */
#define ACCOUNT_WAYS 8
/* Guesses from fewer networks than this are no attack on a user. */
#define ACCOUNT_NETS 3

/* Why a client is banned, if not by a rate. */
enum cause {
	CAUSE_RATE,
	CAUSE_ACCOUNT, /* it tried a user that many networks guess at */
	CAUSE_TRAP, /* it tried one of trap-users */
	CAUSE_AS, /* so many clients of its AS fail: as-rate */
};

struct account {
	__u64 user; /* tried.hash; 0: free; ACCOUNT_TAKEN: is being taken */
	__u64 told; /* jiffies: until then, the daemon knows of the attack */
	/*
	 * The guesses: `users` are networks here (account_net_hash()), `guesses`
	 * those of all networks.
	 */
	struct client window;
};

#define ACCOUNT_TAKEN (~0ULL)

_Static_assert(sizeof(struct account) == 16 + sizeof(struct client),
	       "map value");

/* Key of map account_nets: a user has logged in from a network. */
struct account_net {
	__u64 user; /* tried.hash */
	__u64 net; /* brake_net() */
};

struct account_login {
	__s64 last; /* ns of CLOCK_BOOTTIME; < 0: before this boot */
};

#endif
