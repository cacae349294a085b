// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp events: what happened to clients, read back from the journal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "show/journal_read.h"
#include "base/output.h"

#define TAIL_DEFAULT 1000
#define LINES_MAX 1000000000

static json_t *text_json(sd_journal *j, const char *name)
{
	char buf[256];

	return *journal_field(j, name, buf, sizeof(buf)) ? json_string(buf) :
							   json_null();
}

static json_t *number_json(sd_journal *j, const char *name, bool nullable)
{
	char buf[32];

	if (!*journal_field(j, name, buf, sizeof(buf)) && nullable)
		return json_null();
	return json_integer(strtoll(buf, NULL, 10));
}

static json_t *unanswered_json(sd_journal *j)
{
	char buf[8];

	return json_boolean(
		*journal_field(j, "SMTPXDP_UNANSWERED", buf, sizeof(buf)));
}

static json_t *entry_json(sd_journal *j)
{
	char time[CLOCK_TEXT];
	uint64_t usec = 0;

	sd_journal_get_realtime_usec(j, &usec);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "time", clock_format_wall(usec, time), "event",
			 text_json(j, "SMTPXDP_EVENT"), "client",
			 text_json(j, "SMTPXDP_CLIENT"), "net",
			 text_json(j, "SMTPXDP_NET"), "code",
			 number_json(j, "SMTPXDP_CODE", true), "failures",
			 number_json(j, "SMTPXDP_FAILURES", false), "duration",
			 number_json(j, "SMTPXDP_DURATION_SEC", false),
			 "offence", number_json(j, "SMTPXDP_OFFENCE", true),
			 "sensor", text_json(j, "SMTPXDP_SENSOR"), "unanswered",
			 unanswered_json(j), "kind",
			 text_json(j, "SMTPXDP_KIND"), "users",
			 number_json(j, "SMTPXDP_USERS", false), "user",
			 text_json(j, "SMTPXDP_USER"), "group",
			 text_json(j, "SMTPXDP_GROUP"), "country",
			 text_json(j, "SMTPXDP_COUNTRY"), "asn",
			 number_json(j, "SMTPXDP_ASN", true), "connections",
			 number_json(j, "SMTPXDP_CONNECTIONS", false));
}

static void print_entry(sd_journal *j)
{
	char message[1024];
	json_t *doc = entry_json(j);

	if (!output_json(doc))
		printf("%s  %s\n",
		       json_string_value(json_object_get(doc, "time")),
		       journal_field(j, "MESSAGE", message, sizeof(message)));
	json_decref(doc);
}

/* Moves to the first of the last n entries. */
static int seek(sd_journal *j, unsigned long n)
{
	int err = sd_journal_seek_tail(j);

	if (err >= 0)
		err = sd_journal_previous_skip(j, n + 1);
	/* There are fewer: show all, without skipping the first. */
	if (err >= 0 && (unsigned long)err <= n)
		err = sd_journal_seek_head(j);
	return err < 0 ? err : 0;
}

static int show(sd_journal *j, unsigned long n, bool follow)
{
	int err = seek(j, n);

	while (!err) {
		err = sd_journal_next(j);
		if (err > 0) {
			print_entry(j);
			err = 0;
		} else if (err == 0) {
			if (!follow)
				break;
			fflush(stdout);
			err = sd_journal_wait(j, (uint64_t)-1);
			err = err < 0 ? err : 0;
		}
	}
	return err;
}

static const struct cmd_option options[] = {
	{ 'f', true, "follow", NULL, false, "go on as events come" },
	{ 'n', true, "lines", "LINES", false,
	  "the last LINES events, instead of 1000" },
	{}
};

static int events(const struct globals *g, int argc, char **argv)
{
	unsigned long n = TAIL_DEFAULT;
	bool follow = false;
	sd_journal *j;
	char *end;
	int c, err;

	while ((c = cmd_option(g, argc, argv)) > 0) {
		if (c == 'f') {
			follow = true;
			continue;
		}
		n = strtoul(optarg, &end, 10);
		if (*end || end == optarg || *optarg == '-' || n > LINES_MAX)
			return usage("events -n %s: not a number up to %d",
				     optarg, LINES_MAX);
	}
	if (c < 0)
		return EXIT_USAGE;
	err = journal_open(&j);
	if (err)
		return err;
	err = show(j, n, follow);
	sd_journal_close(j);
	return err < 0 ? fail("cannot read the journal: %s", strerror(-err)) :
			 0;
}

const struct cmd cmd_events = {
	.name = "events",
	.fn = events,
	.args = "",
	.help = "what happened, from the journal",
	.options = options,
};
