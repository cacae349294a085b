// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who was tried (bpf/pure/sasl.h): dialogues of real clients, of the RFCs and of
 * people with ideas, cut at every byte; and that no password stays behind.
 */
#include "lib/fixture.h"
#include "pure/matching.h"

#define LINES 16
#define PASSWORD "tr0ub4dor&3-horse-staple"

/* base64 of "\0Bob@example.org\0" PASSWORD, and of parts of it */
#define BOB_PLAIN "AEJvYkBleGFtcGxlLm9yZwB0cjB1YjRkb3ImMy1ob3JzZS1zdGFwbGU="
#define BOB "Qm9iQGV4YW1wbGUub3Jn"
#define BOB_PASSWORD "dHIwdWI0ZG9yJjMtaG9yc2Utc3RhcGxl"

/* What the client sends at once, or a line of the server's; who it is about. */
struct line_of {
	char who; /* C, S; R: a reply to AUTH, about `name` (NULL: unknown) */
	const char *text;
	const char *name;
};

#define C(text)                                                                \
	{                                                                      \
		'C', text "\r\n", NULL                                         \
	}
#define RAW(text)                                                              \
	{                                                                      \
		'C', text, NULL                                                \
	}
#define S(text)                                                                \
	{                                                                      \
		'S', text, NULL                                                \
	}
#define FAILS(name)                                                            \
	{                                                                      \
		'R', "535", name                                               \
	}

