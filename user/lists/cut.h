/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends the connections that banned clients have with the mail ports. Their
 * packets are dropped: without this, the server waits for them for minutes.
 */
#ifndef SMTPXDP_CUT_H
#define SMTPXDP_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "maps/pins.h"
#include "sys/tcp_diag.h"

#define CUT_NETS_MAX TCP_DIAG_NETS_MAX

/*
 * Of the clients in these networks, at most CUT_NETS_MAX; with n = 0, of all.
 * Whoever is not banned, or is allowlisted, is left alone all the same; in
 * mode monitor and with cut-sessions off, everybody is. Some thousands at
 * once: *more says whether there are others, and it is to be called again.
 * Counts, and tells the journal, ban by ban. Returns how many, or -errno.
 */
int cut_connections(struct pins *p, const struct net *nets, size_t n,
		    bool *more);

/* Can this kernel do it? -EOPNOTSUPP, ... */
int cut_probe(void);

/* What such an error means. */
const char *cut_strerror(int err);

#endif
