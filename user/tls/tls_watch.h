/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches the mail servers' processes: is there one whose TLS we don't see? */
#ifndef SMTPXDP_TLS_WATCH_H
#define SMTPXDP_TLS_WATCH_H

#include <sys/types.h>

#include "maps/pins.h"
#include "tls.h"

struct tls_sensor;

/*
 * Looks again at processes that sent TLS without a write that was seen, warns
 * of those that go on so, and forgets those that ended. Once a second.
 */
void tls_watch(struct pins *p, struct tls_sensor *t);

/* A process that is new: what has it mapped? */
void tls_look(struct pins *p, struct tls_sensor *t, pid_t pid);

/*
 * When the sensor has started: what an earlier daemon knew of processes may not
 * be so any more; this one is told of each anew when it sends.
 */
void tls_forget(struct pins *p);

/* Tells the command line, by map daemon, what is probed. NULL: nothing. */
int tls_publish(struct pins *p, const struct tls_sensor *t);

/* Does the sensor miss what this process says? For status. */
bool tls_is_blind(const struct mail_proc *proc);

#endif
