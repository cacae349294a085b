/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tests of the pure parts share: settings as people use them, dice. */
#ifndef SELFTESTS_FIXTURE_H
#define SELFTESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pure/who.h"
#include "settings.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* xorshift64*: the same numbers every time, unless SEED says otherwise. */
static uint64_t dice_state;

static inline void dice_seed(void)
{
	const char *seed = getenv("SEED");

	dice_state = seed ? strtoull(seed, NULL, 0) : 88172645463325252ULL;
	dice_state += !dice_state;
	printf("# SEED=%llu\n", (unsigned long long)dice_state);
}

static inline uint64_t dice_roll(void)
{
	dice_state ^= dice_state >> 12;
	dice_state ^= dice_state << 25;
	dice_state ^= dice_state >> 27;
	return dice_state * 2685821657736338717ULL;
}

/* 0..n-1 */
static inline uint32_t dice(uint32_t n)
{
	return (dice_roll() >> 32) % n;
}

/* low..high */
static inline uint32_t dice_range(uint32_t low, uint32_t high)
{
	return low + dice(high - low + 1);
}

/* jiffies a second */
static inline uint32_t fixture_hz(void)
{
	struct timespec res;

	assert_int_equal(clock_getres(CLOCK_MONOTONIC_COARSE, &res), 0);
	return (1000000000L + res.tv_nsec / 2) / res.tv_nsec;
}

static inline void settings_port(struct settings *s, uint16_t port)
{
	s->ports[port >> 6] |= 1ULL << (port & 63);
	s->closed[port >> 6] |= 1ULL << (port & 63);
}

/* "rate/seconds", rounded up to whole ticks. */
static inline struct limit settings_limit(const struct settings *s,
					  uint32_t rate, uint32_t seconds)
{
	uint64_t jiffies = (uint64_t)seconds * fixture_hz();

	return (struct limit){
		.failures = rate,
		.ticks = (jiffies + (1ULL << s->tick_shift) - 1) >>
			 s->tick_shift,
		.sec = seconds,
	};
}

static inline void settings_rate(struct settings *s, uint32_t rate,
				 uint32_t seconds)
{
	s->policy[POLICY_PLAIN].rate = settings_limit(s, rate, seconds);
}

static inline void settings_ban_time(struct settings *s, enum policy_kind kind,
				     uint32_t seconds)
{
	s->policy[kind].ban_jiffies = (uint64_t)seconds * fixture_hz();
	s->policy[kind].ban_sec = seconds;
}

/* len: of a client's network, as people write it. */
static inline void settings_prefix(struct settings *s, bool v6, int len)
{
	struct addr *mask = &s->client_mask[v6];

	if (!v6)
		len += ADDR_V4_BITS;
	s->client_len[v6] = len;
	for (int i = 0; i < ADDR_BITS; i++) {
		if (i % 8 == 0)
			mask->b[i / 8] = 0;
		if (i < len)
			mask->b[i / 8] |= 0x80 >> i % 8;
	}
}

/* Adds a literal beginning of a line where it belongs: longest first. */
static inline void settings_text(struct settings *s, const char *literal,
				 enum action action)
{
	uint32_t len = strlen(literal), i = s->n_texts++;
	struct text *t;

	assert_true(s->n_texts <= TEXTS_MAX && len >= 4 && len <= TEXT_SIZE);
	for (; i > 0 && s->texts[i - 1].len < len; i--)
		s->texts[i] = s->texts[i - 1];
	t = &s->texts[i];
	memset(t, 0, sizeof(*t));
	memcpy(t->bytes, literal, len);
	memset(t->mask, 0xff, len);
	t->len = len;
	t->action = action;
	s->codes[atoi(literal)] |= CODE_HAS_TEXT;
}

/* nat64-prefixes' default: 64:ff9b::/96 (RFC 6052, 2.1). */
static inline void settings_nat64(struct settings *s)
{
	static const struct addr net = { .b = { 0, 0x64, 0xff, 0x9b } };
	struct who_rule *r = &s->who[s->n_who++];

	r->net = net;
	memset(&r->mask, 0xff, 12);
	r->len = 96;
	s->who_filter = 1ULL << who_bit(&net);
}

/* What the configuration's defaults amount to, without texts. */
static inline void settings_default(struct settings *s)
{
	uint32_t hz = fixture_hz();

	memset(s, 0, sizeof(*s));
	while ((1000U << s->tick_shift) / hz < 10)
		s->tick_shift++;
	settings_rate(s, 10, 600);
	s->slow = settings_limit(s, 60, 86400);
	s->net[1] = settings_limit(s, 64, 3600);
	s->account = settings_limit(s, 30, 86400);
	s->brake = (struct limit){
		.failures = 1000,
		.ticks = (60 * hz + (1 << s->tick_shift) / 2) >> s->tick_shift,
		.sec = 60,
	};
	s->fuse_clients = 10;
	s->credit = CREDIT_RESET;
	s->credit_ratio = 3;
	settings_ban_time(s, POLICY_PLAIN, 3600);
	settings_ban_time(s, POLICY_STALE, 600);
	s->policy[POLICY_STRICT].rate = settings_limit(s, 3, 3600);
	settings_ban_time(s, POLICY_STRICT, 86400);
	s->policy[POLICY_LENIENT].rate = settings_limit(s, 30, 120);
	settings_ban_time(s, POLICY_LENIENT, 600);
	s->users = USERS_WIRE | USERS_TLS;
	s->unanswered = 1;
	s->compare = 1;
	s->ban_factor = 2;
	s->ban_max_sec = 7 * 86400;
	s->ban_forget_sec = 30 * 86400;
	settings_prefix(s, false, 32);
	settings_prefix(s, true, 64);
	settings_nat64(s);
	settings_port(s, 25);
	settings_port(s, 465);
	settings_port(s, 587);
	settings_port(s, 2525);
	s->spares = 1;
	s->codes[535] = ACTION_COUNT;
	s->codes[538] = ACTION_COUNT;
	s->codes[235] = ACTION_CREDIT;
	s->cut_sessions = 1;
}

#endif
