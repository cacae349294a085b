// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/policy.h"

uint32_t policy_ban_time(const struct settings *s, uint32_t base, uint32_t n)
{
	uint64_t seconds = base;

	for (; n > 1 && s->ban_factor > 1 && seconds < s->ban_max_sec; n--) {
		seconds *= s->ban_factor;
		if (seconds > s->ban_max_sec)
			seconds = s->ban_max_sec;
	}
	return seconds;
}

struct decision policy_decide(const struct event *e, const struct settings *s,
			      const struct history *h)
{
	/* It cannot overflow: UINT32_MAX bans of a second take 136 years. */
	struct decision d = { .offence = h->offences + 1 };

	d.seconds = policy_ban_time(s, e->ban_sec, d.offence);
	/*
	 * Where the kernel found the map full, the daemon tries again: its
	 * sweep may have removed bans that had run out.
	 */
	d.ban = e->kind == EVENT_NET_CROSSED ?
			e->outcome == OUTCOME_NONE :
			e->kind == EVENT_CROSSED &&
				(e->outcome == OUTCOME_BANNED ||
				 e->outcome == OUTCOME_MAP_FULL);
	return d;
}
