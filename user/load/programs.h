/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each program is a part of, and what is lost without it: a kernel may
 * refuse any of them.
 */
#ifndef SMTPXDP_PROGRAMS_H
#define SMTPXDP_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon.h"

struct settings;
struct smtpxdp;

/* Programs that are of use only together. */
enum part {
	PART_CONTROL, /* without which nothing works */
	PART_GATE,
	PART_GATE_RAW,
	PART_SENSOR,
	PART_SENSOR_RAW,
	PART_USERS,
	PART_CLOSE,
	PART_SELF_TEST,
	PART_TLS,
	/* One of these, the first that can be: where sockets send. */
	PART_TLS_TRACEPOINT,
	PART_TLS_FEXIT,
	PART_TLS_KPROBE,
	PART_TLS_WRITE,
	PART_TLS_WRITE_EX,
	PART_TLS_READ,
	PART_TLS_READ_EX,
	PARTS_MAX
};

#define PART_BIT(part) (1U << (part))
#define PARTS_ETHERNET (PART_BIT(PART_GATE) | PART_BIT(PART_SENSOR))
#define PARTS_RAW (PART_BIT(PART_GATE_RAW) | PART_BIT(PART_SENSOR_RAW))
#define PARTS_WIRE (PARTS_ETHERNET | PARTS_RAW | PART_BIT(PART_USERS))
#define PARTS_HOOK                                                             \
	(PART_BIT(PART_TLS_TRACEPOINT) | PART_BIT(PART_TLS_FEXIT) |            \
	 PART_BIT(PART_TLS_KPROBE))
#define PARTS_TLS                                                              \
	(PART_BIT(PART_TLS) | PARTS_HOOK | PART_BIT(PART_TLS_WRITE) |          \
	 PART_BIT(PART_TLS_WRITE_EX) | PART_BIT(PART_TLS_READ) |               \
	 PART_BIT(PART_TLS_READ_EX))

/* Of a program, by its name; PARTS_MAX: there is no such program. */
enum part program_part(const char *name);

/* What does not happen without it: "nobody is dropped". */
const char *program_lost(const char *name);

/* In a skeleton that is not loaded yet: these, and no others, are to be. */
void programs_choose(struct smtpxdp *skel, uint32_t parts);

/*
 * The parts to try next, where the kernel has refused one of these: 0 if what
 * remains is of no use.
 */
uint32_t programs_without(uint32_t parts, enum part refused);

/* Beside enum users: what is wanted of these programs. */
#define MISSED_UNANSWERED 0x100

/*
 * Does somebody miss it, as the daemon is attached and set up? `wanted` is
 * enum users, and MISSED_UNANSWERED.
 */
bool program_is_missed(const struct daemon_info *info, uint32_t wanted,
		       const char *name);

uint32_t programs_wanted(const struct settings *s);

#endif
