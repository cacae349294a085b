/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The probes in one TLS library, and the pins of the sensor's links, below
 * DIR/links: a pinned link stays attached when the daemon ends. The pins carry
 * the number of the generation, so that a daemon that starts can add its own
 * before it removes those of the former one.
 */
#ifndef SMTPXDP_TLS_PROBES_H
#define SMTPXDP_TLS_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/tls_library.h"

/* At entry and at return for each way to write and read, and at free. */
#define TLS_PROBES 13

struct bpf_program;
struct smtpxdp;
struct uprobe_target;

struct tls_probes {
	int links[TLS_PROBES * TLS_OFFSETS_MAX]; /* fds */
	int pins[TLS_PROBES * TLS_OFFSETS_MAX]; /* numbers, or -errno */
	size_t n;
};

/*
 * Probes the functions of a library: `lib` says where in the file `path` they
 * are. The programs get `cookie`. With `reads`, the functions that read are
 * probed, too. On an error no probe stays, and it returns -errno.
 */
int tls_probes_put(struct tls_probes *p, const struct smtpxdp *skel,
		   const char *path, const struct tls_library *lib,
		   uint64_t cookie, bool reads);

/*
 * Adds one program's probes at some places; none, if it is not loaded. -errno: p
 * is as it was.
 */
int tls_probes_add(struct tls_probes *p, const struct bpf_program *prog,
		   const struct uprobe_target *to);

/* Closes the links, which ends those that are not pinned. */
void tls_probes_close(struct tls_probes *p);

/*
 * Ends links that are not pinned any more. The kernel takes some tenths of a
 * second for that, in which a child waits, not the caller.
 */
void tls_probes_end(struct tls_probes *p);

/*
 * Pins one more link of this generation. Returns the pin's number, for
 * tls_unpin_one(), or -errno.
 */
int tls_pin(const char *dir, int generation, int link);
int tls_unpin_one(const char *dir, int generation, int number);

/* Removes the pins of all generations but one; 0: of all. -errno. */
int tls_unpin(const char *dir, int but);

#endif
