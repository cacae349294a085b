// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor at the end of a mail server's connection: counts logins that
 * the server took and to which no whole reply left. A right password is
 * answered at once, a wrong one late, so a client that hangs up in between has
 * learnt what it wanted.
 *
 * The kernel's socket tells that the connection ends, and what the server has
 * read; packets could be forged.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "failure.h"
#include "hang.h"
#include "kernel.h"
#include "maps.h"
#include "now.h"
#include "pure/reply.h"
#include "pure/matching.h"

#include <bpf/bpf_tracing.h>

#define TCP_ESTABLISHED 1
#define TCP_CLOSE 7
#define RCV_SHUTDOWN 1 /* sk_shutdown: nothing more will be read */

/* State while one end is judged: too large for the stack. */
struct ending {
	struct stream_key key;
	struct sighting at;
	__u32 read_seq; /* copied_seq of the server's socket */
	__u32 write_seq; /* its write_seq */
	__u32 open; /* unanswered logins counted so far */
	__u32 fin; /* 1: read_seq may include a FIN */
	__u32 reset; /* 1: the connection ended without a FIN */
	__u32 partial; /* 1: an unfinished reply counts by its code */
	__u32 may_count; /* 1: the next reply, if begun, could still count */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ending);
} endings MAP;

/* Counts one failure of the client, for the user in e->at. */
static __always_inline void charge(const struct settings *s, struct ending *e)
{
	e->open++;
	count(COUNTER_UNANSWERED, 0);
	client_failure(s, &e->at);
}

/* The same, for an unknown user. */
static __always_inline void charge_unknown(const struct settings *s,
					   struct ending *e)
{
	__builtin_memset(&e->at.tried, 0, sizeof(e->at.tried));
	charge(s, e);
}

/* Has the server read bytes since its last whole reply left? */
static __always_inline bool is_outstanding(const struct ending *e,
					   const struct stream *st)
{
	return st->replies && (__s32)(e->read_seq - e->fin - st->read_seq) > 0;
}

/*
 * Judges the end of a dialogue whose client's text is not known. If the server
 * did not offer AUTH, the client has not tried to log in.
 */
static __always_inline void
judge_lost(const struct settings *s, struct ending *e, const struct stream *st)
{
	if (st->offer == OFFER_NOT_MADE)
		return;
	if (is_outstanding(e, st) || (st->refused && e->reset))
		charge_unknown(s, e);
}

/* Judges a dialogue whose AUTHs are known, but not which are answered. */
static __always_inline void judge_adrift(const struct settings *s,
					 struct ending *e,
					 const struct stream *st,
					 const struct dialogue *d)
{
	if (d->n && (is_outstanding(e, st) || d->n > st->refused))
		charge_unknown(s, e);
}

/* Has all left that the server wrote, up to a FIN? */
static __always_inline bool is_all_sent(const struct ending *e,
					const struct stream *st)
{
	return (__s32)(e->write_seq - st->next_seq) <= 1;
}

/* Did the server hang after this AUTH, with nothing of a reply to come? */
static __always_inline bool hangs(const struct settings *s,
				  const struct ending *e,
				  const struct stream *st,
				  const struct attempt *a)
{
	return is_all_sent(e, st) && !reply_unfinished(&st->reply) &&
	       is_hung(s, a);
}

/*
 * Judges the i-th of the AUTHs that are remembered. A server works on one at a
 * time: if all that it wrote has left, that is the first one without a reply.
 */
static __always_inline void judge_attempt(const struct settings *s,
					  struct ending *e,
					  const struct stream *st,
					  const struct dialogue *d, __u32 i)
{
	const struct attempt *a = &d->attempt[i];

	if (!dialogue_is_open(d, i, st->replies, st->challenges) ||
	    (__s32)(e->read_seq - e->fin - a->end) < !a->whole ||
	    hangs(s, e, st, a))
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

/* Counts the AUTHs beyond those remembered, if none of all is answered. */
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

/* Judges a dialogue of which all is known. */
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
 * Did the server read bytes that the listener did not: of a packet with IP
 * options, or one that came through another interface?
 */
static __always_inline bool missed_some(const struct ending *e,
					const struct wire_dialogue *w)
{
	return (__s32)(e->read_seq - e->fin - w->next_seq) > 0;
}

/* Counts the logins that are unanswered at the end of a stream. */
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

/* Fills e->at, and notes what the unfinished reply could have become. */
static __always_inline void sight(const struct settings *s, struct ending *e,
				  const struct stream *st)
{
	const struct reply *r = &st->reply;
	struct sighting *at = &e->at;

	at->peer = e->key.client;
	at->port = bpf_ntohs(e->key.server_port);
	at->sensor = SENSOR_WIRE;
	at->unanswered = 1;
	at->joins = 0;
	at->throttled = 0;
	at->ifindex = 0;
	at->code = r->begun;
	at->text_len = r->len;
	at->text = r->first;
	if (!at->code && (r->len >= 3 || r->skip))
		at->code = reply_code(r->line, 3);
	e->may_count = reply_may_count(r, s);
	e->partial = e->may_count && at->code;
}

/*
 * Could an AUTH in cleartext be unanswered? Not within TLS or a message, nor
 * after a login.
 */
static __always_inline bool is_of_interest(const struct stream *st)
{
	return !st->encrypted &&
	       !(st->state & (STREAM_TLS | STREAM_MESSAGE | STREAM_LOGGED_IN));
}

/* Did the client acknowledge bytes that left through another interface? */
static __always_inline bool went_by(const struct tcp_sock *tp,
				    const struct stream *st)
{
	return (__s32)(tp->snd_una - st->next_seq) > 1;
}

/*
 * Marks the stream as ended; false: it was already. During an upgrade the
 * programs of both generations see a socket close.
 */
static __always_inline bool first_to_end(struct stream *st)
{
	__u8 was = st->state;

	st->state = was | STREAM_ENDED;
	return !(was & STREAM_ENDED);
}

/* Judges the end of a mail server's connection, and forgets its dialogue. */
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
