// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/probe.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "sys/unprivileged.h"

#define PROBE_PASSWORD "not-a-password"

/* base64 of NUL, PROBE_USER, NUL, PROBE_PASSWORD: RFC 4616 */
#define PROBE_UNASKED "AUTH PLAIN AHNtdHB4ZHAtcHJvYmUAbm90LWEtcGFzc3dvcmQ="

enum step { STEP_HELLO, STEP_STARTTLS, STEP_AUTH, STEP_DONE };

struct probe_talk {
	struct probe_answer *a;
	enum step step;
	bool starttls; /* is offered */
	bool greeted; /* EHLO was said */
	char refusal[PROBE_WORDS_SIZE]; /* the last 4xx or 5xx before AUTH */
};

static bool begins(const char *line, size_t n, const char *with)
{
	return n >= strlen(with) && !strncasecmp(line, with, strlen(with));
}

static void keep(char *buf, size_t size, const char *line, size_t n)
{
	n = n < size ? n : size - 1;
	memcpy(buf, line, n);
	buf[n] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
}

static void hear_hello(struct probe_talk *d, const char *line, size_t n)
{
	if (n > 4 && begins(line + 4, n - 4, "STARTTLS"))
		d->starttls = true;
	if (n > 9 && begins(line + 4, n - 4, "AUTH "))
		keep(d->a->offered, sizeof(d->a->offered), line + 9, n - 9);
	if (*line == '4' || *line == '5')
		keep(d->refusal, sizeof(d->refusal), line, n);
}

/* Keeps all lines up to the last, which has no hyphen. 334 is no answer yet. */
static void hear_auth(struct probe_talk *d, const char *line, size_t n)
{
	struct probe_answer *a = d->a;

	if (begins(line, n, "334"))
		return;
	if (n > sizeof(a->reply) - a->reply_len)
		n = sizeof(a->reply) - a->reply_len;
	memcpy(a->reply + a->reply_len, line, n);
	a->reply_len += n;
	if (n < 4 || line[3] != '-')
		d->step = STEP_DONE;
}

static void hear(struct probe_talk *d, const char *line, size_t n)
{
	switch (d->step) {
	case STEP_STARTTLS:
		if (n && *line == '2')
			d->a->encrypted = true;
		d->step = STEP_HELLO;
		/* fall through */
	case STEP_HELLO:
		hear_hello(d, line, n);
		break;
	case STEP_AUTH:
		hear_auth(d, line, n);
		break;
	case STEP_DONE:
		break;
	}
}

static void say(struct probe_talk *d, const char *line, size_t n)
{
	if (d->step != STEP_HELLO)
		return;
	if (begins(line, n, "EHLO")) {
		/* inside TLS the server is asked anew: forget */
		*d->a->offered = '\0';
		d->greeted = true;
	}
	if (begins(line, n, "STARTTLS"))
		d->step = STEP_STARTTLS;
	if (begins(line, n, "AUTH ")) {
		keep(d->a->mechanism, sizeof(d->a->mechanism), line + 5, n - 5);
		d->a->mechanism[strcspn(d->a->mechanism, " ")] = '\0';
		d->step = STEP_AUTH;
	}
}

/* libcurl calls this for each line that is sent or received. */
static int on_line(CURL *curl, curl_infotype type, char *line, size_t n,
		   void *ctx)
{
	const struct probe_talk *d = ctx;

	if (type == CURLINFO_HEADER_IN)
		hear(ctx, line, n);
	else if (type == CURLINFO_HEADER_OUT)
		say(ctx, line, n);
	/* libcurl says QUIT, and is not to wait long for the answer */
	if (d->step == STEP_DONE)
		curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, 1L);
	return 0;
}

/* Says why the connection led to no login. */
static const char *no_login(const struct probe_request *rq,
			    const struct probe_talk *d)
{
	if (*d->a->offered)
		return rq->mechanism ?
			       "it does not offer the mechanism asked for" :
			       "it offers no mechanism that is known here";
	if (d->a->encrypted)
		return "it offers no login (AUTH); on port 25 many do not: try "
		       "587";
	if (d->starttls)
		return "it offers no login (AUTH); it may want TLS first: "
		       "--tls starttls";
	return "it offers no login (AUTH); many do only inside TLS: --tls "
	       "implicit (port 465)";
}

static const char *hint(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return "; is the port right, and is this machine neither "
		       "banned nor firewalled there?";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "; where that is known, --insecure goes on";
	case CURLE_USE_SSL_FAILED:
		return "; try --tls implicit (port 465), or --tls none";
	case CURLE_SSL_CONNECT_ERROR:
		return "; --tls implicit is for port 465, starttls for the "
		       "others";
	default:
		return "";
	}
}

