/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which part each program belongs to, and what does not work without it: a
 * kernel may refuse any program.
 */
#ifndef SMTPXDP_PROGRAMS_H
#define SMTPXDP_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon.h"

struct settings;
struct smtpxdp;

/* A part consists of programs that are of use only together. */
enum part {
	PART_CONTROL, /* nothing works without it */
	PART_GATE,
	PART_GATE_RAW,
	PART_SENSOR,
	PART_SENSOR_RAW,
	PART_USERS,
	PART_ACCEPT,
	PART_CLOSE,
	PART_OVERDUE,
	PART_SELF_TEST,
	PART_TLS,
	/* One of these three, the hooks: where sockets send. */
	PART_TLS_TRACEPOINT,
	PART_TLS_FEXIT,
	PART_TLS_KPROBE,
	PART_TLS_WRITE,
	PART_TLS_WRITE_EX,
	PART_TLS_READ,
	PART_TLS_READ_EX,
	PART_TLS_BEHIND,
	PART_TLS_CLOSE,
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
	 PART_BIT(PART_TLS_READ_EX) | PART_BIT(PART_TLS_BEHIND) |              \
	 PART_BIT(PART_TLS_CLOSE))

/* What is attached to functions of libraries. */
#define PARTS_TLS_PROBES (PARTS_TLS & ~(PARTS_HOOK | PART_BIT(PART_TLS_CLOSE)))

/*
 * The part of a program, by the program's name. PARTS_MAX: there is no such
 * program.
 */
enum part program_part(const char *name);

/* Says what does not happen without a program: "nobody is dropped". */
const char *program_lost(const char *name);

/*
 * Chooses what smtpxdp__load() will load: the programs of these parts, no
 * others.
 */
void programs_choose(struct smtpxdp *skel, uint32_t parts);

/*
 * The TLS sensor has to learn on which socket a thread sends. These return the
 * newest of PARTS_HOOK that this kernel takes, as its bit, or 0; the second
 * one, the newest after `hook`. They try each, since no version number tells.
 */
uint32_t programs_tls_hook(void);
uint32_t programs_tls_hook_after(enum part hook);

/*
 * Returns the parts to load next, after the kernel refused one: the same
 * without it and what depends on it. 0: the rest is of no use.
 */
uint32_t programs_without(uint32_t parts, enum part refused);

/* A flag beside enum users: logins without an answer are to be counted. */
#define MISSED_UNANSWERED 0x100
/* And: proxies name clients. */
#define MISSED_PROXIES 0x200

/*
 * Is the program needed, given the attached interfaces and what programs_wanted()
 * says of the settings?
 */
bool program_is_missed(const struct daemon_info *info, uint32_t wanted,
		       const char *name);

/* What these settings need of programs: enum users and MISSED_*. */
uint32_t programs_wanted(const struct settings *s);

#endif
