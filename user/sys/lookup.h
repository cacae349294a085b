/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asks DNS for the addresses of a name, in a child process: nobody waits for
 * it, and while it reads what anybody may have sent, it has no capabilities, no
 * file, and few system calls.
 */
#ifndef SMTPXDP_LOOKUP_H
#define SMTPXDP_LOOKUP_H

#include "base/dns_answer.h"

#define LOOKUP_SECONDS 30 /* then the child ends, whatever it waits for */

/*
 * Starts a child. Returns a pipe that is readable when it has answered, or has
 * ended; or -errno.
 */
int lookup_start(const struct host_name *name);

/* Reads the answer; if the child had none, both families' fault is why. */
void lookup_finish(int fd, struct dns_answer *a);

#endif