static int explain(const struct probe_request *rq, const struct probe_talk *d,
		   CURLcode code, const char *detail, char *err, size_t size)
{
	char host[ESCAPED_SIZE(PROBE_HOST_MAX)];
	char text[ESCAPED_SIZE(CURL_ERROR_SIZE)];

	if (*d->refusal)
		detail = d->refusal;
	else if (code == CURLE_OK || code == CURLE_LOGIN_DENIED)
		detail = no_login(rq, d);
	else if (!*detail)
		detail = curl_easy_strerror(code);
	snprintf(err, size, "%s port %u: %s%s",
		 escape(rq->host, strlen(rq->host), host, sizeof(host)),
		 rq->port, escape(detail, strlen(detail), text, sizeof(text)),
		 hint(code));
	return -EIO;
}

/* Returns NULL for a malformed host. curl_url_cleanup() frees it. */
static CURLU *url_of(const struct probe_request *rq)
{
	bool implicit = rq->tls == PROBE_TLS_IMPLICIT;
	char host[PROBE_WORDS_SIZE], port[8];
	CURLU *url = curl_url();

	snprintf(host, sizeof(host), strchr(rq->host, ':') ? "[%s]" : "%s",
		 rq->host);
	snprintf(port, sizeof(port), "%u", rq->port);
	if (!curl_url_set(url, CURLUPART_SCHEME, implicit ? "smtps" : "smtp",
			  0) &&
	    !curl_url_set(url, CURLUPART_HOST, host, 0) &&
	    !curl_url_set(url, CURLUPART_PORT, port, 0))
		return url;
	curl_url_cleanup(url);
	return NULL;
}

/* libcurl logs in, and begins no mail. */
static void log_in(CURL *curl, const struct probe_request *rq)
{
	char login[PROBE_WORDS_SIZE];

	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_USERNAME, PROBE_USER);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, PROBE_PASSWORD);
	if (!rq->mechanism)
		return;
	snprintf(login, sizeof(login), "AUTH=%s", rq->mechanism);
	curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, login);
}

static void prepare(CURL *curl, const struct probe_request *rq,
		    struct probe_talk *d)
{
	static const long use_ssl[] = {
		[PROBE_TLS_AUTO] = CURLUSESSL_TRY,
		[PROBE_TLS_STARTTLS] = CURLUSESSL_ALL,
		[PROBE_TLS_IMPLICIT] = CURLUSESSL_ALL,
		[PROBE_TLS_NONE] = CURLUSESSL_NONE,
	};

	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)rq->timeout);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USE_SSL, use_ssl[rq->tls]);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, (long)!rq->insecure);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, rq->insecure ? 0L : 2L);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_line);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, d);
}

struct conversation {
	const struct probe_request *rq;
	struct probe_answer answer;
	char err[PROBE_ERROR_SIZE];
	int ret;
};

/* One connection; `unasked`: says AUTH though it is not offered. */
static CURLcode connect_once(const struct probe_request *rq,
			     struct probe_talk *d, bool unasked, char *detail)
{
	CURLcode code = CURLE_URL_MALFORMAT;
	CURLU *url = url_of(rq);
	CURL *curl = curl_easy_init();

	d->a->unasked = unasked;
	d->a->encrypted = rq->tls == PROBE_TLS_IMPLICIT;
	if (curl && url) {
		prepare(curl, rq, d);
		if (unasked)
			curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
					 PROBE_UNASKED);
		else
			log_in(curl, rq);
		curl_easy_setopt(curl, CURLOPT_CURLU, url);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
		code = curl_easy_perform(curl);
	}
	curl_easy_cleanup(curl);
	curl_url_cleanup(url);
	return code;
}

/* Has the server been asked for a login, and offered none? */
static bool offers_none(const struct probe_talk *d, CURLcode code)
{
	return d->step == STEP_HELLO && d->greeted && !*d->a->offered &&
	       !*d->refusal && (code == CURLE_OK || code == CURLE_LOGIN_DENIED);
}

static void converse(void *ctx)
{
	struct conversation *c = ctx;
	struct probe_talk d = { .a = &c->answer };
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code = connect_once(c->rq, &d, false, detail);

	if (offers_none(&d, code) && !c->rq->mechanism) {
		d = (struct probe_talk){ .a = &c->answer };
		code = connect_once(c->rq, &d, true, detail);
	}
	if (d.step != STEP_DONE)
		c->ret = explain(c->rq, &d, code, detail, c->err,
				 sizeof(c->err));
}

/*
 * Name servers and the server itself answer what they like: resolver, TLS and
 * libcurl read it in a process without rights.
 */
int probe(const struct probe_request *rq, struct probe_answer *a, char *err,
	  size_t size)
{
	struct conversation c = { .rq = rq };
	int ret = unprivileged_call(converse, &c, sizeof(c));

	*a = c.answer;
	if (ret)
		snprintf(err, size, "the process that talks to the server: %s",
			 ret == -EPROTO ? "it died" : strerror(-ret));
	else
		snprintf(err, size, "%s", c.err);
	return ret ? -EIO : c.ret;
}
