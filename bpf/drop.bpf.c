// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The gate (XDP): drops packets of banned clients. Packets that it cannot parse
 * pass and are counted by reason.
 */
#include <linux/errno.h>
#include <stdbool.h>

#include "ban_table.h"
#include "maps.h"
#include "now.h"
#include "pure/parse.h"

/* Source address of a packet, and where its TCP header is. */
struct source {
	struct addr addr;
	struct behind_ip behind;
};

static __always_inline long load_xdp(void *ctx, __u32 off, void *to, __u32 len)
{
	return bpf_xdp_load_bytes(ctx, off, to, len);
}

/*
 * Parses a packet that glance() cannot handle; returns enum parse_result. A
 * global function, verified once: if it were inlined, the verifier would follow
 * all later code for each path through it.
 */
__noinline __weak int find_source(struct xdp_md *ctx, int ethernet,
				  struct source *from)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct packet p = {};
	enum parse_result r;

	if (!from)
		return PARSE_TRUNCATED;
	r = parse_packet(data, end, ethernet, &p);
	from->addr = p.src;
	from->behind = p.behind;
	if (r == PARSE_OK && p.v6)
		r = parse_ext(ctx, load_xdp, bpf_xdp_get_buff_len(ctx),
			      &from->behind);
	return r;
}

/*
 * Is this packet for a port that is closed to the banned, as scope mail asks? Of
 * the TCP header only the ports must be in reach.
 */
static __always_inline bool to_closed_port(struct xdp_md *ctx,
					   const struct settings *s,
					   const struct source *from,
					   enum parse_result r)
{
	__be16 ports[2];

	if (r != PARSE_OK)
		return true; /* unknown port: counts as a closed one */
	if (from->behind.proto != IPPROTO_TCP)
		return false;
	if (bpf_xdp_load_bytes(ctx, from->behind.l4, ports, sizeof(ports))) {
		count(COUNTER_IN_TRUNCATED, bpf_xdp_get_buff_len(ctx));
		return false;
	}
	return port_is_closed(s, bpf_ntohs(ports[1]));
}

static __always_inline int pass(__u32 counter, struct xdp_md *ctx)
{
	count(counter, bpf_xdp_get_buff_len(ctx));
	return XDP_PASS;
}

/*
 * Is this packet for a port that a ban with these flags leaves open? Parses it
 * again: who is not banned need not carry the port along.
 */
static __always_inline bool is_spared(struct xdp_md *ctx, int ethernet,
				      const struct settings *s, __u32 flags)
{
	struct source from = {};
	__be16 ports[2];

	return flags & BAN_SPARES &&
	       find_source(ctx, ethernet, &from) == PARSE_OK &&
	       from.behind.proto == IPPROTO_TCP &&
	       !bpf_xdp_load_bytes(ctx, from.behind.l4, ports, sizeof(ports)) &&
	       port_is_spared(s, flags, bpf_ntohs(ports[1]));
}

/*
 * Decides on a ban that is not plain: the allowlist may overrule it, it may
 * leave a port open, and a ban of the self-test moves no counter. XDP_ABORTED:
 * the caller drops and counts.
 */
static __noinline int judge(struct xdp_md *ctx, int ethernet,
			    const struct settings *s, const struct addr *src,
			    __u32 flags)
{
	bool passes = allow_overrules(allow_find(s, src), flags);

	if (flags & BAN_TEST)
		return passes ? XDP_PASS : XDP_DROP;
	if (passes)
		return pass(COUNTER_PASS_ALLOWED, ctx);
	return is_spared(ctx, ethernet, s, flags) ?
		       pass(COUNTER_PASS_SPARED, ctx) :
		       XDP_ABORTED;
}

/*
 * Drops a packet if a network's ban holds for its source; those bans are never
 * plain. expired: the client's own ban was seen to have run out.
 */
static __noinline int drop_by_net(struct xdp_md *ctx, int ethernet,
				  const struct settings *s,
				  const struct addr *src, bool expired)
{
	struct ban *b = ban_net_find(src);
	__u64 bytes;
	int verdict;

	if (!b)
		return expired ? pass(COUNTER_PASS_EXPIRED, ctx) : XDP_PASS;
	verdict = judge(ctx, ethernet, s, src, b->flags);
	if (verdict != XDP_ABORTED)
		return verdict;
	bytes = bpf_xdp_get_buff_len(ctx);
	count(COUNTER_DROP_NET, bytes);
	__sync_fetch_and_add(&b->packets, 1);
	__sync_fetch_and_add(&b->bytes, bytes);
	return XDP_DROP;
}

/*
 * Drops a packet if a ban of its client, or of a network around it, holds. hash:
 * the client's, if its address is not special; len: bytes of the packet, or 0:
 * not known yet.
 */
