/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pins of the TLS sensor's links, below DIR/links: what they hold stays
 * attached when the daemon is gone. Each start has pins of its own.
 */
#ifndef SMTPXDP_TLS_PINS_H
#define SMTPXDP_TLS_PINS_H

/* One more link of this start; `generation` is its number. -errno. */
int tls_pin(const char *dir, int generation, int link);

/* All pins but those of this generation; 0: all. -errno. */
int tls_unpin(const char *dir, int but);

#endif
