/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLS sensor's user side: finds the TLS libraries that mail servers have
 * mapped, and probes them: see tls_files.h.
 */
#ifndef SMTPXDP_TLS_SENSOR_H
#define SMTPXDP_TLS_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tls/tls_trial.h"

struct pins;
struct smtpxdp;
struct tls_sensor;

/*
 * Starts the sensor, and removes the former daemon's. It probes the system's
 * libraries, those of the processes that the former daemon knew, and those of
 * `paths` (NULL-terminated). NULL: not possible. `why` is set if something is
 * wrong, also if the sensor runs.
 */
struct tls_sensor *tls_sensor_start(const struct pins *p, struct smtpxdp *skel,
				    char **paths, char *why, size_t size);

/*
 * Looks at the files that a process has mapped. Returns how many are new and
 * probed now; *known: whether any of them is probed.
 */
int tls_sensor_look(struct tls_sensor *t, pid_t pid, bool *known);

/*
 * To be called once a second: looks at containers for which there was too
 * little time before, and moves probes to where they cost less. Returns how many
 * libraries are new, or probed in another way now.
 */
int tls_sensor_tick(struct tls_sensor *t);

/*
 * Readable when containers may have ended: then tls_sensor_ended() is to be
 * called, which forgets their files, and returns how many.
 */
int tls_sensor_fd(const struct tls_sensor *t);
int tls_sensor_ended(struct tls_sensor *t);

/* The probed files by number, from 0. NULL: there is no such number. */
const char *tls_sensor_file(const struct tls_sensor *t, size_t i,
			    enum tls_way *way);

/* Are the probes perf events (one a place), instead of uprobe.multi? */
bool tls_sensor_is_perf(const struct tls_sensor *t);

/*
 * Were there more libraries in use than the sensor can probe, when it last found
 * a new one?
 */
bool tls_sensor_full(const struct tls_sensor *t);

/* Why some library could not be probed: -errno, or 0. */
int tls_sensor_error(const struct tls_sensor *t);

/* The name of the hook by which the sensor learns who the client is. */
const char *tls_sensor_hook(const struct tls_sensor *t);

/* Frees the sensor. Pinned probes stay attached: see tls_sensor_remove(). */
void tls_sensor_stop(struct tls_sensor *t);

/*
 * Removes the pinned probes of all sensors, and forgets the sessions that they
 * followed, for nobody reads on there.
 */
void tls_sensor_remove(const struct pins *p);

#endif
