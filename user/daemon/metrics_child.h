/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The child process of metrics_server.c. */
#ifndef SMTPXDP_METRICS_CHILD_H
#define SMTPXDP_METRICS_CHILD_H

/*
 * Serves at the socket `listener` until the daemon ends. For the metrics, sends a
 * message of one byte to the socket `daemon`, and gets one byte back, with a
 * file that holds their text, or with none.
 */
_Noreturn void metrics_child(int listener, int daemon);

#endif
