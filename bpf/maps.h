/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, all pinned: the daemon and the command line read and write them,
 * there is no other channel between kernel and people. Sizes that the
 * configuration sets (max-clients, max-bans) replace those given here.
 *
 * Another build carries entries over by the names of maps and fields (see
 * user/maps/layout.h): who gives a field another meaning gives it another name.
 */
#ifndef SMTPXDP_MAPS_H
#define SMTPXDP_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Of ban_ops.h, functions that the verifier looks at once. */
#define BAN_FN __weak __noinline

#include "activity.h"
#include "ban.h"
#include "ban_ops.h"
#include "client.h"
#include "counters.h"
#include "daemon.h"
#include "dialogue.h"
#include "groups.h"
#include "history.h"
#include "settings.h"
#include "stream.h"
#include "tls.h"

/* Several programs share these, in several objects: the linker merges them. */
#define MAP SEC(".maps") __weak

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct settings_slots);
} settings MAP;

/* LRU: a distributed attack may not use up memory, nor stop the counting. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, struct client);
} clients MAP;

/* Networks, as clients whose failures are clients: see net_window.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct addr);
	__type(value, struct client);
} nets MAP;

/* Who has logged in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, __u8);
} regulars MAP;

/*
 * The bans of clients: see ban_lines.h. As many lines as ban_map_entries() says,
 * and the head. No ban that holds is ever evicted to make room for another.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ban_line);
} bans MAP;

/* What only people look at, by the same index. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ban_infos);
} ban_infos MAP;

/*
 * The reasons that somebody gave; most bans have none but their failures. By
 * the client's address in full length: a trie takes up nothing for those that
 * are not there, a hash 16 bytes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct ban_note);
} ban_reasons MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct ban);
} ban_nets MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct allow);
} allow_nets MAP;

/*
 * Who is in a group: one of these two is in use, and the other one is filled
 * when the groups change.
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

/* One entry a connection, made by its first reply: see detect.bpf.c. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct stream_key);
	__type(value, struct stream);
} streams MAP;

/*
 * The other direction, made as a connection begins and forgotten as soon as
 * nobody can log in on it any more: see listen.bpf.c.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stream_key);
	__type(value, struct wire_dialogue);
} dialogues MAP;

/* All zero until user space has set it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct name_key);
} name_key MAP;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS_MAX);
	__type(key, __u32);
	__type(value, struct counter_value);
} counters MAP;

/* No program looks at it: the daemon tells the command line who it is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct daemon_info);
} daemon MAP;

/* Nor at this: where the groups are from. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct groups);
} groups MAP;

/* Nor at this: who was banned before, and so is banned for longer. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, struct history);
} history MAP;

/* Nor at this one: every process that works on the maps writes to it. */
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

/* Who sends from mail ports, as the TLS sensor sees it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct mail_proc);
} mail_procs MAP;

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

/* NULL cannot be: an array's only element. */
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

static __always_inline const struct settings *settings_active(void)
{
	const struct settings_slots *slots = settings_slots();

	return slots ? settings_in(slots) : NULL;
}

/* The client that an address belongs to. */
static __always_inline void client_of(const struct settings *s,
				      const struct addr *a, struct addr *client)
{
	int v6 = !addr_is_v4(a);

	client->q[0] = a->q[0] & s->client_mask[v6].q[0];
	client->q[1] = a->q[1] & s->client_mask[v6].q[1];
}

#endif
