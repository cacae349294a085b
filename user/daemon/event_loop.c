// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/event_loop.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "maps/activity_map.h"
#include "base/address.h"
#include "lists/allow_names.h"
#include "lists/config_apply.h"
#include "base/clock.h"
#include "config/config_file.h"
#include "daemon/event_handler.h"
#include "lists/fuse.h"
#include "lists/groups_plan.h"
#include "tell/journal.h"
#include "daemon/metrics_server.h"
#include "base/output.h"
#include "maps/settings_map.h"
#include "tls/tls_sensor.h"
#include "tls/tls_watch.h"

#define USEC 1000000ULL
/* The sweep removes expired bans every second, at 1 % of one CPU at most. */
#define SWEEP_USEC USEC
#define SWEEP_SHARE 100
#define TLS_USEC USEC
#define BEAT_USEC USEC
#define EVENTS_USEC (USEC / 20) /* a turn of the loop takes events so long */
#define FUSE_USEC USEC
#define GROUPS_USEC USEC
#define NAMES_USEC USEC
/* A look at all alarms every second, at 2 % of one CPU at most. */
#define ALARMS_USEC USEC
#define ALARMS_SHARE 50

/* Where the ring buffer's events go, for one turn of the loop. */
struct intake {
	struct handler handler;
	struct ring_buffer *ring;
	uint64_t deadline; /* usec */
};

/* A negative value ends ring_buffer__consume() behind this event. */
static int take_event(void *ctx, void *data, size_t size)
{
	struct intake *in = ctx;
	int err = handle_event(&in->handler, data, size);

	return !err && clock_monotonic_usec() >= in->deadline ? -EAGAIN : err;
}

/*
 * Takes events for a bounded time: others may come as fast as they are taken,
 * and without end. Those that are left wake the loop again.
 */
static void take_events(struct intake *in)
{
	in->deadline = clock_monotonic_usec() + EVENTS_USEC;
	ring_buffer__consume(in->ring);
}

static int on_ring(sd_event_source *s, int fd, uint32_t revents, void *in)
{
	take_events(in);
	return 0;
}

/* Marks everything as changed if a command has left its save to the daemon. */
static void take_asked(struct daemon *d)
{
	uint64_t asked = activity_asked(&d->pins);

	if (asked != d->asked)
		changes_note_all(&d->pins.changes);
	d->asked = asked;
}

/*
 * Writes the sign of life into map activity. It shows that the loop turns,
 * which neither the daemon's pid nor its lock show; a timer of its own, however
 * long a sweep takes.
 */
static int on_beat(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;

	activity_beat(&d->pins);
	take_asked(d);
	journal_catch_up();
	return sd_event_source_set_time_relative(s, BEAT_USEC);
}

static int on_fuse(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;

	fuse_watch(&d->pins, &d->fuse);
	return sd_event_source_set_time_relative(s, FUSE_USEC);
}

static int on_groups(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;

	groups_watch(&d->pins, &d->groups);
	return sd_event_source_set_time_relative(s, GROUPS_USEC);
}

static int on_names(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;

	names_watch(&d->names);
	return sd_event_source_set_time_relative(s, NAMES_USEC);
}

static int on_alarms(sd_event_source *s, uint64_t usec, void *ctx)
{
	uint64_t start = clock_cpu_usec(), cost;
	struct daemon *d = ctx;

	alarm_watch(&d->pins, d->groups.known ? &d->groups.c : NULL,
		    &d->alarms);
	cost = clock_cpu_usec() - start;
	return sd_event_source_set_time_relative(
		s, cost * ALARMS_SHARE > ALARMS_USEC ? cost * ALARMS_SHARE :
						       ALARMS_USEC);
}

static int on_sweep(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;
	uint64_t start = clock_monotonic_usec(), cost, wait;

	handle_sweep(&(struct handler){
		.pins = &d->pins, .cuts = &d->cuts, .on_event = &d->on_event });
	cost = clock_monotonic_usec() - start;
	wait = cost * SWEEP_SHARE > SWEEP_USEC ? cost * SWEEP_SHARE :
						 SWEEP_USEC;
	return sd_event_source_set_time_relative(s, wait);
}

