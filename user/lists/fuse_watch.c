// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/fuse_watch.h"

#include "base/clock.h"
#include "maps/counter_map.h"
#include "base/duration.h"
#include "tell/journal.h"
#include "maps/settings_map.h"

/* So that it closes by itself where no daemon lives to do it. */
#define HOLD_SECONDS 30

static void hold(struct pins *p, bool blown)
{
	struct clock_pair now;
	uint64_t until = 0;

	if (blown && !clock_read(p->prog[PROG_CLOCK], &now))
		until = now.jiffies + HOLD_SECONDS * clock_hz();
	if (blown || p->slots->fuse_until)
		__atomic_store_n(&p->slots->fuse_until, until,
				 __ATOMIC_RELEASE);
}

static void tell(enum fuse_turn turn, const struct fuse_figures *why)
{
	char time[DURATION_TEXT];

	duration_format(why->seconds, time);
	if (turn == FUSE_BLOWS)
		journal_note(MESSAGE_FUSE_BLOWN,
			     "the fuse has blown: %llu clients that used to "
			     "log in began to fail within %s, and %llu logins "
			     "succeeded: is the password database out of "
			     "order? Nobody is banned until logins succeed "
			     "again",
			     (unsigned long long)why->failing, time,
			     (unsigned long long)why->successes);
	else if (turn == FUSE_CLOSES)
		journal_note(MESSAGE_FUSE_CLOSED,
			     "the fuse is closed again: %llu logins succeeded "
			     "within %s; clients are banned as before",
			     (unsigned long long)why->successes, time);
}

void fuse_watch(struct pins *p, struct fuse *f)
{
	struct counter_value failing, successes;
	struct fuse_figures why;
	enum fuse_turn turn;

	if (counter_read(p, COUNTER_REGULARS_FAILING, &failing) ||
	    counter_read(p, COUNTER_SUCCESS, &successes))
		return;
	turn = fuse_step(
		f, &(struct fuse_totals){ failing.packets, successes.packets },
		settings_now(p)->fuse_clients, &why);
	hold(p, f->blown);
	tell(turn, &why);
}

bool fuse_is_blown(const struct pins *p, uint64_t jiffies)
{
	return jiffies <
	       __atomic_load_n(&p->slots->fuse_until, __ATOMIC_ACQUIRE);
}
