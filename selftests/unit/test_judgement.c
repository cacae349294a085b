// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a client is taken for, and by which limit it is banned, failure by
 * failure (bpf/pure/judgement.h, bpf/pure/users.h).
 */
#include "lib/fixture.h"
#include "pure/judgement.h"
#include "pure/made_good.h"

#define SECOND 10 /* ticks */
#define RATE_SEC 120
#define STALE_SEC 600

struct subject {
	struct settings s;
	struct client c;
	struct client again; /* its passwords that come again */
	struct judgement j; /* of the last failure */
	uint32_t tick;
	int group;
};

static struct subject *fresh(uint32_t attack_users, uint32_t stale_failures)
{
	static struct subject x;

	memset(&x, 0, sizeof(x));
	x.s.attack_users = attack_users;
	x.s.policy[POLICY_PLAIN] =
		(struct policy){ .rate = { 10, RATE_SEC * SECOND, RATE_SEC },
				 .ban_sec = 3600 };
	x.s.policy[POLICY_STALE] =
		(struct policy){ .rate = { stale_failures, STALE_SEC * SECOND,
					   STALE_SEC },
				 .ban_sec = 60 };
	x.tick = 1000000;
	return &x;
}

/* Hashes of users differ in their upper half; 0 is nobody known. */
static uint64_t user(char name)
{
	return name == '-' ? 0 : (uint64_t)name << 40 | 77;
}

/* As client_failure() does it. */
static bool fails(struct subject *x, char name)
{
	uint16_t guess = name >= 'A' && name <= 'Z' ? name : 0;
	struct client *c = &x->c;
	uint32_t ticket;

	memset(&x->j, 0, sizeof(x->j));
	x->j.guess = guess_note(c, guess);
	if (x->j.guess == GUESS_AGAIN)
		c = &x->again;
	ticket = window_add(c, x->tick);
	users_add(c, user(guess ? name - 'A' + 'a' : name), x->tick);
	choose_policy(&x->s, c, x->tick, x->group, &x->j);
	if (!limit_reached(&x->s, c, ticket, x->tick, &x->j))
		return false;
	c->spent = ticket + 1;
	users_forget(c);
	return true;
}

/*
 * A failure each for these users; of a capital with always the same password, of
 * others with one that is not read; a digit n: n seconds go by, '~': a minute,
 * '\'': a tick, '!': the failure before was to ban.
 */
static void script(struct subject *x, const char *what, const char *failures)
{
	bool banned = false;

	for (const char *f = failures; *f; f++) {
		if (*f >= '0' && *f <= '9')
			x->tick += (*f - '0') * SECOND;
		else if (*f == '~')
			x->tick += 60 * SECOND;
		else if (*f == '\'')
			x->tick++;
		else if (*f != '!')
			banned = fails(x, *f);
		else
			continue;
		if (banned != (f[1] == '!'))
			fail_msg("%s: '%s': %sbanned at %zu", what, failures,
				 banned ? "" : "not ", (size_t)(f - failures));
		if (f[1] == '!')
			banned = false;
	}
}