static __always_inline int drop_banned(struct xdp_md *ctx, bool ethernet,
				       const struct settings_slots *slots,
				       const struct settings *s,
				       struct ban_head *head, struct addr *src,
				       __u64 hash, __u32 len)
{
	struct ban_found ban = { .head = head };
	bool special = who_is_special(s, src);
	__u64 bytes;

	if (special)
		who_inside(s, src);
	client_of(s, src, &ban.client.addr);
	if (special)
		hash = ban_hash(head, &ban.client.addr);
	if (!ban_find_at(&ban, hash)) {
		if (s->have_ban_nets && net_filter_has(&slots->net_filter, src))
			return drop_by_net(ctx, ethernet, s, src, ban.expired);
		return ban.expired ? pass(COUNTER_PASS_EXPIRED, ctx) : XDP_PASS;
	}
	if (!ban_is_plain(&ban)) {
		int verdict =
			judge(ctx, ethernet, s, src, ban_found_flags(&ban));

		if (verdict != XDP_ABORTED)
			return verdict;
	}
	bytes = len ?: bpf_xdp_get_buff_len(ctx);
	count(COUNTER_DROP_BAN, bytes);
	ban_count(&ban, bytes);
	return XDP_DROP;
}

/*
 * The length of a packet that is linear, or 0: where less is linear than IP's
 * header says, there may be more in fragments. A call costs more than all else
 * that is done to the packet, where CPUs have to be guarded against their own
 * predictions.
 */
static __always_inline __u32 linear_len(const void *data, const void *end,
					const struct glance *g)
{
	__u32 ip = glance_ip_len(g), linear = end - data;

	return ip && g->l3 - data + ip <= linear ? linear : 0;
}

/*
 * Has nobody banned the client of an address, or a network around it, as the
 * filters say? This is all that is done to most packets. *hash: the client's.
 */
static __always_inline bool is_innocent_v4(const struct settings_slots *slots,
					   const struct settings *s,
					   struct ban_head *head, __be32 a,
					   __u64 *hash)
{
	*hash = ban_hash_v4(head, a & s->client_mask[0].d[3]);
	return !ban_filter_has(head, *hash) &&
	       !(s->have_ban_nets &&
		 net_filter_has_bit(&slots->net_filter, 0, bpf_ntohl(a) >> 16));
}

static __always_inline bool
is_innocent_v6(const struct settings_slots *slots, const struct settings *s,
	       struct ban_head *head, const struct in6_addr *from, __u64 *hash)
{
	struct addr a, client;

	__builtin_memcpy(&a, from, sizeof(a));
	client_of(s, &a, &client);
	*hash = ban_hash(head, &client);
	return !who_is_special(s, &a) && !ban_filter_has(head, *hash) &&
	       !(s->have_ban_nets && net_filter_has(&slots->net_filter, &a));
}

/* A packet that glance() cannot handle. */
static __always_inline int drop_unusual(struct xdp_md *ctx, bool ethernet,
					const struct settings_slots *slots,
					const struct settings *s)
{
	struct source from = {};
	enum parse_result r = find_source(ctx, ethernet, &from);
	struct ban_head *head = ban_head();
	struct addr client;

	if (r != PARSE_OK)
		count(COUNTER_IN_TRUNCATED + r, bpf_xdp_get_buff_len(ctx));
	/*
	 * A fragment, or a packet with too many extension headers, has an
	 * unknown port but a known source: a banned client must not get past
	 * the gate with a ninth header.
	 */
	if (r != PARSE_OK && r != PARSE_FRAGMENT && r != PARSE_EXT_HEADERS)
		return XDP_PASS;
	if (!head ||
	    (s->scope == SCOPE_MAIL && !to_closed_port(ctx, s, &from, r)))
		return XDP_PASS;
	client_of(s, &from.addr, &client);
	return drop_banned(ctx, ethernet, slots, s, head, &from.addr,
			   ban_hash(head, &client), 0);
}

static __always_inline int drop(struct xdp_md *ctx, bool ethernet)
{
	const struct settings_slots *slots = settings_slots();
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	const struct settings *s;
	struct ban_head *head;
	struct addr src;
	struct glance g;
	__u64 hash;

	if (!slots)
		return XDP_PASS;
	s = settings_in(slots);
	if (!glance(data, end, ethernet, &g))
		return drop_unusual(ctx, ethernet, slots, s);
	if (s->scope == SCOPE_MAIL &&
	    (g.proto != IPPROTO_TCP ||
	     !port_is_closed(s, bpf_ntohs(g.tcp->dest))))
		return XDP_PASS;
	head = ban_head();
	if (!head)
		return XDP_PASS;
	if (g.v6 ? is_innocent_v6(slots, s, head,
				  &((struct ipv6hdr *)g.l3)->saddr, &hash) :
		   is_innocent_v4(slots, s, head, ((struct iphdr *)g.l3)->saddr,
				  &hash))
		return XDP_PASS;
	glance_src(&g, &src);
	return drop_banned(ctx, ethernet, slots, s, head, &src, hash,
			   linear_len(data, end, &g));
}

/* Multi-buffer packets (jumbo frames) have all headers in the first buffer. */
SEC("xdp.frags")
int drop_ethernet(struct xdp_md *ctx)
{
	return drop(ctx, true);
}

SEC("xdp.frags")
int drop_raw(struct xdp_md *ctx)
{
	return drop(ctx, false);
}
