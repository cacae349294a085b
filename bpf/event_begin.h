/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The beginning of every event about a client: include/event.h. */
#ifndef SMTPXDP_EVENT_BEGIN_H
#define SMTPXDP_EVENT_BEGIN_H

#include "event.h"
#include "maps.h"
#include "now.h"

/*
 * An event to fill in and to submit, all zero but what each has; NULL: map
 * events is full, which is counted.
 */
static __always_inline struct event *event_begin(enum event_kind kind)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count(COUNTER_EVENT_LOST, 0);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->version = EVENT_VERSION;
	e->kind = kind;
	e->boot_ns = now_boot_ns();
	return e;
}

#endif
