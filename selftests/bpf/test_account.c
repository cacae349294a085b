// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * account-rate and trap-users (bpf/account.h): one user, guessed at from many
 * addresses.
 */
#include "account_window.h"
#include "groups.h"
#include "lib/talk.h"
#include "login.h"
#include "pure/siphash.h"

#define RATE 6
#define WINDOW 3600
#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */
#define NET(n) ((n) << 8) /* client 0 of another /24 or /48 */

static struct talk talk;
static uint32_t seq; /* of the client's next byte */

static void client_says(const char *text)
{
	client_tells(&talk, seq, text);
	seq += strlen(text);
}

/* Says AUTH PLAIN with "\0USER\0PASSWORD" in base64 (RFC 4648). */
static void says_auth(const char *user, const char *password)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 2 + strlen(user) + strlen(password);
	char raw[128] = {}, line[256] = "AUTH PLAIN ", *to = line + 11;

	strcpy(raw + 1, user);
	strcpy(raw + 2 + strlen(user), password);
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint8_t)raw[i] << 16 | (uint8_t)raw[i + 1] << 8 |
			     (uint8_t)raw[i + 2];

		for (int j = 0; j < 4; j++)
			*to++ = i + j > n ? '=' : digit[v >> (18 - 6 * j) & 63];
	}
	strcpy(to, "\r\n");
	client_says(line);
}

static void connects(struct lab *lab, bool v6, uint16_t c)
{
	static uint16_t port = 1024;

	talk_begin(&talk, lab, v6, c, port++, 1000);
	if (v6) {
		talk.flow.dst.b[4] = c >> 8;
		say_hello(&talk, 1000);
	}
	seq = CLIENT_SEQ;
	say(&talk, "220 mail.example.org ESMTP\r\n");
}

static void is_refused(const char *user, const char *password)
{
	says_auth(user, password);
	say(&talk, "535 5.7.8 Error: authentication failed\r\n");
}

static void guess_by(struct lab *lab, bool v6, uint16_t c, const char *user,
		     const char *password)
{
	connects(lab, v6, c);
	is_refused(user, password);
}

static void guess(struct lab *lab, uint16_t c, const char *user,
		  const char *password)
{
	guess_by(lab, false, c, user, password);
}

/* A guess that nobody has made before. */
static void guess_new(struct lab *lab, uint16_t c, const char *user)
{
	static unsigned int n;
	char password[16];

	snprintf(password, sizeof(password), "new%u", n++);
	guess(lab, c, user, password);
}

static void login(struct lab *lab, uint16_t c, const char *user)
{
	connects(lab, false, c);
	says_auth(user, "right");
	say(&talk, "235 2.7.0 Ok\r\n");
}

/* How many guesses at this user are from how many networks. */
static void attack(struct lab *lab, const char *user, int guesses, int nets)
{
	for (int i = 0; i < guesses; i++)
		guess_new(lab, NET(100 + i % nets), user);
}

static uint64_t hash_of(const char *name)
{
	static const struct name_key none;
	struct siphash h;

	siphash_begin(&h, &none);
	for (; *name; name++)
		siphash_add(&h, *name);
	return siphash_end(&h);
}

static struct lab *begin(void **state)
{
	struct lab *lab = lab_of(state);
	int fd = bpf_map__fd(lab->skel->maps.accounts);
	static const struct account zero;

	for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
		assert_int_equal(bpf_map_update_elem(fd, &i, &zero, 0), 0);
	map_clear(lab->skel->maps.account_nets);
	settings_rate(&lab->s, 64, 120);
	lab->s.log_users = 1;
	lab->s.account = (struct limit){ RATE,
					 (uint64_t)WINDOW * fixture_hz() >>
						 lab->s.tick_shift,
					 WINDOW };
	lab_apply(lab);
	return lab;
}

static void check_attack(const struct event *e, const char *user)
{
	assert_int_equal(e->kind, EVENT_ACCOUNT);
	assert_int_equal(e->failures, RATE);
	assert_int_equal(e->window_sec, WINDOW);
	assert_int_equal(e->user_len, strlen(user));
	assert_memory_equal(e->user, user, strlen(user));
}

static void check_crossed(const struct event *e, enum cause cause,
			  enum event_outcome outcome)
{
	assert_int_equal(e->kind, EVENT_CROSSED);
	assert_int_equal(e->cause, cause);
	assert_int_equal(e->outcome, outcome);
	assert_int_equal(e->window_sec, 120);
}

