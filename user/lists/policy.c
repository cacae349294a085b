// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/policy.h"

#define NSEC 1000000000LL

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

int64_t policy_forgotten_at(const struct settings *s, const struct history *h)
{
	return h->until + s->ban_forget_sec * NSEC;
}

struct decision policy_decide(const struct event *e, const struct settings *s,
			      const struct history *h)
{
	/* UINT32_MAX offences of a second each take 136 years. */
	struct decision d = { .offence = h->offences + 1 };

	d.seconds = policy_ban_time(s, e->ban_sec, d.offence);
	/*
	 * Where the kernel found the map full, the daemon tries again: it may
	 * have removed bans that had run out meanwhile.
	 */
	d.ban = e->kind == EVENT_NET_CROSSED ?
			e->outcome == OUTCOME_NONE :
			e->kind == EVENT_CROSSED &&
				(e->outcome == OUTCOME_BANNED ||
				 e->outcome == OUTCOME_MAP_FULL);
	return d;
}
