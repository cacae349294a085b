// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The gate (XDP): drops what banned clients send, and nothing else. What it
 * does not understand it lets pass, and counts why.
 */
#include <linux/errno.h>
#include <stdbool.h>

#include "ban_table.h"
#include "maps.h"
#include "now.h"
#include "parse.h"

/* Is this for the mail server? Of TCP's header only the ports are looked at. */
static __always_inline bool to_mail_port(struct xdp_md *ctx,
					 const struct settings *s,
					 const struct packet *p, void *end,
					 enum parse_result r)
{
	__be16 *ports = p->l4;

	if (r != PARSE_OK)
		return true; /* can't be told: counts as mail */
	if (p->proto != IPPROTO_TCP)
		return false;
	if ((void *)(ports + 2) > end) {
		count(COUNTER_IN_TRUNCATED, bpf_xdp_get_buff_len(ctx));
		return false;
	}
	return port_is_mail(s, bpf_ntohs(ports[1]));
}

/* The ban that holds for a source now, and the counter of its drops. */
static __always_inline struct ban *find(struct xdp_md *ctx,
					const struct settings *s,
					const struct addr *src,
					enum counter *why)
{
	__u64 now = now_jiffies();
	struct ban *exact, *net = NULL;
	struct addr client;

	client_of(s, src, &client);
	exact = ban_find(&client);
	*why = COUNTER_DROP_BAN;
	if (exact && ban_active(exact, now))
		return exact;
	if (s->have_ban_nets)
		net = ban_net_find(src, now);
	*why = COUNTER_DROP_NET;
	if (exact && !net)
		count(COUNTER_PASS_EXPIRED, bpf_xdp_get_buff_len(ctx));
	return net;
}

static __always_inline int drop(struct xdp_md *ctx, bool ethernet)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	const struct settings *s = settings_active();
	struct packet p = {};
	enum parse_result r;
	enum counter why;
	struct ban *b;
	__u64 bytes;
	bool pass;

	if (!s)
		return XDP_PASS;
	r = parse_packet(data, end, ethernet, &p);
	if (r != PARSE_OK)
		count(COUNTER_IN_TRUNCATED + r, bpf_xdp_get_buff_len(ctx));
	/*
	 * Of a fragment, and behind too many headers, the port is not known,
	 * but the source is: a ban must not end at the ninth header.
	 */
	if (r != PARSE_OK && r != PARSE_FRAGMENT && r != PARSE_EXT_HEADERS)
		return XDP_PASS;
	if (s->scope == SCOPE_MAIL && !to_mail_port(ctx, s, &p, end, r))
		return XDP_PASS;
	b = find(ctx, s, &p.src, &why);
	if (!b)
		return XDP_PASS;
	pass = allow_overrules(allow_find(s, &p.src), b);
	if (b->flags & BAN_TEST)
		return pass ? XDP_PASS : XDP_DROP;
	bytes = bpf_xdp_get_buff_len(ctx);
	if (pass) {
		count(COUNTER_PASS_ALLOWED, bytes);
		return XDP_PASS;
	}
	count(why, bytes);
	__sync_fetch_and_add(&b->packets, 1);
	__sync_fetch_and_add(&b->bytes, bytes);
	return XDP_DROP;
}

/* Headers are in the first buffer: jumbo frames in several are fine. */
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
