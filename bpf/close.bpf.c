// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor at the end of a mail server's connection: counts logins that
 * the server took and to which no whole reply left. A right password is
 * answered at once, a wrong one late, so a client that hangs up in between has
 * learnt what it wanted.
 *
 * The kernel's socket tells that the connection ends, and what the server has
 * read; packets could be forged. It ends twice: when TCP is done with it, and
 * when the server closes the socket, too. In between the server may still read
 * what the client sent before a reset.
 *
 * A client that offers no window, or a small one, keeps the connection, and
 * replies wait until the server gives up. overdue() does not wait so long.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>

#include "accepted.h"
#include "ending.h"

#include <bpf/bpf_tracing.h>

/* Most seconds for which a reply may wait to leave. */
#define HELD_BACK 10

/* Seconds in which what a server wrote leaves from another network namespace. */
#define TO_LEAVE 1

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ending);
} endings MAP;

/* Each program has its own, for one may interrupt the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ending);
} destroys MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ending);
} overdues MAP;

/* The socket, if it is the mail server's end of a connection; or NULL. */
static __always_inline const struct tcp_sock *
mail_socket(const struct settings *s, const struct sock *sk)
{
	const struct tcp_sock *tp = s && is_tcp(sk) ? tcp_of(sk) : NULL;

	return tp && is_mail(s, tp, mark_of(sk)) ? tp : NULL;
}

/*
 * Of a dialogue that was evicted, may a login be unanswered? Later judge_lost()
 * finds no more than now.
 */
static __always_inline bool may_be_lost(const struct ending *e,
					const struct stream *st)
{
	return st->state & STREAM_FOLLOWED && st->offer != OFFER_NOT_MADE &&
	       (st->state & STREAM_RESET || is_outstanding(e, st) ||
		!is_all_sent(e, st));
}

/*
 * May a login be unanswered at this end? If not, it is not kept for later: a
 * flood of connections that try none would evict the others.
 */
static __always_inline bool is_to_judge(const struct ending *e,
					const struct stream *st)
{
	const struct wire_dialogue *w =
		bpf_map_lookup_elem(&dialogues, &e->key);

	if (!is_of_interest(st))
		return false;
	if (st->state & STREAM_MESSAGE || reply_unfinished(&st->reply))
		return true;
	return w ? w->lost || w->d.n || w->first_seq != st->first_seq ||
			       missed_some(e, w) :
		   may_be_lost(e, st);
}

/*
 * Notes the end of a connection whose server is in another network namespace:
 * what it wrote passes here later, and would seem not to have left.
 */
static __always_inline void settle_later(const struct settings *s,
					 const struct ending *e,
					 const struct stream *st)
{
	struct ended_elsewhere at = { .ended = e->ended,
				      .first_seq = st->first_seq,
				      .when = tick_now(s) };

	if (bpf_map_update_elem(&ended_elsewhere, &e->key, &at, BPF_ANY))
		note_sign(SIGN_UNJUDGED, &e->key.client,
			  bpf_ntohs(e->key.server_port), 0);
}

/* Is the server's socket in the daemon's namespace? Tests name none. */
static __always_inline bool is_here(const struct sock *sk)
{
	return !our_netns || !is_elsewhere(sk);
}

/* Judges the end of a connection, now or later. */
static __always_inline void end_stream(const struct settings *s,
				       const struct sock *sk, struct ending *e,
				       struct stream *st)
{
	if (is_here(sk))
		settle(s, e, st);
	else if (is_to_judge(e, st))
		settle_later(s, e, st);
}

/* Forgets what is only of use while a connection lasts. */
static __always_inline void forget(const struct settings *s,
				   const struct stream_key *key)
{
	named_end(s, key);
	bpf_map_delete_elem(&dialogues, key);
}

/*
 * Forgets of a connection that has ended what is not to be judged later, to make
 * room for those that last. Nothing more leaves on it; a refusal would count twice
 * if it did.
 */
