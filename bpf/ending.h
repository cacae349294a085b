/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges the end of a dialogue in cleartext: counts the logins that the server
 * took and to which no whole reply left. close.bpf.c calls it once or more for a
 * connection; stream.charged_to notes what is counted, so that nothing is
 * counted twice.
 */
#ifndef SMTPXDP_ENDING_H
#define SMTPXDP_ENDING_H

#include <stdbool.h>

#include "accepted.h"
#include "failure.h"
#include "hang.h"
#include "kernel.h"
#include "maps.h"
#include "proxied.h"
#include "pure/reply.h"
#include "pure/matching.h"

/* Most AUTHs beyond those remembered that are counted at one end. */
#define FORGOTTEN_MAX 1024

/* State while one end is judged: too large for the stack. */
struct ending {
	struct stream_key key;
	struct sighting at;
	struct ended ended;
	__u32 open; /* AUTHs found to be unanswered */
	__u32 charged; /* these, but those counted earlier */
	__u32 charged_to; /* as in struct stream */
	__u32 reset; /* 1: the connection ended without a FIN */
	__u32 partial; /* 1: an unfinished reply counts by its code */
	__u32 may_count; /* 1: the next reply, if begun, could still count */
	struct stream fresh; /* for a connection on which nothing has left */
};

/* Is reply number `reply` one whose failure was counted already? */
static __always_inline bool is_charged(__u32 charged_to, __u32 reply)
{
	return (__s32)(charged_to - reply) > 0;
}

/* Counts one failure of the client, for the user in e->at. */
static __always_inline void charge(const struct settings *s, struct ending *e,
				   __u32 reply)
{
	e->open++;
	e->charged++;
	if (!is_charged(e->charged_to, reply))
		e->charged_to = reply + 1;
	if (!find_client(s, &e->key, &e->at))
		return;
	count(COUNTER_UNANSWERED, 0);
	client_failure(s, &e->at);
}

/* The same, for an unknown user and the stream's next reply. */
static __always_inline void charge_unknown(const struct settings *s,
					   struct ending *e,
					   const struct stream *st)
{
	if (is_charged(st->charged_to, st->replies))
		return;
	__builtin_memset(&e->at.tried, 0, sizeof(e->at.tried));
	charge(s, e, st->replies);
}

/* Has all left that the server wrote, up to a FIN? */
static __always_inline bool is_all_sent(const struct ending *e,
					const struct stream *st)
{
	return (__s32)(e->ended.write_seq - st->next_seq) <= 1;
}

/* Has the server read bytes since its last whole reply left? */
static __always_inline bool is_outstanding(const struct ending *e,
					   const struct stream *st)
{
	return st->replies && (__s32)(e->ended.read_seq - st->read_seq) > 0;
}

/*
 * Judges the end of a dialogue whose client's text is not known. If the server
 * did not offer AUTH, the client has not tried to log in. Of several logins that
 * the server has read at once, some may be unanswered though a reply has left
 * since, to a command in front of them; so a reset counts after any reply, if it
 * was the client's text that made the listener give up, and where the first text
 * came with the SYN (`fast`).
 */
static __always_inline void judge_lost(const struct settings *s,
				       struct ending *e,
				       const struct stream *st,
				       const struct wire_dialogue *w)
{
	bool fast = w && w->lost == LOST_FAST;
	bool gave_up = !w || w->lost;

	if (st->offer == OFFER_NOT_MADE)
		return;
	if (is_outstanding(e, st) || !is_all_sent(e, st) ||
	    (gave_up && (st->replies || fast) && e->reset))
		charge_unknown(s, e, st);
}

struct charging {
	const struct settings *s;
	struct ending *e;
};

static long charge_step(__u32 i, void *ctx)
{
	struct charging *x = ctx;

	__builtin_memset(&x->e->at.tried, 0, sizeof(x->e->at.tried));
	charge(x->s, x->e, 0);
	return 0;
}

/* Counts n failures at once, but at most FORGOTTEN_MAX. */
static __always_inline void charge_many(const struct settings *s,
					struct ending *e, __u32 n)
{
	struct charging x = { .s = s, .e = e };

