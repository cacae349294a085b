// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/fuse.h"

#include <string.h>

#define SLOTS (FUSE_SECONDS + 1)

/* What happened in the last so many seconds, as far as known. */
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
		/* What led to this turn is not to lead to the next. */
		f->blown = !f->blown;
		f->known = 1;
		return f->blown ? FUSE_BLOWS : FUSE_CLOSES;
	}
	return FUSE_STAYS;
}
