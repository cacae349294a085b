// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * throttle-texts (bpf/throttle.h): whose count, and who lets nobody's count. The
 * text is Postfix' (src/smtpd/smtpd_sasl_glue.c).
 */
#include "lib/talk.h"

#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */

static const char throttled[] = "454 4.7.0 Temporary authentication failure: "
				"Connection lost to authentication server\r\n";
static const char refused[] = "535 5.7.8 Error: authentication failed\r\n";

/* A client logs in, and the server says this. */
static void tries(struct lab *lab, bool v6, uint16_t c, const char *reply)
{
	static uint16_t port = 1024;
	struct talk t;

	talk_begin(&t, lab, v6, c, port++, 1000);
	say(&t, "220 mail.example.org ESMTP\r\n");
	client_tells(&t, CLIENT_SEQ, "AUTH PLAIN AGJvYgB4\r\n");
	say(&t, reply);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_was_refused),
		cmocka_unit_test(test_unearned),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_neighbour),
	};

	return cmocka_run_group_tests_name("throttle", tests, lab_setup,
					   lab_teardown);
}
