// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tell/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "account_window.h"
#include "activity.h"
#include "client.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/output.h"
#include "tell/fields.h"
#include "tell/journal_socket.h"
#include "tell/names.h"

const char *const message_names[MESSAGES_MAX] = {
#define X(id, name, uuid, priority) [MESSAGE_##id] = name,
	MESSAGES(X)
#undef X
};

const char *const message_ids[MESSAGES_MAX] = {
#define X(id, name, uuid, priority) [MESSAGE_##id] = uuid,
	MESSAGES(X)
#undef X
};

static const int message_priorities[MESSAGES_MAX] = {
#define X(id, name, uuid, priority) [MESSAGE_##id] = priority,
	MESSAGES(X)
#undef X
};

int journal_quiet;
__u64 *journal_told;

_Static_assert(MESSAGES_MAX <= ACTIVITY_KINDS, "room in map activity");

/* Is stderr the journal? systemd connects it and sets JOURNAL_STREAM. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

/*
 * In one write, for which there is room: a terminal or a pipe that nobody reads
 * must not stop the daemon.
 */
static void to_stderr(enum message kind, const char *message, json_t *doc)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	char *text = NULL;

	if (poll(&out, 1, 0) != 1)
		return;
	if (output.json)
		text = json_dumps(doc, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (text)
		fprintf(stderr, "%s\n", text);
	else
		fprintf(stderr, "%s%s\n",
			message_priorities[kind] <= LOG_ERR	? "error: " :
			message_priorities[kind] == LOG_WARNING ? "warning: " :
								  "",
			message);
	free(text);
}

static uint64_t lost_untold, lost_uncounted;
/* The message that is being sent tells of so many that were lost. */
static __thread uint64_t telling;

void journal_catch_up(void)
{
	telling = __atomic_exchange_n(&lost_untold, 0, __ATOMIC_RELAXED);
	if (telling)
		journal_note(MESSAGE_JOURNAL_LOST,
			     "%llu messages were lost: the journal did not "
			     "read them. Counting and banning went on",
			     (unsigned long long)telling);
	telling = 0;
}

uint64_t journal_lost(void)
{
	return __atomic_exchange_n(&lost_uncounted, 0, __ATOMIC_RELAXED);
}

static void note_lost(void)
{
	__atomic_fetch_add(&lost_untold, telling ? telling : 1,
			   __ATOMIC_RELAXED);
	if (telling)
		return;
	__atomic_fetch_add(&lost_uncounted, 1, __ATOMIC_RELAXED);
	if (journal_quiet)
		warn("the journal does not read: it is not told of this");
}

/* Sends it to the journal. False: there is none, or it does not read. */
static bool to_journal(const struct fields *f)
{
	int err = journal_socket_send(f->iov, f->n);

	if (err == -EAGAIN)
		note_lost();
	return !err;
}

/* Counts the message, and sends it to the journal and stderr. */
static void send_message(enum message kind, const char *message,
			 struct fields *f, json_t *doc)
{
	bool journal;

	fields_add(f, "MESSAGE=%s", message);
	fields_add(f, "MESSAGE_ID=%s", message_ids[kind]);
	fields_add(f, "PRIORITY=%d", message_priorities[kind]);
	fields_add(f, "SYSLOG_IDENTIFIER=smtpxdp");
	fields_add(f, "SMTPXDP_EVENT=%s", message_names[kind]);
	journal = to_journal(f);
	/* what tells of lost messages is tried again */
	if (journal_told && (journal || !telling))
		__atomic_fetch_add(&journal_told[kind], 1, __ATOMIC_RELAXED);
	if (!journal_quiet && !(journal && stderr_is_journal()))
		to_stderr(kind, message, doc);
	if (journal && !telling)
		journal_catch_up();
}

static json_t *event_document(enum message kind)
{
	char time[CLOCK_TEXT];

	clock_format_wall(clock_wall_usec(), time);
	return json_pack("{s:s, s:s}", "time", time, "event",
			 message_names[kind]);
}

void journal_note(enum message kind, const char *fmt, ...)
{
	struct fields f = { .n = 0 };
	json_t *doc = event_document(kind);
	char message[FIELD_SIZE - 16];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	json_object_set_new(doc, "message", json_string(message));
	send_message(kind, message, &f, doc);
	json_decref(doc);
}

