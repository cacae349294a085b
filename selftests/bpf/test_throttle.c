// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * throttle-texts (bpf/throttle.h): whose count, and who lets nobody's count; and
 * unasked-texts. The texts are Postfix' (src/smtpd/smtpd_sasl_glue.c and
 * smtpd_sasl_proto.c).
 */
#include "lib/talk.h"

#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */

static const char throttled[] = "454 4.7.0 Temporary authentication failure: "
				"Connection lost to authentication server\r\n";
static const char refused[] = "535 5.7.8 Error: authentication failed\r\n";

static const char unasked[] = "503 5.5.1 Error: authentication not enabled\r\n";

/* A client says AUTH, and the server says this. */
static void tries_by(struct lab *lab, bool v6, uint16_t c, const char *auth,
		     const char *reply)
{
	static uint16_t port = 1024;
	struct talk t;

	talk_begin(&t, lab, v6, c, port++, 1000);
	say(&t, "220 mail.example.org ESMTP\r\n");
	client_tells(&t, CLIENT_SEQ, auth);
	say(&t, reply);
}

/* A client logs in as bob with password "x". */
static void tries(struct lab *lab, bool v6, uint16_t c, const char *reply)
{
	tries_by(lab, v6, c, "AUTH PLAIN AGJvYgB4\r\n", reply);
}

static struct lab *begin(void **state)
{
	struct lab *lab = lab_of(state);

	map_zero(lab->skel->maps.throttle);
	settings_rate(&lab->s, 64, 120);
	settings_text(&lab->s,
		      "454 4.7.0 Temporary authentication failure: "
		      "Connection lost to authentication server",
		      ACTION_THROTTLE);
	lab->s.compare = 0;
	lab_apply(lab);
	return lab;
}

static void failures_are(const struct lab *lab, uint64_t n)
{
	assert_int_equal(counted(lab, COUNTER_FAILURE), n);
}

static void test_who_was_refused(void **state)
{
	struct lab *lab = begin(state);

	tries(lab, false, 1, refused);
	tries(lab, false, 1, throttled);
	tries(lab, false, 1, throttled);
	failures_are(lab, 3);
}

/* The password database is down: everybody gets the same words. */
static void test_unearned(void **state)
{
	struct lab *lab = begin(state);

	tries(lab, false, 1, refused);
	tries(lab, false, 2, throttled);
	tries(lab, false, 1, throttled);
	failures_are(lab, 1);
	assert_int_equal(counted(lab, COUNTER_UNEARNED), 1);
}

/* Who is allowed may well have failed: that is not counted. */
static void test_allowed(void **state)
{
	struct lab *lab = begin(state);
	struct addr webmail = address(false, 2, 0, 2);

	allow_put(lab, &webmail, ADDR_BITS, ALLOW_ADMIN);
	tries(lab, false, 1, refused);
	tries(lab, false, 2, throttled);
	tries(lab, false, 1, throttled);
	failures_are(lab, 2);
	assert_int_equal(counted(lab, COUNTER_UNEARNED), 0);
}

/*
 * Dovecot makes a whole IPv6 /48 wait. (auth/auth-penalty.c:
 * PENALTY_IPV6_MASK_BITS)
 */
static void test_neighbour(void **state)
{
	struct lab *lab = begin(state);

	lab->s.net[1] = (struct limit){ 64, 1 << 20, 3600 };
	lab_apply(lab);
	tries(lab, true, 1, refused);
	tries(lab, true, 2, throttled); /* another /64 */
	tries(lab, true, 1, throttled);
	failures_are(lab, 2);
	assert_int_equal(counted(lab, COUNTER_UNEARNED), 0);
}

static struct lab *begin_unasked(void **state)
{
	struct lab *lab = begin(state);

	settings_text(&lab->s, "503 5.5.1 Error: authentication not enabled",
		      ACTION_UNASKED);
	lab->s.compare = 1;
	lab_apply(lab);
	return lab;
}

/* Different passwords are guesses, one again and again is none. */
static void test_unasked(void **state)
{
	struct lab *lab = begin_unasked(state);

	tries(lab, false, 1, unasked);
	tries(lab, false, 1, unasked);
	tries_by(lab, false, 1, "AUTH PLAIN AGJvYgB5\r\n", unasked);
	tries_by(lab, false, 1, "AUTH PLAIN AGJvYgB6\r\n", unasked);
	assert_int_equal(counted(lab, COUNTER_FAILURE), 4);
	assert_int_equal(counted(lab, COUNTER_FAILURE_REPEATED), 1);
	/* nothing was checked: it is not known to guess at real logins */
	tries_by(lab, false, 1, "AUTH PLAIN AGJvYgA3\r\n", throttled);
	failures_are(lab, 4);
}

/* Where no password is said, or read, there is no guess. */
static void test_unasked_unread(void **state)
{
	struct lab *lab = begin_unasked(state);

	tries_by(lab, false, 1, "AUTH LOGIN\r\n", unasked);
	tries_by(lab, false, 1, "AUTH CRAM-MD5\r\n", unasked);
	tries_by(lab, false, 1, "NOOP\r\n", unasked);
	failures_are(lab, 0);
	lab->s.compare = 0;
	lab_apply(lab);
	tries(lab, false, 1, unasked);
	failures_are(lab, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_was_refused),
		cmocka_unit_test(test_unearned),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_unasked_unread),
	};

	return cmocka_run_group_tests_name("throttle", tests, lab_setup,
					   lab_teardown);
}
