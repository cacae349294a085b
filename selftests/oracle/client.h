/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A client with a TCP of its own, which does what dice say. Its text exists
 * twice: as it means it, and as a decoy of the same length with other users,
 * which it sends in segments that the server may or may not take.
 */
#ifndef SELFTESTS_ORACLE_CLIENT_H
#define SELFTESTS_ORACLE_CLIENT_H

#include "oracle/server.h"

#define TEXT_MAX_ 24000
#define TRACE_MAX 65536

enum due { DUE_NOTHING, DUE_USER, DUE_PASSWORD, DUE_MESSAGE, DUE_TEXT };

/* How a client behaves. */
enum style {
	STYLE_HONEST, /* waits for each reply, segments in sequence */
	STYLE_PIPELINING, /* does not wait, segments in sequence */
	STYLE_ODD, /* anything */
};

struct caller {
	struct peer p;
	enum style style;
	bool v6;
	bool odd; /* it did what need not be followed */
	bool loose; /* it did what may set replies and commands adrift */
	bool tail; /* it sent more behind a message before the reply */
	bool hidden; /* it is not known what the server has taken */
	bool dead; /* reset, or given up */
	bool fin;
	uint32_t iss, irs;
	uint8_t real[TEXT_MAX_], fake[TEXT_MAX_];
	uint32_t len, sent; /* of the text */
	uint8_t rx[OUT_MAX];
	uint32_t seen, acked; /* of the server's text */
	uint32_t parsed, replies, said; /* said: lines that get a reply */
	uint32_t code; /* of the last reply */
	uint32_t rx_fin; /* 1: the server has closed */
	bool rx_reset;
	uint32_t taken; /* of the text, as the server's ACKs say */
	uint16_t window;
	enum due due;
	uint32_t texts, names; /* so many mails, and users, so far */
	char mech[16];
	char name[2][NAME_MAX_]; /* of the AUTH under way: real, fake */
	struct server *server;
	int listener;
	char trace[TRACE_MAX];
	uint32_t trace_len;
};

__attribute__((format(printf, 2, 3))) static inline void
trace(struct caller *c, const char *format, ...)
{
	va_list args;

	if (c->trace_len > TRACE_MAX - 512)
		return;
	va_start(args, format);
	c->trace_len += vsnprintf(c->trace + c->trace_len, 500, format, args);
	va_end(args);
}

/* --- what it hears */

static inline void client_parse(struct caller *c)
{
	uint8_t *end;

	while ((end = memchr(c->rx + c->parsed, '\n', c->seen - c->parsed))) {
		const char *line = (char *)c->rx + c->parsed;

		c->parsed = end + 1 - c->rx;
		if (line[3] == '-')
			continue;
		c->code = atoi(line);
		c->replies++;
	}
}

/* Reads what has come from the server, without acknowledging it. */
static inline void client_hear(struct caller *c)
{
	struct heard h;

	while (wire_hear(&c->p, &h)) {
		uint32_t at = h.seq - (c->irs + 1);

		if (h.flags & RST)
			c->rx_reset = true;
		if (h.flags & SYN) {
			c->irs = h.seq;
			c->p.stamps = h.stamp;
		}
		if (h.flags & ACK &&
		    (int32_t)(h.ack - c->iss - 1 - c->taken) > 0)
			c->taken = h.ack - c->iss - 1;
		if (h.flags & (SYN | RST))
			continue;
		if ((int32_t)at <= (int32_t)c->seen &&
		    (int32_t)(at + h.len - c->seen) > 0) {
			assert_true(at + h.len < OUT_MAX);
			memcpy(c->rx + at, h.data, h.len);
			c->seen = at + h.len;
		}
		if (h.flags & FIN && at + h.len == c->seen)
			c->rx_fin = 1;
	}
	client_parse(c);
}

/* --- what it sends */

