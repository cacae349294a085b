/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A mail server on a real socket. What it has read and written is the truth
 * that the sensors are held against: see struct login.
 */
#ifndef SELFTESTS_ORACLE_SERVER_H
#define SELFTESTS_ORACLE_SERVER_H

#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "oracle/wire.h"

#define LOGINS_MAX 60
#define NAME_MAX_ 64
#define IN_MAX 65536
#define OUT_MAX 65536

enum verdict {
	VERDICT_NONE, /* the server still asks for more, or has not begun */
	VERDICT_WORK, /* it judges: no reply is written yet */
	VERDICT_REFUSED, /* 535 */
	VERDICT_TAKEN, /* 235 */
	VERDICT_OTHER, /* 501, 504: no user was tried */
};

/* One AUTH. */
struct login {
	char user[NAME_MAX_]; /* "": none was tried, or none can be read */
	char begun[NAME_MAX_]; /* the user of a login that was cancelled */
	enum verdict verdict;
	enum verdict to_be; /* while it is VERDICT_WORK */
	uint32_t reply_end; /* bytes written when its reply is */
	bool whole; /* it asks for nothing more */
	bool faulty; /* nobody was tried, whatever the reply */
};

/* What kind of server it is. */
struct manners {
	bool batch; /* replies are sent when all lines that are there are read */
	bool two_lines; /* of a refusal */
	bool long_lines;
	bool answers_empty; /* lines */
	bool malformed_535; /* not 501 */
	bool nodelay;
	bool offers; /* AUTH, in its reply to EHLO */
	uint32_t delay; /* of judgements, in steps */
	uint32_t read_size;
	uint32_t send_buffer; /* 0: the kernel's choice */
	uint32_t patience; /* refusals before it hangs up; 0: for ever */
	int oob; /* SO_OOBINLINE */
};

enum expects { EXPECTS_COMMAND, EXPECTS_RESPONSE, EXPECTS_TEXT, EXPECTS_CHUNK };

struct server {
	struct manners m;
	int fd; /* -1: not accepted, or closed */
	bool accepted, hung_up, saw_end, logged_in;
	bool gave_up; /* it closed though it might have gone on */
	uint8_t in[IN_MAX];
	uint32_t in_len, in_at; /* read; used */
	uint8_t out[OUT_MAX];
	uint32_t out_len, out_at; /* made; written */
	enum expects expects;
	uint32_t wait; /* steps until it goes on */
	uint32_t chunk; /* bytes of BDAT still to come */
	char mech[16];
	uint32_t responses; /* to this AUTH */
	struct login login[LOGINS_MAX];
	uint32_t n, refusals;
	uint32_t unread; /* bytes at the end of in[]: taken, but never read */
};

static inline struct login *server_login(struct server *s)
{
	return &s->login[s->n - 1];
}

__attribute__((format(printf, 2, 3))) static inline void
server_say(struct server *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	s->out_len += vsnprintf((char *)s->out + s->out_len,
				OUT_MAX - s->out_len, format, args);
	va_end(args);
	assert_true(s->out_len < OUT_MAX - 1024);
}

/* Decodes base64 strictly; -1: it is none. */
static inline int unbase64(const char *t, uint32_t len, uint8_t *to)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	uint32_t bits = 0, n = 0, pads = 0;

	if (len % 4)
		return -1;
	for (uint32_t i = 0; i < len; i++) {
		const char *at = t[i] ? strchr(set, t[i]) : NULL;

		if (t[i] == '=' && i + 2 >= len) {
			pads++;
			bits <<= 6;
		} else if (!at || pads) {
			return -1;
		} else {
			bits = bits << 6 | (at - set);
		}
		if (i % 4 == 3) {
			to[n++] = bits >> 16;
			to[n++] = bits >> 8;
			to[n++] = bits;
			bits = 0;
		}
	}
	return n - pads;
}

static inline void server_judge(struct server *s, enum verdict to_be)
{
	struct login *l = server_login(s);

	if (s->logged_in)
		to_be = VERDICT_OTHER;
	l->verdict = VERDICT_WORK;
	l->to_be = to_be;
	l->whole = true;
	s->expects = EXPECTS_COMMAND;
	s->wait = s->m.delay;
}

/* No user is tried: the message is faulty. */
static inline void server_malformed(struct server *s)
{
	server_login(s)->user[0] = 0;
	server_login(s)->faulty = true;
	server_judge(s, s->m.malformed_535 ? VERDICT_REFUSED : VERDICT_OTHER);
}

static inline void server_try(struct server *s, const uint8_t *name,
			      uint32_t len)
{
	struct login *l = server_login(s);

	if (!len || len >= NAME_MAX_ || memchr(name, 0, len)) {
		server_malformed(s);
		return;
	}
	memcpy(l->user, name, len);
	l->user[len] = 0;
	server_judge(s, l->user[0] == 'g' ? VERDICT_TAKEN : VERDICT_REFUSED);
}

