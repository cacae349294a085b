// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tries a function behind a TLS library's exported ones, before the sensor's
 * probes move there (user/tls/tls_trial.h): is each call that takes bytes handed
 * on to it, with the same object, buffer and length? That one is not, counts of
 * mail servers only: any process that maps the library could call it otherwise on
 * purpose, to have the probes stay where they cost more.
 */
#include <linux/ptrace.h>
#include <stdbool.h>

#include "tls_session.h"

#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, struct tls_trial);
} tls_trials MAP;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_try);
} tls_tries MAP;

static __always_inline struct tls_try *try_get(__u64 flags)
{
	return bpf_task_storage_get(&tls_tries, bpf_get_current_task_btf(), 0,
				    flags);
}

static __always_inline void note_differed(struct tls_trial *trial)
{
	if (is_mail_server())
		__sync_fetch_and_add(&trial->differed, 1);
}

SEC("uprobe")
int BPF_KPROBE(tls_try_enter, __u64 object, __u64 buf, __u64 num)
{
	struct tls_try *t = try_get(BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t)
		return 0;
	t->trial = TLS_TRIAL_OF(bpf_get_attach_cookie(ctx));
	t->object = object;
	t->buf = buf;
	t->num = num; /* SSL_write() takes an int: its upper half is anything */
	t->seen = 0;
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_try_behind, __u64 object, __u64 second, __u64 third,
	       __u64 fourth)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	bool typed = cookie & TLS_TRIAL_TYPED;
	struct tls_try *t = try_get(0);
	struct tls_trial *trial;

	if (!t || t->trial != TLS_TRIAL_OF(cookie))
		return 0; /* called by another function: as good */
	t->seen = 1;
	trial = bpf_map_lookup_elem(&tls_trials, &t->trial);
	if (trial &&
	    (t->object != object || t->buf != (typed ? third : second) ||
	     t->num != (__u32)(typed ? fourth : third)))
		note_differed(trial);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(tls_try_leave, long ret)
{
	struct tls_try *t = try_get(0);
	struct tls_trial *trial;

	if (!t || t->trial != TLS_TRIAL_OF(bpf_get_attach_cookie(ctx)))
		return 0;
	trial = bpf_map_lookup_elem(&tls_trials, &t->trial);
	t->trial = 0;
	if (!trial || (__s32)ret <= 0)
		return 0;
	if (t->seen)
		__sync_fetch_and_add(&trial->agreed, 1);
	else
		note_differed(trial);
	return 0;
}
