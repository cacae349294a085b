/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches the mail servers' processes for TLS that the sensor does not see. */
#ifndef SMTPXDP_TLS_WATCH_H
#define SMTPXDP_TLS_WATCH_H

#include <sys/types.h>

#include "maps/pins.h"
#include "tls.h"

struct tls_sensor;

/*
 * To be called once a second. Looks again at processes that sent TLS without a
 * write that was seen, warns of those that go on, and forgets those that ended.
 */
void tls_watch(struct pins *p, struct tls_sensor *t);

/* Looks at the libraries of a new process. */
void tls_look(struct pins *p, struct tls_sensor *t, pid_t pid);

/* To be called when tls_sensor_fd() is readable. */
void tls_end(struct pins *p, struct tls_sensor *t);

/*
 * To be called when the sensor has started. What an earlier daemon knew of
 * processes may be outdated; each is reported anew when it sends.
 */
void tls_forget(struct pins *p);

/*
 * Writes into map daemon, for commands, which files are probed. t NULL: none.
 */
int tls_publish(struct pins *p, const struct tls_sensor *t);

/* Does the sensor miss what this process sends? */
bool tls_is_blind(const struct mail_proc *proc);

#endif
