/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes of mail servers: map mail_procs. */
#ifndef SMTPXDP_MAIL_PROC_H
#define SMTPXDP_MAIL_PROC_H

#include "event.h"
#include "kernel.h"
#include "maps.h"
#include "now.h"
#include "tls.h"

/*
 * The current process's entry in map mail_procs. If it is new, tells user
 * space, which looks for TLS libraries mapped in it. Not inlined, to save
 * stack: charge() in tls_send.bpf.c leads to eight nested calls, which kernels
 * before 6.9 allow 512 bytes together, each frame rounded up to 32.
 */
static __noinline struct mail_proc *proc_get(void)
{
	__u32 pid = process_id();
	struct mail_proc *proc = bpf_map_lookup_elem(&mail_procs, &pid);
	struct mail_proc fresh = {};
	struct event *e;

	if (proc || !pid)
		return proc;
	bpf_get_current_comm(fresh.name, sizeof(fresh.name));
	if (bpf_map_update_elem(&mail_procs, &pid, &fresh, BPF_NOEXIST))
		return NULL;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (e) {
		__builtin_memset(e, 0, sizeof(*e));
		e->version = EVENT_VERSION;
		e->kind = EVENT_PROCESS;
		e->sensor = SENSOR_TLS;
		e->boot_ns = now_boot_ns();
		e->pid = pid;
		bpf_ringbuf_submit(e, 0);
	}
	return bpf_map_lookup_elem(&mail_procs, &pid);
}

#endif
