// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp probe: what does a mail server say, and would it count? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/config_session.h"
#include "base/duration.h"
#include "base/escape.h"
#include "base/output.h"
#include "cmd/probe.h"
#include "pure/reply.h"

#define PORT_SUBMISSION 587 /* RFC 6409 */
#define PORT_SUBMISSIONS 465 /* RFC 8314 */
#define TIMEOUT_DEFAULT 30 /* seconds; answers to a failure are delayed */
#define TIMEOUT_MAX 600

static const char *const tls_words[] = {
	[PROBE_TLS_AUTO] = "auto",
	[PROBE_TLS_STARTTLS] = "starttls",
	[PROBE_TLS_IMPLICIT] = "implicit",
	[PROBE_TLS_NONE] = "none",
	NULL,
};

/* Would the settings count an answer? */
struct probe_verdict {
	enum reply_verdict verdict;
	uint16_t code; /* 0: not an SMTP reply */
	char line[LINE_SIZE +
		  1]; /* the reply's last one, as much as texts match */
	size_t len;
	bool port; /* the port is one of the key ports */
	bool sensor; /* the sensor that would see it is on */
	bool reads; /* that sensor compares passwords */
};

static bool says_failure(const struct probe_verdict *j)
{
	return j->verdict == REPLY_COUNT ||
	       (j->verdict == REPLY_UNASKED && j->reads);
}

static bool counts(const struct probe_verdict *j)
{
	return says_failure(j) && j->port && j->sensor;
}

static void judge(const struct config *c, const struct probe_request *rq,
		  const struct probe_answer *a, struct probe_verdict *j)
{
	const char *bytes = a->reply, *end = bytes + a->reply_len;
	struct reply_result res = {};
	struct reply r = {};
	struct settings s;

	memset(j, 0, sizeof(*j));
	config_compile(c, clock_hz(), &s);
	j->port = port_is_mail(&s, rq->port);
	j->sensor = !a->encrypted || config_tls(c) != CONFIG_TLS_OFF;
	j->reads =
		s.compare && s.users & (a->encrypted ? USERS_TLS : USERS_WIRE);
	while (bytes < end && !res.code) {
		uint32_t n = reply_room(&r);

		if (n > end - bytes)
			n = end - bytes;
		memcpy(r.line + reply_at(&r), bytes, n);
		j->verdict = reply_feed(&r, n, &s, &res);
		bytes += res.used;
	}
	j->code = res.code;
	j->len = res.len && r.line[res.len - 1] == '\r' ? res.len - 1 : res.len;
	memcpy(j->line, r.line, j->len);
}

/* Escapes a text for a value's double quotes within a shell's single ones. */
static void quote_text(const char *text, size_t n, char *buf, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 5 < size; i++) {
		unsigned char c = text[i];

		if (c < ' ' || c > '~' || strchr("\"'\\", c))
			at += sprintf(buf + at, "\\x%02x", c);
		else
			buf[at++] = c;
	}
	buf[at] = '\0';
}

/*
 * Returns how much of the line will probably be the same next time: up to the
 * first number behind the enhanced status code (RFC 3463), user, or bracket.
 */
static size_t constant_part(const struct probe_verdict *j)
{
	const char *user = strstr(j->line, PROBE_USER);
	size_t n = 4, len = user ? (size_t)(user - j->line) : j->len;

	n += strspn(j->line + 4, "0123456789.");
	n += strcspn(j->line + n, "0123456789:;,([<{=");
	n = n < len ? n : len;
	while (n > 4 && j->line[n - 1] == ' ')
		n--;
	return n;
}

/* Changes c as well, so that remedy() can judge whether the advice suffices. */
static void advise(json_t *list, struct config *c, enum config_key key,
		   const char *added)
{
	char value[DAEMON_CONFIG_SIZE], why[CONFIG_ERROR_SIZE];
	const char *old = c->value[key];
	bool texts = key == KEY_COUNT_TEXTS || key == KEY_UNASKED_TEXTS;
	const char *quote = texts && *old && *old != '"' ? "\"" : "";

	if (key == KEY_TLS)
		snprintf(value, sizeof(value), "%s", added);
	else
		snprintf(value, sizeof(value), "%s%s%s%s%s", quote, old, quote,
			 *old ? ", " : "", added);
	if (strchr(value, '\'') ||
	    config_set(c, key, value, ORIGIN_RUNTIME, why, sizeof(why)))
		return;
	json_array_append_new(list, json_sprintf("smtpxdp config set %s '%s'",
						 config_keys[key].name, value));
}

