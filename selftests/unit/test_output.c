// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rows that come one by one (user/base/output.h) look like those of a list. */
#include <unistd.h>

#include "base/output.h"
#include "lib/fixture.h"

#define MANY 3000
#define WIDE "198.51.100.200/128, far wider than all that were before it"
#define SHOWN_SIZE 400000

static const struct column columns[] = { { "NETWORK", "net", 0 },
					 { "TIMES", "n", COLUMN_NUMBER },
					 { "OTHERS", "others", 0 },
					 {} };

static json_t *row(const char *net, int n)
{
	return json_pack("{s:s, s:i, s:[{s:i, s:{}}, s]}", "net", net, "n", n,
			 "others", "a", 1, "b", "line\nbreak");
}

/* What `print` writes to standard output. */
static const char *printed(void (*print)(const json_t *rows),
			   const json_t *rows)
{
	static char text[2][SHOWN_SIZE];
	static int turn;
	char *to = text[turn ^= 1];
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t n;

	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	print(rows);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(to, 1, SHOWN_SIZE - 1, file);
	to[n] = '\0';
	fclose(file);
	return to;
}

static void at_once(const json_t *rows)
{
	output_rows((json_t *)rows, columns, "nobody");
}

static void one_by_one(const json_t *rows)
{
	struct output_stream s;
	size_t i;
	json_t *r;

	assert_int_equal(output_begin(&s, columns), 0);
	json_array_foreach(rows, i, r)
		output_row(&s, json_incref(r));
	output_end(&s, "nobody");
}

static void same_for(const json_t *rows)
{
	static const struct output_mode modes[] = { { false, false },
						    { true, false },
						    { true, true } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		output = modes[i];
		assert_string_equal(printed(at_once, rows),
				    printed(one_by_one, rows));
	}
	output = (struct output_mode){};
}

static void test_few(void **state)
{
	json_t *rows = json_array();

	same_for(rows);
	json_array_append_new(rows, row("198.51.100.1/32", 1));
	same_for(rows);
	json_array_append_new(rows, row("2001:db8::/64", 20000));
	same_for(rows);
	json_decref(rows);
}

static json_t *many(void)
{
	json_t *rows = json_array();
	char net[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(net, sizeof(net), "198.51.%d.%d/32", 10 + i / 90 % 90,
			 10 + i % 90);
		json_array_append_new(rows, row(net, i));
	}
	return rows;
}

/* Longer than what decides the widths of columns. */
static void test_many(void **state)
{
	json_t *rows = many();

	json_object_set_new(json_array_get(rows, 0), "n",
			    json_integer(1000000)); /* the widest, soon */
	same_for(rows);
	json_decref(rows);
}

/* Where no terminal is, no cell loses its end, though it comes late. */
static void test_wide_at_the_end(void **state)
{
	json_t *rows = many();
	const char *text;

	json_object_set_new(json_array_get(rows, MANY - 1), "net",
			    json_string(WIDE));
	text = printed(one_by_one, rows);
	assert_non_null(strstr(text, "\n" WIDE "  "));
	assert_non_null(strstr(text, "2999"));
	json_decref(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_wide_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