	bpf_loop(n < FORGOTTEN_MAX ? n : FORGOTTEN_MAX, charge_step, &x, 0);
}

/*
 * How many AUTHs, of those that are remembered, has the server not read to the
 * end of a line? (Whether that was its last line is not known of one adrift.)
 */
static __always_inline __u32 count_unread(const struct ending *e,
					  const struct dialogue *d)
{
	__u32 n = 0;

	for (__u32 i = 0; i < ATTEMPTS; i++) {
		__u32 end = d->attempt[i].end;

		n += i < d->n && (!end || (__s32)(e->ended.read_seq - end) < 0);
	}
	return n;
}

/*
 * Judges a dialogue whose AUTHs are known, but not which are answered: if some
 * command may be unanswered, as many AUTHs are as the server has read and did
 * not refuse.
 */
static __always_inline void judge_adrift(const struct settings *s,
					 struct ending *e,
					 const struct stream *st,
					 const struct dialogue *d)
{
	__s32 n = d->n - count_unread(e, d) - st->refused - st->charged;
	bool outstanding = is_outstanding(e, st);

	if (!d->n || (!outstanding && is_all_sent(e, st) && !e->reset))
		return;
	if (n > 0) {
		charge_many(s, e, n);
		e->charged_to = st->replies + n;
	} else if (outstanding) {
		charge_unknown(s, e, st);
	}
}

/*
 * Did the server hang after this AUTH, with nothing of a reply to come? Of
 * several, it may have judged one after the other, and kept the replies.
 */
static __always_inline bool
hangs(const struct settings *s, const struct ending *e, const struct stream *st,
      const struct dialogue *d, const struct attempt *a)
{
	return d->n - st->refused - st->charged == 1 && is_all_sent(e, st) &&
	       !reply_unfinished(&st->reply) && is_hung(s, a);
}

/*
 * Judges the i-th of the AUTHs that are remembered: it counts if the server has
 * read it. Which of several it had come to is not known: Postfix keeps its
 * replies until it has done with all that it has read, also after a reset.
 */
static __always_inline void judge_attempt(const struct settings *s,
					  struct ending *e,
					  const struct stream *st,
					  const struct dialogue *d, __u32 i)
{
	const struct attempt *a = &d->attempt[i];

	if (!dialogue_is_open(d, i, st->replies, st->challenges) ||
	    (__s32)(e->ended.read_seq - a->end) < !a->whole ||
	    hangs(s, e, st, d, a))
		return;
	if (a->reply == st->replies && !e->may_count)
		return;
	if (is_charged(st->charged_to, a->reply)) {
		e->open++;
		return;
	}
	if (s->users & USERS_WIRE)
		e->at.tried = a->tried;
	charge(s, e, a->reply);
}

/* Is none of the AUTHs that are remembered answered? */
static __always_inline bool none_answered(const struct stream *st,
					  const struct dialogue *d)
{
	for (__u32 i = 0; i < ATTEMPTS; i++)
		if ((__s32)(d->attempt[i].reply - st->replies) < 0)
			return false;
	return true;
}

/*
 * Counts the AUTHs beyond those remembered, if none of all is answered. They
 * came before those, so the server has read them if it has read one of those.
 */
static __always_inline void judge_forgotten(const struct settings *s,
					    struct ending *e,
					    const struct stream *st,
					    const struct dialogue *d)
{
	__s32 n = d->n - ATTEMPTS - st->refused - st->charged;

	if (d->n > ATTEMPTS && e->open && n > 0 && none_answered(st, d))
		charge_many(s, e, n);
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
	return (__s32)(e->ended.read_seq - w->next_seq) > 0;
}

