/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells servers that hang from servers that delay a refusal. */
#ifndef SMTPXDP_HANG_H
#define SMTPXDP_HANG_H

#include <stdbool.h>

#include "dialogue.h"
#include "now.h"
#include "pure/window.h"
#include "settings.h"

/*
 * A server that has been silent for this many seconds hangs; it does not delay
 * a refusal (Dovecot's longest delay is 17 s). Clients that leave it are honest.
 */
#define HANGS 30

/* The current tick of the windows. */
static __always_inline __u32 tick_now(const struct settings *s)
{
	return window_tick(now_jiffies(), s->tick_shift);
}

/* Have more than so many seconds passed since a tick of the windows? */
static __always_inline bool have_passed(const struct settings *s, __u32 since,
					__u32 sec)
{
	const struct limit *rate = &s->policy[POLICY_PLAIN].rate;

	return (__u64)(tick_now(s) - since) * rate->sec >
	       (__u64)sec * rate->ticks;
}

/* Has an AUTH been without a reply for so long that the server hangs? */
static __always_inline bool is_hung(const struct settings *s,
				    const struct attempt *a)
{
	return have_passed(s, a->when, HANGS);
}

#endif
