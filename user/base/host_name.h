/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of hosts, as people write them into a configuration. Pure. */
#ifndef SMTPXDP_HOST_NAME_H
#define SMTPXDP_HOST_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "allow_name.h"

/*
 * Could this have been meant as a name, and not as an address or network? Else
 * net_parse() says best what is wrong with it.
 */
bool is_host_name_like(const char *s);

/*
 * Takes a full host name (RFC 1123, 2.1), in lower case: ASCII, with its
 * domain, without a final dot. Returns 0, or -EINVAL and why in `err`.
 */
int host_name_parse(const char *s, struct host_name *name, char *err,
		    size_t size);

#endif
