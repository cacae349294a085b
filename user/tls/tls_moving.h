/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Moves the probes of libraries whose trial (tls_trial.h) has ended well. */
#ifndef SMTPXDP_TLS_MOVING_H
#define SMTPXDP_TLS_MOVING_H

#include "tls/tls_files.h"

/*
 * To be called once a second: each step takes one call, so that calls of the
 * library that have begun before a step end before the next one. Returns how
 * many libraries are probed in another way now.
 */
int tls_moving(struct tls_files *t);

#endif
