/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map settings: the live tunables as the BPF programs need them, compiled from
 * the configuration by user/config/config_compile.h.
 */
#ifndef SMTPXDP_SETTINGS_H
#define SMTPXDP_SETTINGS_H

#include "addr.h"
#include "ban.h"
#include "bound.h"

#define RATE_MAX 64 /* failures */
#define BRAKE_MAX 4096 /* bans in one minute */
#define WINDOW_MIN 1 /* seconds */
#define WINDOW_MAX 604800 /* seconds: seven days */
/* longest beginning of a line that a text can match, bytes */
#define TEXT_SIZE 96
#define TEXTS_MAX 40
#define SERVERS_MAX 32 /* networks */
#define TRAPS_MAX 64 /* users */
#define CODE_MAX 600 /* RFC 5321, 4.2.1: reply codes end at 559 */

enum mode { MODE_ENFORCE, MODE_MONITOR };
enum scope { SCOPE_MAIL, SCOPE_ALL };

/* What a success does for a client's failures: see bpf/pure/credit.h. */
enum credit { CREDIT_OFF, CREDIT_RESET, CREDIT_RATIO };

/* Bits: where the user of a login is read. */
enum users { USERS_OFF, USERS_WIRE = 1, USERS_TLS = 2 };

/* What a reply means for the client. */
enum action {
	ACTION_IGNORE,
	ACTION_COUNT, /* counts as a failed login */
	ACTION_CREDIT, /* counts as a successful login */
	/* counts as a failed one of who has failed: see bpf/throttle.h */
	ACTION_THROTTLE,
	ACTION_UNASKED, /* counts as one if it brings a password: see there */
};

/* Flag in settings.codes beside the action: a text begins with this code. */
#define CODE_HAS_TEXT 0x80

/* A literal beginning of a reply line. Both arrays are 0 from `len` on. */
struct text {
	__u64 bytes[TEXT_SIZE / 8];
	__u64 mask[TEXT_SIZE / 8];
	__u32 len; /* 4..TEXT_SIZE */
	__u32 action; /* enum action */
};

/* Prefix lengths of the networks that net-rate counts: a /24, a /48. */
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

/* A limit: this many failures within this time reach it. */
struct limit {
	__u32 failures; /* 1..RATE_MAX; 0: no such limit */
	__u32 ticks; /* the time, in ticks of the window */
	__u32 sec; /* the time in seconds */
};

/* The policies that a client can be measured by. */
enum policy_kind {
	POLICY_PLAIN,
	POLICY_STALE, /* a password that comes again: see guesses.h */
	POLICY_STRICT, /* a client in group strict: see groups.h */
	POLICY_LENIENT, /* a client in group lenient */
	POLICIES_MAX
};

struct policy {
	struct limit rate;
	__u32 ban_sec; /* base time of a ban */
	__u64 ban_jiffies; /* ban_sec in jiffies */
};

/* A network of the key servers: the bits in `mask` are those of `addr`. */
struct server_net {
	struct addr addr;
	struct addr mask;
};

/* Networks whose clients are not as client_len says: see bpf/pure/who.h. */
#define WHO_RULES_MAX 32

struct who_rule {
	struct addr net;
	struct addr mask;
	struct addr client_mask; /* client_len as a mask */
	__u8 len; /* of net */
	__u8 client_len; /* 0: net is the prefix of a NAT64 */
	__u8 pad[6];
};

struct settings {
	__u8 mode; /* enum mode */
	__u8 scope; /* enum scope */
	/* send an event for each failure, not only for crossings */
	__u8 log_failures;
	__u8 tick_shift; /* a tick of the window is 1 << tick_shift jiffies */
	struct limit slow; /* slow-rate, beside each policy's rate */
	/* net-rate, ipv6-net-rate: clients of one network that fail */
	struct limit net[2];
	struct limit brake; /* max-bans-per-minute: up to BRAKE_MAX bans */
	/* account-rate: different passwords for one user */
	struct limit account;
	/* as-rate: clients of one AS that fail; 0 failures: no rated-asns */
	struct limit as;
	__u32 n_traps; /* trap-users */
	__u8 credit; /* enum credit */
	/* failures forgiven per success, with CREDIT_RATIO */
	__u8 credit_ratio;
	__u8 cut_sessions; /* user space: a ban ends the client's connections */
	/* an entry of allow_nets is narrower than a client: 1 IPv4, 2 IPv6 */
	__u8 allow_inside;
	__u32 fuse_clients; /* user space: fuse-clients; 0: no fuse */
	__u32 n_servers;
	/* rate.failures 0: no such policy */
	struct policy policy[POLICIES_MAX];
	__u8 users; /* enum users */
	__u8 log_users; /* keep the user's name, not only its hash */
	__u8 unanswered; /* count-unanswered */
	__u8 compare; /* compare-passwords */
	__u8 proxies; /* 1: map named says who comes by a proxy */
	__u8 net_wider; /* net-prefix: so many bits wider than a /24 */
	/* 1: who was not refused at PORT_DELIVERY is not closed out there */
	__u8 spares;
	__u8 pad[5];
	/* users within the rate's time that are an attack; 0: off */
	__u32 attack_users;
	__u8 have_ban_nets; /* 1: map ban_nets is not empty */
	__u8 have_allow; /* 1: map allow_nets is not empty */
	__u8 client_len[2]; /* prefix length of a client, of 128: IPv4, IPv6 */
	__u32 groups; /* the map of groups in use: see struct groups */
	struct addr client_mask[2]; /* client_len as masks */
	/* ban-factor: each further ban is this many times longer */
	__u32 ban_factor;
	/* ban-max: ban-factor makes no ban longer, in seconds */
	__u32 ban_max_sec;
	/* ban-forget: seconds without a ban that clear the history */
	__u32 ban_forget_sec;
	__u32 n_texts;
	__u64 who_filter; /* bit who_bit(): a rule may match; 0: there is none */
	__u32 n_who;
	__u32 pad_who;
	struct who_rule who[WHO_RULES_MAX]; /* the longest net first */
	__u64 ports[65536 / 64]; /* bit n: local TCP port n is a mail port */
	__u8 codes[CODE_MAX]; /* by reply code: enum action, CODE_HAS_TEXT */
	struct text texts[TEXTS_MAX]; /* n_texts of them, the longest first */
	struct server_net servers[SERVERS_MAX]; /* n_servers of them */
	/* bit n: local TCP port n is closed to the banned: drop-ports */
	__u64 closed[65536 / 64];
	__u64 traps[TRAPS_MAX]; /* hashes of trap-users, as tried.hash */
};

