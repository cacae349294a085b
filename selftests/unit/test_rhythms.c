// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The defaults, judged by whom they are for: in which rhythm guessers guess, and
 * how honest people fail. Times are those of the servers of Debian 12, measured
 * (selftests/lab/stock.bats has the quick ones with the servers themselves).
 */
#include "config/config.h"
#include "config/config_compile.h"
#include "lib/fixture.h"
#include "pure/judgement.h"
#include "pure/made_good.h"

#define DAY 86400

struct world {
	struct settings s;
	struct client c, again;
	struct refusals r; /* of the connection */
	uint64_t now; /* ticks */
	uint32_t guesses; /* different ones so far */
	long banned_at; /* second of the first ban, or -1 */
};

static uint32_t tick(const struct world *w)
{
	return w->now & TICK_MASK;
}

static void ticks_go_by(struct world *w, double seconds)
{
	w->now += seconds * fixture_hz() / (1 << w->s.tick_shift) + 0.5;
}

static long second(const struct world *w, uint64_t since)
{
	return (w->now - since) * (1 << w->s.tick_shift) / fixture_hz();
}

static void begin(struct world *w)
{
	struct config config;

	memset(w, 0, sizeof(*w));
	assert_int_equal(config_init(&config), 0);
	config_compile(&config, fixture_hz(), &w->s);
	config_free(&config);
	w->now = 1000000;
	w->banned_at = -1;
}

static const struct tried unread = { .hash = 1ULL << 40 };

/* A login of this user with this password, as bpf/failure.h handles it. */
static void fails(struct world *w, struct tried t)
{
	bool joins = refusals_note(&w->r, &t, tick(w));
	struct judgement j = { .guess = guess_note(&w->c, t.guess) };
	struct client *c = &w->c;
	uint32_t ticket;

	if (joins)
		j.guess = GUESS_AGAIN;
	if (j.guess == GUESS_AGAIN)
		c = &w->again;
	ticket = window_add(c, tick(w));
	users_add(c, t.hash, tick(w));
	choose_policy(&w->s, c, tick(w), GROUP_NONE, &j);
	if (limit_reached(&w->s, c, ticket, tick(w), &j) && w->banned_at < 0)
		w->banned_at = second(w, 1000000);
	w->r.counted += j.guess != GUESS_AGAIN;
}

static void logs_in(struct world *w, uint64_t hash)
{
	uint32_t n = refusals_made_good(&w->r, hash, tick(w),
					w->s.policy[POLICY_PLAIN].rate.ticks);

	while (n--)
		window_take_back(&w->c);
	credit_add(&w->c, &w->s, w->now << w->s.tick_shift, tick(w));
}

static struct tried as(int user, int password)
{
	return (struct tried){ .hash = (uint64_t)(user + 1) << 40,
			       .guess = user * 251 + password + 1 };
}

/* A password never tried before. */
static struct tried guess(struct world *w)
{
	struct tried t = as(0, 0);

	t.guess = ++w->guesses;
	return t;
}

/* ---- guessers */

