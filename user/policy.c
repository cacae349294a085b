// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy.h"

struct decision policy_decide(const struct event *e)
{
	struct decision d = { .seconds = e->ban_sec };

	/*
	 * Where the kernel found the map full, the daemon tries again: it may
	 * have removed bans that had run out meanwhile.
	 */
	d.ban = e->kind == EVENT_CROSSED && e->outcome != OUTCOME_MONITOR;
	return d;
}
