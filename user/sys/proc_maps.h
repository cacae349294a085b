/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines of /proc/PID/maps. The process chooses the names in them, and whatever
 * bytes they hold. Pure, but for the reading.
 */
#ifndef SMTPXDP_PROC_MAPS_H
#define SMTPXDP_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct mapping {
	uint64_t from, to; /* addresses */
	bool executable;
	bool shared; /* written to, others see it */
	const char *name; /* points into the line; "" if it is of no file */
};

/*
 * Takes a line apart, which is NUL-terminated and without its newline. Returns
 * false, unless it is what the kernel writes.
 */
bool mapping_parse(const char *line, struct mapping *m);

/*
 * Reads one line, without its newline. A line that does not fit is skipped
 * whole: its end must not be taken for a line. Returns false at the end.
 */
bool mapping_line(FILE *maps, char *line, size_t size);

#endif
