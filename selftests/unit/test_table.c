// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables (user/base/table.h), on real terminals of any width and in a pipe. */
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/table.h"
#include "lib/fixture.h"

#define SHOWN_SIZE 65536

static const struct column cut[] = {
	{ "NETWORK", "net", 0 },	   { "TIMES", "n", COLUMN_NUMBER },
	{ "FOR", "for", COLUMN_DURATION }, { "BYTES", "bytes", COLUMN_BYTES },
	{ "", "share", COLUMN_BAR },	   { "BANNED", "banned", COLUMN_YES },
	{ "REASON", "reason", 0 },	   {}
};

static const char long_text[] =
	"beginning, and so on for far more than two hundred and fifty-six "
	"bytes, which is what a cell once had room for; and because that was "
	"so, a longer list of texts lost its end in every pipe and file, with "
	"no mark that would have told anybody of it, until a user asked where "
	"it was: the end";

static json_t *row(const char *net, const char *reason)
{
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:b, s:s}", "net", net, "n",
			 7, "for", 5400, "bytes", 1536, "share", 500, "banned",
			 1, "reason", reason);
}

/* What a child writes to its standard output, without carriage returns. */
static const char *read_child(int fd, pid_t pid)
{
	static char text[SHOWN_SIZE];
	size_t n = 0, kept = 0;
	ssize_t got;
	int status;

	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < n; i++)
		if (text[i] != '\r')
			text[kept++] = text[i];
	text[kept] = '\0';
	return text;
}

static const struct column wrapped[] = { { "NETWORK", "net", 0 },
					 { "TIMES", "n", COLUMN_NUMBER },
					 { "REASON", "reason", COLUMN_TEXT },
					 {} };

static const struct column *columns = cut;

static void print_and_exit(const json_t *rows)
{
	table_print(rows, columns);
	fflush(stdout);
	_exit(0);
}

static const char *on_terminal(unsigned short width, const json_t *rows)
{
	struct winsize size = { .ws_row = 24, .ws_col = width };
	pid_t pid;
	int fd;

	fflush(stdout);
	pid = forkpty(&fd, NULL, NULL, &size);
	assert_true(pid >= 0);
	if (!pid)
		print_and_exit(rows);
	return read_child(fd, pid);
}

static const char *in_pipe(const json_t *rows)
{
	int fds[2];
	pid_t pid;

	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		print_and_exit(rows);
	}
	close(fds[1]);
	return read_child(fds[0], pid);
}

static size_t widest_line(const char *text)
{
	size_t widest = 0, n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		widest = n > widest ? n : widest;
	}
	return widest;
}

static void test_pipe(void **state)
{
	json_t *rows = json_pack("[o, o]", row("192.0.2.7/32", "why"),
				 row("2001:db8::/64", long_text));
	const char *text = in_pipe(rows);
	char *head = strndup(text, strcspn(text, "\n"));

	assert_string_equal(head, "NETWORK        TIMES  FOR    BYTES  "
				  "                              "
				  "  BANNED  REASON");
	free(head);
	assert_non_null(strstr(text, "\n192.0.2.7/32       7  1h30m  1.5K   "
				     "###############               "
				     "  yes     why\n"));
	assert_non_null(strstr(text, long_text));
	json_decref(rows);
}

/* Nothing is lost beside another column; only long cells are cut. */
static void test_widths(void **state)
{
	json_t *rows = json_pack("[o, o]", row("192.0.2.7/32", "why"),
				 row("2001:db8:1234:5678::/64", long_text));

	for (unsigned short width = 5; width < 330; width++) {
		const char *text = on_terminal(width, rows);

		assert_in_range(widest_line(text), 1, width);
		if (width < 24)
			continue;
		assert_non_null(strstr(text, "192.0.2.7/32"));
		assert_non_null(strstr(text, "2001:db8:1234:5678::/64"));
		assert_non_null(strstr(text, "1h30m"));
		assert_non_null(strstr(text, "yes"));
		assert_non_null(strstr(text, "why\n"));
		assert_non_null(strstr(text, "...\n"));
	}
	json_decref(rows);
}