/* Not within the sweep, whose pauses grow: files may take two seconds of ten. */
static int on_tls(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct daemon *d = ctx;

	tls_watch(&d->pins, d->tls);
	return sd_event_source_set_time_relative(s, TLS_USEC);
}

int daemon_configure(struct daemon *d, struct config *c, char *err, size_t size)
{
	int ret = config_init(c);

	if (!ret && d->config_path) {
		ret = config_file_read(d->config_path, c, err, size);
		if (!ret)
			/* a later reload needs the file */
			d->config_required = true;
		if (ret == -ENOENT && !d->config_required)
			ret = 0;
	}
	for (int k = 0; !ret && k < KEYS_MAX; k++)
		if (d->overrides.origin[k] == ORIGIN_COMMAND_LINE)
			ret = config_set(c, k, d->overrides.value[k],
					 ORIGIN_COMMAND_LINE, err, size);
	if (ret)
		config_free(c);
	return ret;
}

/* Tells the journal of changed keys that take effect at a restart. */
static void note_restart_keys(const struct config *old, const struct config *c)
{
	for (int k = 0; k < KEYS_MAX; k++)
		if (config_keys[k].restart &&
		    strcmp(old->value[k], c->value[k]))
			journal_note(MESSAGE_CONFIG_CHANGED,
				     "%s = %s takes effect when the daemon is "
				     "restarted",
				     config_keys[k].name, c->value[k]);
}

/*
 * Drops keys of the command line that `config set` has changed since: a reload
 * must not set them back.
 */
static void drop_overruled(struct daemon *d, const struct config *live)
{
	for (int k = 0; k < KEYS_MAX; k++)
		if (live->origin[k] != ORIGIN_COMMAND_LINE)
			d->overrides.origin[k] = ORIGIN_DEFAULT;
}

/* Puts a configuration in force, under the writers' lock. -errno. */
static int apply_locked(struct daemon *d, const struct config *c)
{
	int lock = pins_lock_writer(d->pins.dir);
	int err = lock < 0 ? lock : config_apply(&d->pins, c);

	if (!err) {
		groups_apply(&d->pins, c, true);
		allow_names_hurry(&d->pins, false);
	}
	pins_unlock(lock);
	return err;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si,
		     void *ctx)
{
	char why[CONFIG_ERROR_SIZE] = "";
	struct config c = {}, old = {};
	struct daemon *d = ctx;
	int err;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)clock_monotonic_usec());
	err = config_init(&old);
	if (!err)
		err = settings_load(&d->pins, &old);
	if (!err) {
		drop_overruled(d, &old);
		err = daemon_configure(d, &c, why, sizeof(why));
	}
	if (!err)
		note_restart_keys(&old, &c);
	if (!err)
		err = apply_locked(d, &c);
	if (err)
		journal_note(MESSAGE_RELOAD_FAILED,
			     "configuration not taken, the old one stays in "
			     "force: %s",
			     *why ? why : strerror(-err));
	else
		journal_note(MESSAGE_RELOADED, "configuration read again: %s",
			     d->config_path ? d->config_path : "defaults");
	config_free(&c);
	config_free(&old);
	if (!err)
		on_event_check(&d->pins);
	sd_notify(0, "READY=1");
	return 0;
}

/* Adds a timer; its handler must set the next time. */
static int add_timer(sd_event *e, uint64_t usec, sd_event_time_handler_t fn,
		     void *ctx)
{
	sd_event_source *s;
	int err = sd_event_add_time_relative(e, &s, CLOCK_MONOTONIC, usec, 0,
					     fn, ctx);

	return err < 0 ? err : sd_event_source_set_enabled(s, SD_EVENT_ON);
}

static int on_ended(sd_event_source *s, int fd, uint32_t events, void *ctx)
{
	struct daemon *d = ctx;

	tls_end(&d->pins, d->tls);
	return 0;
}

