// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NSEC 1000000000ULL

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

uint64_t clock_monotonic_usec(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_wall_usec(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

uint64_t clock_cpu_usec(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
}

unsigned int clock_hz(void)
{
	struct timespec res;

	/* coarse clocks advance once a jiffy, and report that */
	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	return (NSEC + res.tv_nsec / 2) / res.tv_nsec;
}

int clock_read(int prog_fd, struct clock_pair *now)
{
	/* the kernel writes the context back to ctx_in */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = now,
		    .ctx_size_in = sizeof(*now));

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	return opts.retval ? -EIO : 0;
}

uint64_t clock_until(const struct clock_pair *now, uint64_t jiffies)
{
	unsigned int hz = clock_hz();

	if (jiffies <= now->jiffies)
		return 0;
	return (jiffies - now->jiffies + hz - 1) / hz;
}

uint64_t clock_boot_of(const struct clock_pair *now, uint64_t jiffies)
{
	int64_t diff = jiffies - now->jiffies;

	return now->boot_ns + diff * (int64_t)(NSEC / clock_hz());
}

const char *clock_format_wall(uint64_t usec, char buf[static CLOCK_TEXT])
{
	time_t t = usec / 1000000;
	struct tm tm;
	size_t n;

	localtime_r(&t, &tm);
	n = strftime(buf, CLOCK_TEXT - 1, "%Y-%m-%dT%H:%M:%S%z", &tm);
	/* strftime() writes +0100, RFC 3339 wants +01:00 */
	if (n >= 5) {
		buf[n + 1] = '\0';
		buf[n] = buf[n - 1];
		buf[n - 1] = buf[n - 2];
		buf[n - 2] = ':';
	}
	return buf;
}

/* ns since 1970 of a moment of CLOCK_BOOTTIME. */
static uint64_t wall_ns(uint64_t boot_ns)
{
	return clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_BOOTTIME) - boot_ns);
}

int64_t clock_wall_of(uint64_t boot_ns)
{
	return (int64_t)wall_ns(boot_ns) / (int64_t)NSEC;
}

uint64_t clock_boot_of_wall(int64_t seconds)
{
	int64_t ago = clock_ns(CLOCK_REALTIME) - seconds * NSEC;

	return clock_ns(CLOCK_BOOTTIME) - ago;
}

const char *clock_format_boot(uint64_t boot_ns, char buf[static CLOCK_TEXT])
{
	return clock_format_wall(wall_ns(boot_ns) / 1000, buf);
}