static inline struct segment client_segment(struct caller *c, uint32_t at,
					    uint32_t len)
{
	return (struct segment){
		.seq = c->iss + 1 + at,
		.ack = c->irs + 1 + c->acked,
		.window = c->window,
		.flags = ACK | (len ? PSH : 0),
		.data = c->real + at,
		.len = len,
	};
}

static inline void client_send(struct caller *c, struct segment *s)
{
	trace(c, "> %u+%u ack %u win %u flags %02x urg %u odd %x%s%s\n",
	      s->seq - c->iss - 1, s->len, s->ack - c->irs - 1, s->window,
	      s->flags, s->urgent, s->odd,
	      s->data >= c->fake && s->data < c->fake + TEXT_MAX_ ? " fake" :
								    "",
	      s->other ? " other" : "");
	wire_send(&c->p, s);
	client_hear(c);
}

/* Acknowledges what was heard, or part of it, with a window. */
static inline void client_ack(struct caller *c, uint32_t most)
{
	struct segment s;
	uint32_t more = c->seen - c->acked;

	c->acked += more < most ? more : most;
	s = client_segment(c, c->sent, 0);
	s.ack += c->rx_fin && c->acked == c->seen;
	s.seq += c->fin;
	client_send(c, &s);
}

static inline bool client_steps(struct caller *c, uint32_t n)
{
	bool any = false;

	while (n-- && server_step(c->server, c->listener))
		any = true;
	client_hear(c);
	return any;
}

/* How much of the text the server's socket has, as far as can be known. */
static inline uint32_t client_taken(const struct caller *c)
{
	int queued = 0;
	uint32_t n = c->server->in_len;

	if (c->server->fd >= 0 && !ioctl(c->server->fd, FIONREAD, &queued))
		n += queued;
	return n > c->taken && !c->hidden ? n : c->taken;
}

/* Sends all of the text that was not sent, in sequence. */
static inline void client_flush(struct caller *c)
{
	bool tiny = c->len - c->sent < 60 && !dice(4);

	c->loose |= !c->seen && c->len; /* before the greeting */
	while (c->sent < c->len) {
		uint32_t most = c->len - c->sent, n = most;
		struct segment s;

		if (n > 1300)
			n = 1300;
		if (tiny)
			n = dice_range(1, n < 4 ? n : 4);
		else if (dice(3))
			n = dice_range(1, n);
		s = client_segment(c, c->sent, n);
		client_send(c, &s);
		c->sent += n;
		if (!dice(3))
			client_steps(c, 1 + dice(3));
	}
}

/* Makes the server say what it has taken, as a keepalive does. */
static inline void client_ping(struct caller *c)
{
	struct segment s = client_segment(c, c->taken - 1, 0);

	client_send(c, &s);
}

/* Sends again what the server has not taken: bytes were refused. */
static inline void client_repair(struct caller *c)
{
	uint32_t at, n;
	struct segment s;

	client_ping(c);
	at = client_taken(c);
	while (at < c->sent) {
		n = c->sent - at < 1300 ? c->sent - at : 1300;
		s = client_segment(c, at, n);
		client_send(c, &s);
		at += n;
		c->odd = true;
	}
}

/* Lets the server work and listens, until nothing more happens. */
static inline void client_wait(struct caller *c)
{
	for (uint32_t i = 0; i < 400; i++) {
		bool any = client_steps(c, 8);

		if (c->acked != c->seen) {
			client_ack(c, ~0U);
			any = true;
		}
		if (!any && i && client_taken(c) >= c->sent)
			return;
		if (!any) {
			if (c->rx_reset || c->server->fd < 0)
				return;
			client_repair(c);
			if (i > 20)
				c->hidden = true;
		}
	}
}

/* --- what it says */

