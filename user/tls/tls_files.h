/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files that the TLS sensor has probed, or read in vain. A file is
 * identified by device and inode, so it does not matter by which path, whether
 * it was deleted, or whether it is in a container.
 *
 * The files of processes are chosen by whoever runs these, who may mean harm:
 * they are opened and read without waiting for more than a bounded time, by a
 * process without rights.
 */
#ifndef SMTPXDP_TLS_FILES_H
#define SMTPXDP_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "tls/tls_homes.h"
#include "tls/tls_probes.h"
#include "tls/tls_trial.h"

/* When it is full, files are forgotten that are at no path and in no process. */
#define TLS_FILES_MAX 64
#define TLS_PATH_SIZE 256

struct pins;
struct smtpxdp;

struct tls_file {
	dev_t dev;
	ino_t ino;
	struct timespec changed; /* mtime, since inode numbers are reused */
	char path[TLS_PATH_SIZE]; /* for people */
	bool lasting; /* found by that path, not in a process */
	bool used; /* while files that are gone are looked for */
	ino_t home; /* mount namespace of its process; 0: the daemon's own */
	struct tls_probes probes; /* none if it has no TLS write function */
	struct tls_move move; /* of these to where they cost less */
	struct tls_probes behind; /* there, while they move */
	uint64_t cookie;
	int fd; /* O_PATH, while they may move; else -1 */
};

struct tls_files {
	struct smtpxdp *skel;
	const struct pins *pins;
	int pin_error; /* -errno: some link is not pinned */
	int probe_error; /* -errno: some library could not be probed */
	struct tls_file list[TLS_FILES_MAX];
	size_t n;
	struct tls_homes homes;
	bool full; /* of files that are in use: others are not probed */
	uint64_t tidied; /* usec */
	/* usec: until the deadline, files of processes may be read */
	uint64_t period, spent, deadline;
};

/*
 * Pins a link; without, it ends with the daemon. Returns the pin's number, or
 * -errno.
 */
int tls_files_pin(struct tls_files *t, int link);

/* Are the functions that read probed, too? */
bool tls_files_reads(const struct tls_files *t);

/* Pins all links of some probes; and ends them. */
void tls_files_pin_all(struct tls_files *t, struct tls_probes *p);
void tls_files_end(struct tls_files *t, struct tls_probes *p);

/*
 * Probes the file at a path. 0, also if it is probed already; -ENOSPC if the
 * table is full; or another -errno.
 */
int tls_files_add(struct tls_files *t, const char *path);

/*
 * Adds the libraries that a process has mapped, and its program; of a process in
 * a container that is new, also those below its root. Returns how
 * many are new and probed now; *known: whether any is probed. Where a process
 * makes it wait for its files, not all are looked at.
 */
int tls_files_look(struct tls_files *t, pid_t pid, bool *known);

/*
 * Looks at containers for which there was too little time before. Returns how
 * many libraries are new and probed now.
 */
int tls_files_late(struct tls_files *t);

/*
 * Forgets the files of containers whose last process has ended, for a probe
 * holds their file system. Returns how many.
 */
int tls_files_ended(struct tls_files *t);

/* Frees what the probes are kept in. Pinned ones stay. */
void tls_files_close(struct tls_files *t);

#endif
