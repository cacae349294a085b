/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Measures how long something took, and how long of it other processes had this
 * CPU: if they had much of it, the measurement is worthless.
 */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct timing {
	unsigned long long ns;
	unsigned long long waited; /* ns on the run queue */
};

static inline unsigned long long timing_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static inline unsigned long long timing_waited(void)
{
	unsigned long long run, wait = 0;
	FILE *f = fopen("/proc/self/schedstat", "r");

	if (f && fscanf(f, "%llu %llu", &run, &wait) != 2)
		wait = 0; /* a kernel without: nothing is known */
	if (f)
		fclose(f);
	return wait;
}

static inline void timing_start(struct timing *t)
{
	t->waited = timing_waited();
	t->ns = timing_clock(CLOCK_MONOTONIC);
}

static inline void timing_stop(struct timing *t)
{
	t->ns = timing_clock(CLOCK_MONOTONIC) - t->ns;
	t->waited = timing_waited() - t->waited;
}

#endif
