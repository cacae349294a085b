// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/fuse.h"

#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "maps/counter_map.h"
#include "maps/settings_map.h"
#include "tell/journal.h"

#define SLOTS (FUSE_SECONDS + 1)
/* Without a daemon, the programs close the fuse after this time. */
#define HOLD_SECONDS 30

/* The counts of the last so many seconds, as far as the totals go back. */
static struct fuse_figures
last(const struct fuse *f, const struct fuse_totals *now, unsigned int seconds)
{
	unsigned int back = seconds < f->known ? seconds : f->known - 1;
	const struct fuse_totals *then =
		&f->at[(f->next + SLOTS - 1 - back) % SLOTS];

	return (struct fuse_figures){
		.seconds = seconds,
		.failing = now->failing - then->failing,
		.successes = now->successes - then->successes,
	};
}

static bool turns(const struct fuse *f, const struct fuse_figures *l,
		  uint32_t clients)
{
	if (f->blown)
		return 2 * l->successes >= clients && l->successes;
	return l->failing >= clients && 2 * l->successes < l->failing;
}

enum fuse_turn fuse_step(struct fuse *f, const struct fuse_totals *now,
			 uint32_t clients, struct fuse_figures *why)
{
	static const unsigned int windows[] = { 10, 60, FUSE_SECONDS };

	memset(why, 0, sizeof(*why));
	f->at[f->next] = *now;
	f->next = (f->next + 1) % SLOTS;
	f->known += f->known < SLOTS;
	if (!clients && !f->blown)
		return FUSE_STAYS;
	for (int i = 0; i < 3; i++) {
		*why = last(f, now, windows[i]);
		if (clients && !turns(f, why, clients))
			continue;
		/* Counts that led to this turn must not lead to the next. */
		f->blown = !f->blown;
		f->known = 1;
		return f->blown ? FUSE_BLOWS : FUSE_CLOSES;
	}
	return FUSE_STAYS;
}

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

static void note_turn(enum fuse_turn turn, const struct fuse_figures *why)
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
	note_turn(turn, &why);
}

bool fuse_holds_bans(const struct pins *p, uint64_t jiffies)
{
	return jiffies <
	       __atomic_load_n(&p->slots->fuse_until, __ATOMIC_ACQUIRE);
}