_Static_assert(sizeof(struct text) == 2 * TEXT_SIZE + 8, "layout");
_Static_assert(sizeof(struct settings) ==
		       280 + 8 * TRAPS_MAX + 2 * 8192 + CODE_MAX +
			       TEXTS_MAX * sizeof(struct text) +
			       SERVERS_MAX * sizeof(struct server_net) +
			       WHO_RULES_MAX * sizeof(struct who_rule),
	       "layout");

/*
 * A filter before map ban_nets: most addresses are in none of its networks and
 * need no lookup. ban_nets.c sets a network's bits before it adds the network;
 * the daemon's sweep clears bits that no network needs any more.
 */
#define NET_FILTER_BITS 65536

struct net_filter {
	__u32 stale; /* 1: a network was removed, some bits may be unneeded */
	__u32 pad;
	__u64 bits[2][NET_FILTER_BITS / 64]; /* IPv4, IPv6 */
};

/*
 * The index of an address in net_filter.bits: of IPv4 its first 16 bits; of
 * IPv6, where those say little, a hash of its first 32.
 */
static inline __u32 net_filter_bit(const struct addr *a, int v6)
{
	if (v6)
		return a->d[0] * 0x9e3779b1U >> 16;
	return a->b[12] << 8 | a->b[13];
}

static inline int net_filter_has_bit(const struct net_filter *f, int v6,
				     __u32 bit)
{
	return f->bits[v6][bound_index(bit >> 6, NET_FILTER_BITS / 64)] >>
		       (bit & 63) &
	       1;
}

static inline int net_filter_has(const struct net_filter *f,
				 const struct addr *a)
{
	int v6 = !addr_is_v4(a);

	return net_filter_has_bit(f, v6, net_filter_bit(a, v6));
}

/*
 * Value of map settings. A writer fills the slot not in use, then sets
 * `active`: a packet sees all of a change or none of it.
 */
struct settings_slots {
	__u32 active; /* the slot in force, 0 or 1 */
	__u32 changes; /* how often the slot in force was changed */
	/* jiffies; until then the fuse is blown: no ban is written */
	__u64 fuse_until;
	struct settings slot[2];
	struct net_filter net_filter;
};

/* Is the address of a network of the key servers? */
static inline int server_is_named(const struct settings *s,
				  const struct addr *a)
{
	for (__u32 i = 0; i < SERVERS_MAX && i < s->n_servers; i++) {
		const struct server_net *n = &s->servers[i];

		if ((a->q[0] & n->mask.q[0]) == n->addr.q[0] &&
		    (a->q[1] & n->mask.q[1]) == n->addr.q[1])
			return 1;
	}
	return 0;
}

/* What is counted of the network of an address; 0 failures: nothing. */
static inline const struct limit *net_rate_of(const struct settings *s,
					      const struct addr *a)
{
	return addr_is_v4(a) ? &s->net[0] : &s->net[1];
}

static inline int port_is_mail(const struct settings *s, __u16 port)
{
	return s->ports[port >> 6] >> (port & 63) & 1;
}

/* Where other hosts deliver mail, whoever else may log in there (RFC 5321). */
#define PORT_DELIVERY 25

static inline int port_is_closed(const struct settings *s, __u16 port)
{
	return s->closed[port >> 6] >> (port & 63) & 1;
}

/* Does a ban with these flags (ban.h) leave this port open, though closed? */
static inline int port_is_spared(const struct settings *s, __u32 ban_flags,
				 __u16 port)
{
	return ban_flags & BAN_SPARES && s->spares && s->scope == SCOPE_MAIL &&
	       port == PORT_DELIVERY;
}

#endif
