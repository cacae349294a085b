/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel refuses to load a program: which one, why, in the verifier's own
 * words, and what people can do about it.
 */
#ifndef SMTPXDP_REFUSAL_H
#define SMTPXDP_REFUSAL_H

#include <stdbool.h>

#include "daemon.h"

struct bpf_object_open_opts;
struct smtpxdp;

struct refusal {
	struct daemon_refused r; /* prog: or a map, or "" for neither */
	int err; /* -errno */
	char log[1024]; /* how the verifier's log ends, in one line */
};

/*
 * From here on, what libbpf and the verifier complain about is kept. With the
 * options, a skeleton is to be opened; it may be loaded until the next call.
 */
void refusal_listen(struct bpf_object_open_opts *opts);

/* What they complained about, when loading ended with `err`. */
void refusal_read(int err, struct refusal *r);

/* Is it the kernel's last word? What lacks memory may be loaded later. */
bool refusal_is_final(int err);

/*
 * Does the kernel refuse it because it is locked down for confidentiality
 * (kernel_lockdown(7))? Then no BPF program may read its memory, as those for
 * TLS do.
 */
bool refusal_by_lockdown(const char *prog);

/*
 * For people: the program, the cause, the kernel, the compiler, the log's end,
 * what to do. In text[size].
 */
void refusal_describe(const struct refusal *r, const struct smtpxdp *skel,
		      const char *lost, char *text, int size);

/* Frees the memory that refusal_listen() took. */
void refusal_end(void);

#endif
