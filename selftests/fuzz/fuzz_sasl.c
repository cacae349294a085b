// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Dialogues: the client's bytes, and among them what the server says, by bytes
 * that no client sends: 0x80 a reply, 0x81 a challenge, 0x82 a cut. A name is
 * exact or unknown: a reader of whole lines, which decodes the whole response,
 * has to find the same one. All AUTHs are counted that some server may take for
 * such. And it does not matter where the text is cut.
 *
 * Bytes: 512
 * Fuzzes: bpf/pure/sasl.h bpf/pure/credentials.h bpf/pure/sasl_words.h bpf/pure/matching.h bpf/pure/siphash.h
 * Seeds: selftests/unit/test_sasl.c
 */
#include <ctype.h>

#include "fuzz/fuzz.h"
#include "pure/matching.h"

#define REPLY 0x80
#define CHALLENGE 0x81
#define CUT 0x82
#define AUTHS_MAX 4096

static const struct name_key key = { { 1, 2 }, { 3, 4 } };

/* ---- sasl.h, as its callers have it */

struct server {
	struct dialogue d;
	uint32_t replies, challenges;
	uint32_t seq; /* TCP's, of the next byte */
	bool lost;
};

static void feed(struct server *t, const uint8_t *text, size_t len)
{
	while (len && !t->lost) {
		struct sasl_chunk chunk = { .len = sasl_room(len),
					    .challenges = t->challenges,
					    .keep = KEEP_NAME | KEEP_GUESS,
					    .seq = t->seq };
		int used;

		memcpy(chunk.byte, text, chunk.len);
		used = sasl_feed(&t->d, &key, &chunk);
		if (used < 0) {
			t->lost = true;
			return;
		}
		must(used >= 1 && used <= (int)chunk.len);
		text += used;
		len -= used;
		t->seq += used;
	}
}

static bool is_text(uint8_t c)
{
	return c < REPLY || c > CUT;
}

/* ---- the reader of whole lines */

struct told {
	char name[512]; /* "": unknown */
	uint32_t reply;
};

struct naive {
	char line[4096];
	size_t len;
	bool response; /* the line under way answers a challenge */
	uint32_t commands, responses;
	char mech[16]; /* of the AUTH whose name comes with the next response */
	size_t auths; /* lines that a lenient server takes for AUTH */
	struct told told[AUTHS_MAX];
	size_t n;
};

/* Decodes a whole response; its length, or -1. */
static int decode(const char *in, size_t len, uint8_t *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t pads = 0;
	int n = 0;

	while (pads < 2 && len && in[len - 1] == '=')
		len--, pads++;
	if ((len + pads) % 4)
		return -1;
	for (uint32_t bits = 0, have = 0; len; in++, len--) {
		const char *c = memchr(set, *in, 64);

		if (!c)
			return -1;
		bits = bits << 6 | (c - set);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = bits >> have;
		}
	}
	return n;
}

/* The name in a message of a mechanism, or "". */
static void find_name(const char *mech, const uint8_t *m, int n, char *name)
{
	const uint8_t *end = m + n, *from, *to;

	*name = '\0';
	if (!strcmp(mech, "PLAIN")) {
		from = memchr(m, 0, n);
		from = from ? from + 1 : end;
		to = memchr(from, 0, end - from);
	} else if (!strcmp(mech, "LOGIN")) {
		from = m;
		to = end;
	} else if (!strcmp(mech, "CRAM-MD5")) {
		from = m;
		to = memchr(m, ' ', n);
		if (memchr(m, 0, n) ||
		    (to && memchr(to + 1, ' ', end - to - 1)))
			to = NULL;
	} else if (!strcmp(mech, "XOAUTH2")) {
		from = n >= 5 && !strncasecmp((char *)m, "user=", 5) ? m + 5 :
								       end;
		to = memchr(from, 1, end - from);
	} else {
		from = memchr(m, ',', n);
		from = from && end - from > 3 && !memcmp(from, ",a=", 3) ?
			       from + 3 :
			       end;
		to = memchr(from, ',', end - from);
	}
	if (!to)
		return;
	memcpy(name, from, to - from);
	name[to - from] = '\0';
}

static void take_response(struct naive *w, const char *mech, const char *s,
			  size_t len)
{
	uint8_t message[4096];
	int n = decode(s, len, message);

	if (n >= 0 && n < 512 && w->n)
		find_name(mech, message, n, w->told[w->n - 1].name);
}

static bool is_blank(char c)
{
	return isspace((unsigned char)c);
}

/* The next word of a line; moves *s behind it. */
static size_t word(const char **s, const char **start)
{
	while (is_blank(**s))
		++*s;
	*start = *s;
	while (**s && !is_blank(**s))
		++*s;
	return *s - *start;
}

/* Is a line AUTH and more for a server that asks isspace(), as Postfix does? */
static bool is_auth(const char *s, size_t n)
{
	const char *end = s + n;

	while (s < end && isspace((unsigned char)*s))
		s++;
	if (end - s < 5 || strncasecmp(s, "AUTH", 4) ||
	    !isspace((unsigned char)s[4]))
		return false;
	for (s += 4; s < end && isspace((unsigned char)*s); s++)
		;
	return s < end;
}