/* The replies of RFC 4954, 6 (and 5321) that say nothing of a password. */
static const char *other_meaning(uint16_t code)
{
	switch (code) {
	case 0:
		return "this is no SMTP reply";
	case 421:
		return "the server hangs up, as it does on right passwords, "
		       "too; each one that it checked had its own answer";
	case 450:
		return "the server's own limit: it checks no more passwords "
		       "for a time, right ones neither; those that it did "
		       "check count";
	case 235:
		return "a made-up login was accepted!";
	case 432:
		return "the user is to change over to this mechanism";
	case 500:
	case 501:
	case 502:
	case 503:
		return "the server did not take the command";
	case 504:
	case 534:
		return "the server does not take this mechanism";
	case 530:
		return "the server wants TLS first: try --tls starttls";
	}
	return code < 400 ? "not a refusal" :
	       code < 500 ? "a fault of the server, for a time" :
			    NULL;
}

/* A refusal that counts of some clients, but not as it was earned here. */
static const char *depends(const struct probe_verdict *j)
{
	if (j->verdict == REPLY_THROTTLED)
		return "one of throttle-texts matches it: it counts only of a "
		       "client that was refused in other words before";
	if (j->verdict == REPLY_UNASKED && !j->reads)
		return "one of unasked-texts matches it: it counts only where "
		       "passwords are read, see compare-passwords and users";
	return NULL;
}

/* Which of the lists of texts is to have such a reply? */
static enum config_key list_for(const struct probe_answer *a)
{
	return a->unasked ? KEY_UNASKED_TEXTS : KEY_COUNT_TEXTS;
}

/* Returns why the answer does not count, or lists commands that change it. */
static const char *remedy(struct config *c, const struct probe_request *rq,
			  const struct probe_answer *a, json_t *list)
{
	char text[ESCAPED_SIZE(LINE_SIZE)], added[sizeof(text) + 2];
	struct probe_verdict j;

	judge(c, rq, a, &j);
	if (j.verdict == REPLY_IGNORED_BY_TEXT)
		return "one of ignore-texts matches it";
	if (depends(&j))
		return depends(&j);
	if (!says_failure(&j) && other_meaning(j.code) &&
	    !(a->unasked && j.code >= 500))
		return other_meaning(j.code);
	if (!says_failure(&j) && (j.code == 535 || j.code == 538)) {
		snprintf(added, sizeof(added), "%u", j.code);
		advise(list, c, KEY_CODES, added);
	} else if (!says_failure(&j)) {
		/* By text, not by code: 550 says "no such recipient", too. */
		quote_text(j.line, constant_part(&j), text, sizeof(text));
		snprintf(added, sizeof(added), "\"%s\"", text);
		advise(list, c, list_for(a), added);
	}
	if (!j.port) {
		snprintf(added, sizeof(added), "%u", rq->port);
		advise(list, c, KEY_PORTS, added);
	}
	if (!j.sensor)
		advise(list, c, KEY_TLS, "auto");
	judge(c, rq, a, &j);
	return counts(&j) ? NULL : "see codes, count-texts and ports";
}

static json_t *document(struct config *c, const struct probe_request *rq,
			const struct probe_answer *a)
{
	char text[ESCAPED_SIZE(PROBE_REPLY_SIZE)], words[PROBE_WORDS_SIZE];
	char offered[ESCAPED_SIZE(PROBE_WORDS_SIZE)];
	json_t *advice = json_array();
	const char *why = NULL;
	struct probe_verdict j;

	judge(c, rq, a, &j);
	if (!counts(&j))
		why = remedy(c, rq, a, advice);
	if (why)
		json_array_clear(advice);
	escape(a->reply, a->reply_len, text, sizeof(text));
	printable(a->mechanism, strlen(a->mechanism), words, sizeof(words));
	escape(a->offered, strlen(a->offered), offered, sizeof(offered));
	return json_pack("{s:s, s:i, s:b, s:s, s:b, s:s, s:i, s:s, s:b, s:s, "
			 "s:b, s:s?, s:o}",
			 "host", rq->host, "port", rq->port, "tls",
			 a->encrypted, "mechanisms", offered, "unasked",
			 a->unasked, "mechanism", words, "code", j.code, "text",
			 text, "counted", counts(&j), "sensor",
			 a->encrypted ? "tls" : "wire", "new_only",
			 j.verdict == REPLY_UNASKED, "why", why, "advice",
			 advice);
}

static void print_asked(const json_t *doc)
{
	bool tls = json_is_true(json_object_get(doc, "tls"));

	printf("%-8s by %s, %s TLS; ", "asked",
	       json_string_value(json_object_get(doc, "mechanism")),
	       tls ? "inside" : "without");
	if (!json_is_true(json_object_get(doc, "unasked")))
		printf("offered: %s\n",
		       json_string_value(json_object_get(doc, "mechanisms")));
	else
		printf("no login (AUTH) is offered; %s\n",
		       tls ? "on port 25 many offer none: try 587" :
			     "many do only inside TLS: --tls starttls, or "
			     "implicit (port 465)");
}

