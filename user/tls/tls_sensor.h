/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLS sensor's user side: finds the libraries that mail servers have
 * mapped and puts the probes on them. A library is a file, known by device and
 * inode: however it is named, and even if it was deleted or is in a container.
 */
#ifndef SMTPXDP_TLS_SENSOR_H
#define SMTPXDP_TLS_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pins;
struct smtpxdp;
struct tls_sensor;

/*
 * Starts with the libraries that the system has, those of processes that the
 * daemon before knew, and those named (a NULL-terminated list of paths), and
 * takes the place of that daemon's sensor. NULL: not possible, and why.
 */
struct tls_sensor *tls_sensor_start(const struct pins *p, struct smtpxdp *skel,
				    char **paths, char *why, size_t size);

/*
 * Looks at what a process has mapped; returns how many files are new, and
 * whether there is one that is probed.
 */
int tls_sensor_look(struct tls_sensor *t, pid_t pid, bool *known);

/* The files that are probed: 0, 1, ... until it returns NULL. */
const char *tls_sensor_file(const struct tls_sensor *t, size_t i);

/* Are its probes perf events, one for each place, and not uprobe.multi? */
bool tls_sensor_is_perf(const struct tls_sensor *t);

/* -errno: what kept it from probing some library; or 0. */
int tls_sensor_error(const struct tls_sensor *t);

/* Where it learns who the client is: the name of a program's hook. */
const char *tls_sensor_hook(const struct tls_sensor *t);

/* Forgets it. What is pinned goes on: see tls_unpin(). */
void tls_sensor_stop(struct tls_sensor *t);

#endif
