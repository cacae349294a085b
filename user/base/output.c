// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

#define MESSAGE_SIZE 2048

struct output_mode output;

static size_t flags(void)
{
	return JSON_PRESERVE_ORDER | JSON_ENCODE_ANY |
	       (output.pretty ? JSON_INDENT(2) : JSON_COMPACT);
}

bool output_json(json_t *doc)
{
	if (!output.json)
		return false;
	json_dumpf(doc, stdout, flags());
	putchar('\n');
	return true;
}

void output_rows(json_t *rows, const struct column *columns, const char *none)
{
	if (output_json(rows))
		return;
	if (json_array_size(rows))
		table_print(rows, columns);
	else
		puts(none);
}

int output_begin(struct output_stream *s, const struct column *columns)
{
	*s = (struct output_stream){};
	if (output.json) {
		putchar('[');
		return 0;
	}
	s->table = table_begin(columns);
	return s->table ? 0 : -ENOMEM;
}

/* As json_dumpf() prints it within an array. */
static int put_within(const char *text, size_t n, void *ctx)
{
	bool lines = output.pretty && n && *text == '\n';

	if (fwrite_unlocked(text, 1, n, stdout) != n)
		return -1;
	return lines && fputs("  ", stdout) < 0 ? -1 : 0;
}

void output_row(struct output_stream *s, json_t *row)
{
	if (s->table) {
		table_add(s->table, row);
		return;
	}
	if (s->n++)
		putchar(',');
	if (output.pretty)
		fputs("\n  ", stdout);
	json_dump_callback(row, put_within, NULL, flags());
	json_decref(row);
}

void output_end(struct output_stream *s, const char *none)
{
	if (!s->table)
		puts(output.pretty && s->n ? "\n]" : "]");
	else if (!table_end(s->table))
		puts(none);
}

void output_done(json_t *doc, const char *fmt, ...)
{
	va_list ap;

	if (!output_json(doc)) {
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		putchar('\n');
	}
	json_decref(doc);
}

static void complain(const char *kind, const char *fmt, va_list ap)
{
	char text[MESSAGE_SIZE], shown[MESSAGE_SIZE];
	json_t *doc;

	/* arguments may come from a log, and so from an attacker */
	vsnprintf(text, sizeof(text), fmt, ap);
	printable(text, strlen(text), shown, sizeof(shown));
	fflush(stdout);
	if (output.json) {
		doc = json_pack("{s:s}", kind, shown);
		json_dumpf(doc, stderr, JSON_COMPACT);
		fputc('\n', stderr);
		json_decref(doc);
	} else {
		fprintf(stderr, "smtpxdp: %s\n", shown);
	}
}

int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("error", fmt, ap);
	va_end(ap);
	return EXIT_FAILURE;
}

int usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("usage", fmt, ap);
	va_end(ap);
	return EXIT_USAGE;
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("warning", fmt, ap);
	va_end(ap);
}
