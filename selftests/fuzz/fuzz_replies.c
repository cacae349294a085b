// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Streams of replies, cut anywhere, against a naive reader. The first two bytes
 * are dice for the cuts.
 *
 * Bytes: 512
 * Fuzzes: bpf/pure/reply.h
 * Seeds: selftests/unit/test_reply.c selftests/lib/replies.h
 */
#include "fuzz/fuzz.h"
#include "lib/reply_reader.h"

static struct settings settings;

static void set_texts(void)
{
	settings.codes[535] = settings.codes[538] = ACTION_COUNT;
	settings.codes[235] = ACTION_CREDIT;
	for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
		settings_text(&settings, literals[i].text, literals[i].action);
}

/* What is unfinished at the end of a stream without TLS. */
struct tail {
	const struct literal *said; /* by earlier lines of the reply */
	uint16_t code; /* of those; 0: there are none */
	const uint8_t *line;
	size_t len;
};

static struct tail tail_of(const uint8_t *s, size_t len)
{
	const uint8_t *end = s + len, *lf;
	struct tail t = {};

	for (; (lf = memchr(s, '\n', end - s)); s = lf + 1) {
		size_t kept = lf - s < LINE_SIZE ? lf - s : LINE_SIZE;
		const struct literal *here = literal_of(s, kept);

		if (!is_reply(s, lf - s) || s[3] != '-') {
			t.said = NULL;
			t.code = 0;
			continue;
		}
		t.said = here ? here : t.said;
		t.code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + s[2] - '0';
	}
	t.line = s;
	t.len = end - s;
	return t;
}

/* Is there a code that counts and begins with the line's first digits? */
static bool may_become(const uint8_t *line, size_t digits)
{
	return (!memcmp(line, "535", digits) || !memcmp(line, "538", digits));
}

static bool may_count_naively(const struct tail *t)
{
	const struct literal *said = t->said;

	if (!said && t->code)
		return action_of(t->code) == ACTION_COUNT;
	if (!said && t->len > 2)
		said = literal_of(t->line,
				  t->len < LINE_SIZE ? t->len : LINE_SIZE);
	if (said)
		return said->action == ACTION_COUNT;
	return may_become(t->line, t->len < 3 ? t->len : 3);
}

static void must_end_as(const struct reply *r, const uint8_t *s, size_t len)
{
	struct tail t = tail_of(s, len);
	const uint8_t *last = t.line - (t.line > s);

	must(reply_unfinished(r) == (t.len || t.code));
	must(reply_may_count(r, &settings) == may_count_naively(&t));
	if (t.len || last == s)
		return;
	/* the line that has just ended */
	while (last > s && last[-1] != '\n')
		last--;
	must(reply_offers_auth(r) ==
	     (t.line - last > 8 &&
	      (!memcmp(last, "250-AUTH", 8) || !memcmp(last, "250 AUTH", 8))));
}

static void fuzz(struct input *in)
{
	static struct record got, want;
	struct reply r = {};
	const uint8_t *from;
	uint32_t dice;
	size_t most;

	if (!settings.n_texts)
		set_texts();
	most = take_byte(in) % 128 + 1;
	dice = take_byte(in);
	from = in->at;
	read_naively(in->at, in->left, &want);
	got.n = 0;
	while (in->left) {
		size_t n = dice % most + 1;

		dice = dice * 1103515245 + 12345;
		dice ^= dice >> 16;
		if (n > in->left)
			n = in->left;
		if (!feed(&r, &settings, in->at, n, &got))
			break;
		in->at += n;
		in->left -= n;
	}
	must(got.n == want.n);
	must(!memcmp(got.heard, want.heard, got.n * sizeof(*got.heard)));
	if (!in->left)
		must_end_as(&r, from, in->at - from);
}

static void seeds(void)
{
}
