/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections of mail servers in other network namespaces, as containers'. */
#ifndef SMTPXDP_CUT_ELSEWHERE_H
#define SMTPXDP_CUT_ELSEWHERE_H

#include "maps/pins.h"
#include "sys/sockets_elsewhere.h"

/*
 * Ends the connections in the namespaces of servers that have listened or sent
 * since the daemon started (map mail_procs), for which `ends` says so. As
 * sockets_elsewhere_end().
 */
int cut_elsewhere(const struct pins *p, ends_fn ends, void *ctx,
		  struct net *list, size_t *n_list);

#endif
