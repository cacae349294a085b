/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live tunables, in the form in which the fast path wants them. User
 * space compiles them from the configuration (user/config/config_compile.c).
 */
#ifndef SMTPXDP_SETTINGS_H
#define SMTPXDP_SETTINGS_H

#include "addr.h"
#include "bound.h"

#define RATE_MAX 64 /* failures */
#define BRAKE_MAX 4096 /* bans in a minute */
#define WINDOW_MIN 1 /* seconds */
#define WINDOW_MAX 604800 /* seconds: seven days */
#define TEXT_SIZE 96 /* bytes of a line that a text can match */
#define TEXTS_MAX 32
#define CODE_MAX 600 /* RFC 5321, 4.2.1: reply codes end at 559 */

enum mode { MODE_ENFORCE, MODE_MONITOR };
enum scope { SCOPE_MAIL, SCOPE_ALL };

/* What a successful login does for the client's failures: see window.h. */
enum credit { CREDIT_OFF, CREDIT_RESET, CREDIT_RATIO };

/* Where it is read who a failed login was about; bits. */
enum users { USERS_OFF, USERS_WIRE = 1, USERS_TLS = 2 };

/* What a reply does to its client. */
enum action {
	ACTION_IGNORE,
	ACTION_COUNT, /* a failed login */
	ACTION_CREDIT, /* a successful one */
};

/* In `codes`, beside the action: some text begins with this code. */
#define CODE_HAS_TEXT 0x80

/* A literal beginning of a line. Bytes past its length are 0 in both. */
struct text {
	__u64 bytes[TEXT_SIZE / 8];
	__u64 mask[TEXT_SIZE / 8];
	__u32 len; /* 4..TEXT_SIZE */
	__u32 action; /* enum action */
};

/* What net-rate takes for one network, of 128 bits: a /24, a /48. */
#define NET_LEN_V4 120
#define NET_LEN_V6 48

static inline __u8 net_block_len(const struct addr *a)
{
	return addr_is_v4(a) ? NET_LEN_V4 : NET_LEN_V6;
}

static inline void net_block_of(const struct addr *a, struct addr *block)
{
	*block = *a;
	if (addr_is_v4(a)) {
		block->b[15] = 0;
	} else {
		block->b[6] = 0;
		block->b[7] = 0;
		block->q[1] = 0;
	}
}

/* So many failures within so much time. */
struct limit {
	__u32 failures; /* 1..RATE_MAX; 0: there is no such limit */
	__u32 ticks;
	__u32 sec; /* the same time in seconds, for events */
};

/* What a client is measured by. */
enum policy_kind {
	POLICY_PLAIN,
	POLICY_STALE, /* tries one user over and over */
	POLICY_STRICT, /* of a group of networks */
	POLICY_LENIENT,
	POLICIES_MAX
};

struct policy {
	struct limit rate;
	__u32 ban_sec; /* base time of a ban */
	__u64 ban_jiffies; /* the same */
};

struct settings {
	__u8 mode; /* enum mode */
	__u8 scope; /* enum scope */
	__u8 log_failures; /* an event for every failure, not just crossings */
	__u8 tick_shift; /* a tick of the window is 1 << tick_shift jiffies */
	struct limit slow; /* beside the rate; for everybody */
	struct limit net; /* of a network, of clients that fail */
	struct limit brake; /* of bans, not failures: up to BRAKE_MAX */
	__u8 credit; /* enum credit */
	__u8 credit_ratio; /* failures to a success that are let pass */
	__u8 cut_sessions; /* a ban ends what the client has open: user space */
	__u8 allow_inside; /* some entry of allow_nets is narrower than a
			      client: 1 of IPv4, 2 of IPv6 */
	__u32 fuse_clients; /* 0: there is no fuse. User space */
	struct policy policy[POLICIES_MAX]; /* rate.failures 0: there is none */
	__u8 users; /* enum users: who was tried is read there */
	__u8 log_users; /* and the name itself is kept, not just a hash */
	__u8 unanswered; /* count logins that the client cut off */
	__u8 pad;
	__u32 attack_users; /* so many within the rate's time are too many */
	__u8 have_ban_nets; /* map ban_nets is not empty */
	__u8 have_allow; /* map allow_nets is not empty */
	__u8 client_len[2]; /* prefix of a client, of 128: IPv4, IPv6 */
	__u32 groups; /* as in struct groups: which map says who is in one */
	struct addr client_mask[2]; /* the same as masks */
	__u32 ban_factor; /* each further ban is so many times longer, */
	__u32 ban_max_sec; /* but not than this; */
	__u32 ban_forget_sec; /* after so long without one, all is forgotten */
	__u32 n_texts;
	__u64 ports[65536 / 64]; /* bit n: local TCP port n is mail */
	__u8 codes[CODE_MAX]; /* enum action, CODE_HAS_TEXT */
	struct text texts[TEXTS_MAX]; /* longest first */
};

_Static_assert(sizeof(struct text) == 2 * TEXT_SIZE + 8, "layout");
_Static_assert(sizeof(struct settings) ==
		       208 + 8192 + CODE_MAX + TEXTS_MAX * sizeof(struct text),
	       "layout");

/*
 * Which addresses may be in a network of map ban_nets; most are not, and need
 * not be looked up. A bit is set before a network is added, and cleared, by
 * the daemon's sweep, after the last one that needs it has gone.
 */
#define NET_FILTER_BITS 65536

struct net_filter {
	__u32 stale; /* a network has gone */
	__u32 pad;
	__u64 bits[2][NET_FILTER_BITS / 64]; /* IPv4, IPv6 */
};

/* IPv4: the first 16 bits. IPv6, where those say little: a hash of 32. */
static inline __u32 net_filter_bit(const struct addr *a, int v6)
{
	if (v6)
		return a->d[0] * 0x9e3779b1U >> 16;
	return a->b[12] << 8 | a->b[13];
}

static inline int net_filter_has(const struct net_filter *f,
				 const struct addr *a)
{
	int v6 = !addr_is_v4(a);
	__u32 bit = net_filter_bit(a, v6);

	return f->bits[v6][bound_index(bit >> 6, NET_FILTER_BITS / 64)] >>
		       (bit & 63) &
	       1;
}

/*
 * The value of map `settings`. A writer fills the slot that is not active,
 * then stores `active`: a packet sees all of a change or none of it.
 */
struct settings_slots {
	__u32 active; /* 0 or 1 */
	__u32 generation; /* of the slot in force: one more with every change */
	__u64 fuse_until; /* jiffies up to which no bans are written */
	struct settings slot[2];
	struct net_filter net_filter;
};

static inline int port_is_mail(const struct settings *s, __u16 port)
{
	return s->ports[port >> 6] >> (port & 63) & 1;
}

#endif