/* Formats " (2nd offence)", " (3rd offence)"; "" for the first. */
static const char *nth_offence(uint32_t n, char *buf, size_t size)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };
	uint32_t last = n / 10 % 10 != 1 && n % 10 < 4 ? n % 10 : 0;

	*buf = '\0';
	if (n > 1)
		snprintf(buf, size, " (%u%s offence)", n, ends[last]);
	return buf;
}

/* What the users tried suggest about the client, or "". */
static const char *describe_offender(const struct record *r, char *buf,
				     size_t size)
{
	*buf = '\0';
	if (r->again)
		snprintf(buf, size,
			 "; client tries %s again and again: probably a stale "
			 "password",
			 r->users > 1 ? "the same passwords" :
					"the same password");
	else if (r->offender == OFFENDER_ATTACK)
		snprintf(buf, size, "; client tries %u%s users", r->users,
			 r->users < USERS_MAX ? "" : " or more");
	else if (r->offender == OFFENDER_GUESSES)
		snprintf(buf, size,
			 "; client tries one password after the other");
	return buf;
}

/* " (strict, KP, AS64496)": group, country and AS as far as known, or "". */
static const char *describe_origin(const struct record *r, char *buf,
				   size_t size)
{
	char asn[16] = "";
	const char *const parts[] = { r->group ? group_name(r->group) : "",
				      r->country, asn };
	size_t n = 0;

	if (r->asn)
		snprintf(asn, sizeof(asn), "AS%u", r->asn);
	*buf = '\0';
	for (int i = 0; i < 3; i++)
		if (*parts[i])
			n += snprintf(buf + n, size - n, "%s%s",
				      n ? ", " : " (", parts[i]);
	if (n)
		snprintf(buf + n, size - n, ")");
	return buf;
}

/* Many networks guess at one user; `client` is the last that did. */
static void describe_attack(const struct record *r, const char *client,
			    const char *window, char *buf, size_t size)
{
	char user[ESCAPED_SIZE(USER_NAME_SIZE)];

	escape(r->user, r->user_len, user, sizeof(user));
	snprintf(buf, size,
		 "a user is under attack%s%s: %u different passwords in %s "
		 "from %d networks or more, the last from %s; who fails as "
		 "this user is banned at once, except from where the user has "
		 "logged in",
		 *user ? ": " : " (log-users = yes tells which)", user,
		 r->failures, window, ACCOUNT_NETS, client);
}

/* The message's text for people. */
static void describe(const struct record *r, const char *net,
		     const char *client, const char *text, char *buf,
		     size_t size)
{
	char window[DURATION_TEXT], duration[DURATION_TEXT], nth[32], who[80];
	char from[64];

	duration_format(r->window_sec, window);
	duration_format(r->duration, duration);
	switch (r->kind) {
	case MESSAGE_FAILURE:
		snprintf(buf, size, "failed login from %s: %u in %s (%s)",
			 client, r->failures, window,
			 r->unanswered ? "did not wait for the reply" : text);
		break;
	case MESSAGE_BAN:
	case MESSAGE_WOULD_BAN:
		snprintf(buf, size, "%s %s%s for %s%s: %s%s%s%s",
			 r->kind == MESSAGE_BAN ? "banned" : "would ban", net,
			 describe_origin(r, from, sizeof(from)), duration,
			 nth_offence(r->offence, nth, sizeof(nth)),
			 r->reason ? r->reason : "by command",
			 *text ? ": " : "", text,
			 describe_offender(r, who, sizeof(who)));
		break;
	case MESSAGE_ACCOUNT:
		describe_attack(r, client, window, buf, size);
		break;
	case MESSAGE_AS:
		snprintf(
			buf, size,
			"AS%u is over as-rate: %u of its clients failed within "
			"%s, the last %s; whoever of it fails is banned at "
			"once, except who logs in from there otherwise",
			r->asn, r->failures, window, client);
		break;
	case MESSAGE_UNBAN:
		snprintf(buf, size, "unbanned %s", net);
		break;
	case MESSAGE_FORGIVE:
		snprintf(buf, size, "the offences of %s are forgotten", net);
		break;
	case MESSAGE_EXPIRE:
		snprintf(buf, size,
			 "ban of %s has run out; it dropped %llu packets, "
			 "%llu bytes",
			 net, (unsigned long long)r->packets,
			 (unsigned long long)r->bytes);
		break;
	case MESSAGE_CUT:
		snprintf(buf, size, "cut %u connection%s of %s", r->connections,
			 r->connections == 1 ? "" : "s", net);
		break;
	case MESSAGE_WIDENED:
		snprintf(buf, size,
			 "the ban of %s closes port %d, too: a login of it "
			 "failed while it was banned",
			 net, PORT_DELIVERY);
		break;
	case MESSAGE_ALLOW:
		snprintf(buf, size, "allowlisted %s%s%s", net,
			 r->reason ? ": " : "", r->reason ? r->reason : "");
		break;
	case MESSAGE_DISALLOW:
		snprintf(buf, size, "%s is not allowlisted any more%s%s", net,
			 r->reason ? ": " : "", r->reason ? r->reason : "");
		break;
	case MESSAGE_BANS_FULL:
		snprintf(buf, size,
			 "%s is NOT banned: the ban list is full; raise "
			 "max-bans, or shorten ban-time",
			 net);
		break;
	default:
		snprintf(buf, size, "%s %s", message_names[r->kind], net);
	}
}