static int add_sources(sd_event *e, struct daemon *d, struct intake *in)
{
	int err = net_watch_start(&d->network, e, &d->ifaces);

	names_watch_start(&d->names, e, &d->pins);
	if (err >= 0)
		err = sd_event_add_io(e, NULL, ring_buffer__epoll_fd(in->ring),
				      EPOLLIN, on_ring, in);
	if (err >= 0 && d->tls)
		err = sd_event_add_io(e, NULL, tls_sensor_fd(d->tls), EPOLLIN,
				      on_ended, d);
	if (err >= 0 && d->tls)
		err = add_timer(e, TLS_USEC, on_tls, d);
	if (err >= 0)
		err = add_timer(e, SWEEP_USEC, on_sweep, d);
	if (err >= 0)
		err = add_timer(e, BEAT_USEC, on_beat, d);
	if (err >= 0)
		err = add_timer(e, FUSE_USEC, on_fuse, d);
	if (err >= 0) /* at once: it opens the GeoIP databases */
		err = add_timer(e, 0, on_groups, d);
	if (err >= 0)
		err = add_timer(e, 0, on_names, d);
	if (err >= 0)
		err = overdue_start(&d->overdue, e);
	if (err >= 0)
		err = add_timer(e, ALARMS_USEC, on_alarms, d);
	if (err >= 0)
		err = sd_event_add_signal(e, NULL, SIGHUP, on_reload, d);
	if (err >= 0) /* no handler: these signals end the loop */
		err = sd_event_add_signal(e, NULL, SIGTERM, NULL, NULL);
	if (err >= 0)
		err = sd_event_add_signal(e, NULL, SIGINT, NULL, NULL);
	if (err >= 0)
		err = sd_event_set_watchdog(e, true);
	return err < 0 ? err : 0;
}

/*
 * Serves metrics if metrics-listen is set. Metrics are optional: a failure to
 * listen is logged, not fatal.
 */
static void serve_metrics(struct daemon *d, sd_event *e)
{
	struct listen_address at;
	struct config c;
	int err;

	if (config_init(&c))
		return;
	if (!settings_load(&d->pins, &c) && config_metrics_listen(&c, &at)) {
		const char *where = c.value[KEY_METRICS_LISTEN];

		err = metrics_server_start(&d->metrics, e, &d->pins, &at);
		if (err)
			journal_note(MESSAGE_FAULT,
				     "no metrics at %s (metrics-listen): %s",
				     where, strerror(-err));
		else if (!addr_is_loopback(&at.addr))
			journal_note(
				MESSAGE_METRICS_OPEN,
				"metrics are served at %s to whoever can "
				"reach it, without a password: keep others "
				"off that port",
				where);
	}
	config_free(&c);
}

/*
 * Tells systemd that the daemon is ready, and restores the unit's WatchdogSec,
 * which cmd_run() may have raised.
 */
static void notify_ready(void)
{
	const char *watchdog = getenv("WATCHDOG_USEC");

	sd_notifyf(0, "READY=1\nSTATUS=watching%s%s",
		   watchdog ? "\nWATCHDOG_USEC=" : "",
		   watchdog ? watchdog : "");
}

int event_loop(struct daemon *d)
{
	struct intake in = {
		.handler = { &d->pins, d->tls, &d->cuts, &d->groups, &d->fuse,
			     &d->on_event },
	};
	sd_event *e = NULL;
	int err;

	in.ring = ring_buffer__new(d->pins.map[MAP_EVENTS], take_event, &in,
				   NULL);
	err = in.ring ? sd_event_default(&e) : -errno;
	if (err >= 0)
		err = cut_queue_start(&d->cuts, e, &d->pins);
	if (err >= 0)
		err = add_sources(e, d, &in);
	if (!err) {
		on_event_start(&d->on_event, e, &d->pins);
		take_events(&in); /* those since the last daemon */
		fuse_watch(&d->pins, &d->fuse);
		serve_metrics(d, e);
		activity_beat(&d->pins);
		notify_ready();
		err = sd_event_loop(e);
		sd_notify(0, "STOPPING=1");
		take_asked(d);
	}
	if (err < 0)
		fail("the event loop failed: %s", strerror(-err));
	metrics_server_stop(d->metrics);
	on_event_stop(&d->on_event);
	groups_watch_free(&d->groups);
	names_watch_free(&d->names);
	alarm_watch_free(&d->alarms);
	fuse_free(&d->fuse);
	sd_event_unref(e);
	ring_buffer__free(in.ring);
	return err;
}