static const struct talk {
	const char *title;
	bool lost; /* or adrift */
	struct line_of line[LINES];
} talks[] = {
	{ "swaks, PLAIN",
	  false,
	  { S("220"), C("EHLO x"), S("250"), C("AUTH PLAIN " BOB_PLAIN),
	    FAILS("bob@example.org"), C("QUIT"), S("221") } },
	{ "PLAIN, the response on a line of its own (RFC 4954)",
	  false,
	  { S("220"), C("EHLO x"), S("250"), C("AUTH PLAIN"), S("334"),
	    C(BOB_PLAIN), FAILS("bob@example.org") } },
	{ "PLAIN with authzid (RFC 4616): Ursel as Kurt",
	  false,
	  { S("220"), C("auth plain VXJzZWwAS3VydAB4aXBqM3BsbXE="),
	    FAILS("kurt"), C("Auth PlAiN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
	    FAILS("tim") } },
	{ "Outlook: LOGIN, then LOGIN with initial response",
	  false,
	  { S("220"), C("EHLO x"), S("250"), C("AUTH LOGIN"), S("334"), C(BOB),
	    S("334"), C(BOB_PASSWORD), FAILS("bob@example.org"),
	    C("AUTH LOGIN " BOB), S("334"), C(BOB_PASSWORD),
	    FAILS("bob@example.org") } },
	{ "XOAUTH2, which fails by a challenge",
	  false,
	  { S("220"),
	    C("AUTH XOAUTH2 "
	      "dXNlcj1Cb2JAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgeWEyOS5hAQE="),
	    S("334"), C(""), FAILS("bob@example.org"), C("AUTH XOAUTH2"),
	    S("334"),
	    C("dXNlcj1Cb2JAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgeWEyOS5hAQE="),
	    FAILS("bob@example.org") } },
	{ "OAUTHBEARER (RFC 7628, 4.1), and without authzid",
	  false,
	  { S("220"),
	    C("AUTH OAUTHBEARER "
	      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29t"
	      "AXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhi"
	      "SFJoZG1semRHRXVZMjl0Q2c9PQEB"),
	    S("334"), C("AQ=="), FAILS("user@example.com"),
	    C("AUTH OAUTHBEARER biwsAWF1dGg9QmVhcmVyIHgBAQ=="), FAILS(NULL) } },
	{ "CRAM-MD5 (RFC 2195), and names with blanks, which servers differ about",
	  false,
	  { S("220"), C("AUTH CRAM-MD5"), S("334"),
	    C("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"), FAILS("tim"),
	    C("AUTH CRAM-MD5"), S("334"),
	    C("dGltIHggYjkxM2E2MDJjN2VkYTdhNDk1YjRlNmU3MzM0ZDM4OTA="),
	    FAILS(NULL), C("AUTH CRAM-MD5"), S("334"), C(BOB), FAILS(NULL),
	    C("AUTH CRAM-MD5 " BOB), FAILS(NULL) } },
	{ "other mechanisms: unknown, what follows is known",
	  false,
	  { S("220"), C("AUTH DIGEST-MD5"), S("334"), C(BOB), FAILS(NULL),
	    C("AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9"), S("334"), C("Yz1i"),
	    FAILS(NULL), C("AUTH LOGINX " BOB), FAILS(NULL),
	    C("AUTH PLAIN " BOB_PLAIN), FAILS("bob@example.org") } },
	{ "many at once",
	  false,
	  { S("220"),
	    RAW("EHLO x\r\nAUTH PLAIN AGEAcA==\r\nNOOP\r\n"
		"AUTH PLAIN AGIAcA==\r\nAUTH PLAIN AGMAcA==\r\n"),
	    S("250"), FAILS("a"), S("250"), FAILS("b"), FAILS("c"), C("NOOP"),
	    S("250") } },
	{ "before the greeting",
	  false,
	  { RAW("EHLO x\r\nAUTH PLAIN AGEAcA==\r\n"), S("220"), S("250"),
	    FAILS("a") } },
	{ "ten at once: the last eight are remembered",
	  false,
	  { S("220"),
	    RAW("AUTH PLAIN AGEAcA==\r\nAUTH PLAIN AGIAcA==\r\n"
		"AUTH PLAIN AGMAcA==\r\nAUTH PLAIN AGQAcA==\r\n"
		"AUTH PLAIN AGUAcA==\r\nAUTH PLAIN AGYAcA==\r\n"
		"AUTH PLAIN AGcAcA==\r\nAUTH PLAIN AGgAcA==\r\n"
		"AUTH PLAIN AGkAcA==\r\nAUTH PLAIN AGoAcA==\r\n"),
	    FAILS(NULL), FAILS(NULL), FAILS("c"), FAILS("d"), FAILS("e"),
	    FAILS("f"), FAILS("g"), FAILS("h"), FAILS("i"), FAILS("j") } },
	{ "LOGIN refused at once: the next line is a command",
	  false,
	  { S("220"), C("AUTH LOGIN"), S("504"), C("AUTH PLAIN AGEAcA=="),
	    FAILS("a") } },
	{ "LOGIN and its lines at once, but it is refused",
	  false,
	  { S("220"), RAW("AUTH LOGIN\r\n" BOB "\r\nAUTH PLAIN AGEAcA==\r\n"),
	    S("503"), S("500"), FAILS("a") } },
	{ "LOGIN and its lines at once",
	  true,
	  { S("220"), RAW("AUTH LOGIN\r\n" BOB "\r\n" BOB_PASSWORD "\r\n"),
	    S("334") } },
	{ "a password where a command belongs",
	  false,
	  { S("220"), C(BOB_PASSWORD), S("500"), C(PASSWORD), S("500"),
	    C("AUTH PLAIN AGEAcA=="), FAILS("a") } },
	{ "cancelled",
	  false,
	  { S("220"), C("AUTH PLAIN"), S("334"), C("*"), FAILS(NULL),
	    C("AUTH LOGIN"), S("334"), C(BOB), S("334"), C("*"),
	    FAILS("bob@example.org"), C("AUTH PLAIN AGEAcA=="), FAILS("a") } },
	{ "empty initial response: of LOGIN, the next line may be a password",
	  false,
	  { S("220"), C("AUTH PLAIN ="), S("334"), C(BOB_PLAIN),
	    FAILS("bob@example.org"), C("AUTH LOGIN ="), S("334"),
	    C(BOB_PASSWORD), FAILS(NULL) } },
	{ "no names",
	  false,
	  { S("220"), C("AUTH PLAIN AABw"), FAILS(NULL), C("AUTH PLAIN AAA="),
	    FAILS(NULL), C("AUTH PLAIN YQ=="), FAILS(NULL),
	    C("AUTH PLAIN AGE="), FAILS(NULL), C("AUTH LOGIN"), S("334"), C(""),
	    S("334"), C(BOB_PASSWORD), FAILS(NULL) } },
	{ "a NUL, where servers that are written in C end what they read",
	  false,
	  { S("220"), C("AUTH XOAUTH2 dXNlcj1ib2IAeAFhdXRoPUJlYXJlciB0AQE="),
	    FAILS(NULL),
	    C("AUTH OAUTHBEARER bixhPWJvYgB4LAFhdXRoPUJlYXJlciB0AQE="),
	    FAILS(NULL),
	    C("AUTH OAUTHBEARER bgAsYT1ib2IsAWF1dGg9QmVhcmVyIHQBAQ=="),
	    FAILS(NULL) } },
	{ "no base64",
	  false,
	  { S("220"), C("AUTH PLAIN AGEAcA="), FAILS(NULL),
	    C("AUTH PLAIN AGEAcA"), FAILS(NULL), C("AUTH PLAIN AGEAc*=="),
	    FAILS(NULL), C("AUTH PLAIN AGEAcA==AA=="), FAILS(NULL),
	    C("AUTH PLAIN AGEAcA== x"), FAILS(NULL), C("AUTH PLAIN AGEAc===="),
	    FAILS(NULL), C("AUTH PLAIN AGEAcA==\r"), FAILS(NULL) } },
	{ "blanks, LF alone, and what only looks like it",
	  false,
	  { S("220"), C("AUTH  \tPLAIN \t AGEAcA=="), FAILS("a"),
	    RAW("AUTH PLAIN AGIAcA==\n"), FAILS("b"), C("AUTHPLAIN AGMAcA=="),
	    FAILS(NULL), C("AUTH"), FAILS(NULL), C("XAUTH PLAIN AGUAcA=="),
	    FAILS(NULL) } },
	{ "chunks may look like anything", true, { S("220"), C("BDAT 100") } },
	{ "so may what is behind a proxy's line",
	  true,
	  { C("PROXY TCP4 192.0.2.1 192.0.2.2 1 25") } },
	{ "TLS",
	  true,
	  { S("220"), C("STARTTLS"), S("220"), RAW("\x16\x03\x01") } },
	{ "an empty command", true, { S("220"), C("") } },
};

static const struct name_key key = {
	.k = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL },
	.secret = { 1, 2 },
};

