// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp replay: who would have been banned, by a capture. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "config/config_file.h"
#include "cmd/config_session.h"
#include "maps/counter_map.h"
#include "base/duration.h"
#include "base/escape.h"
#include "tell/journal.h"
#include "base/output.h"
#include "tell/names.h"
#include "cmd/replay.h"

#define ERROR_SIZE 512
#define PROGRESS_FRAMES 65536 /* between two lines of progress */

struct job {
	const char *file;
	struct net server;
	bool have_server;
	struct config_session s;
	struct replay r;
	json_t *bans;
};

static void on_ban(const struct event *e, const struct net *net,
		   const struct decision *d, void *ctx)
{
	char text[ESCAPED_SIZE(TEXT_SIZE)], name[NET_TEXT], client[ADDR_TEXT];
	char time[CLOCK_TEXT];
	struct job *j = ctx;

	json_array_append_new(
		j->bans,
		json_pack(
			"{s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:i, s:s, s:s, s:i}",
			"time", clock_format_wall(e->boot_ns / 1000, time),
			"event", d->ban ? "ban" : "would-ban", "client",
			addr_format(&e->client, client), "net",
			net_format(net, name), "failures", e->failures, "code",
			e->code, "duration", (json_int_t)d->seconds, "offence",
			d->offence, "text",
			escape(e->text, e->text_len, text, sizeof(text)),
			"kind", offender_name(e->offender), "users", e->users));
}

static void progress(const struct capture *c, const struct replay *r)
{
	double done = capture_progress(c);

	if (!isatty(STDERR_FILENO))
		return;
	if (done >= 0)
		fprintf(stderr, "\r%3.0f%%", 100 * done);
	fprintf(stderr, "%s%" PRIu64 " packets", done >= 0 ? "  " : "\r",
		r->frames);
}

static int replay_file(struct job *j, struct capture *c)
{
	struct captured f;
	char why[ERROR_SIZE];
	int more;

	while ((more = capture_next(c, &f, why, sizeof(why))) > 0) {
		if (replay_frame(&j->r, &f))
			return fail("the ring buffer cannot be read");
		if (j->r.frames % PROGRESS_FRAMES == 0)
			progress(c, &j->r);
	}
	if (isatty(STDERR_FILENO) && j->r.frames >= PROGRESS_FRAMES)
		fputs("\r\033[K", stderr);
	if (more < 0)
		return fail("%s is broken behind packet %" PRIu64 ": %s",
			    j->file, j->r.frames, why);
	return 0;
}

static uint64_t counter(const struct job *j, enum counter c)
{
	struct counter_value v;

	return counter_read(&j->r.pins, c, &v) ? 0 : v.packets;
}

static json_t *time_json(uint64_t wall_ns)
{
	char time[CLOCK_TEXT];

	return wall_ns ? json_string(clock_format_wall(wall_ns / 1000, time)) :
			 json_null();
}

static json_t *document(const struct job *j)
{
	const struct replay *r = &j->r;
	json_t *counters = json_object();

	for (int c = 0; c < COUNTERS_MAX; c++)
		if (counter(j, c))
			json_object_set_new(counters, counter_names[c],
					    json_integer(counter(j, c)));
	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:O, s:I, s:I, s:I, s:I, "
			 "s:o}",
			 "file", j->file, "packets", (json_int_t)r->frames,
			 "bytes", (json_int_t)r->bytes, "first",
			 time_json(r->first_ns), "last", time_json(r->last_ns),
			 "bans", j->bans, "failures",
			 (json_int_t)counter(j, COUNTER_FAILURE), "successes",
			 (json_int_t)counter(j, COUNTER_SUCCESS),
			 "dropped_packets", (json_int_t)r->dropped, "cut",
			 (json_int_t)r->cut, "counters", counters);
}

static void print_text(const struct job *j, const json_t *doc)
{
	static const struct column columns[] = {
		{ "TIME", "time", 0 },
		{ "EVENT", "event", 0 },
		{ "CLIENT", "net", 0 },
		{ "FAILURES", "failures", 0 },
		{ "FOR", "duration", COLUMN_DURATION },
		{ "REPLY", "text", COLUMN_TEXT },
		{}
	};
	const struct replay *r = &j->r;
	char span[DURATION_TEXT];

	output_rows(j->bans, columns, "nobody would have been banned");
	printf("\n%" PRIu64 " packets of %s, rate %s: %lld failed logins, "
	       "%lld successes; %zu ban%s, and %" PRIu64
	       " packets of the banned\n",
	       r->frames,
	       duration_format((r->last_ns - r->first_ns) / 1000000000, span),
	       j->s.c.value[KEY_RATE],
	       (long long)json_integer_value(json_object_get(doc, "failures")),
	       (long long)json_integer_value(json_object_get(doc, "successes")),
	       json_array_size(j->bans),
	       json_array_size(j->bans) == 1 ? "" : "s", r->dropped);
}

