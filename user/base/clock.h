/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's jiffies, the boot clock and the wall clock. Bans expire in
 * jiffies, because reading them costs a packet nothing.
 */
#ifndef SMTPXDP_CLOCK_H
#define SMTPXDP_CLOCK_H

#include <stdint.h>

#include "ban.h"

#define CLOCK_TEXT 40

/* CLOCK_MONOTONIC, in microseconds. */
uint64_t clock_monotonic_usec(void);

/* CLOCK_REALTIME, in microseconds. */
uint64_t clock_wall_usec(void);

/* What this thread has used of a CPU, in microseconds. */
uint64_t clock_cpu_usec(void);

/* Jiffies per second. */
unsigned int clock_hz(void);

/* Both clocks at one moment, by the program `clock`. -errno. */
int clock_read(int prog_fd, struct clock_pair *now);

/* Whole seconds from now until then, rounded up; 0 if it is past. */
uint64_t clock_until(const struct clock_pair *now, uint64_t jiffies);

/* CLOCK_BOOTTIME ns at which that jiffy is, or was. */
uint64_t clock_boot_of(const struct clock_pair *now, uint64_t jiffies);

/* RFC 3339 with the local offset, of a CLOCK_BOOTTIME or CLOCK_REALTIME. */
const char *clock_format_boot(uint64_t boot_ns, char buf[static CLOCK_TEXT]);
const char *clock_format_wall(uint64_t usec, char buf[static CLOCK_TEXT]);

#endif
