/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges the end of a dialogue inside TLS: counts the login that the server took
 * and did not answer. tls_write.bpf.c calls it when the library frees the
 * session, tls_close.bpf.c when the session's socket is gone;
 * tls_dialogue.charged_to notes what is counted, so that nothing is counted
 * twice.
 */
#ifndef SMTPXDP_TLS_END_H
#define SMTPXDP_TLS_END_H

#include "failure.h"
#include "hang.h"
#include "proxied.h"
#include "pure/matching.h"
#include "tls_session.h"

/* Is reply number `reply` one whose failure was counted already? */
static __always_inline bool is_charged(const struct tls_dialogue *w)
{
	return (__s32)(w->charged_to - w->replies) > 0;
}

/* Counts a login without a reply; `a`: its AUTH, or NULL if not known. */
static __always_inline void charge_unanswered(const struct settings *s,
					      struct sighting *at,
					      const struct attempt *a)
{
	if (a && s->users & USERS_TLS)
		at->tried = a->tried;
	else
		__builtin_memset(&at->tried, 0, sizeof(at->tried));
	count(COUNTER_UNANSWERED, 0);
	client_failure(s, at);
}

/*
 * Index + 1 of the AUTH that the server has read and not answered, or 0. A
 * server works on one at a time, and the probes see each reply, so of several
 * AUTHs without a reply only the first was tried.
 */
__noinline __weak int open_attempt(const struct tls_dialogue *w)
{
	int found = 0;

	if (!w)
		return 0;
	for (__u32 i = 0; i < ATTEMPTS; i++)
		if (w->d.attempt[i].reply == w->replies &&
		    dialogue_is_open(&w->d, i, w->replies, w->challenges))
			found = i + 1;
	return found;
}

/* Counts the AUTH that is not answered, unless it was counted. */
static __always_inline void end_session(const struct settings *s,
					struct sighting *at,
					struct tls_dialogue *w)
{
	const struct attempt *a = NULL;
	__u32 to = w->replies + 1;

	if (!w->lost) {
		__u32 i = open_attempt(w);

		if (!i)
			return;
		a = &w->d.attempt[bound_index(i - 1, ATTEMPTS)];
		if (is_hung(s, a))
			return;
	} else if (!w->replies || w->d.n <= w->refused) {
		/* without any reply, the server writes by unprobed functions */
		return;
	}
	if (__sync_lock_test_and_set(&w->charged_to, to) != to)
		charge_unanswered(s, at, a);
}

/* Does a dialogue have a login that may be unanswered? */
static __always_inline bool may_be_unanswered(const struct tls_dialogue *w)
{
	return w->d.n && !w->over && !w->message && !is_charged(w);
}

/* Judges the end of a session, whose client is proved. */
static __always_inline void judge_session(const struct settings *s,
					  const struct tls_session *ses,
					  struct tls_dialogue *w,
					  struct sighting *at)
{
	if (!session_client(s, ses, at))
		return;
	at->port = ses->port;
	at->ifindex = 0;
	at->sensor = SENSOR_TLS;
	at->code = 0;
	at->text_len = 0;
	at->unanswered = 1;
	at->joins = 0;
	at->unjudged = 0;
	end_session(s, at, w);
	at->unanswered = 0;
}

/* Is the session's client proved? */
static __always_inline bool is_proved(const struct tls_session *ses)
{
	return ses->peer == TLS_PEER_SOCKET || ses->peer == TLS_PEER_HELLO;
}

#endif
