// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor's write side: probes on the TLS library's write functions,
 * which read the mail server's replies before they are encrypted.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "claim.h"
#include "failure.h"
#include "proxied.h"
#include "pure/reply.h"
#include "pure/matching.h"
#include "throttle.h"
#include "tls_end.h"
#include "tls_session.h"
#include "xclient.h"

#include <bpf/bpf_tracing.h>

/* Writes that do not start like a reply are read only up to this length. */
#define LOOK_BYTES 4096

/* Remembers the arguments of a write call for its return and its sends. */
static __always_inline int enter(struct pt_regs *ctx, __u64 object, __u64 buf,
				 __u64 num, __u64 written)
{
	struct tls_task *t;

	t = task_get(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		return 0;
	/* failures of the last call, which no send has followed */
	drop_pending(t);
	t->key = key_of(object);
	t->buf = buf;
	t->num = num;
	t->written = written;
	t->stack = PT_REGS_SP(ctx);
	t->caller = 0;
	bpf_probe_read_user(&t->caller, sizeof(t->caller), (void *)t->stack);
	t->library = bpf_get_attach_cookie(ctx);
	t->in_call = 1;
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_enter, __u64 object, __u64 buf, __u64 num)
{
	return enter(ctx, object, buf, num, 0);
}

/* SSL_write_ex() stores the number of bytes taken at its fourth argument. */
SEC("uprobe")
int BPF_KPROBE(tls_enter_ex, __u64 object, __u64 buf, __u64 num, __u64 written)
{
	return enter(ctx, object, buf, num, written);
}

/* SSL_write_ex2() (OpenSSL 3.3) stores it at its fifth argument. */
SEC("uprobe")
int BPF_KPROBE(tls_enter_ex2, __u64 object, __u64 buf, __u64 num, __u64 flags,
	       __u64 written)
{
	return enter(ctx, object, buf, num, written);
}

/*
 * Goes on behind a message, to which the server has replied. What came with the
 * message's end was not read, so replies are not matched with AUTHs any more.
 */
static __always_inline void pass_message(struct tls_dialogue *w)
{
	w->message = 0;
	w->lost = 1;
	w->d.commands = w->replies;
	w->d.responses = w->challenges;
	w->d.sasl.mode = SASL_START;
}

/*
 * Numbers a reply that has ended, and for a failed login sets at->tried to the
 * user tried, or zero; for a successful one x->t->hash, because failures that are
 * pending share at->tried.
 */
static __always_inline void answer(struct tls_scan *x, enum reply_verdict v,
				   __u32 code)
{
	struct tls_dialogue *w = x->dialogue;
	struct tried *tried = &x->t->at.tried;
	const struct attempt *a;

	if (reply_refuses(v))
		__builtin_memset(tried, 0, sizeof(*tried));
	x->t->hash = 0;
	x->t->partial = false;
	if (!w || w->over)
		return;
	if (reply_refuses(v)) {
		w->refused++;
		a = w->lost || !(x->s->users & USERS_TLS) ?
			    NULL :
			    dialogue_attempt(&w->d, w->replies);
		if (a)
			*tried = a->tried;
		x->t->partial = a && !a->whole;
	} else if (v == REPLY_CREDIT) {
		a = w->lost || !(x->s->users & USERS_TLS) ?
			    NULL :
			    dialogue_attempt(&w->d, w->replies);
		x->t->hash = a ? a->tried.hash : 0;
	}
	if (x->ses)
		claim_reply(&x->ses->stream, w->replies, code, 0, 1);
	if (x->s->proxies && x->ses && code != CODE_CHALLENGE)
		answer_xclient(&x->ses->stream, w->replies, code, !w->lost);
	if (code == CODE_CHALLENGE) {
		w->lost |=
			!dialogue_challenged(&w->d, w->replies, w->challenges);
		w->challenges++;
	} else if (code == CODE_MESSAGE) {
		w->message = 1;
	} else {
		w->replies++;
		w->over = code == CODE_LOGGED_IN || v == REPLY_CREDIT;
		if (w->message)
			pass_message(w);
	}
}

/*
 * Acts on a reply that counts or earns credit. If the client is not known yet,
 * a failure becomes pending; credit is lost.
 */
static __always_inline void
see(struct tls_scan *x, const struct reply_result *res, enum reply_verdict v)
{
	struct sighting *at = &x->t->at;

	if (x->ses && !session_client(x->s, x->ses, at))
		return;
	if (v == REPLY_CREDIT) {
		if (x->ses && x->dialogue)
			login_accepted(x->s, &x->dialogue->refusals, &at->peer,
				       x->t->hash);
		else if (x->ses)
			client_success(x->s, &at->peer, x->t->hash, 0);
		return;
	}
	if (!x->ses && v != REPLY_COUNT)
		return;
	if (!refusal_counts(x->s, v, !x->t->partial, at))
		return;
	at->unjudged = v != REPLY_COUNT;
	at->text_len = res->len;
	at->code = res->code;
	at->sensor = SENSOR_TLS;
	at->text = x->t->reply.first;
	at->joins = 0;
	if (x->ses && x->dialogue) {
		login_refused(x->s, &x->dialogue->refusals, at);
		return;
	}
	if (x->ses) {
		client_failure(x->s, at);
		return;
	}
	/* the failures pending share one sighting: the user is not known */
	if (x->t->pending++)
		__builtin_memset(&at->tried, 0, sizeof(at->tried));
}

/*
 * Copies up to `most` bytes from address `from` of the process, behind the
 * unfinished line in *r. Returns how many, or -EFAULT.
 */
__noinline __weak int copy_line(struct reply *r, __u64 from, __u64 most)
{
	__u64 n;

	if (!r)
		return -EFAULT;
	n = reply_room(r);
	n = bound_size(n < most ? n : most, LINE_SIZE);
	return bpf_probe_read_user(r->line + bound_most(reply_at(r), LINE_SIZE),
				   n, (void *)from) ?
		       -EFAULT :
		       (int)n;
}

/*
 * Reads one line, or a part of it, and acts on the reply that it ends. Returns
 * 1 to end the scan.
 */
static __always_inline int tls_line(struct tls_scan *x)
{
	struct reply *r = &x->t->reply;
	struct reply_result res = {};
	enum reply_verdict v;
	int n;

	if (x->pos >= x->end)
		return 1;
	n = copy_line(r, x->pos, x->end - x->pos);
	if (n < 0) {
		count(COUNTER_LOAD_ERROR, 0);
		return 1;
	}
	v = reply_feed(r, n, x->s, &res);
	x->pos += res.used;
	if (v == REPLY_ENCRYPTED) {
		r->skip = 1; /* no TLS within TLS: some binary protocol */
		return 1;
	}
	if (v == REPLY_IGNORED_BY_TEXT)
		count(COUNTER_TEXT_IGNORED, 0);
	if (reply_refuses(v) && x->dialogue && is_charged(x->dialogue)) {
		x->dialogue->refused++;
		v = REPLY_IGNORED; /* its socket was gone before */
	}
	if (v != REPLY_MORE)
		answer(x, v, res.code);
	if (reply_is_judgement(v))
		see(x, &res, v);
	return 0;
}

static long tls_step(__u32 i, void *ctx)
{
	return bound_index(tls_line(ctx), LOOP_VERDICTS);
}

/* The session's entry, its client proved if possible; NULL: none yet. */
static __noinline struct tls_session *session_of(const struct tls_task *t)
{
	struct tls_session *ses = bpf_map_lookup_elem(&tls_sessions, &t->key);
	struct tls_random r;

	if (ses && ses->place &&
	    (!random_at(t->key.object, ses->place, &r) ||
	     !same_random(&r, &ses->random)))
		*ses = session_zero; /* the library has reused the object */
	if (!ses || ses->peer == TLS_PEER_UNKNOWN) {
		struct tls_session *proved = prove(t);

		return proved ? proved : ses;
	}
	return ses;
}

/*
 * Is this write worth reading? A writer that starts a line with anything but a
 * reply's digit is no mail server (a web server, a relay that greets another);
 * its session is ignored from now on. Not so on a mail port's socket: there,
 * short writes are read.
 */
static __always_inline bool worth_reading(const struct tls_task *t,
					  struct tls_session **ses, __u64 bytes)
{
	__u8 first = 0;

	if (*ses && reply_unfinished(&(*ses)->reply))
		return true;
	bpf_probe_read_user(&first, 1, (void *)t->buf);
	if (first >= '2' && first <= '5')
		return true;
	if (*ses && (*ses)->peer == TLS_PEER_SOCKET)
		return bytes <= LOOK_BYTES;
	if (!*ses)
		*ses = session_get(&t->key);
	if (*ses)
		(*ses)->peer = TLS_PEER_OTHER;
	return false;
}

/* A hash of the length of what is written, and of how it starts. Verified once. */
__noinline __weak __u64 hash_of(struct tls_task *t, __u64 at, __u64 num)
{
	__u64 n = num < LINE_SIZE ? num : LINE_SIZE, h = num;
	const __u64 *word;

	if (!t)
		return 0;
	word = (const __u64 *)t->head.bytes;
	__builtin_memset(&t->head, 0, sizeof(t->head));
	if (n)
		bpf_probe_read_user(&t->head, bound_size(n, LINE_SIZE),
				    (void *)at);
	for (int i = 0; i < LINE_SIZE / 8; i++)
		h = (h ^ word[i]) * 0x100000001b3ULL;
	return h;
}

/* Remembers that the last `rest` bytes of this write are read, not taken. */
static __always_inline void read_ahead(struct tls_task *t,
				       struct tls_session *ses, __u64 rest)
{
	ses->ahead = rest;
	ses->ahead_hash = hash_of(t, t->buf + t->num - rest, rest);
}

/*
 * Does this write retry one that failed? OpenSSL wants the same bytes again,
 * GnuTLS also takes a write of no bytes for it.
 */
static __always_inline bool is_retry(struct tls_task *t,
				     struct tls_session *ses, __u64 bytes)
{
	bool same =
		ses->ahead &&
		(!t->num || (t->num == ses->ahead &&
			     hash_of(t, t->buf, t->num) == ses->ahead_hash));

	if (!same)
		ses->ahead = 0;
	else if (bytes)
		read_ahead(t, ses, bytes < t->num ? t->num - bytes : 0);
	return same;
}

/*
 * Reads the plaintext of a write call, as much as the library has taken; all of
 * it if the call failed (`taken` 0), for the client may be gone, and a refusal
 * counts when the server hands it to the library.
 */
static __always_inline int written(struct tls_task *t, __u64 taken)
{
	__u64 bytes = taken ? taken : t->num;
	struct tls_scan x = { .t = t };
	struct tls_session *ses;
	struct mail_proc *proc;
	__u32 pid;

	ses = session_of(t);
	if (ses && ses->peer == TLS_PEER_OTHER)
		/* early: other programs than mail servers pay for this */
		return 0;
	pid = process_id();
	proc = bpf_map_lookup_elem(&mail_procs, &pid);
	if (proc)
		__sync_fetch_and_add(&proc->writes, 1);
	x.s = settings_active();
	if (ses && is_retry(t, ses, taken))
		return 0;
	if (!taken && (!ses || ses->peer == TLS_PEER_UNKNOWN))
		return 0; /* nobody to charge: read when it is tried again */
	if (!x.s || !worth_reading(t, &ses, bytes))
		return 0;
	if (!taken && ses)
		read_ahead(t, ses, t->num);
	if (ses) {
		if (ses->peer != TLS_PEER_UNKNOWN)
			x.ses = ses;
		t->at.port = ses->port;
		t->reply = ses->reply;
	} else {
		__builtin_memset(&t->reply, 0, sizeof(t->reply));
	}
	if (wants_session(x.s))
		x.dialogue = bpf_map_lookup_elem(&tls_dialogues, &t->key);
	x.pos = t->buf;
	x.end = t->buf + (bytes < SCAN_BYTES ? bytes : SCAN_BYTES);
	bpf_loop(SCAN_STEPS, tls_step, &x, 0);
	if (!reply_unfinished(&t->reply) &&
	    !(ses && reply_unfinished(&ses->reply)))
		return 0;
	if (!ses)
		ses = session_get(&t->key);
	if (ses)
		ses->reply = t->reply;
	return 0;
}

/*
 * The call that returns now, or NULL if its entry was not recorded: also where
 * that was of SSL_write(), and now returns the function behind it, whose return
 * alone is probed yet.
 */
static __always_inline struct tls_task *leave(bool ex)
{
	struct tls_task *t = task_get(0);

	if (!t || !t->in_call || (ex && !t->written))
		return NULL;
	t->in_call = 0;
	return t;
}

/* SSL_write(), gnutls_record_send() return the bytes taken, or an error. */
SEC("uretprobe")
int BPF_KRETPROBE(tls_leave, long ret)
{
	struct tls_task *t = leave(false);
	__s32 n = ret;

	if (t)
		written(t, n <= 0 ? 0 : (__u32)n < t->num ? (__u32)n : t->num);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(tls_leave_ex, long ret)
{
	struct tls_task *t = leave(true);
	__u64 n = 0;

	if (!t)
		return 0;
	if ((__s32)ret == 1 &&
	    bpf_probe_read_user(&n, sizeof(n), (void *)t->written))
		return 0;
	written(t, n < t->num ? n : t->num);
	return 0;
}

/* The session with this key, if its client is proved; or NULL. */
static __always_inline const struct tls_session *
owner(struct tls_task *t, const struct tls_key *key, __u64 library)
{
	const struct tls_session *ses;
	struct tls_key was = t->key;
	__u64 was_in = t->library;

	t->key = *key;
	t->library = library;
	ses = session_of(t);
	t->key = was;
	t->library = was_in;
	return ses && is_proved(ses) ? ses : NULL;
}

/* Counts a login that is unanswered when the library frees the session. */
static __always_inline void judge_end(const struct tls_key *key, __u64 library)
{
	struct tls_dialogue *w = bpf_map_lookup_elem(&tls_dialogues, key);
	const struct settings *s = settings_active();
	const struct tls_session *ses;
	struct tls_task *t;

	if (!w || !s || !s->unanswered || !may_be_unanswered(w))
		return;
	t = task_get(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		return;
	ses = owner(t, key, library);
	if (!ses)
		return;
	drop_pending(t); /* t->at is needed for this one */
	judge_session(s, ses, w, &t->at);
}

/*
 * Forgets a session that ends, restarts or gets another socket: the library may
 * reuse the object's address for the next one.
 */
SEC("uprobe")
int BPF_KPROBE(tls_free, __u64 object)
{
	struct tls_key key = key_of(object);

	judge_end(&key, bpf_get_attach_cookie(ctx));
	bpf_map_delete_elem(&tls_sessions, &key);
	bpf_map_delete_elem(&tls_dialogues, &key);
	return 0;
}
