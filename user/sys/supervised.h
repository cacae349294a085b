/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a program that is not ours: without a shell, without capabilities, with
 * nothing of the daemon's but what it is given, and for a bounded time.
 *
 * A child of the daemon supervises it. The daemon waits for none of its
 * children (it ignores SIGCHLD, and some may hang in the kernel), so this one
 * waits; and it ends the program when the daemon ends, however that happens.
 */
#ifndef SMTPXDP_SUPERVISED_H
#define SMTPXDP_SUPERVISED_H

#include <stddef.h>
#include <stdint.h>

#define SUPERVISED_OUTPUT_MAX 1024

struct supervised_program {
	char *const *argv; /* the first one is its path */
	char *const *env;
	uint32_t seconds; /* then it is killed */
};

enum supervised_how {
	SUPERVISED_EXITED,
	SUPERVISED_KILLED,
	SUPERVISED_TIMEOUT,
	SUPERVISED_FAILED, /* it did not run */
};

/* How it ended. */
struct supervised_end {
	enum supervised_how how;
	int value; /* its exit status, the signal, or errno */
	size_t len;
	char output[SUPERVISED_OUTPUT_MAX]; /* as far as it fits: raw */
};

/*
 * Starts it. Returns a descriptor that is readable when it has ended, and all
 * that it has started; who closes it before ends the program. -errno.
 */
int supervised_start(const struct supervised_program *p);

/* Reads how it ended; -EPROTO: the supervisor has died. */
int supervised_result(int fd, struct supervised_end *end);

#endif
