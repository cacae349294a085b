/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The status as metrics: families of samples, and their text by OpenMetrics
 * 1.0, which the Prometheus text format's readers take as well. Pure.
 */
#ifndef SMTPXDP_METRICS_H
#define SMTPXDP_METRICS_H

#include <jansson.h>

#define METRICS_TYPE                                                           \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/*
 * Of the document of status_collect() or status_unloaded():
 * [{"name", "type", "unit", "help", "samples": [{"labels", "value"}]}]
 */
json_t *metrics_of(const json_t *status);

/* To be freed. NULL: no memory. */
char *metrics_text(const json_t *families);

#endif