static void test_guessers(void **state)
{
	static const struct {
		const char *what;
		double every; /* seconds from one judged guess to the next */
		long within; /* banned within so many seconds */
	} rows[] = {
		{ "no brake at all", 0.01, 1 },
		{ "Dovecot, four connections", 10, 600 },
		{ "Dovecot, one at a time (36 in 600 s)", 600 / 36.0, 600 },
		{ "Postfix, one at a time (61 in 120 s, 454 and all)",
		  120 / 61.0, 600 },
		{ "one per 12 s", 12, 600 },
		{ "one per 14 s", 14, 600 },
		{ "one per 60 s", 60, 600 },
		{ "one per 10 minutes", 600, DAY },
		{ "one per 20 minutes", 1200, DAY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		begin(&w);
		while (w.banned_at < 0 && second(&w, 1000000) < 2 * DAY) {
			fails(&w, guess(&w));
			ticks_go_by(&w, rows[i].every);
		}
		if (w.banned_at < 0 || w.banned_at > rows[i].within)
			fail_msg("%s: banned after %ld s", rows[i].what,
				 w.banned_at);
	}
}

/*
 * ---- honest people; a new connection each time, unless it says otherwise
 *
 * That such people exist, and are banned elsewhere, is known from:
 * - fail2ban/fail2ban issue 779: several mailboxes and computers of one address,
 *   one password changed; it asks for comparing hashes;
 * - hestiacp/hestiacp issue 4314: devices of one house after a password change;
 * - RFC 6269 (issues with IP address sharing): many subscribers of one address;
 * - Lib/smtplib.py of Python 3.11, SMTP.login(): CRAM-MD5, PLAIN, LOGIN;
 * - Thunderbird's ConfigVerifier.sys.mjs and its test: the address and its local
 *   part, each with the encrypted and the clear mechanism (incoming servers only).
 * How often they try, how many they are and how many passwords they type is
 * assumed, and named so below.
 */

static void reconnect(struct world *w)
{
	memset(&w->r, 0, sizeof(w->r));
}

/*
 * Three devices with the password of yesterday, for eight hours (issues above).
 * Assumed: two look every 5 minutes, one every 30 s; measured in none.
 */
static void devices(struct world *w)
{
	for (int s = 0; s < 8 * 3600; s += 30) {
		reconnect(w);
		fails(w, as(0, 0));
		if (s % 300 == 0) {
			reconnect(w);
			fails(w, as(0, 0));
			reconnect(w);
			fails(w, as(1, 0));
		}
		ticks_go_by(w, 30);
	}
}

/*
 * smtplib.SMTP.login() of Python 3 tries CRAM-MD5, PLAIN, LOGIN with one
 * password; three clicks, a new password each.
 */
static void clicks(struct world *w)
{
	for (int click = 0; click < 3; click++) {
		struct tried cram = as(0, click);

		cram.guess = 0;
		reconnect(w);
		fails(w, cram);
		fails(w, as(0, click));
		fails(w, as(0, click));
		ticks_go_by(w, 10);
	}
}

/*
 * Twelve people behind one address: CRAM-MD5 is refused, PLAIN is right, as where
 * the server offers a mechanism that its password database cannot serve (the
 * reason that smtplib gives). Assumed: twelve.
 */
static void office(struct world *w)
{
	for (int i = 0; i < 12; i++) {
		struct tried cram = as(i, 0);

		cram.guess = 0;
		reconnect(w);
		fails(w, cram);
		logs_in(w, as(i, 0).hash);
		ticks_go_by(w, 2);
	}
}

/*
 * Assumed, without a source: five tries to remember it, and the right one; then another person of the house
 * mistypes three times. (A third with five would be one too many.)
 */
static void forgetful(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		for (int p = 0; p < (i ? 3 : 5); p++) {
			reconnect(w);
			fails(w, as(i, p));
			ticks_go_by(w, 15);
		}
		reconnect(w);
		logs_in(w, as(i, 9).hash);
		ticks_go_by(w, 120);
	}
}

/*
 * Set-up assistants try the address and its local part as user (Thunderbird, see
 * above). Assumed: at 465 and at 587, for each of three passwords.
 */
static void assistant(struct world *w)
{
	for (int p = 0; p < 3; p++) {
		for (int user = 0; user < 2; user++)
			for (int port = 0; port < 2; port++) {
				reconnect(w);
				fails(w, as(user, p));
			}
		ticks_go_by(w, 30);
	}
}

/*
 * Strangers' telephones behind one address of a provider (RFC 6269), all stale.
 * Assumed: eight with mail at this one server, a try a minute.
 */
static void provider(struct world *w)
{
	for (int s = 0; s < DAY; s += 60) {
		reconnect(w);
		fails(w, as(s / 60 % 8, 0));
		ticks_go_by(w, 60);
	}
}

/*
 * A scanner whose CRAM-MD5 password is old: nobody can tell. Assumed: a mail an
 * hour.
 */
static void scanner(struct world *w)
{
	for (int h = 0; h < 24; h++) {
		reconnect(w);
		fails(w, unread);
		ticks_go_by(w, 3600);
	}
}

static void test_honest(void **state)
{
	static const struct {
		const char *what;
		void (*live)(struct world *w);
	} rows[] = {
		{ "three devices", devices },
		{ "smtplib", clicks },
		{ "an office", office },
		{ "forgetful", forgetful },
		{ "a set-up assistant", assistant },
		{ "a provider", provider },
		{ "a scanner", scanner },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		begin(&w);
		rows[i].live(&w);
		if (w.banned_at >= 0)
			fail_msg("%s: banned after %ld s", rows[i].what,
				 w.banned_at);
	}
}

/* A bot's four guesses are four, whatever it does between them. */
static void test_four(void **state)
{
	struct world w;

	begin(&w);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 7; k++)
			fails(&w, as(0, i));
	assert_int_equal(window_count(&w.c, tick(&w), w.s.slow.ticks), 4);
	assert_int_equal(window_count(&w.again, tick(&w), w.s.slow.ticks), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guessers),
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_four),
	};

	return cmocka_run_group_tests_name("rhythms", tests, NULL, NULL);
}
