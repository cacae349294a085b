// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/escape.h"

#define CELL_SIZE 256
#define MESSAGE_SIZE 2048

struct output_mode output;

bool output_json(json_t *doc)
{
	if (!output.json)
		return false;
	json_dumpf(doc, stdout,
		   JSON_PRESERVE_ORDER | JSON_ENCODE_ANY |
			   (output.pretty ? JSON_INDENT(2) : JSON_COMPACT));
	putchar('\n');
	return true;
}

static void format_bytes(json_int_t n, char *buf, size_t size)
{
	static const char units[] = "KMGTPE";
	double v = n;
	int u = -1;

	while (v >= 1024 && u < 5) {
		v /= 1024;
		u++;
	}
	if (u < 0)
		snprintf(buf, size, "%lld", (long long)n);
	else
		snprintf(buf, size, "%.1f%c", v, units[u]);
}

static void format_cell(const json_t *v, enum column_kind kind, char *buf,
			size_t size)
{
	char duration[DURATION_TEXT];

	if (json_is_true(v) || json_is_false(v))
		snprintf(buf, size, "%s", json_is_true(v) ? "yes" : "-");
	else if (json_is_string(v))
		snprintf(buf, size, "%s", json_string_value(v));
	else if (!json_is_integer(v))
		snprintf(buf, size, "-");
	else if (kind == COLUMN_DURATION)
		snprintf(buf, size, "%s",
			 duration_format(json_integer_value(v), duration));
	else if (kind == COLUMN_BYTES)
		format_bytes(json_integer_value(v), buf, size);
	else
		snprintf(buf, size, "%lld", (long long)json_integer_value(v));
}

/* Two passes: the first finds the widths. The last column is not padded. */
void output_rows(json_t *rows, const struct column *cols, const char *none)
{
	char cell[CELL_SIZE];
	size_t i, n = 0, width[16];
	json_t *row;

	if (output_json(rows))
		return;
	if (!json_array_size(rows)) {
		puts(none);
		return;
	}
	for (; cols[n].title; n++)
		width[n] = strlen(cols[n].title);
	json_array_foreach(rows, i, row) {
		for (size_t c = 0; c < n; c++) {
			format_cell(json_object_get(row, cols[c].key),
				    cols[c].kind, cell, sizeof(cell));
			if (strlen(cell) > width[c])
				width[c] = strlen(cell);
		}
	}
	for (size_t c = 0; c < n; c++)
		printf("%-*s%s", c + 1 < n ? (int)width[c] : 0, cols[c].title,
		       c + 1 < n ? "  " : "\n");
	json_array_foreach(rows, i, row) {
		for (size_t c = 0; c < n; c++) {
			format_cell(json_object_get(row, cols[c].key),
				    cols[c].kind, cell, sizeof(cell));
			printf("%-*s%s", c + 1 < n ? (int)width[c] : 0, cell,
			       c + 1 < n ? "  " : "\n");
		}
	}
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
