/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of a refused program: which one, why (in the verifier's words),
 * and what people can do about it.
 */
#ifndef SMTPXDP_REFUSAL_H
#define SMTPXDP_REFUSAL_H

#include <stdbool.h>

#include "daemon.h"

struct bpf_object_open_opts;
struct smtpxdp;

struct refusal {
	struct daemon_refused r; /* prog: or a map's name, or "" */
	int err; /* -errno */
	char log[1024]; /* the end of the verifier's log, in one line */
};

/*
 * Begins to keep the messages of libbpf and the verifier. A skeleton that is
 * opened with `opts` must be loaded before the next call.
 */
void refusal_listen(struct bpf_object_open_opts *opts);

/* Fills in *r from those messages, when loading ended with `err`. */
void refusal_read(int err, struct refusal *r);

/* Is trying again of no use? After a lack of memory or files it may help. */
bool refusal_is_final(int err);

/*
 * Is the kernel locked down for confidentiality (kernel_lockdown(7)), and does
 * the program need to read its memory, as those for TLS do? Then the kernel
 * refuses it.
 */
bool refusal_by_lockdown(const char *prog);

/*
 * Writes text[size] for people: the program, the cause, the kernel, the
 * compiler, the end of the log, what to do.
 */
void refusal_describe(const struct refusal *r, const struct smtpxdp *skel,
		      const char *lost, char *text, int size);

/* Frees the memory that refusal_listen() took. */
void refusal_end(void);

#endif
