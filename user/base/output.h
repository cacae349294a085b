/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the commands print. A command builds its JSON document once; as text,
 * the same document is shown through a list of columns.
 */
#ifndef SMTPXDP_OUTPUT_H
#define SMTPXDP_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

struct output_mode {
	bool json;
	bool pretty;
};

extern struct output_mode output;

/* How a value is shown as text; its JSON is what the manual documents. */
enum column_kind {
	COLUMN_PLAIN,
	COLUMN_DURATION, /* seconds -> "59m", null -> "-" */
	COLUMN_BYTES,	 /* 1536 -> "1.5K" */
	COLUMN_YES,	 /* true -> "yes", false -> "-" */
};

struct column {
	const char *title;
	const char *key;
	enum column_kind kind;
};

/* Prints an array of objects, and `none` in text where it is empty. */
void output_rows(json_t *rows, const struct column *cols, const char *none);

/* As JSON only: for documents whose text a command writes itself. */
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
