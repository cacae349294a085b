/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The beginning of every event about a client: include/event.h. */
#ifndef SMTPXDP_EVENT_BEGIN_H
#define SMTPXDP_EVENT_BEGIN_H

#include "event.h"
#include "maps.h"
#include "now.h"
#include "sighting.h"

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

/*
 * The same of a failed login, `failures` of which within `sec` are told of. Not
 * for tell() of failure.h: Linux 6.1 refuses the stack that it takes then.
 */
static __always_inline struct event *event_of(enum event_kind kind,
					      const struct sighting *at,
					      __u32 failures, __u32 sec)
{
	struct event *e = event_begin(kind);

	if (!e)
		return NULL;
	e->sensor = at->sensor;
	e->len = ADDR_BITS;
	e->code = at->code;
	e->client = at->peer;
	e->proxy = at->proxy;
	e->port = at->port;
	e->failures = failures;
	e->window_sec = sec;
	return e;
}

#endif
