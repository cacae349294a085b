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

/* Has an AUTH been without a reply for so long that the server hangs? */
static __always_inline bool is_hung(const struct settings *s,
				    const struct attempt *a)
{
	const struct limit *rate = &s->policy[POLICY_PLAIN].rate;
	__u32 now = window_tick(now_jiffies(), s->tick_shift);

	return (__u64)(now - a->when) * rate->sec > (__u64)HANGS * rate->ticks;
}

#endif
