// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reply lines (bpf/pure/reply.h): what real servers say, cut at every byte, and a
 * naive reader of whole streams to compare with.
 */
#include "lib/reply_reader.h"

#define CUT_EVERY_PAIR                                                         \
	120 /* bytes of streams that are cut twice everywhere                  \
	     */

static struct settings settings;

/* "250i 535c": what was heard, for tables and for messages. */
static void spell(const struct record *rec, char *out, size_t size)
{
	static const char sign[] = {
		[REPLY_IGNORED] = 'i',
		[REPLY_IGNORED_BY_TEXT] = 't',
		[REPLY_COUNT] = 'c',
		[REPLY_CREDIT] = '+',
	};
	size_t at = 0;

	*out = 0;
	for (unsigned int i = 0; i < rec->n && at + 8 < size; i++) {
		const struct heard *h = &rec->heard[i];

		if (h->verdict == REPLY_ENCRYPTED)
			at += snprintf(out + at, size - at, "%sTLS",
				       at ? " " : "");
		else
			at += snprintf(out + at, size - at, "%s%u%c",
				       at ? " " : "", h->code,
				       sign[h->verdict]);
	}
}

static void show(const char *what, const uint8_t *s, size_t len)
{
	fprintf(stderr, "%s: \"", what);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, s[i] >= ' ' && s[i] < 127 ? "%c" : "\\x%02x",
			s[i]);
	fprintf(stderr, "\"\n");
}

static void same(const struct record *got, const struct record *want,
		 const uint8_t *s, size_t len, const char *how)
{
	char a[256], b[256];

	if (got->n == want->n &&
	    !memcmp(got->heard, want->heard, got->n * sizeof(*got->heard)))
		return;
	spell(got, a, sizeof(a));
	spell(want, b, sizeof(b));
	show("stream", s, len);
	fail_msg("cut %s: heard [%s], expected [%s]", how, a, b);
}

/* Feeds a stream in pieces that end at the given offsets. */
static void feed_cut(const uint8_t *s, size_t len, const size_t *cut,
		     size_t n_cuts, const struct record *want)
{
	static struct record got;
	struct reply r = {};
	size_t from = 0;
	char how[64];

	got.n = 0;
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cut[i] : len;

		if (!feed(&r, &settings, s + from, to - from, &got))
			break;
		from = to;
	}
	snprintf(how, sizeof(how), "at %zu of %zu places, first %zu, last %zu",
		 n_cuts, len, n_cuts ? cut[0] : 0,
		 n_cuts ? cut[n_cuts - 1] : 0);
	same(&got, want, s, len, how);
}

static void feed_every_way(const uint8_t *s, size_t len,
			   const struct record *want)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 8, 95, 96, 97 };
	static size_t cut[STREAM_MAX];

	feed_cut(s, len, NULL, 0, want);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		size_t n = 0;

		for (size_t at = pieces[i]; at < len; at += pieces[i])
			cut[n++] = at;
		feed_cut(s, len, cut, n, want);
	}
	for (cut[0] = 1; cut[0] < len; cut[0]++)
		feed_cut(s, len, cut, 1, want);
	if (len > CUT_EVERY_PAIR)
		return;
	for (cut[0] = 1; cut[0] < len; cut[0]++)
		for (cut[1] = cut[0]; cut[1] < len; cut[1]++)
			feed_cut(s, len, cut, 2, want);
}

static void check_rows(const struct row *rows, size_t n)
{
	static struct record want;
	char heard[256];

	for (size_t i = 0; i < n; i++) {
		const uint8_t *s = (const uint8_t *)rows[i].stream;
		size_t len = rows[i].len;

		read_naively(s, len, &want);
		spell(&want, heard, sizeof(heard));
		if (strcmp(heard, rows[i].heard)) {
			show("stream", s, len);
			assert_string_equal(heard, rows[i].heard);
		}
		feed_every_way(s, len, &want);
	}
}

