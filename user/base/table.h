/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables for people: a JSON array of objects, shown through a list of columns.
 * On a terminal a table is as wide as that: long cells are cut, marked by
 * "...", or wrapped, and columns that do not fit beside the others go to
 * further lines. Into a pipe or a file it goes whole, a line each row.
 */
#ifndef SMTPXDP_TABLE_H
#define SMTPXDP_TABLE_H

#include <jansson.h>

/* How a value is shown as text; its JSON is what the manual documents. */
enum column_kind {
	COLUMN_PLAIN,
	COLUMN_NUMBER, /* aligned to the right */
	COLUMN_DURATION, /* seconds -> "59m", null -> "-" */
	COLUMN_BYTES, /* 1536 -> "1.5K" */
	COLUMN_YES, /* true -> "yes", false -> "-" */
	COLUMN_BAR, /* 0 to 1000 -> that share of a full bar, of "#" */
	COLUMN_TEXT, /* the last column, a sentence: wrapped, not cut */
};

struct column {
	const char *title;
	const char *key;
	enum column_kind kind;
};

/* Prints the table; `columns` end with a NULL title. At most 16. */
void table_print(const json_t *rows, const struct column *columns);

/*
 * A table of rows that come one by one, in memory that does not grow: the first
 * thousand decide how wide the columns are. A longer cell that comes later is cut
 * on a terminal; elsewhere it goes whole, and what follows it on its line is
 * moved.
 */
struct table;
struct table *table_begin(const struct column *columns); /* NULL: no memory */
void table_add(struct table *t, json_t *row); /* takes the reference */
size_t table_end(struct table *t); /* how many rows there were */

#endif
