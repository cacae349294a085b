// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor's read side: probes on the TLS library's read functions, to
 * learn which user each AUTH tries (pure/sasl.h). It skips processes that are
 * not in map mail_procs.
 *
 * tls_write.bpf.c counts the replies. Without sequence numbers, a client's next
 * line can be matched with replies only while none is outstanding: when the
 * server reads on before it has answered, a reply may have been missed. From
 * then on AUTHs are still counted, but no reply is matched with one.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "claim.h"
#include "now.h"
#include "pure/matching.h"
#include "pure/window.h"
#include "tls_session.h"
#include "xclient.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define READ_STEPS 16384 /* as many lines as a TLS record may have */

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_reading);
} tls_readings MAP;

static const struct tls_dialogue tls_dialogue_zero;

/* Remembers the arguments of a read call for its return. */
static __always_inline int read_enter(__u64 object, __u64 buf, __u64 num,
				      __u64 got)
{
	const struct settings *s = settings_active();
	struct tls_reading *r;

	if (!s || !wants_session(s) || !is_mail_server())
		return 0;
	r = bpf_task_storage_get(&tls_readings, bpf_get_current_task_btf(), 0,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r)
		return 0;
	r->key = key_of(object);
	r->buf = buf;
	r->num = num;
	r->got = got;
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_read_enter, __u64 object, __u64 buf, __u64 num)
{
	return read_enter(object, buf, num, 0);
}

/* SSL_read_ex() stores the bytes read at its fourth argument. */
SEC("uprobe")
int BPF_KPROBE(tls_read_enter_ex, __u64 object, __u64 buf, __u64 num, __u64 got)
{
	return read_enter(object, buf, num, got);
}

/*
 * GnuTLS' function behind gnutls_record_recv(), which has the record's type
 * before the buffer.
 */
SEC("uprobe")
int BPF_KPROBE(tls_typed_enter, __u64 object, __u64 type, __u64 buf, __u64 num)
{
	return (__u32)type == TLS_APPLICATION_DATA ?
		       read_enter(object, buf, num, 0) :
		       0;
}

/* State while the plaintext of one read call is read, chunk by chunk. */
struct tls_listening {
	struct tls_dialogue *w;
	const struct name_key *name_key;
	__u32 keep;
	__u32 when;
	__u64 pos;
	__u64 end;
	struct named *from; /* of a proxy's connection, or NULL */
};

/* Reads one chunk. Returns 1 to end: all is read, or the dialogue is lost. */
static __always_inline int read_chunk(struct tls_listening *x)
{
	struct sasl_chunk chunk = { .challenges = x->w->challenges,
				    .keep = x->keep,
				    .when = x->when };
	__u64 before;
	int used;

	if (x->pos >= x->end)
		return 1;
	chunk.len = bound_size(sasl_room(x->end - x->pos), SASL_CHUNK);
	if (bpf_probe_read_user(chunk.byte, chunk.len, (void *)x->pos)) {
		x->w->over = 1;
		return 1;
	}
	before = before_line(&x->w->d);
	if (x->from)
		one_line(&chunk);
	used = sasl_feed(&x->w->d, x->name_key, &chunk);
	x->w->over = used < 0;
	if (x->from && used >= 0)
		hear_xclient(x->from, &x->w->d, &chunk, used, before);
	x->w->lost |= x->w->d.adrift;
	x->pos += used;
	return x->w->over;
}

static long read_step(__u32 i, void *ctx)
{
	return bound_index(read_chunk(ctx), LOOP_VERDICTS);
}

/*
 * How many of the first four bytes of EHLO or HELO, in any case, the client's
 * text starts with, as it must at the start of TLS, also after STARTTLS (RFC
 * 3207, 4.2); 0: other text. A session that began before the probes were
 * attached is not followed.
 */
static __always_inline __u32 beginning(const struct tls_reading *r, __u64 bytes)
{
	__u32 n = bytes < 4 ? bytes : 4;
	union {
		char c[4];
		__u32 word;
	} is = {}, ehlo = { { 'e', 'h', 'l', 'o' } },
	  helo = { { 'h', 'e', 'l', 'o' } };
	__u32 mask = n < 4 ? bpf_htonl(~(~0U >> (8 * n))) : ~0U;

	if (bpf_probe_read_user(&is, bound_size(n, 4), (void *)r->buf))
		return 0;
	is.word |= 0x20202020;
	return (is.word & mask) == (ehlo.word & mask) ||
			       (is.word & mask) == (helo.word & mask) ?
		       n :
		       0;
}