static const struct row lines[] = {
	/* Several at once; nothing between them is lost. */
	{ SAY("250 ok\r\n535 x\r\n"), "250i 535c" },
	{ SAY("535 a\r\n535 b\r\n535 c\r\n"), "535c 535c 535c" },
	{ SAY("535 a\r\n235 b\r\n250 c\r\n538 d\r\n"), "535c 235+ 250i 538c" },
	/* Ends of lines. */
	{ SAY("535\r\n"), "535c" },
	{ SAY("535\n"), "535c" },
	{ SAY("535 \n535 x\n"), "535c 535c" },
	{ SAY("\r\n\r\n535\r\n\r\n\n"), "535c" },
	{ SAY("535 x\r"), "" },
	{ SAY("535 x"), "" },
	{ SAY("535"), "" },
	{ SAY("535 x\r250 y\r\n"), "535c" },
	{ SAY("\r535 x\r\n"), "" },
	{ SAY("x\r535 x\r\n"), "" },
	{ SAY("535 \r\r\n"), "535c" },
	{ SAY("535\rx\r\n"), "" },
	/* Not replies. */
	{ SAY("5350 x\r\n"), "" },
	{ SAY("535x\r\n"), "" },
	{ SAY("535\tx\r\n"), "" },
	{ SAY("535.7 x\r\n"), "" },
	{ SAY(" 535 x\r\n"), "" },
	{ SAY("53\r\n"), "" },
	{ SAY("53 5 x\r\n"), "" },
	{ SAY("5\n35 x\r\n"), "" },
	{ SAY("535\xff x\r\n"), "" },
	{ SAY("135 x\r\n"), "" },
	{ SAY("635 x\r\n"), "" },
	{ SAY("\xb5\xb3\xb5 x\r\n"), "" },
	{ SAY("/35 x\r\n5:5 x\r\n53: x\r\n"), "" },
	{ SAY("text 535 x\r\n"), "" },
	{ SAY("250 see 535 x\r\n"), "250i" },
	{ SAY("text\n535 x\r\n"), "535c" },
	/* More than one line. */
	{ SAY("535-a\r\n535 b\r\n"), "535c" },
	{ SAY("535-a\r\n535-b\r\n535-c\r\n535 d\r\n"), "535c" },
	{ SAY("535-a\r\n535\r\n"), "535c" },
	{ SAY("535-\r\n535-\r\n"), "" },
	{ SAY("535-a\n535 b\n"), "535c" },
	{ SAY("535-a\r\n535-b\r\n250 c\r\n"), "250i" },
	{ SAY("250-a\r\n535 b\r\n"), "535c" },
	{ SAY("535-535 a\r\n535 535 b\r\n535 c\r\n"), "535c 535c" },
	{ SAY("535-a\r\ngarbage\r\n535 b\r\n"), "535c" },
	/* NULs. */
	{ SAY("535 a\0b\r\n"), "535c" },
	{ SAY("535\0a\r\n"), "" },
	{ SAY("\0535 a\r\n"), "" },
	{ SAY("\0\0\0\r\n535 a\r\n"), "535c" },
	{ SAY("53\0005 a\r\n"), "" },
	/* TLS: a record type where a line should begin. */
	{ SAY("\x16\x03\x03\0\x7a\n535 x\r\n"), "TLS" },
	{ SAY("\x14\n535 x\r\n"), "TLS" },
	{ SAY("\x15\n535 x\r\n"), "TLS" },
	{ SAY("\x17\n535 x\r\n"), "TLS" },
	{ SAY("\x18\n535 x\r\n"), "TLS" },
	{ SAY("\x13\n535 x\r\n"), "535c" },
	{ SAY("\x19\n535 x\r\n"), "535c" },
	{ SAY("220 go\r\n\x16\x03\x03\n535 x\r\n"), "220i TLS" },
	{ SAY("535 a\r\n\x17\n535 x\r\n"), "535c TLS" },
	{ SAY("535 a\x17\x16\r\n535 x\r\n"), "535c 535c" },
	{ SAY("535-a\r\n\x15\x03\n535 x\r\n"), "TLS" },
	{ SAY("5\x16\n535 x\r\n"), "535c" },
};

