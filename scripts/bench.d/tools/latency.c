// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What this machine takes, whatever the program:
 *
 *	latency BYTES
 *		ns for a cache line at random in a table of so many bytes.
 *		chain: each address is known only when the line before has
 *		come; huge: the same in pages of 2 MiB, with hardly a miss of
 *		the TLB; read: addresses that are known beforehand, so that
 *		the CPU fetches several at once
 *	latency wake
 *		us until a thread that sleeps on another CPU runs: the median
 *
 * Prints a line of JSON.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "dice.h"
#include "timing.h"

#define LINE 64
#define STEPS 200000
#define ROUNDS 5 /* interleaved; the median counts */
#define HUGE_PAGE (2UL << 20)

struct table {
	char *at;
	uint32_t lines;
};

static char *line_of(const struct table *t, uint32_t i)
{
	return t->at + (size_t)i * LINE;
}

static int make(struct table *t, size_t bytes, int advice)
{
	size_t size = (bytes + 2 * HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -1;
	madvise(at, size, advice);
	t->at = (char *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	t->lines = bytes / LINE;
	memset(t->at, 0, bytes);
	return 0;
}

/* Every line names the next one, and all are one ring (Sattolo). */
static void chain(const struct table *t, __u64 *state)
{
	for (uint32_t i = 0; i < t->lines; i++)
		*(uint32_t *)line_of(t, i) = i;
	for (uint32_t i = t->lines - 1; i > 0; i--) {
		uint32_t other = dice_below(dice(state), i);
		uint32_t *a = (uint32_t *)line_of(t, i);
		uint32_t *b = (uint32_t *)line_of(t, other), was = *a;

		*a = *b;
		*b = was;
	}
}

static double follow(const struct table *t)
{
	unsigned long long began;
	volatile uint32_t end;
	uint32_t i = 0;

	for (uint32_t n = 0; n < t->lines; n++) /* warms up */
		i = *(uint32_t *)line_of(t, i);
	began = timing_clock(CLOCK_MONOTONIC);
	for (uint32_t n = 0; n < STEPS; n++)
		i = *(uint32_t *)line_of(t, i);
	end = i;
	(void)end;
	return (double)(timing_clock(CLOCK_MONOTONIC) - began) / STEPS;
}

static double scatter(const struct table *t, __u64 *state)
{
	unsigned long long began = timing_clock(CLOCK_MONOTONIC);
	volatile uint32_t end;
	uint32_t sum = 0;

	for (uint32_t n = 0; n < STEPS; n++)
		sum += *(uint32_t *)line_of(t,
					    dice_below(dice(state), t->lines));
	end = sum;
	(void)end;
	return (double)(timing_clock(CLOCK_MONOTONIC) - began) / STEPS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static int memory(size_t bytes)
{
	double chained[ROUNDS], huge[ROUNDS], read[ROUNDS];
	__u64 state = timing_clock(CLOCK_MONOTONIC);
	struct table small, large;

	if (make(&small, bytes, MADV_NOHUGEPAGE) ||
	    make(&large, bytes, MADV_HUGEPAGE)) {
		perror("latency");
		return 1;
	}
	chain(&small, &state);
	chain(&large, &state);
	for (int i = 0; i < ROUNDS; i++) {
		chained[i] = follow(&small);
		huge[i] = follow(&large);
		read[i] = scatter(&small, &state);
	}
	printf("{\"bytes\":%zu,\"chain\":%.1f,\"huge\":%.1f,\"read\":%.1f}\n",
	       bytes, median(chained, ROUNDS), median(huge, ROUNDS),
	       median(read, ROUNDS));
	return 0;
}

/* --- waking -----------------------------------------------------------------
 */

#define WAKES 200
#define REST_NSEC 3000000 /* so that the other CPU is idle */

struct sleeper {
	int fd;
	unsigned long long woke;
};

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *sleeper(void *arg)
{
	struct sleeper *s = arg;
	eventfd_t n;

	run_on(0);
	for (int i = 0; i < WAKES && !eventfd_read(s->fd, &n); i++)
		__atomic_store_n(&s->woke, timing_clock(CLOCK_MONOTONIC),
				 __ATOMIC_RELEASE);
	return NULL;
}

static int wake(void)
{
	struct timespec rest = { .tv_nsec = REST_NSEC };
	struct sleeper s = { .fd = eventfd(0, EFD_SEMAPHORE) };
	double us[WAKES];
	pthread_t thread;

	if (s.fd < 0 || pthread_create(&thread, NULL, sleeper, &s)) {
		perror("latency");
		return 1;
	}
	run_on(sysconf(_SC_NPROCESSORS_ONLN) - 1);
	for (int i = 0; i < WAKES; i++) {
		unsigned long long began;

		nanosleep(&rest, NULL);
		began = timing_clock(CLOCK_MONOTONIC);
		eventfd_write(s.fd, 1);
		nanosleep(&rest, NULL);
		us[i] = (__atomic_load_n(&s.woke, __ATOMIC_ACQUIRE) - began) /
			1e3;
	}
	pthread_join(thread, NULL);
	printf("{\"us\":%.1f}\n", median(us, WAKES));
	return 0;
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;

	if (argc == 2 && !strcmp(argv[1], "wake"))
		return wake();
	if (bytes >= 2 * LINE)
		return memory(bytes);
	fprintf(stderr, "usage: latency BYTES|wake\n");
	return 2;
}
