// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The metrics' text (user/show/metrics.h), by OpenMetrics 1.0. */
#include <ctype.h>

#include "lib/fixture.h"
#include "show/metrics.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *doc = json_loads(text, 0, &error);

	if (!doc)
		fail_msg("%d:%d: %s", error.line, error.column, error.text);
	return doc;
}

static void text_is(const char *families, const char *wanted)
{
	json_t *doc = parse(families);
	char *text = metrics_text(doc);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(doc);
}

static void test_text(void **state)
{
	text_is("[]", "# EOF\n");
	text_is("[{\"name\":\"n\",\"type\":\"gauge\",\"unit\":\"\",\"help\":\"h\","
		"\"samples\":[{\"labels\":{},\"value\":-7}]}]",
		"# TYPE n gauge\n# HELP n h\nn -7\n# EOF\n");
	text_is("[{\"name\":\"n_bytes\",\"type\":\"counter\",\"unit\":\"bytes\","
		"\"help\":\"h\",\"samples\":["
		"{\"labels\":{\"a\":\"1\",\"b\":\"2\"},\"value\":0},"
		"{\"labels\":{\"a\":\"x\",\"b\":\"\"},"
		"\"value\":9223372036854775807}]}]",
		"# TYPE n_bytes counter\n# UNIT n_bytes bytes\n"
		"# HELP n_bytes h\n"
		"n_bytes_total{a=\"1\",b=\"2\"} 0\n"
		"n_bytes_total{a=\"x\",b=\"\"} 9223372036854775807\n"
		"# EOF\n");
	/* A family without samples is none the less one. */
	text_is("[{\"name\":\"n\",\"type\":\"gauge\",\"unit\":\"\",\"help\":\"h\","
		"\"samples\":[]}]",
		"# TYPE n gauge\n# HELP n h\n# EOF\n");
}

/* What a label must not do: end itself, its line, or the document. */
static void test_escapes(void **state)
{
	text_is("[{\"name\":\"n\",\"type\":\"gauge\",\"unit\":\"\","
		"\"help\":\"a \\\"b\\\" \\\\ c\\nd\",\"samples\":["
		"{\"labels\":{\"l\":\"\\\"} 1\\n# EOF\\n\"},\"value\":1},"
		"{\"labels\":{\"l\":\"\\\\n\\\\\"},\"value\":2},"
		"{\"labels\":{\"l\":\"gr\\u00fc\\u00df\"},\"value\":3}]}]",
		"# TYPE n gauge\n# HELP n a \\\"b\\\" \\\\ c\\nd\n"
		"n{l=\"\\\"} 1\\n# EOF\\n\"} 1\n"
		"n{l=\"\\\\n\\\\\"} 2\n"
		"n{l=\"gr\303\274\303\237\"} 3\n"
		"# EOF\n");
}

#define STATUS                                                                 \
	"{\"ok\":false,\"version\":\"0.1\",\"mode\":\"monitor\","              \
	"\"problems\":[{\"check\":\"xdp\"},{\"check\":\"xdp\"},"               \
	"{\"check\":\"tls\"}],"                                                \
	"\"daemon\":{\"running\":true,\"serves\":true,\"pid\":1},"             \
	"\"settings\":{\"rate\":{\"failures\":10,\"seconds\":120},"            \
	"\"slow_rate\":{\"failures\":0,\"seconds\":0},\"ban_time\":3600},"     \
	"\"counters\":{\"dropped-ban\":{\"packets\":3,\"bytes\":180},"         \
	"\"failures\":{\"packets\":4,\"bytes\":0}},"                           \
	"\"events\":{\"ban\":2,\"fault\":0},"                                  \
	"\"bans_by\":{\"client\":{\"provisional\":1,\"command\":2}},"          \
	"\"maps\":{\"bans\":{\"entries\":5,\"max_entries\":1024}},"            \
	"\"interfaces\":[{\"name\":\"e\\\\0\",\"xdp\":\"native\","             \
	"\"tc\":\"none\",\"tc_in\":\"none\",\"users\":\"read\"},"              \
	"{\"name\":\"f0\",\"xdp\":\"native\",\"tc\":\"tcx\","                  \
	"\"tc_in\":\"tcx\",\"users\":\"not read\"},"                           \
	"{\"name\":\"g0\",\"xdp\":\"native\",\"tc\":\"tcx\","                  \
	"\"tc_in\":\"tcx\",\"users\":\"not tested\"}],"                        \
	"\"tls\":{\"running\":false,\"libraries\":[\"/a b\"],"                 \
	"\"blind\":[{\"pid\":1},{\"pid\":2}]}}"