/* The message as JSON, in the shape that smtpxdp(8) documents. */
static json_t *record_document(const struct record *r, const char *net,
			       const char *client, const char *user)
{
	json_t *doc = event_document(r->kind);

	json_object_set_new(doc, "client",
			    *client ? json_string(client) : json_null());
	json_object_set_new(doc, "net", json_string(net));
	json_object_set_new(doc, "code",
			    r->code ? json_integer(r->code) : json_null());
	json_object_set_new(doc, "failures", json_integer(r->failures));
	json_object_set_new(doc, "duration", json_integer(r->duration));
	json_object_set_new(doc, "offence",
			    r->offence ? json_integer(r->offence) :
					 json_null());
	json_object_set_new(doc, "sensor",
			    r->sensor ? json_string(sensor_name(r->sensor)) :
					json_null());
	json_object_set_new(doc, "unanswered", json_boolean(r->unanswered));
	json_object_set_new(doc, "kind",
			    r->sensor ?
				    json_string(offender_name(r->offender)) :
				    json_null());
	json_object_set_new(doc, "users", json_integer(r->users));
	json_object_set_new(doc, "user",
			    *user ? json_string(user) : json_null());
	json_object_set_new(doc, "group",
			    r->group ? json_string(group_name(r->group)) :
				       json_null());
	json_object_set_new(doc, "country",
			    *r->country ? json_string(r->country) :
					  json_null());
	json_object_set_new(doc, "asn",
			    r->asn ? json_integer(r->asn) : json_null());
	json_object_set_new(doc, "connections", json_integer(r->connections));
	return doc;
}

void journal_record(const struct record *r)
{
	char message[FIELD_SIZE - 16];
	struct fields f = { .n = 0 };
	struct record_texts t;
	json_t *doc;

	record_texts(r, &t);
	describe(r, t.net, t.client, t.text, message, sizeof(message));
	fields_add_record(&f, r, &t);
	doc = record_document(r, t.net, t.client, t.user);
	send_message(r->kind, message, &f, doc);
	json_decref(doc);
}

char **journal_environment(const struct record *r)
{
	char message[FIELD_SIZE - 32], time[CLOCK_TEXT];
	struct fields f = { .n = 0 };
	struct record_texts t;
	char **env;

	record_texts(r, &t);
	describe(r, t.net, t.client, t.text, message, sizeof(message));
	fields_add(&f, "SMTPXDP_EVENT=%s", message_names[r->kind]);
	fields_add(&f, "SMTPXDP_TIME=%s",
		   clock_format_wall(clock_wall_usec(), time));
	fields_add(&f, "SMTPXDP_MESSAGE=%s", message);
	fields_add_record(&f, r, &t);
	env = calloc(f.n + 1, sizeof(*env));
	for (int i = 0; env && i < f.n; i++)
		env[i] = strdup(f.text[i]);
	return env;
}