static inline uint32_t base64_of(const uint8_t *from, uint32_t n, char *to)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	uint32_t len = 0;

	for (uint32_t i = 0; i < n; i += 3) {
		uint32_t left = n - i;
		uint32_t v = from[i] << 16 | (left > 1 ? from[i + 1] << 8 : 0) |
			     (left > 2 ? from[i + 2] : 0);

		to[len++] = set[v >> 18];
		to[len++] = set[v >> 12 & 63];
		to[len++] = left > 1 ? set[v >> 6 & 63] : '=';
		to[len++] = left > 2 ? set[v & 63] : '=';
	}
	to[len] = 0;
	return len;
}

/* Adds to both texts; fake must be as long. */
static inline void client_add(struct caller *c, const char *real,
			      const char *fake)
{
	uint32_t n = strlen(real);

	assert_int_equal(n, strlen(fake));
	if (c->len + n > TEXT_MAX_)
		return;
	memcpy(c->real + c->len, real, n);
	memcpy(c->fake + c->len, fake, n);
	c->len += n;
}

static inline void client_line(struct caller *c, const char *real,
			       const char *fake)
{
	const char *end = dice(12) ? "\r\n" : "\n";

	trace(c, "says %s\n", real);
	client_add(c, real, fake);
	client_add(c, end, end);
	c->said++;
}

static inline void client_user(struct caller *c)
{
	uint32_t pad = dice(4) ? dice(12) : dice(40);
	bool good = !dice(15);

	c->names++;
	for (int i = 0; i < 2; i++)
		snprintf(c->name[i], NAME_MAX_, "%c%08x%.*s",
			 i    ? 'd' :
			 good ? 'g' :
				'u',
			 c->names, (int)pad,
			 "-with-a-name-of-some-length@mail.example.org");
}

/* The message of a mechanism with one, for a name, in base64. */
static inline void client_message(struct caller *c, int which, char *to)
{
	uint8_t msg[512];
	uint32_t n = 0, pass = 1 + strlen(c->name[0]) % 7;

	if (!strcasecmp(c->mech, "XOAUTH2")) {
		n = sprintf((char *)msg, "user=%s\1auth=Bearer x\1\1",
			    c->name[which]);
	} else {
		if (c->names & 1)
			n = sprintf((char *)msg, "z");
		msg[n++] = 0;
		n += sprintf((char *)msg + n, "%s", c->name[which]);
		msg[n++] = 0;
		n += sprintf((char *)msg + n, "%.*s", (int)pass, "passwor");
	}
	base64_of(msg, n, to);
}

/* Bytes of base64 that are wrong in some way. */
static inline void client_spoil(char *real, char *fake)
{
	uint32_t n = strlen(real), at = dice(n);

	real[at] = fake[at] = "=*.~\1"[dice(5)];
}

static inline void client_auth(struct caller *c)
{
	static const char *const mechs[] = { "PLAIN", "LOGIN",	 "CRAM-MD5",
					     "plain", "SCRAM-X", "XOAUTH2" };
	uint32_t which = dice(10);
	char real[1024], fake[1024], b[2][768];
	const char *verb = dice(8) ? "AUTH" : "auth";
	const char *gap = dice(10) ? " " : "  ";

	snprintf(c->mech, sizeof(c->mech), "%s", mechs[which < 6 ? which : 0]);
	client_user(c);
	c->due = DUE_NOTHING;
	if (dice(3)) { /* with initial response */
		for (int i = 0; i < 2; i++) {
			if (!strcmp(c->mech, "LOGIN"))
				base64_of((uint8_t *)c->name[i],
					  strlen(c->name[i]), b[i]);
			else
				client_message(c, i, b[i]);
		}
		if (!dice(25))
			client_spoil(b[0], b[1]);
		if (!strcmp(c->mech, "LOGIN"))
			c->due = DUE_PASSWORD;
		if (!strcmp(c->mech, "CRAM-MD5"))
			c->loose = true; /* no server takes one */
	} else {
		b[0][0] = b[1][0] = 0;
		gap = "";
		c->due = !strcmp(c->mech, "LOGIN")   ? DUE_USER :
			 !strcmp(c->mech, "SCRAM-X") ? DUE_NOTHING :
						       DUE_MESSAGE;
	}
	snprintf(real, sizeof(real), "%s %s%s%s", verb, c->mech, gap, b[0]);
	snprintf(fake, sizeof(fake), "%s %s%s%s", verb, c->mech, gap, b[1]);
	client_line(c, real, fake);
}