static void print_text(const json_t *doc)
{
	const char *text = json_string_value(json_object_get(doc, "text"));
	const char *why = json_string_value(json_object_get(doc, "why"));
	const json_t *advice = json_object_get(doc, "advice"), *line;
	size_t i;

	printf("%-8s %s\n", "said", text);
	print_asked(doc);
	if (json_is_true(json_object_get(doc, "counted")))
		printf("%-8s yes%s, by the %s sensor of a machine with these "
		       "settings\n",
		       "counted",
		       json_is_true(json_object_get(doc, "new_only")) ?
			       " if it is a new password that can be read" :
			       "",
		       json_string_value(json_object_get(doc, "sensor")));
	else
		printf("%-8s no%s%s\n", "counted", why ? ": " : "",
		       why ? why : "; this would change it:");
	json_array_foreach(advice, i, line)
		printf("    %s\n", json_string_value(line));
}

/* Splits HOST, HOST:PORT, IPv6 or [IPv6]:PORT; rq->host points into arg. */
static int take_host(char *arg, struct probe_request *rq)
{
	char *colon = strrchr(arg, ':'), *end;
	bool bracket = *arg == '[';
	unsigned long port;

	if (bracket) {
		arg++;
		end = strchr(arg, ']');
		if (!end || (end[1] && end[1] != ':'))
			return usage("probe: '%.64s': no ']' where it should "
				     "be",
				     arg);
		colon = end[1] ? end + 1 : NULL;
		*end = '\0';
	} else if (colon && strchr(arg, ':') != colon) {
		colon = NULL; /* IPv6, and no port */
	}
	rq->host = arg;
	if (colon) {
		*colon = '\0';
		port = strtoul(colon + 1, &end, 10);
		if (*end || colon[1] < '0' || colon[1] > '9' || port < 1 ||
		    port > 65535)
			return usage("probe: '%.16s' is not a port from 1 to "
				     "65535",
				     colon + 1);
		rq->port = port;
	}
	if (!*arg || strlen(arg) > PROBE_HOST_MAX)
		return usage("probe: this is not a host: '%.64s'", arg);
	return 0;
}

static int take_tls(const char *word, struct probe_request *rq)
{
	for (int i = 0; tls_words[i]; i++)
		if (!strcmp(tls_words[i], word)) {
			rq->tls = i;
			return 0;
		}
	return usage("probe: --tls '%.32s': auto, starttls, implicit or none",
		     word);
}

static int take_timeout(const char *text, struct probe_request *rq)
{
	uint64_t seconds;

	if (duration_parse(text, &seconds) || seconds < 1 ||
	    seconds > TIMEOUT_MAX)
		return usage("probe: --timeout '%.32s': 1s to 10m", text);
	rq->timeout = seconds;
	return 0;
}

static const struct cmd_option options[] = {
	{ 't', false, "tls", "auto|starttls|implicit|none", false,
	  "how to encrypt; auto: implicit on port 465, elsewhere STARTTLS "
	  "where the server offers it" },
	{ 'm', false, "mechanism", "NAME", false,
	  "the SASL mechanism, like LOGIN, instead of the best offered" },
	{ 'k', false, "insecure", NULL, false, "take any certificate" },
	{ 'w', false, "timeout", "TIME", false,
	  "for all of it, up to 10m, instead of 30s" },
	{}
};

static int parse(const struct globals *g, int argc, char **argv,
		 struct probe_request *rq)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 't')
			err = take_tls(optarg, rq);
		else if (c == 'm')
			rq->mechanism = optarg;
		else if (c == 'k')
			rq->insecure = true;
		else
			err = take_timeout(optarg, rq);
	}
	if (!err)
		err = c < 0 ? EXIT_USAGE : take_host(argv[optind], rq);
	if (rq->tls == PROBE_TLS_AUTO && rq->port == PORT_SUBMISSIONS)
		rq->tls = PROBE_TLS_IMPLICIT;
	if (!rq->port)
		rq->port = rq->tls == PROBE_TLS_IMPLICIT ? PORT_SUBMISSIONS :
							   PORT_SUBMISSION;
	return err;
}

static int probe_server(const struct globals *g, int argc, char **argv)
{
	struct probe_request rq = { .timeout = TIMEOUT_DEFAULT };
	char why[PROBE_ERROR_SIZE];
	struct config_session s;
	struct probe_answer a;
	json_t *doc;
	int err = parse(g, argc, argv, &rq);

	if (err)
		return err;
	err = config_session_open(&s, g, false);
	if (!err && probe(&rq, &a, why, sizeof(why)))
		err = fail("%s", why);
	if (!err) {
		doc = document(&s.c, &rq, &a);
		if (!output_json(doc))
			print_text(doc);
		json_decref(doc);
	}
	config_session_close(&s);
	return err;
}

const struct cmd cmd_probe = {
	.name = "probe",
	.fn = probe_server,
	.args = "HOST[:PORT]",
	.help = "what a mail server says to a wrong password; does it count?",
	.options = options,
};
