/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Output of the commands. A command builds one JSON document; as text, columns
 * show the same document.
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

/* Prints an array of objects as a table, or `none` if empty; -j: as JSON. */
void output_rows(json_t *rows, const struct column *cols, const char *none);

/*
 * The same for rows that come one by one, each printed soon and then forgotten: a
 * list of any length takes the same memory.
 */
struct output_stream {
	struct table *table; /* NULL with -j */
	size_t n; /* rows so far, with -j */
};
/* -ENOMEM */
int output_begin(struct output_stream *s, const struct column *cols);
void output_row(struct output_stream *s, json_t *row); /* takes the reference */
void output_end(struct output_stream *s, const char *none);

/*
 * -j: prints the document and returns true. Else the caller prints text.
 */
bool output_json(json_t *doc);

/* Prints a result in one sentence, -j: the document. Takes its reference. */
__attribute__((format(printf, 2, 3))) void output_done(json_t *doc,
						       const char *fmt, ...);

/*
 * Prints "smtpxdp: ..." to stderr, with -j {"error": ...}. Returns
 * EXIT_FAILURE, so that a command can return it.
 */
__attribute__((format(printf, 1, 2))) int fail(const char *fmt, ...);

/* Exit code for a wrong command line. */
#define EXIT_USAGE 2

/*
 * Exit codes of the daemon that a restart would only repeat: wrong
 * configuration, refused by the kernel. See smtpxdp(8).
 */
#define EXIT_CONFIG 3
#define EXIT_REFUSED 4

/* fail() for a wrong command line, as {"usage": ...}: returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int usage(const char *fmt, ...);

/* A warning to stderr, as {"warning": ...} with -j. */
__attribute__((format(printf, 1, 2))) void warn(const char *fmt, ...);

#endif