static __always_inline void forget_ended(const struct settings *s,
					 const struct sock *sk,
					 const struct ending *e,
					 const struct stream *st)
{
	bool judged = st && !is_to_judge(e, st);

	if (judged && !st->encrypted && !st->refused && is_all_sent(e, st))
		bpf_map_delete_elem(&streams, &e->key);
	if (judged || is_here(sk))
		forget(s, &e->key);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(closed, const struct sock *sk, int before, int now)
{
	const struct settings *s = settings_active();
	const struct tcp_sock *tp;
	struct ending *e;
	struct stream *st;
	__u32 zero = 0;

	e = bpf_map_lookup_elem(&endings, &zero);
	if (now != BPF_TCP_CLOSE || !e)
		return 0;
	tp = mail_socket(s, sk);
	st = tp ? stream_of(tp, e) : NULL;
	if (!st)
		return 0;
	/*
	 * No error: the server itself closed it, and had not read all. In
	 * CLOSE_WAIT the client has sent a FIN, and the server serves on.
	 */
	if (sk->sk_err &&
	    (before == BPF_TCP_ESTABLISHED || before == BPF_TCP_CLOSE_WAIT))
		st->state |= STREAM_RESET;
	end_stream(s, sk, e, st);
	return 0;
}

/* TCP is done with the socket, and the server has closed it. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(destroyed, const struct sock *sk)
{
	const struct settings *s = settings_active();
	const struct tcp_sock *tp;
	struct ending *e;
	struct stream *st;
	__u32 zero = 0;

	e = bpf_map_lookup_elem(&destroys, &zero);
	if (!e)
		return 0;
	tp = mail_socket(s, sk);
	if (!tp)
		return 0;
	st = stream_of(tp, e);
	if (st)
		end_stream(s, sk, e, st);
	/* tls_destroyed() does it for TLS, if that is read */
	if (!st || !st->encrypted)
		forget_begun(tp);
	forget_ended(s, sk, e, st);
	return 0;
}

/*
 * Has a reply, the same one, waited for longer than HELD_BACK? What leaves and
 * is lost on its way does not wait.
 */
static __always_inline bool is_overdue(const struct settings *s,
				       const struct tcp_sock *tp,
				       struct stream *st)
{
	if ((__s32)(tp->write_seq - st->next_seq) <= 1) {
		st->held = 0;
		return false;
	}
	if (st->held != st->replies + 1) {
		st->held = st->replies + 1;
		st->held_since = tick_now(s);
		return false;
	}
	return have_passed(s, st->held_since, HELD_BACK);
}

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

/* Runs for each TCP socket of the daemon's network namespace, which is locked. */
SEC("iter/tcp")
int overdue(struct bpf_iter__tcp *ctx)
{
	const struct settings *s = settings_active();
	struct sock_common *c = ctx->sk_common;
	const struct tcp_sock *tp;
	struct ending *e;
	struct stream *st;
	__u32 zero = 0;

	if (!s || !c)
		return 0;
	tp = bpf_skc_to_tcp_sock(c);
	if (!tp || !is_mail(s, tp, mark_of(&tp->inet_conn.icsk_inet.sk)))
		return 0;
	e = bpf_map_lookup_elem(&overdues, &zero);
	st = e ? stream_of(tp, e) : NULL;
	if (st && is_overdue(s, tp, st))
		settle(s, e, st);
	return 0;
}

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	const struct stream_key *key;
	const struct ended_elsewhere *value;
};

/*
 * Runs for each entry of map ended_elsewhere: judges the connection, once all
 * that its server wrote has had time to leave.
 */
SEC("iter/bpf_map_elem")
int ended(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct settings *s = settings_active();
	const struct ended_elsewhere *at = ctx->value;
	const struct stream_key *key = ctx->key;
	struct stream *st;
	struct ending *e;
	__u32 zero = 0;

	e = bpf_map_lookup_elem(&overdues, &zero);
	if (!s || !e || !key || !at || !have_passed(s, at->when, TO_LEAVE))
		return 0;
	e->key = *key;
	e->ended = at->ended;
	st = bpf_map_lookup_elem(&streams, &e->key);
	if (st && st->first_seq == at->first_seq)
		settle(s, e, st);
	forget(s, &e->key);
	bpf_map_delete_elem(&ended_elsewhere, &e->key);
	return 0;
}