static const struct row texts[] = {
	{ SAY(POSTFIX_BACKEND "\r\n"), "535t" },
	{ SAY(POSTFIX_BACKEND "\n"), "535t" },
	{ SAY(POSTFIX_BACKEND ", or so\r\n"), "535t" },
	/* One byte short of it, the next shorter text speaks. */
	{ SAY("535 5.7.8 Error: authentication failed: Authentication backend "
	      "erro\r\n"),
	  "535c" },
	{ SAY("535 5.7.8 Error: authentication faile\r\n"), "535t" },
	{ SAY("535 5.7.8 Erro\r\n"), "535c" },
	{ SAY("535 5.7.8 error\r\n"), "535c" },
	{ SAY("535 5.7.8 Error\n"), "535t" },
	{ SAY("454 4.7.0 Bad password\r\n"), "454c" },
	{ SAY("454 4.7.0 Bad\r\n"), "454i" },
	{ SAY("454-4.7.0 Bad password\r\n454 x\r\n"), "454i" },
	{ SAY("235-no\r\n235 yes\r\n"), "235t" },
	{ SAY("235-no\r\n235 odd\r\n"), "235c" },
	{ SAY("235 odd\r\n"), "235c" },
	{ SAY("550 x\r\n550 y\r\n"), "550c 550i" },
	/* A line before it, or a reply before it, is not a text's beginning. */
	{ SAY("250 535 5.7.8 Error\r\n"), "250i" },
	{ SAY(POSTFIX_BACKEND "\r\n535 x\r\n"), "535t 535c" },
	/* On the first line, a middle one, the last. */
	{ SAY("535-temporary\r\n535 x\r\n"), "535t" },
	{ SAY("535-x\r\n535-temporary\r\n535-y\r\n535 z\r\n"), "535t" },
	{ SAY("535-temporary\r\n535 5.7.8 Error: authentication failed\r\n"),
	  "535c" },
	{ SAY("535-temporary\r\n535 x\r\n535 x\r\n"), "535t 535c" },
	{ SAY("535-temporary\r\nx\r\n535 x\r\n"), "535c" },
	{ SAY("535-x\r\n535 5.7.8 Error\r\n"), "535t" },
	/* As long as a text can be. */
	{ SAY(TEXT_AS_LONG_AS_CAN_BE "\n"), "535t" },
	{ SAY(TEXT_AS_LONG_AS_CAN_BE "\r\n"), "535t" },
	{ SAY(TEXT_AS_LONG_AS_CAN_BE "and on\r\n"), "535t" },
	{ SAY(TEXT_AS_LONG_AS_CAN_BE "\r\n535 x\r\n"), "535t 535c" },
};

static void test_servers(void **state)
{
	check_rows(servers, ARRAY_SIZE(servers));
}

static void test_lines(void **state)
{
	check_rows(lines, ARRAY_SIZE(lines));
}

static void test_texts(void **state)
{
	check_rows(texts, ARRAY_SIZE(texts));
}

/* Every row behind every other: nothing of one is left for the next. */
static void test_pairs(void **state)
{
	static struct row all[ARRAY_SIZE(servers) + ARRAY_SIZE(lines) +
			      ARRAY_SIZE(texts)];
	static uint8_t s[STREAM_MAX];
	static struct record want;
	size_t n = 0;

	memcpy(all, servers, sizeof(servers));
	n += ARRAY_SIZE(servers);
	memcpy(all + n, lines, sizeof(lines));
	n += ARRAY_SIZE(lines);
	memcpy(all + n, texts, sizeof(texts));
	n += ARRAY_SIZE(texts);
	for (size_t i = 0; i < n * n; i++) {
		const struct row *a = &all[i / n], *b = &all[i % n];
		size_t la = a->len, lb = b->len;

		memcpy(s, a->stream, la);
		memcpy(s + la, b->stream, lb);
		read_naively(s, la + lb, &want);
		feed_cut(s, la + lb, NULL, 0, &want);
		feed_cut(s, la + lb, &la, 1, &want);
	}
}

