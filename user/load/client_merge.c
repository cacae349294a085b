// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/client_merge.h"

#include "pure/users.h"

static void append(struct client *c, const struct client *next)
{
	__u32 first = next->head > LOG_SLOTS ? next->head - LOG_SLOTS : 0;

	for (__u32 n = first; n != next->head; n++)
		c->log[(c->head + n) % LOG_SLOTS] = window_slot_value(
			c->head + n, next->log[n % LOG_SLOTS] >> 1);
	if (next->spent)
		c->spent = c->head + next->spent;
	c->head += next->head;
	for (int i = 0; i < USERS_MAX && next->users[i]; i++)
		users_add(c, next->users[i], users_slot_tick(next->users[i]));
	if (next->unknown_user)
		c->unknown_user = next->unknown_user;
}

void client_merge(struct client *c, const struct client *next)
{
	/* That the client is banned, who counted `next` did not know. */
	if (!window_closed(c->until, next->last_seen, MODE_ENFORCE))
		append(c, next);
	c->failures += next->failures;
	c->successes += next->successes;
	if (next->failures) {
		c->last_seen = next->last_seen;
		c->last_code = next->last_code;
	}
	if (next->until)
		c->until = next->until;
}