/* As sasl_feed()'s callers have it, of the whole connection. */
struct server {
	struct dialogue d;
	uint32_t replies, challenges;
	uint32_t seq;
	bool lost;
	uint32_t keep; /* enum sasl_keep */
};

static uint64_t hash_of(const char *name)
{
	struct siphash h;
	uint64_t hash;

	siphash_begin(&h, &key);
	for (; *name; name++)
		siphash_add(&h, *name);
	hash = siphash_end(&h);
	return hash ? hash : 1;
}

static void send_bytes(struct server *t, const char *text, size_t len)
{
	while (len && !t->lost) {
		struct sasl_chunk chunk = { .len = sasl_room(len),
					    .challenges = t->challenges,
					    .keep = t->keep,
					    .seq = t->seq };
		int used;

		memcpy(chunk.byte, text, chunk.len);
		used = sasl_feed(&t->d, &key, &chunk);
		if (used < 0) {
			t->lost = true;
			return;
		}
		assert_in_range(used, 1, chunk.len);
		text += used;
		len -= used;
		t->seq += used;
	}
}

/* No run of eight bytes of what must not be anywhere. */
static void search(const struct server *t, const char *title, const char *what)
{
	size_t len = strlen(what);

	for (size_t i = 0; i + 8 <= len; i++)
		if (memmem(&t->d, sizeof(t->d), what + i, 8))
			fail_msg("%s: \"%s\" is in there", title, what + i);
}

static void reply(struct server *t, const struct talk *talk,
		  const struct line_of *l)
{
	if (!strcmp(l->text, "334")) {
		t->lost |=
			!dialogue_challenged(&t->d, t->replies, t->challenges);
		t->challenges++;
		return;
	}
	if (l->who == 'R') {
		const struct attempt *a = dialogue_attempt(&t->d, t->replies);
		uint64_t got = a ? a->tried.hash : 0;

		if (got != (l->name ? hash_of(l->name) : 0))
			fail_msg("%s: reply %u is not about %s", talk->title,
				 t->replies, l->name ? l->name : "nobody");
		if (got && t->keep & KEEP_NAME) {
			assert_int_equal(a->tried.len, strlen(l->name));
			assert_int_equal(strncasecmp((char *)a->tried.name,
						     l->name, a->tried.len),
					 0);
		} else if (a) {
			assert_int_equal(a->tried.len, 0);
		}
	}
	t->replies++;
}

