// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor, where a mail server's connection ends: logins that the
 * server took, and to which no whole reply left. A right password is answered
 * at once, a wrong one late; a client that hangs up in between has learnt what
 * it wanted.
 *
 * That it ends, and what the server has read, the kernel's own socket says. A
 * packet, anybody may forge.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "failure.h"
#include "kernel.h"
#include "maps.h"
#include "now.h"
#include "pure/reply.h"
#include "pure/sasl.h"

#include <bpf/bpf_tracing.h>

#define TCP_ESTABLISHED 1
#define TCP_CLOSE 7
#define RCV_SHUTDOWN 1 /* sk_shutdown: nothing more will be read */

/*
 * A server that has been silent for so many seconds does not delay a refusal
 * (Dovecot's longest is 17 s). It hangs, and its clients have lost patience.
 */
#define HANGS 30

/* What an end is judged by: too large for the stack. */
struct ending {
	struct stream_key key;
	struct sighting at;
	__u32 read_seq; /* how far the server has read, */
	__u32 write_seq; /* and written */
	__u32 open; /* logins that are found to be unanswered */
	__u32 fin; /* read_seq may count a FIN */
	__u32 reset; /* it did not end in order */
	__u32 partial; /* a reply has begun that counts by its code */
	__u32 may_count; /* nothing has begun, or one that may come to count */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ending);
} endings MAP;

/* One failure. */
static __always_inline void charge(const struct settings *s, struct ending *e)
{
	e->open++;
	count(COUNTER_UNANSWERED, 0);
	client_failure(s, &e->at);
}

static __always_inline void charge_unknown(const struct settings *s,
					   struct ending *e)
{
	__builtin_memset(&e->at.tried, 0, sizeof(e->at.tried));
	charge(s, e);
}

/* Bytes that the server has read since its last whole reply left. */
static __always_inline bool is_outstanding(const struct ending *e,
					   const struct stream *st)
{
	return st->replies && (__s32)(e->read_seq - e->fin - st->read_seq) > 0;
}

/*
 * What the client said is not known. Who was told that there is no AUTH here
 * has not tried to log in.
 */
static __always_inline void
judge_lost(const struct settings *s, struct ending *e, const struct stream *st)
{
	if (st->offer == OFFER_NOT_MADE)
		return;
	if (is_outstanding(e, st) || (st->refused && e->reset))
		charge_unknown(s, e);
}

/* Its AUTHs are known, but not which of them are answered. */
static __always_inline void judge_adrift(const struct settings *s,
					 struct ending *e,
					 const struct stream *st,
					 const struct dialogue *d)
{
	if (d->n && (is_outstanding(e, st) || d->n > st->refused))
		charge_unknown(s, e);
}

/* The server has written nothing that did not leave, but a FIN perhaps. */
static __always_inline bool is_all_sent(const struct ending *e,
					const struct stream *st)
{
	return (__s32)(e->write_seq - st->next_seq) <= 1;
}

static __always_inline bool hangs(const struct settings *s,
				  const struct ending *e,
				  const struct stream *st,
				  const struct attempt *a)
{
	const struct limit *rate = &s->policy[POLICY_PLAIN].rate;
	__u32 now = window_tick(now_jiffies(), s->tick_shift);

	return is_all_sent(e, st) && !reply_unfinished(&st->reply) &&
	       (__u64)(now - a->when) * rate->sec > (__u64)HANGS * rate->ticks;
}

/*
 * The i-th of the AUTHs that are remembered. A server judges one at a time:
 * where it has written no reply that did not leave, it was at work on the
 * first.
 */
static __always_inline void judge_attempt(const struct settings *s,
					  struct ending *e,
					  const struct stream *st,
					  const struct dialogue *d, __u32 i)
{
	const struct attempt *a = &d->attempt[i];

	if (!dialogue_is_open(d, i, st->replies, st->challenges) ||
	    (__s32)(e->read_seq - a->end) < 0 || hangs(s, e, st, a))
		return;
	if (a->reply == st->replies ? !e->may_count : is_all_sent(e, st))
		return;
	if (s->users & USERS_WIRE)
		e->at.tried = a->tried;
	charge(s, e);
}

struct charging {
	const struct settings *s;
	struct ending *e;
};

static long charge_step(__u32 i, void *ctx)
{
	struct charging *x = ctx;

	charge_unknown(x->s, x->e);
	return 0;
}

