/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns the status into metrics, as OpenMetrics 1.0 text, which readers of the
 * Prometheus text format accept. Pure.
 */
#ifndef SMTPXDP_METRICS_H
#define SMTPXDP_METRICS_H

#include <jansson.h>

#define METRICS_TYPE                                                           \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/*
 * Families of samples from a document of status_collect() or status_unloaded():
 * [{"name", "type", "unit", "help", "samples": [{"labels", "value"}]}]
 */
json_t *metrics_of(const json_t *status);

/* The text of metrics_of()'s families, to be freed. NULL: no memory. */
char *metrics_text(const json_t *families);

#endif