/* Counts the logins of a stream that are unanswered, and were not counted. */
static __always_inline void judge(const struct settings *s, struct ending *e,
				  const struct stream *st)
{
	const struct wire_dialogue *w =
		bpf_map_lookup_elem(&dialogues, &e->key);
	bool lost = !w ? st->state & STREAM_FOLLOWED :
			 w->lost || w->first_seq != st->first_seq ||
				    missed_some(e, w);

	/*
	 * The end of a message leaves as a reply. If the client lets none leave,
	 * it may have tried to log in behind it.
	 */
	if (st->state & STREAM_MESSAGE) {
		if (!is_all_sent(e, st))
			charge_unknown(s, e, st);
		return;
	}
	if (lost && (e->may_count || !is_all_sent(e, st)))
		judge_lost(s, e, st, w);
	else if (w && !lost && (w->d.adrift || st->state & STREAM_ADRIFT))
		judge_adrift(s, e, st, &w->d);
	else if (w && !lost)
		judge_known(s, e, st, &w->d);
	if (!e->open && e->partial)
		charge_unknown(s, e, st);
}

/* Fills e->at, and notes what the unfinished reply could have become. */
static __always_inline void sight(const struct settings *s, struct ending *e,
				  const struct stream *st)
{
	const struct reply *r = &st->reply;
	struct sighting *at = &e->at;

	at->port = bpf_ntohs(e->key.server_port);
	at->sensor = SENSOR_WIRE;
	at->unanswered = 1;
	at->joins = 0;
	at->unjudged = 0;
	at->ifindex = 0;
	at->code = r->begun;
	at->text_len = r->len;
	at->text = r->first;
	if (!at->code && (r->len >= 3 || r->skip))
		at->code = reply_code(r->line, 3);
	e->may_count = reply_may_count(r, s);
	e->partial = e->may_count && at->code;
	/* behind a challenge (RFC 5321, 4.2.1: 3yz) comes another reply */
	e->may_count |= r->len && r->line[0] == '3';
}

/* Could an AUTH in cleartext be unanswered? Not within TLS, nor after a login. */
static __always_inline bool is_of_interest(const struct stream *st)
{
	return !st->encrypted && !(st->state & (STREAM_TLS | STREAM_LOGGED_IN));
}

/* Did the client acknowledge bytes that left through another interface? */
static __always_inline bool went_by(const struct ending *e,
				    const struct stream *st)
{
	return (__s32)(e->ended.snd_una - st->next_seq) > 1;
}

/*
 * What the server has read: up to copied_seq, which is behind a FIN that it has
 * read, too.
 */
static __always_inline __u32 read_by_server(const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	bool fin = sk->__sk_common.skc_flags >> SOCK_DONE & 1;

	return tp->copied_seq - (fin && tp->copied_seq == tp->rcv_nxt);
}

/*
 * Makes the stream of a connection on which nothing has left, for the client
 * offers no window, though it may have tried to log in. NULL: it has not.
 */
static __always_inline struct stream *unheard_stream(struct ending *e)
{
	const struct wire_dialogue *w =
		bpf_map_lookup_elem(&dialogues, &e->key);

	if (!w || !(w->d.n || w->lost))
		return NULL;
	__builtin_memset(&e->fresh, 0, sizeof(e->fresh));
	e->fresh.first_seq = w->first_seq;
	e->fresh.next_seq = w->first_seq;
	bpf_map_update_elem(&streams, &e->key, &e->fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&streams, &e->key);
}

/* Fills e->key and e->ended, and finds the socket's stream. */
static __always_inline struct stream *stream_of(const struct tcp_sock *tp,
						struct ending *e)
{
	struct stream *st;

	__builtin_memset(&e->key, 0, sizeof(e->key));
	key_of_socket(tp, &e->key);
	as_on_wire(&tp->inet_conn.icsk_inet.sk, &e->key);
	e->ended.read_seq = read_by_server(tp);
	e->ended.write_seq = tp->write_seq;
	e->ended.snd_una = tp->snd_una;
	st = bpf_map_lookup_elem(&streams, &e->key);
	return st ? st : unheard_stream(e);
}

/* Counts what is unanswered on the stream so far, unless it was counted. */
static __always_inline void settle(const struct settings *s, struct ending *e,
				   struct stream *st)
{
	if (!s->unanswered || !is_of_interest(st) || went_by(e, st))
		return;
	e->reset = !!(st->state & STREAM_RESET);
	e->open = 0;
	e->charged = 0;
	e->charged_to = st->charged_to;
	sight(s, e, st);
	judge(s, e, st);
	st->charged_to = e->charged_to;
	st->charged += e->charged;
}

#endif