/* Once, with line `cut` sent in two pieces. */
static void hold(const struct talk *talk, struct server *t, int cut, size_t at)
{
	for (int i = 0; i < LINES && talk->line[i].who && !t->lost; i++) {
		const struct line_of *l = &talk->line[i];
		size_t len = strlen(l->text), n = i == cut ? at : len;

		if (l->who != 'C') {
			reply(t, talk, l);
			continue;
		}
		/* So a server would read on; but not before it answers. */
		if (t->replies)
			assert_true(dialogue_settled(&t->d, t->replies,
						     t->challenges));
		send_bytes(t, l->text, n);
		t->lost |= t->d.adrift;
		if (t->replies && n == len && !t->lost && talk->line[i + 1].who)
			assert_int_equal(dialogue_settled(&t->d, t->replies,
							  t->challenges),
					 talk->line[i + 1].who == 'C');
		search(t, talk->title, PASSWORD);
		search(t, talk->title, BOB_PASSWORD);
		send_bytes(t, l->text + n, len - n);
		t->lost |= t->d.adrift;
	}
	assert_int_equal(t->lost, talk->lost);
	search(t, talk->title, PASSWORD);
	search(t, talk->title, BOB_PASSWORD);
}

static void test_talks(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (int line = 0; line < LINES; line++) {
			const char *text = talks[i].line[line].text;

			if (talks[i].line[line].who != 'C')
				continue;
			for (size_t at = 0; at <= strlen(text); at++) {
				struct server t = { .d.commands = 1,
						    .keep = at & 3 };

				hold(&talks[i], &t, line, at);
			}
		}
}

/* Lines that only Postfix takes for AUTH. A CR may end a line for others. */
static void test_odd_blanks(void **state)
{
	static const struct {
		const char *line;
		bool adrift;
	} tries[] = {
		{ " AUTH PLAIN " BOB_PLAIN, false },
		{ "\tAUTH PLAIN " BOB_PLAIN, false },
		{ "\v\fAUTH PLAIN " BOB_PLAIN, false },
		{ "AUTH\vPLAIN " BOB_PLAIN, false },
		{ "AUTH PLAIN\f" BOB_PLAIN, false },
		{ "\rAUTH PLAIN " BOB_PLAIN, true },
		{ "AUTH\rPLAIN " BOB_PLAIN, true },
		{ "AUTH PLAIN\r" BOB_PLAIN, true },
		{ "AUTH PLAIN \r " BOB_PLAIN, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct server t = { .d.commands = 1, .keep = KEEP_NAME };

		send_bytes(&t, tries[i].line, strlen(tries[i].line));
		send_bytes(&t, "\r\n", 2);
		assert_false(t.lost);
		assert_int_equal(t.d.n, 1);
		assert_int_equal(t.d.adrift, tries[i].adrift);
		assert_true(t.d.attempt[0].end == t.seq);
		assert_true(t.d.attempt[0].tried.hash ==
			    (tries[i].adrift ? 0 : hash_of("bob@example.org")));
	}
}

/* More blanks than are read: it may be an AUTH. */
static void test_many_blanks(void **state)
{
	struct server t = { .d.commands = 1 };

	for (int i = 0; i < 2000; i++)
		send_bytes(&t, " ", 1);
	send_bytes(&t, "AUTH PLAIN " BOB_PLAIN "\r\n",
		   strlen("AUTH PLAIN " BOB_PLAIN "\r\n"));
	assert_int_equal(t.d.n, 1);
	assert_true(t.d.attempt[0].whole);
	assert_true(t.d.attempt[0].end == t.seq);
}

/* The paper's own test vector (appendix A). */
static void test_siphash(void **state)
{
	struct siphash h;

	siphash_begin(&h, &key);
	for (int i = 0; i < 15; i++)
		siphash_add(&h, i);
	assert_true(siphash_end(&h) == 0xa129ca6149be45e5ULL);
}

static void encode(const uint8_t *in, size_t n, char *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t w = in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) |
			     (i + 2 < n ? in[i + 2] : 0);

		*out++ = set[w >> 18];
		*out++ = set[w >> 12 & 63];
		*out++ = i + 1 < n ? set[w >> 6 & 63] : '=';
		*out++ = i + 2 < n ? set[w & 63] : '=';
	}
	*out = '\0';
}

static bool has(const void *in, size_t size, const uint8_t *what, size_t len)
{
	return memmem(in, size, what, len) != NULL;
}