static char *text_of(const char *status)
{
	json_t *doc = parse(status), *families = metrics_of(doc);
	char *text = metrics_text(families);

	json_decref(families);
	json_decref(doc);
	return text;
}

static void has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at += n)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return;
	fail_msg("no line '%s' in:\n%s", line, text);
}

static void test_status(void **state)
{
	char *text = text_of(STATUS);

	has_line(text, "smtpxdp_build_info{version=\"0.1\"} 1");
	has_line(text, "smtpxdp_up 1");
	has_line(text, "smtpxdp_problems{check=\"daemon\"} 0");
	has_line(text, "smtpxdp_problems{check=\"xdp\"} 2");
	has_line(text, "smtpxdp_problems{check=\"tls\"} 1");
	has_line(text, "smtpxdp_mode{mode=\"enforce\"} 0");
	has_line(text, "smtpxdp_mode{mode=\"monitor\"} 1");
	has_line(text, "smtpxdp_limit_failures{limit=\"rate\"} 10");
	has_line(text, "smtpxdp_limit_seconds{limit=\"rate\"} 120");
	assert_null(strstr(text, "slow_rate")); /* is off */
	has_line(text, "smtpxdp_ban_seconds 3600");
	has_line(text, "smtpxdp_counted_total{reason=\"dropped-ban\"} 3");
	has_line(text,
		 "smtpxdp_counted_bytes_total{reason=\"dropped-ban\"} 180");
	has_line(text, "smtpxdp_events_total{event=\"ban\"} 2");
	has_line(text,
		 "smtpxdp_bans{kind=\"client\",origin=\"provisional\"} 1");
	has_line(text, "smtpxdp_bans{kind=\"client\",origin=\"command\"} 2");
	has_line(text, "smtpxdp_map_entries{map=\"bans\"} 5");
	has_line(text, "smtpxdp_map_max_entries{map=\"bans\"} 1024");
	has_line(text, "smtpxdp_users_read{interface=\"e\\\\0\"} 1");
	has_line(text, "smtpxdp_users_read{interface=\"f0\"} 0");
	assert_null(strstr(text, "smtpxdp_users_read{interface=\"g0\""));
	has_line(text, "smtpxdp_attached{interface=\"e\\\\0\",hook=\"xdp\","
		       "how=\"native\"} 1");
	has_line(text, "smtpxdp_attached{interface=\"e\\\\0\",hook=\"tc\","
		       "how=\"none\"} 0");
	has_line(text, "smtpxdp_tls_running 0");
	has_line(text, "smtpxdp_tls_library{path=\"/a b\"} 1");
	has_line(text, "smtpxdp_tls_blind_processes 2");
	free(text);
}

static void test_unloaded(void **state)
{
	char *text = text_of("{\"ok\":false,\"version\":\"0.1\",\"problems\":"
			     "[{\"check\":\"daemon\"}],\"daemon\":"
			     "{\"running\":false,\"serves\":false}}");

	has_line(text, "smtpxdp_up 0");
	has_line(text, "smtpxdp_problems{check=\"daemon\"} 1");
	assert_null(strstr(text, "smtpxdp_mode"));
	free(text);
}

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!islower(s[i]) && s[i] != '_' && !(i && isdigit(s[i])))
			return false;
	return n && !strncmp(s, "smtpxdp_", 8);
}

/*
 * Each sample belongs to the family whose TYPE, UNIT and HELP come right before
 * it, ends with _total if that is a counter, and the unit is in the name.
 */
static void test_families(void **state)
{
	char *text = text_of(STATUS), *rest = text, *line, *last = NULL;
	char name[128] = "", type[32] = "", unit[32], seen[4096] = "";

	while ((line = strsep(&rest, "\n")) && *line) {
		size_t n = strlen(name);

		last = line;
		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			assert_true(is_name(name, strlen(name)));
			/* Once only: families are not interleaved. */
			strcat(strcat(seen, " "), name);
			strcat(seen, " ");
			n = strlen(seen) - strlen(name) - 2;
			assert_ptr_equal(strstr(seen, seen + n), seen + n);
		} else if (sscanf(line, "# UNIT %*s %31s", unit) == 1) {
			assert_true(n > strlen(unit));
			assert_string_equal(name + n - strlen(unit), unit);
		} else if (*line != '#') {
			assert_memory_equal(line, name, n);
			line += n;
			if (!strcmp(type, "counter")) {
				assert_memory_equal(line, "_total", 6);
				line += 6;
			}
			assert_true(*line == ' ' || *line == '{');
		}
	}
	assert_string_equal(last, "# EOF");
	assert_string_equal(line, ""); /* behind the last line feed */
	assert_null(rest);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_unloaded),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