static inline void client_respond(struct caller *c)
{
	char b[2][768];

	if (!dice(20)) {
		c->due = DUE_NOTHING;
		client_line(c, "*", "*");
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (c->due == DUE_MESSAGE)
			client_message(c, i, b[i]);
		else if (c->due == DUE_USER)
			base64_of((uint8_t *)c->name[i], strlen(c->name[i]),
				  b[i]);
		else
			strcpy(b[i], i ? "ZGVjb3k=" : "c2VjcmV0");
	}
	if (!dice(30))
		client_spoil(b[0], b[1]);
	c->due = c->due == DUE_USER ? DUE_PASSWORD : DUE_NOTHING;
	client_line(c, b[0], b[1]);
}

/* A mail's text, with lines that look like commands. */
static inline void client_text(struct caller *c)
{
	uint32_t n = dice(6);

	trace(c, "says a text\n");
	while (n--)
		client_add(c, "AUTH PLAIN AGV2aWwAeA==\r\nsome text\r\n",
			   "AUTH PLAIN AGVWAWwAeA==\r\nsome text\r\n");
	client_add(c, ".\r\n", ".\r\n");
	c->due = DUE_NOTHING;
	c->said++;
	c->texts++;
	c->loose = true;
}

static inline void client_other(struct caller *c)
{
	static const char *const lines[] = {
		"EHLO client.example",
		"NOOP",
		"RSET",
		"NOOP with some words behind it, as long as it likes",
		"FOO BAR",
		"MAIL FROM:<a@b.example>",
		"HELP AUTH PLAIN AGEAYg==",
		"AUTHENTICATE",
	};
	uint32_t which = dice(ARRAY_SIZE(lines) + 4);

	if (which < ARRAY_SIZE(lines)) {
		client_line(c, lines[which],
			    which == 3 ? "AUTH PLAIN AGRlY295AHh4eHh4eHh4eHh4"
					 "eHh4eHh4eHh4eHh4" :
					 lines[which]);
	} else if (which == ARRAY_SIZE(lines)) {
		client_line(c, "", "");
		c->said -= !c->server->m.answers_empty;
		c->loose = true;
	} else if (which == ARRAY_SIZE(lines) + 1 && !dice(3)) {
		client_line(c, "DATA", "DATA");
		c->due = DUE_TEXT;
	} else if (which == ARRAY_SIZE(lines) + 2 && !dice(6)) {
		client_add(c, "BDAT 24 LAST\r\nAUTH PLAIN AGEAcA==x\r\n.\r\n",
			   "BDAT 24 LAST\r\nAUTH PLAIN AGEAcA==x\r\n.\r\n");
		c->said++;
		c->odd = true;
	} else {
		client_line(c, "NOOP", "NOOP");
	}
}

/* Says the next thing. */
static inline void client_say(struct caller *c)
{
	bool waited = c->sent == c->len && c->replies >= c->said;

	if (c->len > TEXT_MAX_ - 1200 || c->server->n > LOGINS_MAX - 12)
		return;
	c->loose |= c->due && !waited;
	c->tail |= c->texts && !waited;
	if (c->due == DUE_TEXT)
		client_text(c);
	else if (c->due)
		client_respond(c);
	else if (dice(3))
		client_auth(c);
	else
		client_other(c);
}

/* Waits for all replies, and finds out what the server wants now. */
static inline bool client_settle(struct caller *c)
{
	client_flush(c);
	client_wait(c);
	if (c->replies < c->said)
		return false;
	if (c->due == DUE_TEXT ? c->code != 354 : c->code != 334)
		c->due = DUE_NOTHING;
	else if (!c->due)
		c->due = DUE_MESSAGE;
	return true;
}

#endif
