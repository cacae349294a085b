/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the commands print. A command builds its JSON document once; as text,
 * the same document is shown through a list of columns.
 */
#ifndef SMTPXDP_OUTPUT_H
#define SMTPXDP_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/table.h"

struct output_mode {
	bool json;
	bool pretty;
};

extern struct output_mode output;

/* Prints an array of objects; as text a table, or `none` where it is empty. */
void output_rows(json_t *rows, const struct column *cols, const char *none);

/* As JSON only: false where the command is to write its text itself. */
bool output_json(json_t *doc);

/* A result in one sentence; as JSON, the document. Takes the reference. */
__attribute__((format(printf, 2, 3))) void output_done(json_t *doc,
						       const char *fmt, ...);

/*
 * "smtpxdp: ..." to stderr, or {"error": ...}. Returns EXIT_FAILURE, so that
 * a command can end with it.
 */
__attribute__((format(printf, 1, 2))) int fail(const char *fmt, ...);

/* The same for a wrong command line: returns EXIT_USAGE. */
#define EXIT_USAGE 2

/* Ends of the daemon that a restart would only repeat: see smtpxdp(8). */
#define EXIT_CONFIG 3
#define EXIT_REFUSED 4

__attribute__((format(printf, 1, 2))) int usage(const char *fmt, ...);

__attribute__((format(printf, 1, 2))) void warn(const char *fmt, ...);

#endif
