/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Collects the status of a running smtpxdp as one JSON document. */
#ifndef SMTPXDP_STATUS_H
#define SMTPXDP_STATUS_H

#include <jansson.h>

#include "maps/pins.h"

/* A command's `patience` for status_collect(), in milliseconds. */
#define STATUS_PATIENCE_MSEC 3000

/*
 * The document of `smtpxdp status -j`, as smtpxdp(8) documents it; status's
 * text and the metrics are made from it. The self-test waits `patience`
 * milliseconds for the writers' lock. NULL: no memory, or no map daemon.
 */
json_t *status_collect(struct pins *p, unsigned int patience);

/* The document where nothing is loaded: problems and version only. */
json_t *status_unloaded(const char *dir);

#endif