/* There were more AUTHs at once than are remembered, and none is answered. */
static __always_inline void judge_forgotten(const struct settings *s,
					    struct ending *e,
					    const struct stream *st,
					    const struct dialogue *d)
{
	struct charging x = { .s = s, .e = e };
	__u32 n = d->n - ATTEMPTS - st->refused;

	if (d->n > ATTEMPTS && e->open == ATTEMPTS && n <= RATE_MAX)
		bpf_loop(n, charge_step, &x, 0);
}

static __always_inline void judge_known(const struct settings *s,
					struct ending *e,
					const struct stream *st,
					const struct dialogue *d)
{
	for (__u32 i = 0; i < ATTEMPTS; i++)
		judge_attempt(s, e, st, d, i);
	judge_forgotten(s, e, st, d);
}

/*
 * Did the server read something of which we do not know? (A packet with IP
 * options, or one that came through another interface.)
 */
static __always_inline bool missed_some(const struct ending *e,
					const struct wire_dialogue *w)
{
	return (__s32)(e->read_seq - e->fin - w->next_seq) > 0;
}

static __always_inline void judge(const struct settings *s, struct ending *e,
				  const struct stream *st)
{
	const struct wire_dialogue *w =
		bpf_map_lookup_elem(&dialogues, &e->key);
	bool lost = !w ? st->state & STREAM_FOLLOWED :
			 w->lost || w->first_seq != st->first_seq ||
				    missed_some(e, w);

	if (lost && e->may_count)
		judge_lost(s, e, st);
	else if (w && !lost && (w->d.adrift || st->state & STREAM_ADRIFT))
		judge_adrift(s, e, st, &w->d);
	else if (w && !lost)
		judge_known(s, e, st, &w->d);
	if (!e->open && e->partial)
		charge_unknown(s, e);
}

/* What the client was told of the reply that it did not wait for. */
static __always_inline void sight(const struct settings *s, struct ending *e,
				  const struct stream *st)
{
	const struct reply *r = &st->reply;
	struct sighting *at = &e->at;

	at->peer = e->key.client;
	at->port = bpf_ntohs(e->key.server_port);
	at->sensor = SENSOR_WIRE;
	at->unanswered = 1;
	at->ifindex = 0;
	at->code = r->begun;
	at->text_len = r->len;
	at->text = r->first;
	if (!at->code && (r->len >= 3 || r->skip))
		at->code = reply_code(r->line, 3);
	e->may_count = reply_may_count(r, s);
	e->partial = e->may_count && at->code;
}

/* No AUTH is heard in these, or what is heard is none. */
static __always_inline bool is_of_interest(const struct stream *st)
{
	return !st->encrypted &&
	       !(st->state & (STREAM_TLS | STREAM_MESSAGE | STREAM_LOGGED_IN));
}

/* The client has got more than we saw: it left by another interface. */
static __always_inline bool went_by(const struct tcp_sock *tp,
				    const struct stream *st)
{
	return (__s32)(tp->snd_una - st->next_seq) > 1;
}

/* Two of us may see it, while one takes over from the other. */
static __always_inline bool first_to_end(struct stream *st)
{
	__u8 was = st->state;

	st->state = was | STREAM_ENDED;
	return !(was & STREAM_ENDED);
}

static __always_inline void end_of(const struct settings *s,
				   const struct tcp_sock *tp, struct ending *e,
				   int before)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct stream *st;

	__builtin_memset(&e->key, 0, sizeof(e->key));
	ends_of(sk, &e->key.client, &e->key.server);
	e->key.server_port = port_of(tp);
	e->key.client_port = sk->__sk_common.skc_dport;
	st = bpf_map_lookup_elem(&streams, &e->key);
	if (!st || !first_to_end(st))
		return;
	e->read_seq = tp->copied_seq;
	e->write_seq = tp->write_seq;
	e->fin = !!(sk->sk_shutdown & RCV_SHUTDOWN);
	e->reset = before == TCP_ESTABLISHED;
	e->open = 0;
	if (s->unanswered && is_of_interest(st) && !went_by(tp, st)) {
		sight(s, e, st);
		judge(s, e, st);
	}
	bpf_map_delete_elem(&dialogues, &e->key);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(closed, const struct sock *sk, int before, int now)
{
	const struct settings *s = settings_active();
	const struct tcp_sock *tp;
	struct ending *e;
	__u32 zero = 0;

	if (now != TCP_CLOSE || !s || !is_tcp(sk))
		return 0;
	tp = tcp_of(sk);
	if (!tp || !is_mail(s, tp))
		return 0;
	e = bpf_map_lookup_elem(&endings, &zero);
	if (e)
		end_of(s, tp, e, before);
	return 0;
}