/* The guess that reaches the rate is the first that bans; each later one does. */
static void test_exact(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lab *lab = begin(state);
		char password[] = "0";

		for (int i = 1; i < RATE; i++) {
			++*password;
			guess_by(lab, v6, NET(i % 3 + 1), "bob", password);
			assert_false(talk_is_banned(&talk));
		}
		assert_int_equal(lab_events(lab), 0);
		guess_by(lab, v6, NET(9), "bob", "z");
		assert_true(talk_is_banned(&talk));
		assert_int_equal(lab_events(lab), 2);
		check_attack(&lab->event[0], "bob");
		check_crossed(&lab->event[1], CAUSE_ACCOUNT, OUTCOME_BANNED);
		assert_int_equal(lab->event[1].failures, 1);
		guess_by(lab, v6, NET(9) + 1, "Bob", "y");
		assert_true(talk_is_banned(&talk));
		guess_by(lab, v6, NET(10), "alice", "x");
		assert_false(talk_is_banned(&talk));
		/* who has guessed before it began, is banned at his next one */
		guess_by(lab, v6, NET(1), "bob", "w");
		assert_true(talk_is_banned(&talk));
		assert_int_equal(lab_events(lab), 4);
		assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 1);
		assert_int_equal(counted(lab, COUNTER_ACCOUNT_FAILURE), 3);
	}
}

/* Nobody can have one attacked by himself, from two networks or by one guess. */
static void test_several_networks(void **state)
{
	struct lab *lab = begin(state);

	for (int i = 0; i < 4 * RATE; i++)
		guess_new(lab, NET(1 + i % 2) + i, "bob");
	assert_int_equal(lab_events(lab), 0);
	guess_new(lab, NET(3), "bob");
	assert_int_equal(lab_events(lab), 2);
	assert_true(talk_is_banned(&talk));
}

/* A device with an old password, wherever it is. */
static void test_repeats(void **state)
{
	struct lab *lab = begin(state);

	for (int i = 1; i < 3 * RATE; i++)
		guess(lab, NET(i), "bob", "old");
	assert_int_equal(lab_events(lab), 0);
	attack(lab, "bob", RATE, RATE);
	assert_true(talk_is_banned(&talk));
	guess(lab, NET(60), "bob", "old");
	assert_false(talk_is_banned(&talk));
	guess(lab, NET(61), "bob", "older");
	assert_true(talk_is_banned(&talk));
}

/* Where the user has logged in, his neighbours may fail, too. */
static void test_known_networks(void **state)
{
	struct lab *lab = begin(state);

	login(lab, NET(1) + 5, "bob");
	for (int i = 0; i < 2 * RATE; i++) /* do not count */
		guess_new(lab, NET(1) + i, "bob");
	login(lab, NET(2), "alice"); /* another user's is no pass */
	attack(lab, "bob", RATE - 1, RATE - 1);
	assert_int_equal(lab_events(lab), 0);
	attack(lab, "bob", 1, 1);
	assert_true(talk_is_banned(&talk));
	guess_new(lab, NET(1) + 200, "bob");
	assert_false(talk_is_banned(&talk));
	guess_new(lab, NET(2), "bob");
	assert_true(talk_is_banned(&talk));
	login(lab, NET(3), "bob");
	guess_new(lab, NET(3), "bob");
	assert_false(talk_is_banned(&talk));
}

/* What the connection makes good was no guess: here, of a new network. */
static void test_made_good(void **state)
{
	struct lab *lab = begin(state);

	for (int i = 0; i < 3 * RATE; i++) {
		guess_new(lab, NET(1 + i), "bob");
		says_auth("bob", "right");
		say(&talk, "235 2.7.0 Ok\r\n");
	}
	attack(lab, "bob", RATE - 1, 3);
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 0);
	attack(lab, "bob", 1, 1);
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 1);
}

/* Moves all guesses at all users into the past. */
static void age(struct lab *lab, uint32_t ticks)
{
	int fd = bpf_map__fd(lab->skel->maps.accounts);
	struct account a;

	for (uint32_t i = 0; i < ACCOUNTS_MAX; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &a), 0);
		for (uint32_t n = 0; a.user && n < LOG_SLOTS; n++)
			a.window.log[n] -= ticks << 1;
		for (uint32_t n = 0; a.user && n < USERS_MAX; n++)
			a.window.users[n] -=
				a.window.users[n] ? (uint64_t)ticks << 1 : 0;
		a.told -= a.told ? (uint64_t)ticks << lab->s.tick_shift : 0;
		assert_int_equal(bpf_map_update_elem(fd, &i, &a, 0), 0);
	}
}

/* It lasts as long as the rate's time has so many guesses. */
static void test_ends(void **state)
{
	struct lab *lab = begin(state);

	attack(lab, "bob", RATE - 1, 3);
	age(lab, lab->s.account.ticks + 1);
	guess_new(lab, NET(9), "bob");
	assert_false(talk_is_banned(&talk));
	attack(lab, "bob", RATE, 3);
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 1);
	age(lab, lab->s.account.ticks + 1);
	guess_new(lab, NET(10), "bob");
	assert_false(talk_is_banned(&talk));
	for (int i = 0; i < RATE; i++) /* it begins again, and is told again */
		guess_new(lab, NET(20 + i), "bob");
	assert_true(talk_is_banned(&talk));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 2);
}

