// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/net_watch.h"

#include <string.h>

#include "lists/allowlist.h"
#include "base/clock.h"
#include "tell/journal.h"
#include "sys/netinfo.h"

/* Looks take a tenth of one CPU at most, however fast interfaces flap. */
#define SHARE 10
/*
 * An interface that cannot be attached is retried: no message tells when
 * another's program has gone from it.
 */
#define RETRY_USEC 2000000
/* No message tells when somebody listens on a mail port. */
#define LOOK_USEC 5000000

/*
 * Sets the timer to `usec`, or later if the last look was costly, but never
 * later than it is set already.
 */
static void look_at(struct net_watch *w, uint64_t usec)
{
	int armed = SD_EVENT_OFF;
	uint64_t set = UINT64_MAX;

	if (usec < w->not_before)
		usec = w->not_before;
	sd_event_source_get_enabled(w->timer, &armed);
	if (armed != SD_EVENT_OFF)
		sd_event_source_get_time(w->timer, &set);
	if (usec >= set)
		return;
	sd_event_source_set_time(w->timer, usec);
	sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static void sync_allowlist(struct pins *p)
{
	int lock = pins_lock_writer(p->dir), err;

	err = allowlist_sync_host(p);
	pins_unlock(lock);
	if (err)
		journal_note(MESSAGE_FAULT,
			     "cannot update the allowlist after a change of "
			     "addresses or routes: %s",
			     strerror(-err));
}

static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct net_watch *w = ctx;
	uint64_t start = clock_cpu_usec(), now;
	bool again = ifaces_sync(w->ifaces);

	sync_allowlist(w->ifaces->pins);
	now = clock_monotonic_usec();
	w->not_before = now + (clock_cpu_usec() - start) * (SHARE - 1);
	if (again)
		look_at(w, now + RETRY_USEC);
	else if (ifaces_are_chosen(w->ifaces))
		look_at(w, now + LOOK_USEC);
	return 0;
}

static int on_change(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	struct net_watch *w = ctx;

	netinfo_drain(fd);
	w->ifaces->changed_usec = clock_monotonic_usec();
	look_at(w, 0);
	return 0;
}

int net_watch_start(struct net_watch *w, sd_event *e, struct ifaces *f)
{
	int fd = netinfo_watch(), err;
	sd_event_source *s;

	*w = (struct net_watch){ .ifaces = f };
	err = fd < 0 ? fd : sd_event_add_io(e, &s, fd, EPOLLIN, on_change, w);
	if (err >= 0)
		err = sd_event_source_set_io_fd_own(s, true);
	/* once now: for changes before the watch began */
	if (err >= 0)
		err = sd_event_add_time(e, &w->timer, CLOCK_MONOTONIC, 0, 0,
					on_timer, w);
	return err < 0 ? err : 0;
}