/* PLAIN, cut anywhere: no five bytes of a password are in memory. */
static void test_no_byte(void **state)
{
	for (int n = 0; n < 20000; n++) {
		uint8_t a[600];
		char line[1024];
		size_t name = dice_range(1, 255), id = dice(3) ? 0 : dice(80);
		size_t pass = dice_range(6, 40), len = id + name + 2 + pass;
		struct server t = { .d.commands = 1, .keep = KEEP_GUESS };
		size_t cut;

		for (size_t i = 0; i < len; i++)
			a[i] = dice_range(1, 255);
		a[id] = a[id + 1 + name] = 0;
		strcpy(line, "AUTH PLAIN ");
		encode(a, len, line + 11);
		strcat(line, "\r\n");
		cut = dice_range(1, strlen(line));
		send_bytes(&t, line, cut);
		for (size_t i = 0; i + 5 <= pass; i++)
			assert_false(
				has(&t.d, sizeof(t.d), a + len - pass + i, 5));
		send_bytes(&t, line + cut, strlen(line) - cut);
		assert_true(t.d.attempt[0].tried.hash != 0);
		assert_true(t.d.attempt[0].tried.guess != 0);
	}
}

/*
 * With compare-passwords off, what memory holds does not depend on the
 * password. With it on, when the line has ended, 16 bits do.
 */
static void test_no_bit(void **state)
{
	for (int n = 0; n < 20000; n++) {
		uint8_t a[600], b[600];
		char line[2][1024];
		size_t name = dice_range(1, 255), id = dice(3) ? 0 : dice(80);
		size_t pass = dice_range(3, 40), len = id + name + 2 + pass;
		bool compare = n & 1;
		struct server t[2] = { { .d.commands = 1 },
				       { .d.commands = 1 } };
		size_t cut;

		for (size_t i = 0; i < len; i++)
			a[i] = b[i] = dice_range(1, 255);
		a[id] = b[id] = a[id + 1 + name] = b[id + 1 + name] = 0;
		for (size_t i = len - pass; i < len; i++)
			b[i] = dice_range(1, 255);
		for (int i = 0; i < 2; i++) {
			strcpy(line[i], "AUTH PLAIN ");
			encode(i ? b : a, len, line[i] + 11);
			strcat(line[i], "\r\n");
			t[i].keep = compare ? KEEP_GUESS : 0;
		}
		/* At the end of the message's last whole group, or behind. */
		cut = compare ? strlen(line[0]) : 11 + (len + dice(2)) / 3 * 4;
		if (cut > strlen(line[0]))
			cut = strlen(line[0]);
		for (int i = 0; i < 2; i++) {
			send_bytes(&t[i], line[i], cut);
			assert_false(t[i].lost);
			if (compare) {
				assert_true(t[i].d.attempt[0].tried.guess);
				t[i].d.attempt[0].tried.guess = 0;
			}
		}
		assert_memory_equal(&t[0].d, &t[1].d, sizeof(t[0].d));
	}
}

/* The guess of a dialogue's last AUTH. */
static uint16_t guess_of(const char *const *said, size_t n)
{
	struct server t = { .d.commands = 1, .keep = KEEP_GUESS };

	for (size_t i = 0; i < n && said[i]; i++) {
		send_bytes(&t, said[i], strlen(said[i]));
		t.challenges++;
	}
	return t.d.n ? sasl_attempt(&t.d)->tried.guess : 0;
}