/* The i-th name whose entry lies where bob's lies. */
static const char *neighbour(unsigned int i, char name[16])
{
	uint64_t sets = ACCOUNTS_MAX / ACCOUNT_WAYS;

	for (unsigned int n = 0;; n++) {
		snprintf(name, 16, "u%u", n);
		if (hash_of(name) % sets == hash_of("bob") % sets && !i--)
			return name;
	}
}

/* Random names evict who was silent the longest, but nobody above half. */
static void test_evictions(void **state)
{
	struct lab *lab = begin(state);
	char name[16];

	attack(lab, "bob", RATE / 2 - 1, RATE);
	for (unsigned int i = 0; i < ACCOUNT_WAYS - 1; i++)
		guess_new(lab, NET(i + 1), neighbour(i, name));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_EVICTED), 0);
	guess_new(lab, NET(9), neighbour(ACCOUNT_WAYS, name));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_EVICTED), 1);
	attack(lab, "bob", RATE - 1, RATE); /* begins anew: it was bob */
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 0);
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_EVICTED), 2);
	for (unsigned int i = 0; i < 3 * ACCOUNT_WAYS; i++)
		guess_new(lab, NET(i + 1), neighbour(20 + i, name));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_FULL), 0);
	attack(lab, "bob", 1, 1);
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_CROSSED), 1);
	/* All are above half: there is no room. */
	for (unsigned int i = 0; i < ACCOUNT_WAYS - 1; i++)
		for (int n = 0; n < RATE / 2; n++)
			guess_new(lab, NET(60 + n), neighbour(i, name));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_FULL), 0);
	guess_new(lab, NET(9), neighbour(ACCOUNT_WAYS, name));
	assert_int_equal(counted(lab, COUNTER_ACCOUNT_FULL), 1);
}

static void test_traps(void **state)
{
	struct lab *lab = begin(state);

	lab->s.traps[0] = hash_of("alice");
	lab->s.traps[1] = hash_of("root");
	lab->s.n_traps = 2;
	lab->s.account.failures = 0;
	lab_apply(lab);
	guess_new(lab, NET(1), "bob");
	assert_false(talk_is_banned(&talk));
	guess_new(lab, NET(1), "Root");
	assert_true(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 1);
	check_crossed(&lab->event[0], CAUSE_TRAP, OUTCOME_BANNED);
	guess_new(lab, NET(2), "rooted");
	assert_false(talk_is_banned(&talk));
	assert_int_equal(counted(lab, COUNTER_TRAPPED), 1);
	lab->s.n_traps = 1;
	lab_apply(lab);
	guess_new(lab, NET(3), "root");
	assert_false(talk_is_banned(&talk));
}

static void set_group(struct lab *lab, enum group group)
{
	struct group_entry e = { .group = group, .len = 128 };
	struct net key = { .len = 128 };

	connects(lab, false, NET(50));
	memcpy(key.addr, &talk.flow.dst, sizeof(key.addr));
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.groups_a), &key,
				    &e, 0),
		0);
	lab->s.groups = 1;
	lab_apply(lab);
}

/* What holds back any ban holds back these. */
static void test_held_back(void **state)
{
	struct lab *lab = begin(state);

	lab->s.brake.failures = 1;
	lab_apply(lab);
	attack(lab, "bob", RATE + 1, RATE + 1);
	assert_false(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 3);
	check_crossed(&lab->event[1], CAUSE_ACCOUNT, OUTCOME_BANNED);
	check_crossed(&lab->event[2], CAUSE_ACCOUNT, OUTCOME_BRAKE);
	lab->s.brake.failures = 0;
	lab->s.mode = MODE_MONITOR;
	lab_apply(lab);
	guess_new(lab, NET(1), "bob");
	assert_false(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 4);
	check_crossed(&lab->event[3], CAUSE_ACCOUNT, OUTCOME_MONITOR);
	lab->s.mode = MODE_ENFORCE;
	set_group(lab, GROUP_LENIENT);
	guess_new(lab, NET(50), "bob");
	assert_false(talk_is_banned(&talk));
	allow_put(lab, &talk.flow.dst, 128, ALLOW_COMMAND);
	set_group(lab, GROUP_NONE);
	guess_new(lab, NET(50), "bob");
	assert_false(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 4);
}

/* A limit of the client's own is why it is banned, if both are reached. */
static void test_own_limit(void **state)
{
	struct lab *lab = begin(state);

	settings_rate(&lab->s, 2, 120);
	lab_apply(lab);
	attack(lab, "bob", RATE - 1, RATE - 1);
	guess_new(lab, NET(100), "bob");
	assert_true(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 2);
	check_crossed(&lab->event[1], CAUSE_RATE, OUTCOME_BANNED);
	assert_int_equal(lab->event[1].failures, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_several_networks),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_known_networks),
		cmocka_unit_test(test_made_good),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_evictions),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_held_back),
		cmocka_unit_test(test_own_limit),
	};

	return cmocka_run_group_tests_name("accounts", tests, lab_setup,
					   lab_teardown);
}
