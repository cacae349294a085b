/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ends the connections that banned clients have with the ports that are closed
 * to them. Their packets are dropped, and the server would wait for them for
 * minutes.
 */
#ifndef SMTPXDP_CUT_H
#define SMTPXDP_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "maps/pins.h"
#include "sys/tcp_diag.h"

#define CUT_NETS_MAX TCP_DIAG_NETS_MAX

/*
 * Cuts the connections of banned clients in these networks, CUT_NETS_MAX at
 * most; with n = 0, in any. Clients that are allowlisted keep theirs; in mode
 * monitor and with cut-sessions off, all do. One call cuts some thousands:
 * where *more is set, it is to be called again. Counts what it cut, and tells
 * the journal, ban by ban. Returns how many, or -errno.
 */
int cut_connections(struct pins *p, const struct net *nets, size_t n,
		    bool *more);

/* Can this kernel cut connections? 0, or -EOPNOTSUPP and the like. */
int cut_probe(void);

/* The cause of such an error, for people. */
const char *cut_strerror(int err);

#endif
