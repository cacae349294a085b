// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/escape.h"

#define COLUMNS_MAX 16
#define GAP 2 /* between two columns */
#define INDENT 4 /* of a row's further lines */
#define BAR_WIDTH 30
#define BAR_MIN 5
#define CUT_MIN 12 /* no cell is cut to less */
#define WRAP_MIN 24 /* no cell is wrapped to less */
#define MARK "..." /* ends a cell that was cut */
#define FIRST_ROWS 1000 /* of a stream: they decide the widths */

struct layout {
	const struct column *columns;
	size_t n;
	size_t width[COLUMNS_MAX];
	bool breaks[COLUMNS_MAX]; /* the column begins a further line */
	bool cuts; /* on a terminal: cells that are too long are cut */
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* 0 where there is no terminal, or one that does not know its width. */
static size_t terminal_width(void)
{
	struct winsize w = {};

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) ? 0 : w.ws_col;
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

static void format_number(json_int_t n, enum column_kind kind, char *buf,
			  size_t size)
{
	char duration[DURATION_TEXT];

	if (kind == COLUMN_DURATION)
		snprintf(buf, size, "%s", duration_format(n, duration));
	else if (kind == COLUMN_BYTES)
		format_bytes(n, buf, size);
	else
		snprintf(buf, size, "%lld", (long long)n);
}

/* One row's cell as text, to be freed; NULL without memory. */
static char *cell(const json_t *row, const struct column *c)
{
	const json_t *v = json_object_get(row, c->key);
	const char *s = json_string_value(v);
	char buf[DURATION_TEXT] = "-";
	size_t size;
	char *text;

	if (json_is_true(v))
		strcpy(buf, "yes");
	else if (json_is_integer(v) && c->kind != COLUMN_YES)
		format_number(json_integer_value(v), c->kind, buf, sizeof(buf));
	if (!s)
		return strdup(buf);
	size = ESCAPED_SIZE(strlen(s));
	text = malloc(size);
	if (text)
		printable(s, strlen(s), text, size);
	return text;
}

static size_t cell_width(const json_t *row, const struct column *c)
{
	char *text;
	size_t n;

	if (c->kind == COLUMN_BAR)
		return BAR_WIDTH;
	text = cell(row, c);
	n = text ? strlen(text) : 0;
	free(text);
	return n;
}

/* Every column as wide as its widest cell. */
static void lay_out(struct layout *l, const json_t *rows,
		    const struct column *columns)
{
	json_t *row;
	size_t i;

	memset(l, 0, sizeof(*l));
	l->columns = columns;
	for (; columns[l->n].title; l->n++)
		l->width[l->n] = strlen(columns[l->n].title);
	json_array_foreach(rows, i, row)
		for (size_t c = 0; c < l->n; c++)
			l->width[c] = larger(l->width[c],
					     cell_width(row, &columns[c]));
}

/*
 * The least that a column can do with. The first one says what the row is
 * about, and people copy it: it is cut by nothing but the terminal's width.
 */
static size_t least(const struct layout *l, size_t c, size_t room)
{
	enum column_kind kind = l->columns[c].kind;
	size_t min = kind == COLUMN_BAR	 ? BAR_MIN :
		     kind == COLUMN_TEXT ? WRAP_MIN :
					   CUT_MIN;

	min = larger(min, strlen(l->columns[c].title));
	if (!c || min > l->width[c])
		min = l->width[c];
	return min < room ? min : room;
}

/* Finds the column to make narrower: bars first, then the widest. n: none. */
static size_t widest(const struct layout *l, size_t from, size_t to,
		     size_t room)
{
	size_t best = l->n, most = 0;

	for (size_t c = from; c < to; c++) {
		bool bar = l->columns[c].kind == COLUMN_BAR;

		if (l->width[c] > least(l, c, room) &&
		    (bar || l->width[c] > most)) {
			best = c;
			most = bar ? SIZE_MAX : l->width[c];
		}
	}
	return best;
}

/* Makes columns of one line narrower until that fits. */
static void squeeze(struct layout *l, size_t from, size_t to, size_t room)
{
	size_t total = GAP * (to - from - 1), c;

	for (c = from; c < to; c++)
		total += l->width[c];
	while (total > room && (c = widest(l, from, to, room)) < l->n) {
		l->width[c]--;
		total--;
	}
}

/* As many columns on each line as can do with its room. */
static void fit(struct layout *l, size_t terminal)
{
	size_t from = 0, used = 0, indent = 0;

	for (size_t c = 0; c < l->n; c++) {
		size_t need = least(l, c, terminal - indent);

		if (c > from && used + GAP + need > terminal - indent) {
			squeeze(l, from, c, terminal - indent);
			l->breaks[c] = true;
			indent = INDENT;
			from = c;
			need = least(l, c, terminal - indent);
			used = need;
		} else {
			used += need + (c > from ? GAP : 0);
		}
	}
	squeeze(l, from, l->n, terminal - indent);
}

/* Collects a line, so that it can end without spaces. */
struct line {
	size_t spaces; /* that are due before the next text */
};

static void put(struct line *line, const char *text, size_t n)
{
	if (!n)
		return;
	printf("%*s%.*s", (int)line->spaces, "", (int)n, text);
	line->spaces = 0;
}

static void put_cell(struct line *line, const char *text,
		     const struct layout *l, size_t c)
{
	size_t n = strlen(text), width = l->width[c];
	bool right = l->columns[c].kind == COLUMN_NUMBER;
	bool cut = n > width && l->cuts;
	size_t blanks = n < width ? width - n : 0;

	if (cut)
		n = width > strlen(MARK) ? width - strlen(MARK) : width;
	if (right)
		line->spaces += blanks;
	put(line, text, n);
	if (cut)
		put(line, MARK, width - n);
	if (!right)
		line->spaces += blanks;
}

/* How much of a text goes on one line: up to a space, if there is one. */
static size_t line_length(const char *text, size_t width)
{
	size_t n = strlen(text);

	if (n <= width)
		return n;
	for (n = width; n && text[n] != ' '; n--)
		;
	return n ? n : width;
}

/* The last column: nothing follows it on its lines. */
static void put_text(struct line *line, const char *text,
		     const struct layout *l, size_t c)
{
	size_t width = l->cuts ? larger(l->width[c], 1) : SIZE_MAX;
	size_t n = line_length(text, width), from = c, at = 0;

	while (from && !l->breaks[from])
		at += l->width[--from] + GAP;
	at += l->breaks[from] ? INDENT : 0;
	put(line, text, n);
	while (*(text += n)) {
		text += *text == ' ';
		n = line_length(text, width);
		printf("\n%*s%.*s", (int)at, "", (int)n, text);
	}
}

static void put_bar(struct line *line, json_int_t share, size_t width)
{
	char bar[BAR_WIDTH];
	size_t n = (share * width + 999) / 1000;

	memset(bar, '#', sizeof(bar));
	n = n < width ? n : width;
	put(line, bar, n);
	line->spaces += width - n;
}

/* The titles where row is NULL. */
static void print_row(const struct layout *l, const json_t *row)
{
	struct line line = {};

	for (size_t c = 0; c < l->n; c++) {
		const struct column *column = &l->columns[c];
		char *text = row ? cell(row, column) : NULL;

		if (l->breaks[c]) {
			putchar('\n');
			line.spaces = INDENT;
		}
		if (!row)
			put_cell(&line, column->title, l, c);
		else if (column->kind == COLUMN_BAR)
			put_bar(&line,
				json_integer_value(
					json_object_get(row, column->key)),
				l->width[c]);
		else if (column->kind == COLUMN_TEXT)
			put_text(&line, text ?: "", l, c);
		else
			put_cell(&line, text ?: "", l, c);
		line.spaces += GAP;
		free(text);
	}
	putchar('\n');
}

static void print_head(struct layout *l, const json_t *rows,
		       const struct column *columns)
{
	size_t terminal = terminal_width(), i;
	json_t *row;

	lay_out(l, rows, columns);
	l->cuts = terminal > INDENT;
	if (l->cuts)
		fit(l, terminal);
	print_row(l, NULL);
	json_array_foreach(rows, i, row)
		print_row(l, row);
}

void table_print(const json_t *rows, const struct column *columns)
{
	struct layout l;

	print_head(&l, rows, columns);
}

struct table {
	const struct column *columns;
	json_t *first; /* not printed yet; NULL: they are */
	size_t n;
	struct layout layout;
};

struct table *table_begin(const struct column *columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->columns = columns;
	t->first = json_array();
	return t;
}

static void print_first(struct table *t)
{
	print_head(&t->layout, t->first, t->columns);
	json_decref(t->first);
	t->first = NULL;
}

void table_add(struct table *t, json_t *row)
{
	t->n++;
	if (t->first) {
		json_array_append_new(t->first, row);
		if (t->n == FIRST_ROWS)
			print_first(t);
		return;
	}
	print_row(&t->layout, row);
	json_decref(row);
}

size_t table_end(struct table *t)
{
	size_t n = t->n;

	if (t->first && n)
		print_first(t);
	json_decref(t->first);
	free(t);
	return n;
}