static void test_attack(void **state)
{
	static const struct {
		const char *what, *failures;
	} rows[] = {
		{ "the fifth user bans, before the rate", "abcde!" },
		{ "the same ones again are no more users", "aabbccddd1e!" },
		{ "nine of four users, the rate does", "abcdabcda"
						       "b!" },
		{ "all within the time, to the end", "a~~bcde!" },
		{ "one of them a tick too long ago", "a~~'bcdef!" },
		{ "and it counts anew when it comes again", "a~~'bcdae!" },
		{ "who is not known is no user", "----abcd--!" },
		{ "after a ban all begins anew", "abcde!fghi1j!" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		script(fresh(5, 0), rows[i].what, rows[i].failures);
		/* Whatever is known of stale ones changes nothing. */
		script(fresh(5, 30), rows[i].what, rows[i].failures);
	}
	script(fresh(0, 0), "off: the rate only", "abcdefghij!");
	script(fresh(2, 0), "two", "aaaab!");
	script(fresh(USERS_MAX, 0), "the rate comes before", "abcdefghij!");
}

static void test_told(void **state)
{
	struct subject *x = fresh(5, 0);

	script(x, "an attack", "aabcde!");
	assert_int_equal(x->j.offender, OFFENDER_ATTACK);
	assert_int_equal(x->j.users, 5);
	assert_int_equal(x->j.failures, 6);
	assert_int_equal(x->j.sec, RATE_SEC);
	script(x, "one user, passwords not read", "aaaaaaaaaa!");
	assert_int_equal(x->j.offender, OFFENDER_UNKNOWN);
	assert_int_equal(x->j.users, 1);
	assert_int_equal(x->j.failures, 10);
	script(x, "nobody knows", "----------!");
	assert_int_equal(x->j.offender, OFFENDER_UNKNOWN);
	assert_int_equal(x->j.users, 0);
	script(x, "two", "ababababab!");
	assert_int_equal(x->j.offender, OFFENDER_UNKNOWN);
	assert_int_equal(x->j.users, 2);
	x = fresh(5, 0);
	script(x, "the first password", "A");
	assert_int_equal(x->j.offender, OFFENDER_UNKNOWN);
	script(x, "the same again", "A");
	assert_int_equal(x->j.offender, OFFENDER_STALE);
	script(x, "another one", "B");
	assert_int_equal(x->j.offender, OFFENDER_GUESSES);
	script(x, "one that is not read", "a");
	assert_int_equal(x->j.offender, OFFENDER_UNKNOWN);
}

static void test_stale(void **state)
{
	static const struct {
		const char *what, *failures;
		enum policy_kind by;
	} rows[] = {
		{ "one password: its own rate", "AAAAAAAAAAAAAAAA!",
		  POLICY_STALE },
		{ "the fifteenth again at the very end",
		  "AA~~~~~~~~~~AAAAAAAAAAAAAA!", POLICY_STALE },
		{ "or a tick behind it", "AA~~~~~~~~~~'AAAAAAAAAAAAAAA!",
		  POLICY_STALE },
		{ "the usual rate counts each once", "AAAAABAABCDEAFGHIAJ!",
		  POLICY_PLAIN },
		{ "what is not read is new", "AAAAAAaaaaaaaaa!", POLICY_PLAIN },
		{ "three old passwords of a household", "ABCABCABCABCABCABC!",
		  POLICY_STALE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct subject *x = fresh(0, 15);

		script(x, rows[i].what, rows[i].failures);
		assert_int_equal(x->j.kind, rows[i].by);
		assert_int_equal(policy_of(&x->s, &x->j)->ban_sec,
				 rows[i].by == POLICY_STALE ? 60 : 3600);
	}
	script(fresh(0, 0), "off: again is nothing",
	       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

/* The slow limit is not for devices that try all day; it is for others. */
static void test_slow(void **state)
{
	struct subject *x = fresh(0, 15);

	x->s.slow = (struct limit){ 12, 86400 * SECOND, 86400 };
	script(x, "stale", "A~A~A~A~A~A~A~A~A~A~A~A~A~A~A~A");
	x = fresh(0, 15);
	x->s.slow = (struct limit){ 12, 86400 * SECOND, 86400 };
	script(x, "two users", "a~b~a~b~a~b~a~b~a~b~a~b!");
	assert_int_equal(x->j.sec, 86400);
}

/* What forgives the failures of the rate forgives the users, too. */
static void test_success(void **state)
{
	struct subject *x = fresh(5, 0);

	x->s.credit = CREDIT_RESET;
	script(x, "before", "abcd");
	credit_add(&x->c, &x->s, 1, x->tick);
	script(x, "after", "efgh1a!");
	x = fresh(5, 0);
	x->s.credit = CREDIT_RATIO;
	x->s.credit_ratio = 3;
	credit_add(&x->c, &x->s, 1, x->tick);
	credit_add(&x->c, &x->s, 1, x->tick);
	script(x, "an office: six failures are made up for", "abcdef1g!");
}

/* A group's rate takes the place of all others, but for strict of the slow. */
static void test_group(void **state)
{
	static const struct policy strict = {
		.rate = { 3, STALE_SEC * SECOND, STALE_SEC },
		.ban_sec = 86400,
	};
	static const struct policy lenient = {
		.rate = { 12, RATE_SEC * SECOND, RATE_SEC },
		.ban_sec = 60,
	};
	struct subject *x = fresh(5, 30);

	x->s.policy[POLICY_STRICT] = strict;
	x->s.policy[POLICY_LENIENT] = lenient;
	x->s.slow = (struct limit){ 6, 86400 * SECOND, 86400 };
	x->group = GROUP_STRICT;
	script(x, "strict", "abc!a~~~~ab!");
	assert_int_equal(x->j.kind, POLICY_STRICT);
	assert_int_equal(policy_of(&x->s, &x->j)->ban_sec, 86400);
	script(x, "strict, and stale is no excuse", "~~~~~~~~~~~aaa!");
	x = fresh(5, 30);
	x->s.policy[POLICY_LENIENT] = lenient;
	x->s.slow = (struct limit){ 6, 86400 * SECOND, 86400 };
	x->group = GROUP_LENIENT;
	script(x, "lenient: nor many users nor the slow rate", "abcdefghijkl!");
	assert_int_equal(x->j.kind, POLICY_LENIENT);
	assert_int_equal(x->j.failures, 12);
}

/* More than there is room for: the latest are kept, and counted. */
static void test_many(void **state)
{
	struct subject *x = fresh(0, 0);

	for (int i = 0; i < 3 * USERS_MAX; i++, x->tick++) {
		int n = i < USERS_MAX ? i + 1 : USERS_MAX;

		users_add(&x->c, user('A' + i), x->tick);
		assert_int_equal(users_count(&x->c, x->tick, RATE_SEC * SECOND),
				 n);
	}
	/* The last eight, and nobody else, came within eight ticks. */
	assert_int_equal(users_count(&x->c, x->tick, 8), 8);
	users_add(&x->c, user('A' + 3 * USERS_MAX - 1), x->tick);
	assert_int_equal(users_count(&x->c, x->tick, 8), 8);
	assert_int_equal(users_count(&x->c, x->tick + 8, 8), 1);
}

/* The last GUESSES_MAX are known; one that went and comes again is new. */
static void test_guesses(void **state)
{
	struct subject *x = fresh(0, 0);

	assert_int_equal(guess_note(&x->c, 0), GUESS_UNREAD);
	for (int i = 1; i <= GUESSES_MAX; i++)
		assert_int_equal(guess_note(&x->c, i * 1021), GUESS_NEW);
	for (int i = 1; i <= GUESSES_MAX; i++)
		assert_int_equal(guess_note(&x->c, i * 1021), GUESS_AGAIN);
	assert_int_equal(guess_note(&x->c, 0), GUESS_UNREAD);
	assert_int_equal(guess_note(&x->c, 7), GUESS_NEW);
	assert_int_equal(guess_note(&x->c, 1021), GUESS_NEW);
	assert_int_equal(guess_note(&x->c, 7), GUESS_AGAIN);
}

/* Of all guesses there are, only those that were made are known. */
static void test_guess_exact(void **state)
{
	struct subject *x = fresh(0, 0);
	bool made[65536] = {};

	for (int i = 0; i < GUESSES_MAX; i++) {
		uint16_t g = dice_range(1, 65535);

		assert_int_equal(guess_note(&x->c, g) == GUESS_AGAIN, made[g]);
		made[g] = true;
	}
	for (int g = 1; g < 65536; g++) {
		bool in = false;

		for (int i = 0; i < GUESSES_MAX / 4; i++)
			in |= guess_is_in(x->c.guesses[i], g);
		assert_int_equal(in, made[g]);
	}
}

static struct tried as(char name, uint16_t guess)
{
	return (struct tried){ .hash = user(name), .guess = guess };
}

/* CRAM-MD5, PLAIN, LOGIN of one click; and what a login makes good. */
static void test_click(void **state)
{
	struct refusals r = {};
	struct tried cram = as('a', 0), plain = as('a', 5), other = as('b', 0),
		     nobody = as('-', 0);

	assert_false(refusals_note(&r, &cram, 1));
	assert_true(refusals_note(&r, &plain, 1));
	assert_false(refusals_note(&r, &plain, 1));
	assert_false(refusals_note(&r, &cram, 1));
	assert_false(refusals_note(&r, &cram, 1));
	assert_false(refusals_note(&r, &other, 1));
	assert_false(refusals_note(&r, &plain, 1));
	assert_false(refusals_note(&r, &nobody, 1));
	assert_false(refusals_note(&r, &plain, 1));

	r.counted = 2;
	assert_int_equal(refusals_made_good(&r, user('b'), 5, 10), 0);
	r.counted = 2;
	assert_int_equal(refusals_made_good(&r, 0, 5, 10), 0);
	r.counted = 2;
	assert_int_equal(refusals_made_good(&r, user('a'), 12, 10), 0);
	r.counted = 2;
	assert_int_equal(refusals_made_good(&r, user('a'), 11, 10), 2);
	assert_int_equal(refusals_made_good(&r, user('a'), 11, 10), 0);
	r.counted = 2;
	refusals_note(&r, &other, 1);
	assert_int_equal(r.counted, 0);
	refusals_note(&r, &nobody, 1);
	r.counted = 2;
	assert_int_equal(refusals_made_good(&r, 0, 1, 10), 0);
}

/* What is taken back was no failure, but what led to a ban stays. */
static void test_take_back(void **state)
{
	struct subject *x = fresh(3, 0);

	script(x, "eight, and two more", "aaaaaaaa");
	assert_true(window_take_back(&x->c));
	script(x, "one less", "aa");
	script(x, "then the tenth", "a!");
	assert_false(window_take_back(&x->c));
	script(x, "users", "ab");
	users_drop(&x->c, user('b'));
	script(x, "he is no user any more", "ac");
	script(x, "but may come again", "b!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attack),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_guess_exact),
		cmocka_unit_test(test_click),
		cmocka_unit_test(test_take_back),
	};

	return cmocka_run_group_tests_name("judgement", tests, NULL, NULL);
}