/*
 * Begins the dialogue of a session that starts with EHLO or HELO. A shorter
 * piece of them may be something else: then no reply is matched with an AUTH.
 */
static __always_inline struct tls_dialogue *
begin_session(const struct tls_reading *r, __u64 bytes)
{
	__u32 n = beginning(r, bytes);
	struct tls_dialogue *w;

	if (!n)
		return NULL;
	bpf_map_update_elem(&tls_dialogues, &r->key, &tls_dialogue_zero,
			    BPF_NOEXIST);
	w = bpf_map_lookup_elem(&tls_dialogues, &r->key);
	if (w)
		w->lost = n < 4;
	return w;
}

/* The session's connection; NULL: not known. */
static __always_inline const struct stream_key *
stream_of(const struct tls_key *key)
{
	const struct tls_session *ses = bpf_map_lookup_elem(&tls_sessions, key);

	return ses && (ses->peer == TLS_PEER_SOCKET ||
		       ses->peer == TLS_PEER_HELLO) ?
		       &ses->stream :
		       NULL;
}

/* The session's entry in map named, if it comes by a proxy; or NULL. */
static __always_inline struct named *proxied(const struct settings *s,
					     const struct tls_key *key)
{
	const struct stream_key *stream = s->proxies ? stream_of(key) : NULL;

	return stream ? bpf_map_lookup_elem(&named, stream) : NULL;
}

/* Notes that what was read begins an XCLIENT, as claim_begin() does. */
static __noinline int claim_xclient(const struct tls_reading *r,
				    const struct tls_dialogue *w, __u64 bytes)
{
	__u32 claim = claim_asked(w->replies);
	const struct stream_key *stream;
	__u64 first = 0;

	if (w->lost || bytes < sizeof(first) ||
	    !awaits_command(&w->d, w->replies, w->challenges) ||
	    bpf_probe_read_user(&first, sizeof(first), (void *)r->buf) ||
	    !begins_xclient(first))
		return 0;
	stream = stream_of(&r->key);
	if (stream)
		bpf_map_update_elem(&claims, stream, &claim, BPF_ANY);
	return 0;
}

/* Feeds the client's plaintext of one read call to its dialogue. */
static __always_inline int heard(struct tls_reading *r, __u64 bytes)
{
	struct tls_dialogue *w = bpf_map_lookup_elem(&tls_dialogues, &r->key);
	const struct settings *s = settings_active();
	struct tls_listening x = {};
	__u32 zero = 0;

	if (!s)
		return 0;
	if (!w)
		w = begin_session(r, bytes);
	if (!w || w->over || w->message)
		return 0;
	x.w = w;
	x.name_key = bpf_map_lookup_elem(&name_key, &zero);
	x.keep = s->users & USERS_TLS ? sasl_keep(s) : 0;
	x.when = window_tick(now_jiffies(), s->tick_shift);
	x.from = proxied(s, &r->key);
	x.pos = r->buf;
	x.end = r->buf + bytes;
	if (!x.name_key) {
		w->over = 1;
		return 0;
	}
	if (!dialogue_settled(&w->d, w->replies, w->challenges))
		w->lost = 1;
	if (!x.from)
		claim_xclient(r, w, bytes);
	bpf_loop(READ_STEPS, read_step, &x, 0);
	if (x.pos < x.end)
		w->over = 1;
	return 0;
}

/* The call that returns now, or NULL if its entry was not recorded. */
/* As leave() of tls_write.bpf.c. */
static __always_inline struct tls_reading *read_leave(bool ex)
{
	struct tls_reading *r = bpf_task_storage_get(
		&tls_readings, bpf_get_current_task_btf(), 0, 0);

	return r && r->buf && (!ex || r->got) ? r : NULL;
}

/* SSL_read(), gnutls_record_recv() return the bytes read, or an error. */
SEC("uretprobe")
int BPF_KRETPROBE(tls_read_leave, long ret)
{
	struct tls_reading *r = read_leave(false);
	__s32 n = ret;

	if (r && n > 0)
		heard(r, (__u32)n < r->num ? (__u32)n : r->num);
	if (r)
		r->buf = 0;
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(tls_read_leave_ex, long ret)
{
	struct tls_reading *r = read_leave(true);
	__u64 n = 0;

	if (r && (__s32)ret == 1 &&
	    !bpf_probe_read_user(&n, sizeof(n), (void *)r->got) && n)
		heard(r, n < r->num ? n : r->num);
	if (r)
		r->buf = 0;
	return 0;
}