static void complain_of(const struct job *j)
{
	if (j->r.cut)
		warn("%" PRIu64 " packets of the mail server were cut short by "
		     "the capture (tcpdump -s 0 keeps all): what was cut off "
		     "was not read",
		     j->r.cut);
	if (j->r.refused)
		warn("%" PRIu64 " packets could not be run", j->r.refused);
	if (j->r.full)
		warn("%" PRIu64 " bans found the ban list full: raise max-bans",
		     j->r.full);
	if (counter(j, COUNTER_EVENT_LOST))
		warn("%" PRIu64
		     " bans are not listed: the ring buffer was full",
		     counter(j, COUNTER_EVENT_LOST));
}

static int replay_all(struct job *j)
{
	struct capture *c;
	char why[ERROR_SIZE];
	json_t *doc;
	int err;

	if (capture_open(&c, j->file, why, sizeof(why)))
		return fail("cannot replay %s: %s", j->file, why);
	err = replay_open(&j->r, &j->s.c, on_ban, j);
	if (err) {
		capture_close(c);
		return err;
	}
	if (j->have_server)
		j->r.server = &j->server;
	err = replay_file(j, c);
	/* A broken file is reported up to where it broke. */
	doc = document(j);
	if (!output_json(doc))
		print_text(j, doc);
	json_decref(doc);
	complain_of(j);
	replay_close(&j->r);
	capture_close(c);
	return err;
}

static int take_set(struct config *c, char *arg)
{
	char *value = strchr(arg, '='), why[CONFIG_ERROR_SIZE];
	enum config_key key;

	if (!value)
		return usage(
			"replay: --set '%.64s': KEY=VALUE, like rate=5/60s",
			arg);
	*value++ = '\0';
	key = config_find(arg, why, sizeof(why));
	if (key == KEYS_MAX ||
	    config_set(c, key, value, ORIGIN_COMMAND_LINE, why, sizeof(why)))
		return usage("replay: --set: %s", why);
	return 0;
}

static int take_config(struct config *c, const char *path)
{
	char why[CONFIG_ERROR_SIZE];

	config_free(c);
	if (config_init(c))
		return fail("out of memory");
	return config_file_read(path, c, why, sizeof(why)) ? fail("%s", why) :
							     0;
}

static int take_server(struct job *j, const char *text)
{
	char why[CONFIG_ERROR_SIZE];

	j->have_server = !net_parse(text, &j->server, why, sizeof(why));
	return j->have_server ? 0 : usage("replay: --server: %s", why);
}

static const struct cmd_option options[] = {
	{ 'c', true, "config", "FILE", false,
	  "the settings of FILE, instead of those in force" },
	{ 's', false, "set", "KEY=VALUE", true,
	  "this setting differs; any number of times" },
	{ 'a', false, "server", "ADDR[/LEN]", false,
	  "the mail server, where the capture has others, too" },
	{}
};

static int parse(const struct globals *g, int argc, char **argv, struct job *j)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 'c')
			err = take_config(&j->s.c, optarg);
		else if (c == 's')
			err = take_set(&j->s.c, optarg);
		else
			err = take_server(j, optarg);
	}
	if (!err && c < 0)
		err = EXIT_USAGE;
	j->file = err ? NULL : argv[optind];
	return err;
}

static int replay(const struct globals *g, int argc, char **argv)
{
	struct job j = { .bans = json_array() };
	int err = config_session_open(&j.s, g, false);

	if (!err)
		err = parse(g, argc, argv, &j);
	if (!err)
		err = replay_all(&j);
	config_session_close(&j.s);
	json_decref(j.bans);
	return err;
}

const struct cmd cmd_replay = {
	.name = "replay",
	.fn = replay,
	.args = "CAPTURE|-",
	.help = "who would have been banned, by a capture (pcap, pcapng)",
	.options = options,
};