/* The client's message of a mechanism with one. */
static inline void server_message(struct server *s, const char *t, uint32_t len)
{
	uint8_t msg[IN_MAX], *name, *end;
	int n = unbase64(t, len, msg);

	if (!strcasecmp(s->mech, "CRAM-MD5")) {
		server_login(s)->user[0] = 0; /* not read by the sensors */
		server_judge(s, VERDICT_REFUSED);
		return;
	}
	if (n <= 0) {
		server_malformed(s);
		return;
	}
	if (!strcasecmp(s->mech, "XOAUTH2")) {
		end = memchr(msg, 1, n);
		if (n < 6 || memcmp(msg, "user=", 5) || !end)
			server_malformed(s);
		else
			server_try(s, msg + 5, end - msg - 5);
		return;
	}
	name = memchr(msg, 0, n);
	end = name ? memchr(name + 1, 0, msg + n - name - 1) : NULL;
	if (!end)
		server_malformed(s);
	else
		server_try(s, name + 1, end - name - 1);
}

static inline void server_response(struct server *s, const char *t,
				   uint32_t len)
{
	uint8_t name[IN_MAX];
	int n;

	if (len == 1 && *t == '*') {
		memcpy(server_login(s)->begun, server_login(s)->user,
		       NAME_MAX_);
		server_login(s)->user[0] = 0;
		server_judge(s, VERDICT_OTHER);
		return;
	}
	if (strcasecmp(s->mech, "LOGIN")) {
		server_message(s, t, len);
		return;
	}
	if (s->responses++) {
		server_judge(s, server_login(s)->user[0] == 'g' ?
					VERDICT_TAKEN :
					VERDICT_REFUSED);
		return;
	}
	n = unbase64(t, len, name);
	server_try(s, name, n < 0 ? 0 : n);
	if (!server_login(s)->user[0] || s->logged_in)
		return;
	server_login(s)->verdict = VERDICT_NONE;
	server_login(s)->whole = false;
	s->wait = 0;
	s->expects = EXPECTS_RESPONSE;
	server_say(s, "334 UGFzc3dvcmQ6\r\n");
}

static inline void server_auth(struct server *s, char *rest)
{
	char *mech = strtok(rest, " \t"), *initial = strtok(NULL, " \t");

	if (!mech || s->n == LOGINS_MAX || strtok(NULL, " \t")) {
		server_say(s, "501 5.5.4 Syntax: AUTH mechanism\r\n");
		return;
	}
	memset(&s->login[s->n], 0, sizeof(*s->login));
	s->n++;
	s->responses = 0;
	snprintf(s->mech, sizeof(s->mech), "%.15s", mech);
	if (strcasecmp(mech, "PLAIN") && strcasecmp(mech, "LOGIN") &&
	    strcasecmp(mech, "CRAM-MD5") && strcasecmp(mech, "XOAUTH2")) {
		server_judge(s, VERDICT_OTHER);
		return;
	}
	if (s->logged_in && !initial) {
		server_judge(s, VERDICT_OTHER);
	} else if (initial) {
		server_response(s, initial, strlen(initial));
	} else {
		s->expects = EXPECTS_RESPONSE;
		server_say(s, "334 %s\r\n",
			   !strcasecmp(mech, "LOGIN")	 ? "VXNlcm5hbWU6" :
			   !strcasecmp(mech, "CRAM-MD5") ? "PDEyMy40QG1haWw+" :
							   "");
	}
}

static inline void server_command(struct server *s, char *line)
{
	if (!*line) {
		if (s->m.answers_empty)
			server_say(s, "500 5.5.2 Error: bad syntax\r\n");
	} else if (!strncasecmp(line, "AUTH ", 5)) {
		server_auth(s, line + 5);
	} else if (!strncasecmp(line, "EHLO", 4)) {
		server_say(s,
			   "250-mail.example\r\n250-PIPELINING\r\n%s"
			   "250 8BITMIME\r\n",
			   s->m.offers ? "250-AUTH PLAIN LOGIN\r\n" : "");
	} else if (!strncasecmp(line, "NOOP", 4) ||
		   !strncasecmp(line, "RSET", 4) ||
		   !strncasecmp(line, "MAIL", 4) ||
		   !strncasecmp(line, "RCPT", 4)) {
		server_say(s, "250 2.0.0 Ok\r\n");
	} else if (!strcasecmp(line, "DATA")) {
		server_say(s, "354 End data with <CR><LF>.<CR><LF>\r\n");
		s->expects = EXPECTS_TEXT;
	} else if (!strncasecmp(line, "BDAT ", 5)) {
		s->chunk = strtoul(line + 5, NULL, 10) % 1000;
		s->expects = EXPECTS_CHUNK;
	} else if (!strcasecmp(line, "QUIT")) {
		server_say(s, "221 2.0.0 Bye\r\n");
		s->hung_up = true;
	} else {
		server_say(s, "502 5.5.2 Error: command not recognized%s\r\n",
			   s->m.long_lines ?
				   ", 535 is the answer to those who ask for "
				   "it politely and at length, and that is "
				   "why this line goes on and on and on" :
				   "");
	}
}

