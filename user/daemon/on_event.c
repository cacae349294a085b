// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/on_event.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/escape.h"
#include "config/config_command.h"
#include "counters.h"
#include "maps/clients_map.h"
#include "maps/counter_map.h"
#include "maps/logins_map.h"
#include "maps/settings_map.h"
#include "sys/executable.h"
#include "sys/supervised.h"
#include "tell/journal.h"

#define USEC 1000000ULL
#define SELDOM_USEC (600 * USEC)
#define OFFENCE_MIN 2
#define SHOWN_OUTPUT 256
#define WHY_SIZE 512
#define MORE_SIZE 48
#define PATH_VARIABLE                                                          \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What is set now; false: nothing. To be freed. */
static bool read_command(const struct pins *p, struct command *cmd)
{
	struct config c;
	bool set;

	if (config_init(&c))
		return false;
	set = !settings_load(p, &c) && command_read(&c, cmd);
	config_free(&c);
	return set;
}

/* May this be told now? Says in `more` of how many it was not. */
static bool is_due(struct seldom *s, char more[static MORE_SIZE])
{
	uint64_t now = clock_monotonic_usec();

	if (now < s->not_before) {
		s->untold++;
		return false;
	}
	*more = '\0';
	if (s->untold)
		snprintf(more, MORE_SIZE, " (and of %u others before)",
			 s->untold);
	*s = (struct seldom){ .not_before = now + SELDOM_USEC };
	return true;
}

static void count(const struct on_event *o, enum counter c, uint64_t n)
{
	counter_add(o->pins, c, n);
}

static void free_ban(struct on_event_ban *b)
{
	for (size_t i = 0; b->env && b->env[i]; i++)
		free(b->env[i]);
	free(b->env);
	*b = (struct on_event_ban){};
}

/* ---- which bans */

static int is_within(const struct net *client, const struct login *l, void *ctx)
{
	return net_contains(ctx, client);
}

/*
 * Did the client ever log in, or one within the network? Map regulars has the
 * clients that were seen last. In doubt, yes.
 */
static bool has_logged_in(const struct pins *p, const struct record *r)
{
	struct net host = *r->net;
	struct login l;

	host.len = ADDR_BITS;
	if (r->regular || logins_find(p, r->net, &l))
		return true;
	return client_of(p, &host).len != r->net->len &&
	       logins_each(p, is_within, (void *)r->net);
}

/* Takes one of the runs that on-event-rate grants. */
static bool take_run(struct on_event *o, const struct command *cmd)
{
	uint64_t now = clock_monotonic_usec();

	if (o->n_taken >= cmd->runs &&
	    now - o->taken[(o->n_taken - cmd->runs) % RATE_MAX] <
		    cmd->sec * USEC)
		return false;
	o->taken[o->n_taken++ % RATE_MAX] = now;
	return true;
}

static void skip(struct on_event *o, const struct record *r, const char *cause)
{
	char net[NET_TEXT], more[MORE_SIZE];

	count(o, COUNTER_ON_EVENT_SKIPPED, 1);
	if (is_due(&o->skipped, more))
		journal_note(MESSAGE_ON_EVENT_FAILED,
			     "on-event does not run for the ban of %s%s: %s; "
			     "the counter on-event-skipped goes on",
			     net_format(r->net, net), more, cause);
}

static char **environment(const struct record *r)
{
	char **env = journal_environment(r), **more;
	size_t n = 0;

	while (env && env[n])
		n++;
	more = env ? realloc(env, (n + 2) * sizeof(*env)) : NULL;
	if (!more) {
		free_ban(&(struct on_event_ban){ .env = env });
		return NULL;
	}
	more[n] = strdup(PATH_VARIABLE);
	more[n + 1] = NULL;
	return more;
}

static void run_next(struct on_event *o);

void on_event_ban(struct on_event *o, struct pins *p, const struct record *r)
{
	struct command cmd;

	o->pins = p;
	if (r->offence < OFFENCE_MIN || !read_command(p, &cmd))
		return;
	if (has_logged_in(p, r)) {
		command_free(&cmd);
		return;
	}
	if (o->n == ON_EVENT_QUEUE) {
		skip(o, r, "too many bans wait for it");
	} else if (!take_run(o, &cmd)) {
		skip(o, r, "on-event-rate is reached");
	} else {
		o->queue[(o->first + o->n++) % ON_EVENT_QUEUE] =
			(struct on_event_ban){ environment(r), *r->net };
		run_next(o);
	}
	command_free(&cmd);
}

/* ---- running */