/* Lines of every length around what is kept of one, with every kind of end. */
static void test_long_lines(void **state)
{
	static const char *const ends[] = { "\n", "\r\n", "\r\r\n" };
	static struct record want;
	static uint8_t s[1024];

	for (size_t len = 4; len < 4 * LINE_SIZE; len++) {
		for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
			size_t n = len, used = strlen(ends[e]);

			memset(s, 'x', len);
			memcpy(s, "535 ", 4);
			memcpy(s + n, ends[e], used);
			n += used;
			memcpy(s + n, "535 next\r\n", 10);
			n += 10;
			read_naively(s, n, &want);
			assert_int_equal(want.n, 2);
			feed_every_way(s, n, &want);
		}
	}
}

/* Streams of everything that could matter, in any order, cut anywhere. */
static size_t random_stream(uint8_t *s, size_t max)
{
	static const char *const bits[] = {
		"\r\n",	 "\r\n", "\r\n",     "\n",   "\r",     "535",
		"535 ",	 "535-", "235 ",     "250-", "250",    "53",
		"5",	 " ",	 "-",	     "x",    "454 ",   "334",
		"550 x", "\x17", "\x16\x03", "\xff", "235-no", "0",
	};
	size_t n = 0, want = dice(max - 512);

	while (n < want) {
		uint32_t kind = dice(40);

		if (kind < 30) {
			const char *bit = bits[dice(ARRAY_SIZE(bits))];

			/* TLS ends it all: rarely. */
			if (*bit < ' ' && *bit > '\r' && dice(20))
				continue;
			n += sprintf((char *)s + n, "%s", bit);
		} else if (kind < 36) {
			const char *text =
				literals[dice(ARRAY_SIZE(literals))].text;
			size_t len = strlen(text) - (dice(4) ? 0 : dice(5));

			memcpy(s + n, text, len);
			n += len;
		} else if (kind < 38) {
			size_t len = dice_range(80, 110);

			memset(s + n, 'y', len);
			n += len;
		} else {
			for (int i = dice(12); i > 0; i--)
				s[n++] = dice(256);
		}
	}
	return n;
}

static void test_random_streams(void **state)
{
	static struct record want;
	static uint8_t s[STREAM_MAX];
	static size_t cut[STREAM_MAX];
	size_t replies = 0;

	for (int round = 0; round < 60000; round++) {
		size_t len = random_stream(s, round % 50 ? 1024 : STREAM_MAX);
		uint32_t piece =
			dice(3) ? dice_range(1, 200) : dice_range(1, 9);
		size_t n = 0;

		for (size_t at = dice_range(1, piece); at < len;
		     at += dice_range(1, piece))
			cut[n++] = at;
		read_naively(s, len, &want);
		replies += want.n;
		feed_cut(s, len, cut, n, &want);
	}
	printf("# %zu replies heard\n", replies);
	assert_true(replies > 60000);
}

static int setup(void **state)
{
	dice_seed();
	settings_default(&settings);
	for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
		settings_text(&settings, literals[i].text, literals[i].action);
	return 0;
}

/* A stream that ends within a reply: could that have come to count? */
static void test_may_count(void **state)
{
	static const struct {
		const char *said;
		bool counts;
	} rows[] = {
		{ "", true },
		{ "5", true },
		{ "53", true },
		{ "535", true },
		{ "535 5.7.8", true },
		{ "538 x", true },
		{ "2", false },
		{ "235 2.", false },
		{ "4", false },
		{ "454 4.7", false },
		{ "50", false },
		{ "530 5", false },
		{ "x", false },
		{ "535-a\r\n", true },
		{ "535-a\r\n53", true },
		{ "550-a\r\n", false },
		{ "250 ok\r\n5", true },
		{ "535 x\r\n", true },
	};
	struct settings s;

	settings_default(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reply r = {};
		const char *text = rows[i].said;

		while (*text) {
			struct reply_result res = {};
			size_t n = strlen(text);

			if (n > reply_room(&r))
				n = reply_room(&r);
			memcpy(r.line + reply_at(&r), text, n);
			reply_feed(&r, n, &s, &res);
			text += res.used;
		}
		if (reply_may_count(&r, &s) != rows[i].counts)
			fail_msg("\"%s\"", rows[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_may_count),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_random_streams),
	};

	return cmocka_run_group_tests_name("reply", tests, setup, NULL);
}