/* Which logins are one guess; bob and p, or pp, or b. */
static void test_guess(void **state)
{
	static const struct {
		char same; /* as all with this letter; '-': not known */
		const char *said[3];
	} rows[] = {
		{ 'p', { "AUTH PLAIN AGJvYgBw\r\n" } },
		{ 'p', { "AUTH PLAIN AEJPQgBw\r\n" } },
		{ 'p', { "AUTH PLAIN\r\n", "AGJvYgBw\r\n" } },
		{ 'p', { "AUTH PLAIN eABib2IAcA==\r\n" } }, /* as x */
		{ 'p', { "AUTH LOGIN Ym9i\r\n", "cA==\r\n" } },
		{ 'p', { "AUTH LOGIN\r\n", "Ym9i\r\n", "cA==\r\n" } },
		{ 'q', { "AUTH PLAIN AGJvYgBwcA==\r\n" } },
		{ 'q', { "AUTH LOGIN Ym9i\r\n", "cHA=\r\n" } },
		{ 'b', { "AUTH PLAIN AGIAcA==\r\n" } }, /* user b */
		{ 'c', { "AUTH PLAIN AGIAb2Jw\r\n" } }, /* b, obp */
		{ 'e', { "AUTH LOGIN Ym9i\r\n", "\r\n" } },
		{ 'e', { "AUTH PLAIN AGJvYgA=\r\n" } },
		{ '-', { "AUTH PLAIN AGJvYg==\r\n" } },
		{ '-', { "AUTH LOGIN Ym9i\r\n", "*\r\n" } },
		{ '-', { "AUTH LOGIN Ym9i\r\n", "cA=\r\n" } },
		{ '-', { "AUTH LOGIN Ym9i\r\n" } },
		{ '-',
		  { "AUTH CRAM-MD5\r\n",
		    "Ym9iIDAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx\r\n" } },
		{ 't',
		  { "AUTH XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgeAEB\r\n" } },
		{ 't',
		  { "AUTH XOAUTH2\r\n",
		    "dXNlcj1ib2IBYXV0aD1CZWFyZXIgeAEB\r\n" } },
		{ 'u',
		  { "AUTH XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgeQEB\r\n" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t a = guess_of(rows[i].said, 3);

		if (!a != (rows[i].same == '-'))
			fail_msg("%s%s: %x", rows[i].said[0],
				 rows[i].said[1] ?: "", a);
		for (size_t k = 0; k < i; k++) {
			uint16_t b = guess_of(rows[k].said, 3);

			if (a && (a == b) != (rows[i].same == rows[k].same))
				fail_msg("%s%s%s: %x, %x", rows[k].said[0],
					 rows[i].said[0], rows[i].said[1] ?: "",
					 a, b);
		}
	}
}

/* Passwords have a key of their own: who knows names' cannot tell them. */
static void test_secret(void **state)
{
	static const char plain[] = "AUTH PLAIN AGJvYgBw\r\n";
	struct name_key other = key;
	struct server t[2];

	other.secret[1] ^= 1;
	for (int i = 0; i < 2; i++) {
		struct sasl_chunk chunk = { .len = sizeof(plain) - 1,
					    .keep = KEEP_GUESS };

		t[i] = (struct server){ .d.commands = 1 };
		memcpy(chunk.byte, plain, chunk.len);
		assert_int_equal(sasl_feed(&t[i].d, i ? &other : &key, &chunk),
				 chunk.len);
	}
	assert_true(sasl_attempt(&t[0].d)->tried.hash == hash_of("bob"));
	assert_true(sasl_attempt(&t[1].d)->tried.hash == hash_of("bob"));
	assert_int_not_equal(sasl_attempt(&t[0].d)->tried.guess,
			     sasl_attempt(&t[1].d)->tried.guess);
}

/* A digest begins with any digit, at any place of base64's: the user is known. */
static void test_digest(void **state)
{
	static const char digits[] = "0123456789abcdef";

	for (int name = 1; name < 8; name++)
		for (int i = 0; i < 16; i++) {
			struct server t = { .d.commands = 1 };
			static const char auth[] = "AUTH CRAM-MD5\r\n";
			char text[64], line[128] = "";
			int n = sprintf(text, "%.*s %c%s%s", name, "bobbobbob",
					digits[i], digits, digits + 1);

			send_bytes(&t, auth, strlen(auth));
			t.challenges++;
			encode((uint8_t *)text, n, line);
			strcat(line, "\r\n");
			send_bytes(&t, line, strlen(line));
			if (!t.d.attempt[0].tried.hash)
				fail_msg("%s", text);
		}
}

/* For servers in C, a line that begins with NUL is empty, and not answered. */
static void test_nul(void **state)
{
	static const char line[] = "\0AUTH PLAIN AGEAcA==\r\n";
	struct server t = { .d.commands = 1 };

	send_bytes(&t, line, sizeof(line) - 1);
	assert_true(t.d.adrift);
}

/* A password of more than SECRET_MAX bytes is not compared. */
static void test_long_secret(void **state)
{
	for (size_t pass = SECRET_MAX - 2; pass < SECRET_MAX + 3; pass++) {
		struct server t = { .d.commands = 1, .keep = KEEP_GUESS };
		uint8_t a[600] = "\0bob";
		char line[1024] = "AUTH PLAIN ";

		memset(a + 5, 'x', pass);
		encode(a, 5 + pass, line + strlen(line));
		strcat(line, "\r\n");
		send_bytes(&t, line, strlen(line));
		assert_true(t.d.attempt[0].tried.hash != 0);
		assert_int_equal(t.d.attempt[0].tried.guess != 0,
				 pass <= SECRET_MAX);
	}
}

/* Anything at all: it ends, and what is cut otherwise says the same. */
static void test_dice(void **state)
{
	static const char *const pieces[] = {
		"AUTH ",
		"PLAIN ",
		"LOGIN",
		" ",
		"\r\n",
		"\r",
		"\n",
		"AGEAcA==",
		"=",
		"XOAUTH2 ",
		"*",
		"NOOP",
		"dXNlcj1h",
		"\x80",
		"\r\n",
		"EHLO x",
		"OAUTHBEARER bixhPWEs",
	};

	for (int n = 0; n < 20000; n++) {
		struct server one = { .d.commands = 1 }, two = one;
		char text[512] = "";
		size_t len, cut;

		for (int i = dice_range(1, 24); i > 0; i--)
			strcat(text, pieces[dice(ARRAY_SIZE(pieces))]);
		one.challenges = two.challenges = dice(3);
		len = strlen(text);
		send_bytes(&one, text, len);
		for (size_t at = 0; at < len; at += cut) {
			cut = dice_range(1, len - at);
			send_bytes(&two, text + at, cut);
		}
		assert_int_equal(one.lost, two.lost);
		assert_memory_equal(&one.d, &two.d, sizeof(one.d));
	}
}

/* What the server has got whole, and not answered. */
static void test_open(void **state)
{
	static const struct {
		const char *said[4]; /* each but the first after a challenge */
		bool open;
	} rows[] = {
		{ { "AUTH PLAIN AGEAcA==\r\n" }, true },
		{ { "AUTH PLAIN AGEAcA==" }, false },
		{ { "AUTH PLAIN\r\n" }, false },
		{ { "AUTH PLAIN\r\n", "AGEAcA==\r\n" }, true },
		{ { "AUTH PLAIN\r\n", "*\r\n" }, false },
		{ { "AUTH LOGIN\r\n" }, false },
		{ { "AUTH LOGIN\r\n", "YQ==\r\n" }, false },
		{ { "AUTH LOGIN\r\n", "YQ==\r\n", "cA==\n" }, true },
		{ { "AUTH LOGIN YQ==\r\n", "cA==\r\n" }, true },
		{ { "AUTH LOGIN\r\n", "YQ==\r\n", "*\r\n" }, false },
		{ { "AUTH XOAUTH2 dXNlcj1hAQ==\r\n" }, true },
		{ { "AUTH CRAM-MD5\r\n" }, false },
		{ { "AUTH CRAM-MD5\r\n", "YQ==\r\n" }, true },
		{ { "NOOP\r\n" }, false },
		{ { "AUTH\r\n" }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t at = 0; at <= strlen(rows[i].said[0]); at++) {
			struct server t = { .d.commands = 1, .replies = 1 };

			send_bytes(&t, rows[i].said[0], at);
			assert_false(at < strlen(rows[i].said[0]) &&
				     dialogue_is_open(&t.d, 0, 1, 0));
			send_bytes(&t, rows[i].said[0] + at,
				   strlen(rows[i].said[0]) - at);
			for (int n = 1; n < 4 && rows[i].said[n]; n++) {
				t.challenges++;
				send_bytes(&t, rows[i].said[n],
					   strlen(rows[i].said[n]));
			}
			if (dialogue_is_open(&t.d, 0, 1, t.challenges) !=
			    rows[i].open)
				fail_msg("row %zu, cut at %zu", i, at);
			assert_false(
				dialogue_is_open(&t.d, 0, 2, t.challenges));
			if (rows[i].open)
				assert_int_equal(t.d.attempt[0].end, t.seq);
		}
	}
}

/* Postfix has both lines read before its challenge would leave. */
static void test_open_early(void **state)
{
	struct server t = { .d.commands = 1, .replies = 1 };

	send_bytes(&t, "AUTH PLAIN\r\n", 12);
	assert_false(dialogue_is_open(&t.d, 0, 1, 0));
	send_bytes(&t, "AGEAcA==\r\n", 10);
	assert_true(dialogue_is_open(&t.d, 0, 1, 0));
	assert_false(dialogue_is_open(&t.d, 0, 2, 0));
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_blanks),
		cmocka_unit_test(test_many_blanks),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_no_bit),
		cmocka_unit_test(test_no_byte),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_long_secret),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_dice),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_early),
	};

	return cmocka_run_group_tests_name("sasl", tests, setup, NULL);
}