/* "exit status 3", "signal 11 (Segmentation fault)", ... */
static const char *describe_end(const struct supervised_end *end,
				const struct command *cmd, char *buf,
				size_t size)
{
	char time[DURATION_TEXT];

	if (end->how == SUPERVISED_EXITED)
		snprintf(buf, size, "exit status %d", end->value);
	else if (end->how == SUPERVISED_KILLED)
		snprintf(buf, size, "signal %d (%s)", end->value,
			 strsignal(end->value));
	else if (end->how == SUPERVISED_TIMEOUT)
		snprintf(buf, size,
			 "killed after %s: see the key on-event-timeout",
			 duration_format(cmd->timeout, time));
	else
		snprintf(buf, size, "cannot be run: %s", strerror(end->value));
	return buf;
}

static void tell_failure(struct on_event *o, const char *cause,
			 const char *output)
{
	char net[NET_TEXT], more[MORE_SIZE];

	count(o, COUNTER_ON_EVENT_FAILED, 1);
	if (is_due(&o->failed, more))
		journal_note(MESSAGE_ON_EVENT_FAILED,
			     "on-event for the ban of %s%s: %s%s%s",
			     net_format(&o->now.net, net), more, cause,
			     *output ? "; it said: " : "", output);
}

static void tell_end(struct on_event *o, const struct supervised_end *end)
{
	char output[ESCAPED_SIZE(SHOWN_OUTPUT)], cause[WHY_SIZE];
	char net[NET_TEXT];
	struct command cmd;

	escape(end->output, end->len < SHOWN_OUTPUT ? end->len : SHOWN_OUTPUT,
	       output, sizeof(output));
	if (end->how == SUPERVISED_EXITED && !end->value) {
		if (*output)
			journal_note(MESSAGE_ON_EVENT,
				     "on-event for the ban of %s: %s",
				     net_format(&o->now.net, net), output);
		return;
	}
	if (!read_command(o->pins, &cmd))
		cmd = (struct command){};
	tell_failure(o, describe_end(end, &cmd, cause, sizeof(cause)), output);
	command_free(&cmd);
}

static void end_run(struct on_event *o)
{
	o->io = sd_event_source_disable_unref(o->io);
	close(o->fd);
	free_ban(&o->now);
}

static int on_end(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	struct supervised_end end = {};
	struct on_event *o = ctx;

	if (supervised_result(fd, &end))
		end = (struct supervised_end){ .how = SUPERVISED_FAILED,
					       .value = EPROTO };
	tell_end(o, &end);
	end_run(o);
	run_next(o);
	return 0;
}

/* Starts the program for o->now; else says why not. */
static int start_run(struct on_event *o, const struct command *cmd, char *why,
		     size_t size)
{
	const struct supervised_program p = { cmd->words, o->now.env,
					      cmd->timeout };
	int err = executable_check(cmd->words[0], why, size);

	if (err)
		return err;
	o->fd = o->now.env ? supervised_start(&p) : -ENOMEM;
	err = o->fd < 0 ? o->fd :
			  sd_event_add_io(o->event, &o->io, o->fd, EPOLLIN,
					  on_end, o);
	if (err >= 0)
		return 0;
	if (o->fd >= 0)
		close(o->fd);
	snprintf(why, size, "cannot be run: %s", strerror(-err));
	return err;
}

/* Runs it for the ban that waits for longest, if it does not run. */
static void run_next(struct on_event *o)
{
	char why[WHY_SIZE];
	struct command cmd;

	while (o->event && !o->io && o->n) {
		o->now = o->queue[o->first];
		o->first = (o->first + 1) % ON_EVENT_QUEUE;
		o->n--;
		if (!read_command(o->pins, &cmd)) {
			free_ban(&o->now);
			continue; /* it was set to nothing meanwhile */
		}
		if (start_run(o, &cmd, why, sizeof(why))) {
			tell_failure(o, why, "");
			free_ban(&o->now);
		} else {
			count(o, COUNTER_ON_EVENT, 1);
		}
		command_free(&cmd);
	}
}

void on_event_check(const struct pins *p)
{
	char why[WHY_SIZE];
	struct command cmd;

	if (!read_command(p, &cmd))
		return;
	if (executable_check(cmd.words[0], why, sizeof(why)))
		journal_note(MESSAGE_ON_EVENT_FAILED,
			     "on-event cannot run, all else goes on: %s", why);
	command_free(&cmd);
}

void on_event_start(struct on_event *o, sd_event *e, struct pins *p)
{
	o->pins = p;
	o->event = e;
	on_event_check(p);
	run_next(o);
}

void on_event_stop(struct on_event *o)
{
	size_t n = o->n + !!o->io;

	if (o->io)
		end_run(o);
	while (o->n)
		free_ban(&o->queue[(o->first + --o->n) % ON_EVENT_QUEUE]);
	o->event = NULL;
	if (!n)
		return;
	count(o, COUNTER_ON_EVENT_SKIPPED, n);
	journal_note(MESSAGE_ON_EVENT_FAILED,
		     "the daemon ends before on-event has run for %zu ban%s", n,
		     n == 1 ? "" : "s");
}