/* Writes the reply to the AUTH that was judged. */
static inline void server_reply(struct server *s)
{
	struct login *l = server_login(s);

	l->verdict = l->to_be;
	switch (l->verdict) {
	case VERDICT_REFUSED:
		if (s->m.two_lines)
			server_say(s, "535-5.7.8 Username and Password not "
				      "accepted.\r\n");
		server_say(s, "535 5.7.8 Error: authentication failed%s\r\n",
			   s->m.long_lines ?
				   ": this text is longer than what is kept "
				   "of a line, which is ninety-six bytes, and "
				   "it goes on until there is no doubt" :
				   "");
		s->refusals++;
		break;
	case VERDICT_TAKEN:
		server_say(s, "235 2.7.0 Authentication successful\r\n");
		s->logged_in = true;
		break;
	default:
		server_say(s, "501 5.5.2 Error: bad syntax\r\n");
	}
	l->reply_end = s->out_len;
	if (s->m.patience && s->refusals >= s->m.patience) {
		server_say(s, "421 4.7.0 Error: too many errors\r\n");
		s->hung_up = true;
	}
}

/* Takes one line, or a chunk, from what was read. False: there is none. */
static inline bool server_turn(struct server *s)
{
	uint8_t *at = s->in + s->in_at, *end;
	char line[IN_MAX];
	uint32_t len = s->in_len - s->in_at;

	if (s->expects == EXPECTS_CHUNK) {
		len = len < s->chunk ? len : s->chunk;
		s->in_at += len;
		s->chunk -= len;
		if (s->chunk)
			return false;
		s->expects = EXPECTS_COMMAND;
		server_say(s, "250 2.0.0 Ok\r\n");
		return true;
	}
	end = memchr(at, '\n', len);
	if (!end)
		return false;
	len = end - at;
	s->in_at += len + 1;
	if (len && at[len - 1] == '\r')
		len--;
	memcpy(line, at, len);
	line[len] = 0;
	if (s->expects == EXPECTS_RESPONSE) {
		server_response(s, line, len);
	} else if (s->expects == EXPECTS_TEXT) {
		if (!strcmp(line, ".")) {
			s->expects = EXPECTS_COMMAND;
			server_say(s, "250 2.0.0 Ok: queued\r\n");
		}
	} else {
		server_command(s, line);
	}
	return true;
}

/* What it would have judged, had it read all that its socket has taken. */
static inline void server_read_on(struct server *s)
{
	s->in_len += s->unread;
	s->unread = 0;
	s->hung_up = false;
	do {
		if (s->n && server_login(s)->verdict == VERDICT_WORK)
			server_reply(s);
	} while (server_turn(s));
}

/* Writes what is ready. False: the socket takes no more now. */
static inline bool server_write(struct server *s)
{
	while (s->out_at < s->out_len) {
		ssize_t n = send(s->fd, s->out + s->out_at,
				 s->out_len - s->out_at, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		s->out_at += n;
	}
	return true;
}

static inline void server_close(struct server *s, bool abort)
{
	struct linger l = { .l_onoff = 1 };
	ssize_t n;

	if (s->fd < 0)
		return;
	n = recv(s->fd, s->in + s->in_len, IN_MAX - s->in_len, MSG_PEEK);
	s->unread = n > 0 ? n : 0;
	if (abort)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(s->fd);
	s->fd = -1;
}

static inline void server_accept(struct server *s, int listener)
{
	int one = 1;

	s->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (s->fd < 0)
		return;
	s->accepted = true;
	if (s->m.nodelay)
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (s->m.oob)
		setsockopt(s->fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	if (s->m.send_buffer)
		setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &s->m.send_buffer,
			   sizeof(s->m.send_buffer));
	server_say(s, "220 mail.example ESMTP\r\n");
}

/* Reads up to a read's size. False: nothing is there. */
static inline bool server_read(struct server *s)
{
	uint32_t size = IN_MAX - s->in_len;
	ssize_t n;

	if (size > s->m.read_size)
		size = s->m.read_size;
	n = size ? recv(s->fd, s->in + s->in_len, size, 0) : -1;
	if (n > 0)
		s->in_len += n;
	if (!n || (n < 0 && errno != EAGAIN))
		s->saw_end = true;
	return n > 0;
}

static inline bool server_judges(const struct server *s)
{
	return s->n && s->login[s->n - 1].verdict == VERDICT_WORK;
}

/* One step of the server's. False: there was nothing to do. */
static inline bool server_step(struct server *s, int listener)
{
	if (s->fd < 0) {
		if (s->accepted)
			return false;
		server_accept(s, listener);
		return s->fd >= 0 && server_write(s);
	}
	if (s->wait) {
		s->wait--;
		return true;
	}
	if (server_judges(s))
		server_reply(s);
	else if (!s->hung_up && server_turn(s) &&
		 (s->m.batch || server_judges(s)))
		return true; /* writes when there is nothing more to read */
	if (s->out_at < s->out_len)
		return server_write(s);
	if (s->hung_up) {
		server_close(s, false);
		return true;
	}
	if (server_read(s))
		return true;
	if (s->saw_end)
		server_close(s, false);
	return s->saw_end;
}

#endif
