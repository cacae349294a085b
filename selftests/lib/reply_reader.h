/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams of replies, heard twice: by bpf/pure/reply.h, and by a naive reader to
 * compare it with.
 */
#ifndef SELFTESTS_REPLY_READER_H
#define SELFTESTS_REPLY_READER_H

#include "lib/fixture.h"
#include "lib/replies.h"
#include "pure/reply.h"

#define STREAM_MAX 8192

/* One reply, or the beginning of TLS, as a reader of the stream heard it. */
struct heard {
	enum reply_verdict verdict;
	uint16_t code;
	uint16_t len;
	uint8_t line[LINE_SIZE];
};

struct record {
	unsigned int n;
	struct heard heard[STREAM_MAX / 4]; /* of "535\n" */
};

#define TEXT_AS_LONG_AS_CAN_BE                                                 \
	"535 0123456789012345678901234567890123456789012345678901234567890"    \
	"1234567890123456789012345678901"

/* Texts in force. The reader below walks them in its own way. */
static const struct literal {
	const char *text;
	enum action action;
} literals[] = {
	{ POSTFIX_BACKEND, ACTION_IGNORE },
	{ "535 5.7.8 Error: authentication failed", ACTION_COUNT },
	{ "535 5.7.8 Error", ACTION_IGNORE },
	{ "454 4.7.0 Bad password", ACTION_COUNT },
	{ "535-temporary", ACTION_IGNORE },
	{ "550 x", ACTION_COUNT },
	{ "235-no", ACTION_IGNORE },
	{ "235 odd", ACTION_COUNT },
	{ TEXT_AS_LONG_AS_CAN_BE, ACTION_IGNORE },
};

static inline void note(struct record *rec, enum reply_verdict v, uint16_t code,
			const uint8_t *line, size_t len)
{
	struct heard *h = &rec->heard[rec->n++];

	assert_true(rec->n <= ARRAY_SIZE(rec->heard));
	memset(h, 0, sizeof(*h));
	h->verdict = v;
	h->code = code;
	h->len = len;
	memcpy(h->line, line, len);
}

/* Hands over one segment as detect.bpf.c does. False: it is TLS from here. */
static inline bool feed(struct reply *r, const struct settings *settings,
			const uint8_t *data, size_t len, struct record *rec)
{
	while (len) {
		struct reply_result out = {};
		uint32_t n = reply_room(r), at = reply_at(r);
		enum reply_verdict v;

		if (n > len)
			n = len;
		assert_true(n >= 1 && at + n <= sizeof(r->line));
		memcpy(r->line + at, data, n);
		v = reply_feed(r, n, settings, &out);
		assert_true(out.used >= 1 && out.used <= n);
		if (v == REPLY_ENCRYPTED) {
			note(rec, v, 0, data, 0);
			return false;
		}
		if (v != REPLY_MORE)
			note(rec, v, out.code, r->line, out.len);
		data += out.used;
		len -= out.used;
	}
	return true;
}

/*
 * The naive reader: has the whole stream, looks for lines (RFC 5321, 2.3.8;
 * DESIGN.md: a bare LF ends one, too), then for replies (4.2.1).
 */
static inline enum action action_of(uint16_t code)
{
	return code == 535 || code == 538 ? ACTION_COUNT :
	       code == 235		  ? ACTION_CREDIT :
					    ACTION_IGNORE;
}

static inline const struct literal *literal_of(const uint8_t *line, size_t len)
{
	const struct literal *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(literals); i++) {
		size_t n = strlen(literals[i].text);

		if (n <= len && !memcmp(line, literals[i].text, n) &&
		    (!best || n > strlen(best->text)))
			best = &literals[i];
	}
	return best;
}

static inline bool is_reply(const uint8_t *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	return len >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
	       line[1] <= '9' && line[2] >= '0' && line[2] <= '9' &&
	       (len == 3 || line[3] == ' ' || line[3] == '-');
}

static inline void read_naively(const uint8_t *s, size_t len,
				struct record *rec)
{
	const struct literal *said = NULL;
	const uint8_t *end = s + len, *next;

	rec->n = 0;
	for (; s < end; s = next) {
		const uint8_t *lf = memchr(s, '\n', end - s);
		const struct literal *here;
		enum reply_verdict v;
		size_t kept;
		uint16_t code;

		if (*s >= 20 && *s <= 24) { /* a TLS record type */
			note(rec, REPLY_ENCRYPTED, 0, s, 0);
			return;
		}
		if (!lf)
			return;
		next = lf + 1;
		if (!is_reply(s, lf - s)) {
			said = NULL;
			continue;
		}
		kept = lf - s < LINE_SIZE ? lf - s : LINE_SIZE;
		here = literal_of(s, kept);
		said = here ? here : said;
		if (s[3] == '-')
			continue;
		code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + s[2] - '0';
		switch (said ? said->action : action_of(code)) {
		case ACTION_COUNT:
			v = REPLY_COUNT;
			break;
		case ACTION_CREDIT:
			v = REPLY_CREDIT;
			break;
		default:
			v = said ? REPLY_IGNORED_BY_TEXT : REPLY_IGNORED;
		}
		note(rec, v, code, s, kept);
		said = NULL;
	}
}

#endif
