/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clocks: the kernel's jiffies, in which bans expire because a BPF program
 * reads them at no cost; CLOCK_BOOTTIME for moments; the wall clock for people.
 */
#ifndef SMTPXDP_CLOCK_H
#define SMTPXDP_CLOCK_H

#include <stdint.h>

#include "ban.h"

#define CLOCK_TEXT 40

/* CLOCK_MONOTONIC in microseconds. */
uint64_t clock_monotonic_usec(void);

/* CLOCK_REALTIME in microseconds. */
uint64_t clock_wall_usec(void);

/* CPU time of this thread in microseconds. */
uint64_t clock_cpu_usec(void);

/* Jiffies per second. */
unsigned int clock_hz(void);

/* Reads both clocks at one moment, by the BPF program `clock`. -errno. */
int clock_read(int prog_fd, struct clock_pair *now);

/* Seconds from `now` to a jiffy, rounded up; 0 if it is past. */
uint64_t clock_until(const struct clock_pair *now, uint64_t jiffies);

/* The ns of CLOCK_BOOTTIME at a jiffy, past or future. */
uint64_t clock_boot_of(const struct clock_pair *now, uint64_t jiffies);

/* Seconds since 1970 of a moment of CLOCK_BOOTTIME, past or future; and back. */
int64_t clock_wall_of(uint64_t boot_ns);
uint64_t clock_boot_of_wall(int64_t seconds);

/*
 * A time by RFC 3339 with the local offset, from ns of CLOCK_BOOTTIME or us of
 * CLOCK_REALTIME. Returns buf.
 */
const char *clock_format_boot(uint64_t boot_ns, char buf[static CLOCK_TEXT]);
const char *clock_format_wall(uint64_t usec, char buf[static CLOCK_TEXT]);

#endif
