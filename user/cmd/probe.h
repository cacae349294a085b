/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One failed login at a mail server (RFC 4954), to learn what the server says,
 * as people do by telnet. libcurl does the dialogue, and probe() listens.
 */
#ifndef SMTPXDP_PROBE_H
#define SMTPXDP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for an answer: more than the longest known one. */
#define PROBE_REPLY_SIZE 4096
#define PROBE_WORDS_SIZE 256
#define PROBE_ERROR_SIZE 1024
#define PROBE_HOST_MAX 250

/* No account has this name, and the server's log shows where it came from. */
#define PROBE_USER "smtpxdp-probe"

enum probe_tls {
	PROBE_TLS_AUTO, /* implicit on port 465; else STARTTLS where offered */
	PROBE_TLS_STARTTLS,
	PROBE_TLS_IMPLICIT,
	PROBE_TLS_NONE,
};

struct probe_request {
	const char *host; /* a name or an address, IPv6 without brackets */
	uint16_t port;
	enum probe_tls tls;
	const char *mechanism; /* SASL's name, or NULL: the server's best */
	bool insecure; /* take any certificate */
	unsigned int timeout; /* seconds, for all of it */
};

struct probe_answer {
	bool encrypted; /* the login was inside TLS */
	bool unasked; /* the server does not offer AUTH; it was said all the same */
	char offered[PROBE_WORDS_SIZE]; /* mechanisms, as EHLO gave them */
	char mechanism[PROBE_WORDS_SIZE]; /* the one that was tried */
	char reply[PROBE_REPLY_SIZE]; /* raw: every line, CR LF and all */
	size_t reply_len;
};

/*
 * Tries to log in once, as a user that does not exist; where AUTH is not
 * offered, on a second connection without being asked. Returns 0 when the server
 * has answered that, whatever it said; else -EIO, with the cause and the remedy
 * in err, fit for a terminal.
 */
int probe(const struct probe_request *rq, struct probe_answer *a, char *err,
	  size_t size);

#endif
