// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor's write side: probes on the TLS library's write functions,
 * which read the mail server's replies before they are encrypted.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "failure.h"
#include "pure/reply.h"
#include "pure/sasl.h"
#include "tls_session.h"

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
 * Numbers a reply that has ended, and for a failed login sets at->tried to the
 * user tried, or zero.
 */
static __always_inline void answer(struct tls_scan *x, enum reply_verdict v,
				   __u32 code)
{
	struct tls_dialogue *w = x->dialogue;
	struct tried *tried = &x->t->at.tried;
	const struct attempt *a;

	if (v == REPLY_COUNT)
		__builtin_memset(tried, 0, sizeof(*tried));
	if (!w || w->lost)
		return;
	if (v == REPLY_COUNT) {
		a = dialogue_attempt(&w->d, w->replies);
		if (a)
			*tried = a->tried;
	}
	if (code == CODE_CHALLENGE) {
		w->lost =
			!dialogue_challenged(&w->d, w->replies, w->challenges);
		w->challenges++;
		return;
	}
	w->replies++;
	w->lost = code == CODE_MESSAGE || code == CODE_LOGGED_IN;
}

/*
 * Acts on a reply that counts or earns credit. If the client is not known yet,
 * a failure becomes pending; credit is lost.
 */
static __always_inline void
see(struct tls_scan *x, const struct reply_result *res, enum reply_verdict v)
{
	struct sighting *at = &x->t->at;

	if (v == REPLY_CREDIT) {
		if (x->known)
			client_success(x->s, &at->peer);
		return;
	}
	at->text_len = res->len;
	at->code = res->code;
	at->sensor = SENSOR_TLS;
	at->text = x->reply->first;
	if (x->known) {
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
	struct reply *r = x->reply;
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
	if (v != REPLY_MORE)
		answer(x, v, res.code);
	if (v == REPLY_COUNT || v == REPLY_CREDIT)
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

/* Reads the plaintext of a write call, as much as the library has taken. */
static __always_inline int taken(struct tls_task *t, __u64 bytes)
{
	struct tls_scan x = { .t = t, .reply = &t->reply };
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
	if (!x.s || !worth_reading(t, &ses, bytes))
		return 0;
	if (ses) {
		x.known = ses->peer != TLS_PEER_UNKNOWN;
		t->at.peer = ses->client;
		t->at.port = ses->port;
		t->reply = ses->reply;
	} else {
		__builtin_memset(&t->reply, 0, sizeof(t->reply));
	}
	if (x.s->users & USERS_TLS)
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

/* The call that returns now, or NULL if its entry was not recorded. */
static __always_inline struct tls_task *leave(void)
{
	struct tls_task *t = task_get(0);

	if (!t || !t->in_call)
		return NULL;
	t->in_call = 0;
	return t;
}

/*
 * SSL_write(), gnutls_record_send() return the bytes taken, or an error after
 * which the caller retries.
 */
SEC("uretprobe")
int BPF_KRETPROBE(tls_leave, long ret)
{
	struct tls_task *t = leave();
	__s32 n = ret;

	if (t && n > 0)
		taken(t, (__u32)n < t->num ? (__u32)n : t->num);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(tls_leave_ex, long ret)
{
	struct tls_task *t = leave();
	__u64 n = 0;

	if (t && (__s32)ret == 1 &&
	    !bpf_probe_read_user(&n, sizeof(n), (void *)t->written) && n)
		taken(t, n < t->num ? n : t->num);
	return 0;
}

/*
 * Forgets a session that ends, restarts or gets another socket: the library may
 * reuse the object's address for the next one.
 */
SEC("uprobe")
int BPF_KPROBE(tls_free, __u64 object)
{
	struct tls_key key = key_of(object);

	bpf_map_delete_elem(&tls_sessions, &key);
	bpf_map_delete_elem(&tls_dialogues, &key);
	return 0;
}