static void test_terminal_80(void **state)
{
	json_t *rows = json_pack("[o, o]", row("192.0.2.7/32", "why"),
				 row("2001:db8::/64", long_text));

	assert_string_equal(
		on_terminal(80, rows),
		"NETWORK        TIMES  FOR    BYTES         BANNED  REASON\n"
		"192.0.2.7/32       7  1h30m  1.5K   ###    yes     why\n"
		"2001:db8::/64      7  1h30m  1.5K   ###    yes     beginning, "
		"and so on for f...\n");
	assert_string_equal(on_terminal(30, rows),
			    "NETWORK        TIMES  FOR\n"
			    "    BYTES               BANNED\n"
			    "    REASON\n"
			    "192.0.2.7/32       7  1h30m\n"
			    "    1.5K   ######       yes\n"
			    "    why\n"
			    "2001:db8::/64      7  1h30m\n"
			    "    1.5K   ######       yes\n"
			    "    beginning, and so on fo...\n");
	json_decref(rows);
}

static void test_wrapped(void **state)
{
	json_t *rows = json_pack(
		"[o, o]",
		row("192.0.2.7/32", "one two three four five six seven eight"),
		row("2001:db8::/64", "0123456789012345678901234567890123"));

	columns = wrapped;
	assert_string_equal(
		on_terminal(50, rows),
		"NETWORK        TIMES  REASON\n"
		"192.0.2.7/32       7  one two three four five six\n"
		"                      seven eight\n"
		"2001:db8::/64      7  0123456789012345678901234567\n"
		"                      890123\n");
	assert_string_equal(on_terminal(28, rows),
			    "NETWORK        TIMES\n"
			    "    REASON\n"
			    "192.0.2.7/32       7\n"
			    "    one two three four five\n"
			    "    six seven eight\n"
			    "2001:db8::/64      7\n"
			    "    012345678901234567890123\n"
			    "    4567890123\n");
	for (unsigned short width = 5; width < 100; width++)
		assert_in_range(widest_line(on_terminal(width, rows)), 1,
				width);
	assert_non_null(strstr(in_pipe(rows), "six seven eight\n"));
	columns = cut;
	json_decref(rows);
}

/* A terminal that does not know its width gets all, as a pipe does. */
static void test_no_width(void **state)
{
	json_t *rows = json_pack("[o]", row("192.0.2.7/32", long_text));
	char *whole = strdup(in_pipe(rows));

	assert_string_equal(on_terminal(0, rows), whole);
	free(whole);
	json_decref(rows);
}

static void test_untrusted(void **state)
{
	json_t *rows = json_pack("[o]", row("\033[2J", "a\033]0;b\007\nc\x7f"));

	assert_non_null(strstr(on_terminal(80, rows), "\n\\x1b[2J "));
	for (unsigned short width = 5; width < 100; width++)
		for (const char *c = on_terminal(width, rows); *c; c++)
			assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	assert_non_null(strstr(in_pipe(rows), "a\\x1b]0;b\\x07\\x0ac\\x7f\n"));
	json_decref(rows);
}

/* Of any shape, a table fits, and loses no cell's beginning. */
static void test_random(void **state)
{
	char text[400];

	for (int i = 0; i < 300; i++) {
		json_t *rows = json_array();
		int width = dice_range(10, 200);

		for (int n = dice_range(1, 5); n; n--) {
			memset(text, 'x', sizeof(text));
			text[dice(sizeof(text))] = '\0';
			json_array_append_new(rows, row("192.0.2.7/32", text));
		}
		assert_in_range(widest_line(on_terminal(width, rows)), 1,
				width);
		json_decref(rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_terminal_80),
		cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_no_width),
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_random),
	};

	dice_seed();
	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
