/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways of packets from watched interfaces to the mail servers. */
#ifndef SMTPXDP_SHOW_WAYS_H
#define SMTPXDP_SHOW_WAYS_H

#include <jansson.h>

#include "daemon.h"
#include "maps/pins.h"

/*
 * An array of {"devices", "routed", "pid", "name", "ports"}: from a watched
 * interface over what lies on it to a server's namespace. pid and name are of a
 * container's first process, null for the daemon's own namespace. Routed: no
 * watched interface hands on to the first device, the kernel's routing does.
 */
json_t *ways_json(const struct pins *p, const struct daemon_info *info);

#endif
