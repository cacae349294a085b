// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/cut_queue.h"

#include "base/clock.h"
#include "tell/journal.h"
#include "maps/settings_map.h"

/* The delay lets the last reply leave, and more bans come. */
#define DELAY_USEC 50000
/* Of one CPU, a tenth at most: a listing of 100,000 connections takes 0.1 s. */
#define SHARE 10

/* Tells each error once, until cutting works again. */
static void note_error(struct cut_queue *q, int err)
{
	if (err < 0 && err != q->error)
		journal_note(MESSAGE_FAULT,
			     "open connections of banned clients cannot be "
			     "cut: %s; their packets are dropped all the same",
			     cut_strerror(err));
	q->error = err < 0 ? err : 0;
}

static void arm(struct cut_queue *q)
{
	uint64_t soon = clock_monotonic_usec() + DELAY_USEC;

	sd_event_source_set_time(q->timer,
				 soon > q->not_before ? soon : q->not_before);
	sd_event_source_set_enabled(q->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct cut_queue *q = ctx;
	uint64_t start = clock_cpu_usec();
	bool more;

	note_error(q,
		   cut_connections(q->pins, q->nets, q->all ? 0 : q->n, &more));
	q->not_before = clock_monotonic_usec() +
			(clock_cpu_usec() - start) * (SHARE - 1);
	if (more) {
		arm(q);
	} else {
		q->n = 0;
		q->all = false;
	}
	return 0;
}

int cut_queue_start(struct cut_queue *q, sd_event *e, struct pins *p)
{
	int err;

	q->pins = p;
	if (settings_now(p)->cut_sessions)
		note_error(q, cut_probe());
	err = sd_event_add_time(e, &q->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
				q);
	if (err >= 0)
		err = sd_event_source_set_enabled(q->timer, SD_EVENT_OFF);
	if (err >= 0)
		err = sd_event_source_set_floating(q->timer, true);
	if (err >= 0 && q->n)
		arm(q);
	return err < 0 ? err : 0;
}

void cut_queue_add(struct cut_queue *q, const struct net *net)
{
	int armed = SD_EVENT_OFF;

	if (q->n < CUT_NETS_MAX)
		q->nets[q->n++] = *net;
	else
		q->all = true;
	if (!q->timer)
		return; /* not started yet */
	sd_event_source_get_enabled(q->timer, &armed);
	if (armed == SD_EVENT_OFF)
		arm(q);
}