static void take_command(struct naive *w)
{
	const char *s = w->line, *verb, *mech, *initial;
	size_t n = word(&s, &verb), m;

	w->commands++;
	w->auths += is_auth(w->line, w->len);
	*w->mech = '\0';
	if (n != 4 || strncasecmp(verb, "AUTH", 4))
		return;
	m = word(&s, &mech);
	if (!m || w->n == AUTHS_MAX)
		return;
	w->told[w->n++] = (struct told){ .reply = w->commands - 1 };
	if (m < sizeof(w->mech))
		for (size_t i = 0; i <= m; i++)
			w->mech[i] = i < m ? sasl_upper(mech[i]) : 0;
	if (strcmp(w->mech, "PLAIN") && strcmp(w->mech, "LOGIN") &&
	    strcmp(w->mech, "XOAUTH2") && strcmp(w->mech, "OAUTHBEARER") &&
	    strcmp(w->mech, "CRAM-MD5"))
		*w->mech = '\0';
	n = word(&s, &initial);
	if (!*w->mech || !n || (n == 1 && *initial == '='))
		return;
	if (!strcmp(w->mech, "CRAM-MD5")) { /* has none: RFC 2195, 2 */
		*w->mech = '\0';
		return;
	}
	take_response(w, w->mech, initial, n);
	*w->mech = '\0';
}

static void take_line(struct naive *w)
{
	if (w->len && w->line[w->len - 1] == '\r')
		w->len--;
	w->line[w->len] = '\0';
	if (!w->response)
		take_command(w);
	else if (*w->mech) {
		take_response(w, w->mech, w->line, w->len);
		*w->mech = '\0';
	}
	w->len = 0;
}

static void read_byte(struct naive *w, uint32_t challenges, uint8_t c)
{
	if (!w->len) {
		w->response = challenges > w->responses;
		w->responses += w->response;
	}
	if (c == '\n')
		take_line(w);
	else
		w->line[w->len++] = c;
}

/*
 * What sasl.h says of each AUTH. Not within a line, for no server answers that:
 * a name may be there from the CR on.
 */
static void compare(const struct server *t, const struct naive *w)
{
	must(w->len || t->d.n == w->auths);
	for (size_t i = 0; i < w->n && !w->len; i++) {
		const struct attempt *a =
			dialogue_attempt(&t->d, w->told[i].reply);
		const char *name = w->told[i].name;
		struct siphash h;
		uint64_t hash;

		if (!a || !a->tried.hash)
			continue;
		siphash_begin(&h, &key);
		for (const char *c = name; *c; c++)
			siphash_add(&h, *c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		hash = siphash_end(&h);
		must(a->tried.hash == hash + !hash);
		must(a->tried.len == strnlen(name, USER_NAME_SIZE));
		must(!memcmp(a->tried.name, name, a->tried.len));
	}
}

static void fuzz(struct input *in)
{
	static struct naive w;
	static const struct server greeted = { .d.commands = 1 };
	struct server one = greeted, two = greeted;
	const uint8_t *from = in->at, *end = in->at + in->left;

	memset(&w, 0, offsetof(struct naive, told));
	w.n = 0;
	w.commands = 1;
	for (const uint8_t *c = from; c < end && !two.lost; c++) {
		if (is_text(*c)) {
			read_byte(&w, two.challenges, *c);
			feed(&two, c, 1); /* two hears byte by byte */
			continue;
		}
		feed(&one, from, c - from);
		from = c + 1;
		if (*c == REPLY) {
			one.replies = ++two.replies;
		} else if (*c == CHALLENGE) {
			two.lost |= !dialogue_challenged(&two.d, two.replies,
							 two.challenges);
			one.challenges = ++two.challenges;
		}
		if (!two.lost)
			compare(&two, &w);
	}
	if (two.lost)
		return;
	feed(&one, from, end - from);
	must(!one.lost);
	must(!memcmp(&one.d, &two.d, sizeof(one.d)));
	compare(&two, &w);
}

static void seeds(void)
{
	static const char *const talks[] = {
		"\x80"
		"EHLO x\r\n\x80"
		"AUTH PLAIN AEJvYgBwdw==\r\n\x80",
		"\x80"
		"AUTH LOGIN\r\n\x81"
		"Qm9i\r\n\x81"
		"cHc=\r\n\x80",
		"\x80"
		"AUTH LOGIN Qm9i\r\n\x81"
		"cHc=\r\n\x80"
		"QUIT\r\n",
		"\x80"
		"AUTH PLAIN\r\n\x81"
		"AEJvYgBwdw==\r\n\x80",
		"\x80"
		"AUTH PLAIN =\r\n\x81"
		"AEJvYgBwdw==\r\n\x80",
		"\x80"
		"AUTH XOAUTH2 dXNlcj1Cb2IBYXV0aD0BAQ==\r\n\x81\r\n\x80",
		"\x80"
		"AUTH OAUTHBEARER bixhPUJvYiwBAQ==\r\n\x80",
		"\x80"
		"auth plain VXJzZWwAS3VydAB4aXBqM3BsbXE=\r\n\x80"
		"AUTH \x82"
		"CRAM-MD5\r\n\x81*\r\n\x80",
		"\x80"
		" \rAUTH\x0bPLAIN\r\x0c"
		"AEJvYgBwdw==\r\n\x80",
	};

	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		seed(talks[i], strlen(talks[i]));
}
