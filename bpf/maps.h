/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, all pinned: the command line reads and writes them, and has no
 * other channel to BPF programs or daemon. user/load/loader.c replaces sizes by
 * max-clients and max-bans.
 *
 * A new build carries entries over by the names of maps and fields
 * (user/maps/layout.h): a field with a new meaning needs a new name.
 */
#ifndef SMTPXDP_MAPS_H
#define SMTPXDP_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Makes functions of ban_search.h and ban_ops.h global: verified once. */
#define BAN_FN __weak __noinline

#include "accepted_maps.h"
#include "account_window.h"
#include "activity.h"
#include "alarm.h"
#include "allow_name.h"
#include "ban.h"
#include "ban_ops.h"
#include "brake_ring.h"
#include "claimant.h"
#include "client.h"
#include "counters.h"
#include "daemon.h"
#include "dialogue.h"
#include "groups.h"
#include "fronts.h"
#include "fuse_state.h"
#include "history.h"
#include "login.h"
#include "named.h"
#include "settings.h"
#include "stream.h"
#include "throttle_state.h"
#include "tls.h"
#include "pure/who.h"

/* Weak: each object file defines the maps, the linker merges them. */
#define MAP SEC(".maps") __weak

/* The settings, in two slots: see settings.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct settings_slots);
} settings MAP;

/*
 * Failures by client. LRU: a distributed attack neither uses up memory nor
 * stops the counting.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, struct client);
} clients MAP;

/* Failures of clients with passwords tried before, for stale-rate. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct addr);
	__type(value, struct client);
} repeats MAP;

/* Failing clients by network, for net-rate: see net_window.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct addr);
	__type(value, struct client);
} nets MAP;

/* Clients that have logged in, and when: see login.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, struct login);
} regulars MAP;

/* Users that are guessed at, for account-rate: see bpf/account.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ACCOUNTS_MAX);
	__type(key, __u32);
	__type(value, struct account);
} accounts MAP;

/* Networks from which users have logged in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct account_net);
	__type(value, struct account_login);
} account_nets MAP;

/* Clients from which several accounts log in: see fronts.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct addr);
	__type(value, struct front);
} fronts MAP;

/*
 * The table of banned clients (ban_lines.h): a head, and as many lines as
 * ban_map_entries() says. No ban in force is evicted to make room.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ban_line);
} bans MAP;

/* The rest of the bans in map bans, for people; same index. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ban_infos);
} ban_infos MAP;

/*
 * Reasons that a person gave, and very late ends, by client; most bans have
 * none. The key is the address with length 128: a trie, for unlike a hash it
 * allocates nothing for entries that do not exist.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct ban_note);
} ban_reasons MAP;

/*
 * Who else wants a ban, and until when: see user/lists/owners.h. A trie as
 * ban_reasons is.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ban_claim_key);
	__type(value, struct ban);
} ban_claims MAP;

/* Names of those who want bans. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OWNER_NAMES_MAX);
	__type(key, __u32);
	__type(value, struct owner_name);
} owner_names MAP;

/* Bans of networks; the gate asks only if settings.have_ban_nets is set. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct ban);
} ban_nets MAP;

/* The allowlist: networks and their enum allow_flags. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct allow);
} allow_nets MAP;

/* Names whose addresses are on the allowlist. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ALLOW_NAMES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct host_name);
	__type(value, struct allow_name);
} allow_names MAP;

/*
 * Networks of the groups (groups.h): settings.groups names the map in use; the
 * other one is filled when the groups change.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, GROUP_NETS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct group_entry);
} groups_a MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, GROUP_NETS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct group_entry);
} groups_b MAP;

/* The server's side of each connection, from its first reply: detect.bpf.c. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct stream_key);
	__type(value, struct stream);
} streams MAP;

/*
 * The client's side of each connection, from the server's SYN-ACK until it
 * cannot be followed or the client has logged in: see listen.bpf.c.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stream_key);
	__type(value, struct wire_dialogue);
} dialogues MAP;

/* Connections from proxies, and whom the proxy has named: see bpf/proxy.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stream_key);
	__type(value, struct named);
} named MAP;

/* Connections of others that speak as a proxy's do: see bpf/claim.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct stream_key);
	__type(value, __u32);
} claims MAP;

/* Whom servers take for proxies, though they are none by the key. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct addr);
	__type(value, struct claimant);
} claimants MAP;

/* The last bans, for max-bans-per-minute: see bpf/brake.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct brake);
} brake MAP;

/* When a server held back logins of everybody: see bpf/throttle.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct throttle);
} throttle MAP;

/* Who blew the fuse. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fuse_state);
} fuse MAP;

/* The key of user names' hashes, all zero until user space sets it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct name_key);
} name_key MAP;

/* Events for the daemon, struct event: see event.h. 1 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events MAP;

/* Counters: see counters.h. Per CPU, so that counting takes no atomic. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS_MAX);
	__type(key, __u32);
	__type(value, struct counter_value);
} counters MAP;

/* What the daemon tells the command line. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct daemon_info);
} daemon MAP;

/* Where the groups' networks come from. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct groups);
} groups MAP;

/* How often each client was banned. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, struct history);
} history MAP;

/* Signs of life, written by daemon and commands. No BPF program uses it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct activity);
} activity MAP;

/* From the wire sensor to the TLS sensor: see tls_session.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tls_random);
	__type(value, struct tls_hello);
} tls_hellos MAP;

/* Connections that servers in other network namespaces have accepted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct accepted_key);
	__type(value, struct accepted_at);
} accepted_elsewhere MAP;

/* What the wire sensor knows these by, once their first bytes have left. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct accepted_key);
	__type(value, struct stream_key);
} forwarded MAP;

/*
 * Those of them that have ended, until that is judged. No LRU: what finds no
 * room is told (SIGN_UNJUDGED).
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stream_key);
	__type(value, struct ended_elsewhere);
} ended_elsewhere MAP;

/* Replies that were not believed: the last of each enum doubt. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DOUBTS_MAX);
	__type(key, __u32);
	__type(value, struct doubted);
} doubts MAP;

/* Processes that listen on mail ports, or send from them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct mail_proc);
} mail_procs MAP;

/* Signs that protection is not what it seems, by enum sign_kind: bpf/sign.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIGNS_MAX);
	__type(key, __u32);
	__type(value, struct sign);
} signs MAP;

/* Failures of clients that are never banned, by address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct addr);
	__type(value, struct exempt);
} exempt MAP;

/* Where clients of the mail servers come in: interfaces, by index. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct sign);
} arrivals MAP;

/* The same of servers in other network namespaces, by these. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct elsewhere);
} elsewhere MAP;

static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i)
{
	return bpf_map_lookup_elem(&bans, &i);
}

static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i)
{
	return bpf_map_lookup_elem(&ban_infos, &i);
}

static __always_inline void count_many(__u32 counter, __u64 packets,
				       __u64 bytes)
{
	struct counter_value *c = bpf_map_lookup_elem(&counters, &counter);

	if (c) {
		c->packets += packets;
		c->bytes += bytes;
	}
}

static __always_inline void count(__u32 counter, __u64 bytes)
{
	count_many(counter, 1, bytes);
}

/* Never NULL: an array's only element. */
static __always_inline const struct settings_slots *settings_slots(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline const struct settings *
settings_in(const struct settings_slots *slots)
{
	return &slots->slot[*(volatile __u32 *)&slots->active & 1];
}

/* The settings in force; read the pointer once for each packet. */
static __always_inline const struct settings *settings_active(void)
{
	const struct settings_slots *slots = settings_slots();

	return slots ? settings_in(slots) : NULL;
}

/* Masks an address to the client that it belongs to. */
static __always_inline void client_of(const struct settings *s,
				      const struct addr *a, struct addr *client)
{
	int v6 = !addr_is_v4(a);

	if (who_is_special(s, a) && who_client(s, a, client))
		return;
	client->q[0] = a->q[0] & s->client_mask[v6].q[0];
	client->q[1] = a->q[1] & s->client_mask[v6].q[1];
}

#endif
