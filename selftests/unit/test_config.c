// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The configuration (user/config/config.h): values, files' text, what it compiles to.
 */
#include <errno.h>

#include "base/address.h"
#include "config/config.h"
#include "config/config_command.h"
#include "daemon.h"
#include "lib/fixture.h"
#include "pure/reply.h"

#define BACKEND                                                                \
	"535 5.7.8 Error: authentication failed: Authentication backend error"
#define HOST_61 "x" X9 X9 X9 X9 X9 X9 "123456"
#define HOST_63 HOST_61 "12"
#define X9 "xxxxxxxxx"
/* 96 bytes, TEXT_SIZE */
#define LONGEST "535 4" X9 X9 X9 X9 X9 X9 X9 X9 X9 X9 "7"

static struct config config;
static char err[CONFIG_ERROR_SIZE];

static int setup(void **state)
{
	err[0] = '\0';
	return config_init(&config);
}

static int teardown(void **state)
{
	config_free(&config);
	return 0;
}

static int set(enum config_key key, const char *value)
{
	return config_set(&config, key, value, ORIGIN_RUNTIME, err,
			  sizeof(err));
}

static void must_set(enum config_key key, const char *value)
{
	if (set(key, value))
		fail_msg("%s", err);
}

static void compile(struct settings *s)
{
	memset(s, 0xa5, sizeof(*s));
	config_compile(&config, fixture_hz(), s);
}

/* ---- values */

static const struct {
	enum config_key key;
	const char *value;
} good[] = {
	{ KEY_MODE, "enforce" },
	{ KEY_MODE, "monitor" },
	{ KEY_RATE, "1/1s" },
	{ KEY_RATE, "64/7d" },
	{ KEY_NET_RATE, "off" },
	{ KEY_NET_RATE, "64/7d" },
	{ KEY_IPV6_NET_RATE, "auto" },
	{ KEY_IPV6_NET_RATE, "off" },
	{ KEY_IPV6_NET_RATE, "2/1s" },
	{ KEY_BAN_TIME, "1s" },
	{ KEY_BAN_TIME, "365d" },
	{ KEY_BAN_TIME, "1h30m" },
	{ KEY_BAN_FACTOR, "1" },
	{ KEY_BAN_FACTOR, "100" },
	{ KEY_BAN_MAX, "1s" },
	{ KEY_BAN_MAX, "365d" },
	{ KEY_BAN_FORGET, "1s" },
	{ KEY_BAN_FORGET, "365d" },
	{ KEY_PORTS, "25" },
	{ KEY_PORTS, "1,65535" },
	{ KEY_PORTS, "25,587 465\t2525 , 26," },
	{ KEY_DROP_PORTS, "auto" },
	{ KEY_DROP_PORTS, "587, 993" },
	{ KEY_SCOPE, "mail" },
	{ KEY_SCOPE, "all" },
	{ KEY_CODES, "535" },
	{ KEY_CODES, "535=count,538:ignore 235=credit" },
	{ KEY_CODES, "200, 599" },
	{ KEY_COUNT_TEXTS, "" },
	{ KEY_COUNT_TEXTS, "550 x" },
	{ KEY_COUNT_TEXTS, "\"550 \"" },
	{ KEY_COUNT_TEXTS, "\"550-x\",\"550 x, y\" , \"551 #\"" },
	{ KEY_COUNT_TEXTS, "\"550 \\\"\\\\\\x00\\xfF\\x0d\"" },
	{ KEY_COUNT_TEXTS, "550 a \\x23 b" },
	{ KEY_COUNT_TEXTS, "\"" LONGEST "\"" },
	{ KEY_COUNT_TEXTS, LONGEST },
	{ KEY_IGNORE_TEXTS, "" },
	{ KEY_IGNORE_TEXTS, "\"454 4.7.0\"" },
	{ KEY_IPV4_PREFIX, "8" },
	{ KEY_IPV4_PREFIX, "32" },
	{ KEY_IPV6_PREFIX, "16" },
	{ KEY_IPV6_PREFIX, "128" },
	{ KEY_ALLOW, "" },
	{ KEY_ALLOW, "192.0.2.7" },
	{ KEY_ALLOW, "192.0.2.0/24, 2001:db8::/32 ::1" },
	{ KEY_ALLOW, "home.example.org, ::1 Xn--Bcher-kva.example" },
	{ KEY_ALLOW, "1.2.3.0.in-addr.arpa 3com.com 192.0.2.7.example" },
	{ KEY_ALLOW, HOST_63 "." HOST_63 "." HOST_63 "." HOST_61 },
	{ KEY_PROXIES, "192.0.2.0/24, /etc/smtpxdp/proxies, ::1" },
	{ KEY_METRICS_LISTEN, "off" },
	{ KEY_METRICS_LISTEN, "127.0.0.1:9735" },
	{ KEY_METRICS_LISTEN, "0.0.0.0:1" },
	{ KEY_METRICS_LISTEN, "[::1]:65535" },
	{ KEY_METRICS_LISTEN, "[2001:db8::25]:9735" },
	{ KEY_METRICS_LISTEN, "[::ffff:127.0.0.1]:9735" },
	{ KEY_ON_EVENT, "" },
	{ KEY_ON_EVENT, "/a/b a,b 'c \\ $(d)" },
	{ KEY_ON_EVENT, "/p 1 2 3 4 5 6 7 8 9 a b c d e f" },
	{ KEY_ON_EVENT_RATE, "1/1s" },
	{ KEY_ON_EVENT_RATE, "64/7d" },
	{ KEY_ON_EVENT_TIMEOUT, "1" },
	{ KEY_ON_EVENT_TIMEOUT, "10m" },
	{ KEY_INTERFACES, "" },
	{ KEY_INTERFACES, "eth0" },
	{ KEY_INTERFACES, "eth0.100,  br-1 abcdefghijklmno eth#0" },
	{ KEY_MAX_CLIENTS, "1024" },
	{ KEY_MAX_CLIENTS, "16777216" },
	{ KEY_MAX_BANS, "1024" },
	{ KEY_MAX_BANS, "16777216" },
	{ KEY_LOG_FAILURES, "yes" },
	{ KEY_LOG_FAILURES, "no" },
	{ KEY_LOG_FAILURES, "on" },
	{ KEY_LOG_FAILURES, "off" },
	{ KEY_LOG_FAILURES, "true" },
	{ KEY_LOG_FAILURES, "false" },
	{ KEY_LOG_FAILURES, "1" },
	{ KEY_LOG_FAILURES, "0" },
};

static const struct {
	enum config_key key;
	const char *value;
	const char *reason; /* in the error */
} bad[] = {
	{ KEY_MODE, "", "enforce or monitor" },
	{ KEY_NET_RATE, "auto", "FAILURES/TIME" },
	{ KEY_IPV6_NET_RATE, "1/1h", "one client is no network" },
	{ KEY_MODE, "Enforce", "enforce or monitor" },
	{ KEY_MODE, "enforced", "enforce or monitor" },
	{ KEY_MODE, "enforce monitor", "enforce or monitor" },
	{ KEY_RATE, "", "10/120s" },
	{ KEY_RATE, "10/0s", "1s to 7d" },
	{ KEY_RATE, "0/120s", "1 to 64" },
	{ KEY_RATE, "65/1s", "1 to 64" },
	{ KEY_BAN_TIME, "", "1s to 365d" },
	{ KEY_BAN_TIME, "0", "1s to 365d" },
	{ KEY_BAN_TIME, "0s", "1s to 365d" },
	{ KEY_BAN_TIME, "365d1s", "1s to 365d" },
	{ KEY_BAN_TIME, "4294967297", "1s to 365d" },
	{ KEY_BAN_TIME, "18446744073709551617s", "1s to 365d" },
	{ KEY_BAN_TIME, "-1h", "1s to 365d" },
	{ KEY_BAN_TIME, "forever", "1s to 365d" },
	{ KEY_BAN_FACTOR, "", "1 to 100" },
	{ KEY_BAN_FACTOR, "0", "1 to 100" },
	{ KEY_BAN_FACTOR, "1.5", "1 to 100" },
	{ KEY_BAN_FACTOR, "101", "1 to 100" },
	{ KEY_BAN_FACTOR, "4294967298", "1 to 100" },
	{ KEY_BAN_MAX, "0s", "1s to 365d" },
	{ KEY_BAN_MAX, "366d", "1s to 365d" },
	{ KEY_BAN_FORGET, "0", "1s to 365d" },
	{ KEY_BAN_FORGET, "never", "1s to 365d" },
	{ KEY_PORTS, "", "at least one" },
	{ KEY_PORTS, " , ", "white space at its ends" },
	{ KEY_PORTS, ",", "at least one" },
	{ KEY_PORTS, "0", "1 to 65535" },
	{ KEY_PORTS, "65536", "1 to 65535" },
	{ KEY_PORTS, "65561", "1 to 65535" },
	{ KEY_PORTS, "4294967321", "1 to 65535" },
	{ KEY_PORTS, "18446744073709551641", "1 to 65535" },
	{ KEY_PORTS, "-25", "1 to 65535" },
	{ KEY_PORTS, "+25", "1 to 65535" },
	{ KEY_PORTS, "025", "1 to 65535" },
	{ KEY_PORTS, "0x19", "1 to 65535" },
	{ KEY_PORTS, "1e3", "1 to 65535" },
	{ KEY_PORTS, "25-30", "1 to 65535" },
	{ KEY_PORTS, "25, smtp", "1 to 65535" },
	{ KEY_PORTS, "25;587", "1 to 65535" },
	{ KEY_PORTS, "auto", "1 to 65535" },
	{ KEY_DROP_PORTS, "", "at least one" },
	{ KEY_DROP_PORTS, "auto, 25", "1 to 65535" },
	{ KEY_SCOPE, "", "mail or all" },
	{ KEY_SCOPE, "none", "mail or all" },
	{ KEY_CODES, "", "at least one" },
	{ KEY_CODES, "199", "200 to 599" },
	{ KEY_CODES, "600", "200 to 599" },
	{ KEY_CODES, "0535", "200 to 599" },
	{ KEY_CODES, "5xx", "200 to 599" },
	{ KEY_CODES, "535=", "ignore or count or credit" },
	{ KEY_CODES, "535=ban", "ignore or count or credit" },
	{ KEY_CODES, "535=count=ignore", "ignore or count or credit" },
	{ KEY_CODES, "535 = count", "'=' is not CODE or CODE=ACTION" },
	{ KEY_CODES, "=count", "200 to 599" },
	{ KEY_CODES, "535, 235=credit, 535=ignore", "535 is there twice" },
	{ KEY_COUNT_TEXTS, "550", "reply code" },
	{ KEY_COUNT_TEXTS, "\"\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"550\"", "reply code" },
	{ KEY_COUNT_TEXTS, "Error 550", "reply code" },
	{ KEY_COUNT_TEXTS, "\"550x\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"550\\x0d\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\" 550 x\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"150 x\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"600 x\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"55a x\"", "reply code" },
	{ KEY_COUNT_TEXTS, "\"550 x", "closing quote" },
	{ KEY_COUNT_TEXTS, "\"550 x\\\"", "closing quote" },
	{ KEY_COUNT_TEXTS, "\"", "closing quote" },
	{ KEY_COUNT_TEXTS, "\"550 x\" 551 y", "double quotes" },
	{ KEY_COUNT_TEXTS, "550 x, 551 y", "double quotes" },
	{ KEY_COUNT_TEXTS, "550 x \"y\"", "double quotes" },
	{ KEY_COUNT_TEXTS, "\"550 x\"\"551 y\"", "comma" },
	{ KEY_COUNT_TEXTS, "\"550 \\n\"", "after a backslash" },
	{ KEY_COUNT_TEXTS, "\"550 \\x\"", "after a backslash" },
	{ KEY_COUNT_TEXTS, "\"550 \\x1\"", "after a backslash" },
	{ KEY_COUNT_TEXTS, "\"550 \\xg0\"", "after a backslash" },
	{ KEY_COUNT_TEXTS, "550 \\", "after a backslash" },
	{ KEY_COUNT_TEXTS, "550 \\x4", "after a backslash" },
	/* A line ends there: this could never match. */
	{ KEY_COUNT_TEXTS, "\"550 x\\x0a\"", "one line" },
	{ KEY_COUNT_TEXTS, LONGEST "8", "at most 96" },
	{ KEY_COUNT_TEXTS, "\"" LONGEST "8\"", "at most 96" },
	{ KEY_COUNT_TEXTS, "\"550 x\", \"550 x\"", "twice" },
	{ KEY_COUNT_TEXTS, "\"550 x\", \"550 \\x78\"", "twice" },
	{ KEY_COUNT_TEXTS, "550 x # y", "#" },
	{ KEY_COUNT_TEXTS, "550 gr\xc3\xbc\xc3\x9f", "printable ASCII" },
	{ KEY_IPV4_PREFIX, "", "8 to 32" },
	{ KEY_IPV4_PREFIX, "7", "8 to 32" },
	{ KEY_IPV4_PREFIX, "33", "8 to 32" },
	{ KEY_IPV4_PREFIX, "/24", "8 to 32" },
	{ KEY_IPV4_PREFIX, "4294967320", "8 to 32" },
	{ KEY_IPV6_PREFIX, "15", "16 to 128" },
	{ KEY_IPV6_PREFIX, "129", "16 to 128" },
	{ KEY_IPV6_PREFIX, "64 64", "16 to 128" },
	{ KEY_ALLOW, "192.0.2.1/24", "did you mean 192.0.2.0/24" },
	{ KEY_PROXIES, "192.0.2.1/24", "did you mean 192.0.2.0/24" },
	{ KEY_PROXIES, "proxies.txt", "not an IP address" },
	{ KEY_PROXIES, "0.0.0.0/0", "everybody" },
	{ KEY_ALLOW, "192.0.2.07", "not an IP address" },
	{ KEY_ALLOW, "192.0.2.0/24 any", "not an IP address" },
	{ KEY_ALLOW, "any", "written with its domain" },
	{ KEY_ALLOW, "home.example.org.", "leave away the dot" },
	{ KEY_ALLOW, ".example.org", "is empty" },
	{ KEY_ALLOW, "a..example", "is empty" },
	{ KEY_ALLOW, "a.-b.example", "hyphen" },
	{ KEY_ALLOW, "a.b-.example", "hyphen" },
	{ KEY_ALLOW, "a_b.example", "only a to z" },
	{ KEY_ALLOW, "*.example.org", "only a to z" },
	{ KEY_ALLOW, "home.example.org/32", "not an IP address" },
	{ KEY_ALLOW, "home.example.org:587", "not an IP address" },
	{ KEY_ALLOW, "1.2.3.4.5", "not an IP address" },
	{ KEY_ALLOW, "b\xc3\xbcro.example", "punycode" },
	{ KEY_ALLOW, "a" HOST_63 ".example", "longer than 63" },
	{ KEY_ALLOW, HOST_63 "." HOST_63 "." HOST_63 "." HOST_61 "a",
	  "longer than 253" },
	{ KEY_ALLOW, "fe80::1%eth0", "zone" },
	{ KEY_ALLOW, "::/0", "every IPv4 address" },
	{ KEY_ALLOW,
	  "1111111111111111111111111111111111111111111111111111111111111111",
	  "not an IP address" },
	{ KEY_ALLOW, HOST_63 "." HOST_63 "." HOST_63 "." HOST_63 ".x",
	  "too long" },
	{ KEY_ON_EVENT, "off", "no absolute path" },
	{ KEY_ON_EVENT, "./p", "no absolute path" },
	{ KEY_ON_EVENT, "/p 1 2 3 4 5 6 7 8 9 a b c d e f g", "15 arguments" },
	{ KEY_ON_EVENT_RATE, "off", "RUNS/TIME" },
	{ KEY_ON_EVENT_RATE, "0/1h", "RUNS/TIME" },
	{ KEY_ON_EVENT_RATE, "65/1h", "RUNS/TIME" },
	{ KEY_ON_EVENT_RATE, "1/8d", "RUNS/TIME" },
	{ KEY_ON_EVENT_TIMEOUT, "0", "1s to 10m" },
	{ KEY_ON_EVENT_TIMEOUT, "601s", "1s to 10m" },
	{ KEY_METRICS_LISTEN, "", "127.0.0.1:9735" },
	{ KEY_METRICS_LISTEN, "on", "not off" },
	{ KEY_METRICS_LISTEN, "9735", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, ":9735", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "127.0.0.1", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "127.0.0.1:", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "127.0.0.1:0", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "127.0.0.1:65536", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "[127.0.0.1]:80", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "::1:80", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "[::1]", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "[]:80", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "[:80", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "]:80", "ADDRESS:PORT" },
	{ KEY_METRICS_LISTEN, "localhost:80", "ADDRESS:PORT" },
	{ KEY_INTERFACES, "abcdefghijklmnop", "too long" },
	{ KEY_INTERFACES, "eth0/1", "not an interface" },
	{ KEY_INTERFACES, "eth0:1", "not an interface" },
	{ KEY_INTERFACES, "..", "not an interface" },
	{ KEY_INTERFACES, "../../etc", "not an interface" },
	{ KEY_INTERFACES, "\"eth0\"", "not an interface" },
	{ KEY_MAX_CLIENTS, "", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "1023", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "16777217", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "1e9", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "65_536", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "64K", "1024 to 16777216" },
	{ KEY_MAX_CLIENTS, "4294968320", "1024 to 16777216" },
	{ KEY_MAX_BANS, "0", "1024 to 16777216" },
	{ KEY_MAX_BANS, "18446744073709552640", "1024 to 16777216" },
	{ KEY_LOG_FAILURES, "", "yes or no" },
	{ KEY_LOG_FAILURES, "2", "yes or no" },
	{ KEY_CUT_SESSIONS, "maybe", "yes or no" },
	{ KEY_LOG_FAILURES, "yes please", "yes or no" },
	/* What a file's line could not hold. */
	{ KEY_MODE, " monitor", "white space" },
	{ KEY_MODE, "monitor ", "white space" },
	{ KEY_MODE, "monitor\n", "one line" },
	{ KEY_ALLOW, "192.0.2.1\nscope = all", "one line" },
	{ KEY_ALLOW, "192.0.2.1\rscope = all", "one line" },
	{ KEY_ALLOW, "#192.0.2.1", "#" },
	{ KEY_ALLOW, "192.0.2.1 #", "#" },
	{ KEY_ALLOW, "\033[2J", "printable" },
	{ KEY_ALLOW, "\x7f", "printable" },
};

static void test_good(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		must_set(good[i].key, good[i].value);
		assert_string_equal(config.value[good[i].key], good[i].value);
		assert_int_equal(config.origin[good[i].key], ORIGIN_RUNTIME);
	}
}

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		enum config_key k = bad[i].key;
		const char *name = config_keys[k].name;
		int ret = set(k, bad[i].value);

		if (ret != -EINVAL || !strstr(err, bad[i].reason) ||
		    strncmp(err, name, strlen(name)) ||
		    err[strlen(name)] != ':')
			fail_msg("%s = %s: %d, '%s'", name, bad[i].value, ret,
				 err);
		for (const char *c = err; *c; c++)
			assert_in_range(*c, ' ', '~');
		/* The old value stays. */
		assert_string_equal(config.value[k], config_keys[k].initial);
		assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
	}
}

/* A value of any size is refused in a sentence that fits. */
static void test_huge(void **state)
{
	char *huge = malloc(1 << 20), tiny[16];

	for (int k = 0; k < KEYS_MAX; k++)
		for (const char *c = "9x,\"\\. "; *c; c++) {
			memset(huge, *c, (1 << 20) - 1);
			huge[(1 << 20) - 1] = '\0';
			assert_int_equal(set(k, huge), -EINVAL);
			assert_true(strlen(err) < sizeof(err) - 1);
			assert_int_equal(config_set(&config, k, huge,
						    ORIGIN_FILE, tiny,
						    sizeof(tiny)),
					 -EINVAL);
			assert_int_equal(strlen(tiny), sizeof(tiny) - 1);
		}
	free(huge);
}

/* More than the daemon's map has room for is refused while it can be. */
static void test_total(void **state)
{
	char *long_list = malloc(2 * DAEMON_CONFIG_SIZE);
	size_t n = 0;

	for (int i = 0; n < DAEMON_CONFIG_SIZE; i++)
		n += sprintf(long_list + n, "%s10.%d.%d.1", i ? "," : "",
			     i / 256, i % 256);
	assert_int_equal(set(KEY_ALLOW, long_list), -EINVAL);
	assert_non_null(strstr(err, "shorten"));
	long_list[DAEMON_CONFIG_SIZE / 2] = '\0';
	*strrchr(long_list, ',') = '\0';
	must_set(KEY_ALLOW, long_list);
	assert_int_equal(config_dump(&config, long_list, DAEMON_CONFIG_SIZE),
			 0);
	free(long_list);
}

static void test_origins(void **state)
{
	for (int k = 0; k < KEYS_MAX; k++) {
		assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
		assert_string_equal(config.value[k], config_keys[k].initial);
		/* A default is a valid value. */
		must_set(k, config_keys[k].initial);
		assert_int_equal(config.origin[k], ORIGIN_RUNTIME);
		assert_int_equal(config_reset(&config, k), 0);
		assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
		assert_true(*config_keys[k].help && config_keys[k].unit);
	}
	for (int o = 0; o < ORIGINS_MAX; o++)
		assert_true(*config_origins[o]);
}

static void test_copy(void **state)
{
	struct config copy;

	must_set(KEY_RATE, "3/1m");
	assert_int_equal(config_copy(&copy, &config), 0);
	must_set(KEY_RATE, "4/1m");
	assert_string_equal(copy.value[KEY_RATE], "3/1m");
	assert_int_equal(copy.origin[KEY_RATE], ORIGIN_RUNTIME);
	assert_int_equal(copy.origin[KEY_MODE], ORIGIN_DEFAULT);
	config_free(&copy);
	config_free(&copy); /* harmless */
}

/* ---- texts, of which there are three lists */

static void test_contradiction(void **state)
{
	must_set(KEY_COUNT_TEXTS, "\"550 a\", \"550 b\"");
	assert_int_equal(set(KEY_IGNORE_TEXTS, "\"550 c\", \"550 b\""),
			 -EINVAL);
	assert_non_null(strstr(err, "\"550 b\" is there twice, in two of "
				    "count-texts, ignore-texts, "
				    "throttle-texts and "
				    "unasked-texts"));
	assert_int_equal(set(KEY_COUNT_TEXTS, BACKEND), -EINVAL);
	assert_string_equal(config.value[KEY_COUNT_TEXTS],
			    "\"550 a\", \"550 b\"");
	/* A default can be the one that contradicts. */
	must_set(KEY_IGNORE_TEXTS, "");
	must_set(KEY_COUNT_TEXTS, BACKEND);
	assert_int_equal(config_reset(&config, KEY_IGNORE_TEXTS), -EINVAL);
	assert_string_equal(config.value[KEY_IGNORE_TEXTS], "");
	/* The beginning of another is not the same. */
	must_set(KEY_IGNORE_TEXTS, "535 5.7.8");
}

/* "550 00", "550 01", ... */
static void many_texts(char *buf, int from, int n)
{
	*buf = '\0';
	for (int i = from; i < from + n; i++)
		buf += sprintf(buf, "%s\"550 %02d\"", i > from ? "," : "", i);
}

static void test_number_of_texts(void **state)
{
	struct settings s;
	char list[1024];

	must_set(KEY_IGNORE_TEXTS, "");
	must_set(KEY_THROTTLE_TEXTS, "");
	must_set(KEY_UNASKED_TEXTS, "");
	many_texts(list, 0, TEXTS_MAX);
	must_set(KEY_COUNT_TEXTS, list);
	compile(&s);
	assert_int_equal(s.n_texts, TEXTS_MAX);
	assert_int_equal(set(KEY_IGNORE_TEXTS, "551 x"), -EINVAL);
	assert_non_null(strstr(err, "more than 40"));
	many_texts(list, 0, TEXTS_MAX + 1);
	assert_int_equal(set(KEY_COUNT_TEXTS, list), -EINVAL);
	many_texts(list, 0, TEXTS_MAX / 2);
	must_set(KEY_COUNT_TEXTS, list);
	many_texts(list, TEXTS_MAX / 2, TEXTS_MAX / 2);
	must_set(KEY_IGNORE_TEXTS, list);
}

static const struct text *find_text(const struct settings *s, const void *bytes,
				    size_t len)
{
	for (uint32_t i = 0; i < s->n_texts; i++)
		if (s->texts[i].len == len &&
		    !memcmp(s->texts[i].bytes, bytes, len))
			return &s->texts[i];
	return NULL;
}

static void test_texts(void **state)
{
	static const char odd[] = "550 \"\\\0\xff\r#, x";
	static const uint8_t zero[TEXT_SIZE],
		ones[TEXT_SIZE] = { [0 ... TEXT_SIZE - 1] = 0xff };
	struct settings s;

	must_set(KEY_COUNT_TEXTS,
		 "\"550 \\\"\\\\\\x00\\xfF\\x0D#, x\",\"" LONGEST
		 "\" \"550 \",\"454-x\"");
	compile(&s);
	assert_non_null(find_text(&s, odd, sizeof(odd) - 1));
	assert_non_null(find_text(&s, LONGEST, TEXT_SIZE));
	assert_non_null(find_text(&s, BACKEND, strlen(BACKEND)));
	for (uint32_t i = 0; i < TEXTS_MAX; i++) {
		const struct text *t = &s.texts[i];
		const uint8_t *mask = (const uint8_t *)t->mask;

		assert_memory_equal(mask, ones, t->len);
		assert_memory_equal(mask + t->len, zero, TEXT_SIZE - t->len);
		assert_memory_equal((const uint8_t *)t->bytes + t->len, zero,
				    TEXT_SIZE - t->len);
		assert_int_equal(!t->len, i >= s.n_texts);
		if (i)
			assert_true(s.texts[i - 1].len >= t->len);
	}
	assert_int_equal(find_text(&s, BACKEND, strlen(BACKEND))->action,
			 ACTION_IGNORE);
	assert_int_equal(find_text(&s, "454-x", 5)->action, ACTION_COUNT);
	assert_int_equal(s.codes[535], ACTION_COUNT | CODE_HAS_TEXT);
	assert_int_equal(s.codes[454], ACTION_IGNORE | CODE_HAS_TEXT);
	assert_int_equal(s.codes[550], ACTION_IGNORE | CODE_HAS_TEXT);
	assert_int_equal(s.codes[538], ACTION_COUNT);
	assert_int_equal(s.codes[235], ACTION_CREDIT);
}

/* What the kernel's reader makes of a whole line. */
static enum reply_verdict judge(const struct settings *s, const char *line)
{
	struct reply_result out = {};
	struct reply r = {};

	strcpy((char *)r.line, line);
	return reply_feed(&r, strlen(line), s, &out);
}

/* Through to the verdict, by the very source that the kernel runs. */
static void test_verdicts(void **state)
{
	static const char failed[] = "535 5.7.8 Error: authentication failed: ";
	char line[256];
	struct settings s;

	compile(&s);
	sprintf(line, "%s%s\r\n", failed, "(reason unavailable)");
	assert_int_equal(judge(&s, line), REPLY_COUNT);
	sprintf(line, "%s%s\r\n", failed, "Authentication backend error");
	assert_int_equal(judge(&s, line), REPLY_IGNORED_BY_TEXT);
	sprintf(line, "%s%s\r\n", failed, "authentication failure");
	assert_int_equal(judge(&s, line), REPLY_COUNT);
	sprintf(line, "%s%s\r\n", failed, "generic failure");
	assert_int_equal(judge(&s, line), REPLY_IGNORED_BY_TEXT);
	assert_int_equal(judge(&s, "535 Incorrect authentication data\r\n"),
			 REPLY_COUNT);
	assert_int_equal(judge(&s, "538 5.7.11 Encryption required\r\n"),
			 REPLY_COUNT);
	assert_int_equal(judge(&s, "235 2.7.0 Authentication successful\r\n"),
			 REPLY_CREDIT);
	for (const char *codes = "454 435 421 450 530 534 504 503 250 550 ";
	     *codes; codes += 4) {
		sprintf(line, "%.3s no failure\r\n", codes);
		assert_int_equal(judge(&s, line), REPLY_IGNORED);
	}
	must_set(KEY_COUNT_TEXTS, "\"550 5.7.1 Bad\\x20\"");
	must_set(KEY_CODES, "454, 535=ignore");
	compile(&s);
	assert_int_equal(judge(&s, "550 5.7.1 Bad login\r\n"), REPLY_COUNT);
	assert_int_equal(judge(&s, "550 5.7.1 Badly\r\n"), REPLY_IGNORED);
	assert_int_equal(judge(&s, "454 x\r\n"), REPLY_COUNT);
	assert_int_equal(judge(&s, "535 x\r\n"), REPLY_IGNORED);
	assert_int_equal(judge(&s, "454 4.7.0 Temporary authentication "
				   "failure: Connection lost to "
				   "authentication server\r\n"),
			 REPLY_THROTTLED);
	assert_int_equal(judge(&s, "503 AUTH command used when not "
				   "advertised\r\n"),
			 REPLY_UNASKED);
	assert_int_equal(judge(&s, "503 5.5.1 Error: already "
				   "authenticated\r\n"),
			 REPLY_IGNORED);
	assert_int_equal(judge(&s, "235 x\r\n"), REPLY_IGNORED);
}

/* ---- compiled */

static void test_defaults(void **state)
{
	struct settings want, got;

	settings_default(&want);
	must_set(KEY_IGNORE_TEXTS, "");
	must_set(KEY_THROTTLE_TEXTS, "");
	must_set(KEY_UNASKED_TEXTS, "");
	compile(&got);
	assert_memory_equal(&got, &want, sizeof(want));
}

/* ipv6-net-rate = auto follows net-rate, and is on where that is off. */
static void test_net_rates(void **state)
{
	static const struct {
		const char *all, *ipv6;
		uint32_t want[2][2]; /* failures, seconds */
	} cases[] = {
		{ "off", "auto", { { 0, 0 }, { 64, 3600 } } },
		{ "off", "off", { { 0, 0 }, { 0, 0 } } },
		{ "off", "9/1d", { { 0, 0 }, { 9, 86400 } } },
		{ "8/2h", "auto", { { 8, 7200 }, { 8, 7200 } } },
		{ "8/2h", "9/1d", { { 8, 7200 }, { 9, 86400 } } },
		{ "8/2h", "off", { { 8, 7200 }, { 0, 0 } } },
	};
	struct settings s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		must_set(KEY_NET_RATE, cases[i].all);
		must_set(KEY_IPV6_NET_RATE, cases[i].ipv6);
		compile(&s);
		for (int v6 = 0; v6 < 2; v6++) {
			assert_int_equal(s.net[v6].failures,
					 cases[i].want[v6][0]);
			assert_int_equal(s.net[v6].sec, cases[i].want[v6][1]);
			assert_int_equal(!s.net[v6].ticks, !s.net[v6].failures);
		}
	}
}

static void test_accounts(void **state)
{
	char many[512] = "";
	struct settings s;

	must_set(KEY_ACCOUNT_RATE, "3/2h");
	must_set(KEY_TRAP_USERS, "admin, root@mail.example,test");
	compile(&s);
	assert_int_equal(s.account.failures, 3);
	assert_int_equal(s.account.sec, 7200);
	assert_true(s.account.ticks);
	assert_int_equal(s.n_traps, 3);
	must_set(KEY_ACCOUNT_RATE, "off");
	must_set(KEY_TRAP_USERS, "");
	compile(&s);
	assert_int_equal(s.account.failures + s.n_traps, 0);
	assert_int_equal(set(KEY_ACCOUNT_RATE, "2/1d"), -EINVAL);
	assert_non_null(strstr(err, "3 to 64"));
	for (int i = 0; i < TRAPS_MAX; i++)
		strcat(many, i ? ",user" : "user");
	must_set(KEY_TRAP_USERS, many);
	strcat(many, ",one");
	assert_int_equal(set(KEY_TRAP_USERS, many), -EINVAL);
	assert_non_null(strstr(err, "more than 64"));
	must_set(KEY_ACCOUNT_RATE, "30/1d");
	must_set(KEY_TRAP_USERS, "");
}

static void test_ases(void **state)
{
	struct settings s;

	must_set(KEY_AS_RATE, "9/2h");
	compile(&s);
	assert_int_equal(s.as.failures, 0); /* of no AS */
	must_set(KEY_GEO_DATABASES, "/asn.mmdb");
	must_set(KEY_RATED_ASNS, "AS64496, 64497");
	compile(&s);
	assert_int_equal(s.as.failures, 9);
	assert_int_equal(s.as.sec, 7200);
	assert_true(s.as.ticks);
	assert_int_equal(set(KEY_AS_RATE, "off"), -EINVAL);
	assert_int_equal(set(KEY_AS_RATE, "1/1d"), -EINVAL);
	assert_non_null(strstr(err, "2 to 64"));
	assert_int_equal(set(KEY_RATED_ASNS, "AS"), -EINVAL);
	must_set(KEY_RATED_ASNS, "");
	must_set(KEY_AS_RATE, "20/1h");
	must_set(KEY_GEO_DATABASES, "");
}

static void test_times(void **state)
{
	static const struct {
		unsigned int hz;
		uint8_t shift;
		uint32_t second; /* in ticks, to the nearest */
	} cases[] = {
		{ 100, 0, 100 }, { 250, 2, 63 },   { 300, 2, 75 },
		{ 1000, 4, 63 }, { 1024, 4, 64 },  { 1200, 4, 75 },
		{ 1, 0, 1 },	 { 10000, 7, 78 },
	};
	struct settings s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int hz = cases[i].hz;

		must_set(KEY_RATE, "7/1s");
		must_set(KEY_BAN_TIME, "365d");
		config_compile(&config, hz, &s);
		assert_int_equal(s.tick_shift, cases[i].shift);
		assert_int_equal(s.policy[POLICY_PLAIN].rate.failures, 7);
		assert_int_equal(s.policy[POLICY_PLAIN].rate.ticks,
				 cases[i].second);
		assert_int_equal(s.policy[POLICY_PLAIN].rate.sec, 1);
		assert_int_equal(s.policy[POLICY_PLAIN].ban_jiffies,
				 365 * 86400ULL * hz);
		assert_int_equal(s.policy[POLICY_PLAIN].ban_sec, 365 * 86400);
		must_set(KEY_RATE, "64/7d");
		config_compile(&config, hz, &s);
		assert_int_equal(s.policy[POLICY_PLAIN].rate.ticks,
				 (604800ULL * hz) >> s.tick_shift);
		assert_int_equal(s.policy[POLICY_PLAIN].rate.sec, 604800);
	}
}

/* Every HZ there might be: a tick of at least 10 ms, no longer than needed. */
static void test_ticks(void **state)
{
	struct settings s;

	for (unsigned int hz = 24; hz <= 10000; hz++) {
		uint64_t jiffies = 600ULL * hz, ticks;

		config_compile(&config, hz, &s);
		assert_true((1000ULL << s.tick_shift) >= 10 * hz);
		if (s.tick_shift)
			assert_true((1000ULL << s.tick_shift) / 2 < 10 * hz);
		ticks = (uint64_t)s.policy[POLICY_PLAIN].rate.ticks
			<< s.tick_shift;
		assert_true(2 * (ticks > jiffies ? ticks - jiffies :
						   jiffies - ticks) <=
			    1ULL << s.tick_shift);
	}
}

static void test_prefixes(void **state)
{
	struct settings want, got;
	char text[16];

	must_set(KEY_IGNORE_TEXTS, "");
	must_set(KEY_THROTTLE_TEXTS, "");
	must_set(KEY_UNASKED_TEXTS, "");
	settings_default(&want);
	for (int v6 = 0; v6 < 2; v6++)
		for (int len = v6 ? 16 : 8; len <= (v6 ? 128 : 32); len++) {
			sprintf(text, "%d", len);
			must_set(v6 ? KEY_IPV6_PREFIX : KEY_IPV4_PREFIX, text);
			settings_prefix(&want, v6, len);
			compile(&got);
			assert_memory_equal(&got, &want, sizeof(want));
		}
}

static void test_ports(void **state)
{
	struct settings s;

	must_set(KEY_PORTS, "1, 63,64 65535");
	compile(&s);
	for (int p = 0; p < 65536; p++)
		assert_int_equal(port_is_mail(&s, p),
				 p == 1 || p == 63 || p == 64 || p == 65535);
}

/* By themselves they are the ports that are read; a list is what it says. */
static void test_drop_ports(void **state)
{
	struct settings s;

	must_set(KEY_PORTS, "25, 587");
	must_set(KEY_DROP_PORTS, "auto");
	compile(&s);
	assert_memory_equal(s.closed, s.ports, sizeof(s.closed));
	assert_true(port_is_spared(&s, BAN_SPARES, 25));
	assert_false(port_is_spared(&s, BAN_SPARES, 587));
	assert_false(port_is_spared(&s, 0, 25));
	must_set(KEY_SCOPE, "all");
	compile(&s);
	assert_false(port_is_spared(&s, BAN_SPARES, 25));
	must_set(KEY_SCOPE, "mail");
	must_set(KEY_DROP_PORTS, "587, 993");
	compile(&s);
	for (int p = 0; p < 65536; p++) {
		assert_int_equal(port_is_mail(&s, p), p == 25 || p == 587);
		assert_int_equal(port_is_closed(&s, p), p == 587 || p == 993);
	}
	assert_false(port_is_spared(&s, BAN_SPARES, 25));
}

static void test_words(void **state)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };
	struct settings s;

	must_set(KEY_MODE, "monitor");
	must_set(KEY_SCOPE, "all");
	compile(&s);
	assert_int_equal(s.mode, MODE_MONITOR);
	assert_int_equal(s.scope, SCOPE_ALL);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		must_set(KEY_LOG_FAILURES, yes[i]);
		compile(&s);
		assert_int_equal(s.log_failures, 1);
		must_set(KEY_CUT_SESSIONS, yes[i]);
		compile(&s);
		assert_int_equal(s.cut_sessions, 1);
		must_set(KEY_LOG_FAILURES, no[i]);
		compile(&s);
		assert_int_equal(s.log_failures, 0);
		must_set(KEY_CUT_SESSIONS, no[i]);
		compile(&s);
		assert_int_equal(s.cut_sessions, 0);
	}
}

static void test_lists(void **state)
{
	char **names, text[NET_TEXT];
	struct host_name *hosts;
	struct net *nets;

	names = config_items(&config, KEY_INTERFACES);
	assert_null(names[0]);
	free(names);
	assert_int_equal(config_allow(&config, &nets), 0);
	free(nets);
	must_set(KEY_INTERFACES, "eth0,br-1  a,b");
	names = config_items(&config, KEY_INTERFACES);
	for (int i = 0; i < 4; i++) {
		static const char *const want[] = { "eth0", "br-1", "a", "b" };

		assert_string_equal(names[i], want[i]);
		free(names[i]);
	}
	assert_null(names[4]);
	free(names);
	must_set(KEY_ALLOW, "192.0.2.0/24 ::1,2001:db8::/32");
	assert_int_equal(config_allow(&config, &nets), 3);
	assert_string_equal(net_format(&nets[0], text), "192.0.2.0/24");
	assert_string_equal(net_format(&nets[1], text), "::1/128");
	assert_string_equal(net_format(&nets[2], text), "2001:db8::/32");
	free(nets);
	must_set(KEY_ALLOW, "a.example ::1 B.Example,A.EXAMPLE 192.0.2.0/24");
	assert_int_equal(config_allow(&config, &nets), 2);
	assert_string_equal(net_format(&nets[1], text), "192.0.2.0/24");
	free(nets);
	assert_int_equal(config_allow_names(&config, &hosts), 2);
	assert_string_equal(hosts[0].text, "a.example");
	assert_string_equal(hosts[1].text, "b.example");
	free(hosts);
	must_set(KEY_MAX_BANS, "2048");
	assert_int_equal(config_number(&config, KEY_MAX_BANS), 2048);
	assert_int_equal(config_number(&config, KEY_MAX_CLIENTS), 65536);
}

/* ---- keys */

static void test_find(void **state)
{
	static const struct {
		const char *name, *suggested;
	} cases[] = {
		{ "ban_time", "ban-time" },
		{ "bantime", "ban-time" },
		{ "Rate", "rate" },
		{ "port", "ports" },
		{ "ipv4-prefx", "ipv4-prefix" },
		{ "ignore-text", "ignore-texts" },
		{ "log-failure", "log-failures" },
	};

	for (int k = 0; k < KEYS_MAX; k++)
		assert_int_equal(
			config_find(config_keys[k].name, err, sizeof(err)), k);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(config_find(cases[i].name, err, sizeof(err)),
				 KEYS_MAX);
		assert_non_null(strstr(err, cases[i].name));
		assert_non_null(strstr(err, cases[i].suggested));
	}
	assert_int_equal(config_find("", err, sizeof(err)), KEYS_MAX);
	assert_int_equal(config_find("findtime\033", err, sizeof(err)),
			 KEYS_MAX);
	assert_null(strstr(err, "did you mean"));
	assert_non_null(strstr(err, "findtime\\x1b"));
}

static void test_find_huge(void **state)
{
	char *name = malloc(100000);

	for (size_t n = 60; n < 100000; n += n < 70 ? 1 : 33333) {
		memset(name, 'm', n);
		name[n] = '\0';
		assert_int_equal(config_find(name, err, sizeof(err)), KEYS_MAX);
	}
	free(name);
}

/* ---- files' text */

static int parse(const char *text)
{
	return config_parse(&config, text, "FILE", ORIGIN_FILE, err,
			    sizeof(err));
}

static void test_parse(void **state)
{
	static const char text[] =
		"# a comment\n"
		"\n"
		"   \t \n"
		"mode=monitor\n"
		"  rate   =   5/10m   # five # in ten\n"
		"\tban-time\t=\t1d\t#x\n"
		"ports = 25,587\r\n"
		"\r\n"
		"#scope = all\n"
		"allow =\n"
		"interfaces = # none\n"
		"codes = 535 # \"x\n"
		"count-texts = \"550 a # b\", \"550 \\\" # c\" # \"d\"\n"
		"ignore-texts=535 a#b\n"
		"max-bans = 2048"; /* and no line end */

	if (parse(text))
		fail_msg("%s", err);
	assert_string_equal(config.value[KEY_MODE], "monitor");
	assert_string_equal(config.value[KEY_RATE], "5/10m");
	assert_string_equal(config.value[KEY_BAN_TIME], "1d");
	assert_string_equal(config.value[KEY_PORTS], "25,587");
	assert_string_equal(config.value[KEY_SCOPE], "mail");
	assert_string_equal(config.value[KEY_ALLOW], "");
	assert_string_equal(config.value[KEY_INTERFACES], "");
	assert_string_equal(config.value[KEY_CODES], "535");
	assert_string_equal(config.value[KEY_COUNT_TEXTS],
			    "\"550 a # b\", \"550 \\\" # c\"");
	assert_string_equal(config.value[KEY_IGNORE_TEXTS], "535 a#b");
	assert_string_equal(config.value[KEY_MAX_BANS], "2048");
	assert_int_equal(config.origin[KEY_MODE], ORIGIN_FILE);
	assert_int_equal(config.origin[KEY_ALLOW], ORIGIN_FILE);
	assert_int_equal(config.origin[KEY_SCOPE], ORIGIN_DEFAULT);
}

static const struct {
	const char *text;
	const char *where;
	const char *reason;
} wrong[] = {
	{ "mode", "FILE:1: ", "KEY = VALUE" },
	{ "\n\nmode monitor\n", "FILE:3: ", "KEY = VALUE" },
	{ "mode: monitor", "FILE:1: ", "KEY = VALUE" },
	{ "[smtpxdp]\n", "FILE:1: ", "KEY = VALUE" },
	{ "mode # = monitor\n", "FILE:1: ", "KEY = VALUE" },
	{ "= monitor\n", "FILE:1: ", "no such key" },
	{ "=\n", "FILE:1: ", "no such key" },
	{ "mod = monitor\n", "FILE:1: ", "did you mean mode" },
	{ "MODE = monitor\n", "FILE:1: ", "no such key" },
	{ "mode x = monitor\n", "FILE:1: ", "no such key" },
	{ "\xef\xbb\xbfmode = monitor\n", "FILE:1: ", "\\xef\\xbb\\xbfmode" },
	{ "mode = monitor\n\nscope = all\nmode = enforce\n",
	  "FILE:4: ", "mode is set in line 1 already" },
	{ "mode = monitor\nmode = monitor\n", "FILE:2: ", "in line 1 already" },
	{ "mode =\n", "FILE:1: mode: ", "enforce or monitor" },
	{ "mode = # monitor\n", "FILE:1: mode: ", "enforce or monitor" },
	{ "mode = \"monitor\"\n", "FILE:1: mode: ", "enforce or monitor" },
	{ "mode = monitor#\n", "FILE:1: mode: ", "enforce or monitor" },
	{ "mode == monitor\n", "FILE:1: mode: ", "enforce or monitor" },
	{ "rate = 10/120s\rmode = monitor\n", "FILE:1: rate: ", "one line" },
	{ "rate = 10/0s", "FILE:1: rate: ", "1s to 7d" },
	{ "mode = monitor\nrate = 1e9/1s\n", "FILE:2: rate: ", "10/120s" },
	{ "allow = \033]0;pwned\007\n", "FILE:1: allow: ", "printable" },
	{ "allow = 192.0.2.1\n 192.0.2.2\n", "FILE:2: ", "KEY = VALUE" },
	{ "\033[2J\n", "FILE:1: ", "\\x1b[2J" },
	{ "count-texts = \"550 a\n", "FILE:1: count-texts: ", "quote" },
	{ "count-texts = \"550 a # b\n", "FILE:1: count-texts: ", "quote" },
	/* Said where the later of the two lists is. */
	{ "mode = monitor\ncount-texts = " BACKEND "\nrate = 1/1s\n",
	  "FILE:2: ", "there twice" },
	{ "count-texts = 550 a\nignore-texts = 550 a\nrate = 1/1s\n",
	  "FILE:2: ", "there twice" },
	{ "ignore-texts = 550 a\ncount-texts = 550 a\n",
	  "FILE:2: ", "there twice" },
};

static void test_parse_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int ret = parse(wrong[i].text);

		if (ret != -EINVAL ||
		    strncmp(err, wrong[i].where, strlen(wrong[i].where)) ||
		    !strstr(err, wrong[i].reason))
			fail_msg("'%s': %d, '%s'", wrong[i].text, ret, err);
		for (const char *c = err; *c; c++)
			assert_in_range(*c, ' ', '~');
		/* All or nothing: what was right is not taken either. */
		for (int k = 0; k < KEYS_MAX; k++) {
			assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
			assert_string_equal(config.value[k],
					    config_keys[k].initial);
		}
	}
}

/* The order of lines does not matter: only the whole must agree. */
static void test_parse_order(void **state)
{
	if (parse("count-texts = " BACKEND "\nignore-texts =\n"))
		fail_msg("%s", err);
	if (parse("ignore-texts = " BACKEND "\ncount-texts =\n"))
		fail_msg("%s", err);
	if (parse("ignore-texts =\ncount-texts = " BACKEND "\n"))
		fail_msg("%s", err);
}

static void test_parse_long(void **state)
{
	size_t n = 20000;
	char *text = malloc(n + 100);

	strcpy(text, "allow =");
	memset(text + strlen(text), ' ', n);
	strcpy(text + n, "\nmode = monitor\n");
	assert_int_equal(parse(text), -EINVAL);
	assert_non_null(strstr(err, "FILE:1: 'allow': the line is longer"));
	/* As long as there may be. */
	memmove(text + 16384 - 1, "\nmode = monitor\n", 17);
	if (parse(text))
		fail_msg("%s", err);
	assert_string_equal(config.value[KEY_MODE], "monitor");
	/* A comment may be of any length. */
	text[0] = '#';
	memset(text + 1, 'x', n);
	strcpy(text + n, "\nmode = enforce\n");
	if (parse(text))
		fail_msg("%s", err);
	assert_string_equal(config.value[KEY_MODE], "enforce");
	free(text);
}

/* What is left of a file by a crash, or by an editor: never half taken. */
static void test_parse_random(void **state)
{
	static const char *const pieces[] = {
		"mode",	   "=",	   " = ",  "monitor", "\n",	"\r\n",
		"#",	   " # ",  "\"",   "\\",      "550 x",	"rate",
		"10/120s", "1/1s", ",",	   "allow",   "::1",	"\t",
		"ports",   "25",   "\\x0", "\xff",    "ignore", "\n\n",
	};
	struct settings s;
	int taken = 0;

	dice_seed();
	for (int round = 0; round < 100000; round++) {
		char text[512] = "";

		for (int n = dice(12); n; n--)
			strcat(text, pieces[dice(ARRAY_SIZE(pieces))]);
		if (!parse(text)) {
			taken++;
			compile(&s);
			assert_in_range(s.policy[POLICY_PLAIN].rate.failures, 1,
					RATE_MAX);
		}
		for (int k = 0; k < KEYS_MAX; k++)
			if (config.origin[k] == ORIGIN_DEFAULT)
				assert_string_equal(config.value[k],
						    config_keys[k].initial);
	}
	assert_in_range(taken, 1000, 99000);
}

/* ---- the dump */

static void assert_same(const struct config *a, const struct config *b)
{
	for (int k = 0; k < KEYS_MAX; k++) {
		assert_string_equal(a->value[k], b->value[k]);
		assert_int_equal(a->origin[k], b->origin[k]);
	}
}

static void test_dump(void **state)
{
	char dump[DAEMON_CONFIG_SIZE];
	struct config got;

	dice_seed();
	assert_int_equal(config_init(&got), 0);
	for (int round = 0; round < 2000; round++) {
		size_t i = dice(ARRAY_SIZE(good));

		/* Two that are good alone can contradict: then, not. */
		config_set(&config, good[i].key, good[i].value,
			   dice(ORIGINS_MAX), err, sizeof(err));
		assert_int_equal(config_dump(&config, dump, sizeof(dump)), 0);
		assert_int_equal(config_load(&got, dump), 0);
		assert_same(&got, &config);
	}
	config_free(&got);
}

static void test_dump_size(void **state)
{
	char dump[DAEMON_CONFIG_SIZE];
	size_t need;

	assert_int_equal(config_dump(&config, dump, sizeof(dump)), 0);
	need = strlen(dump) + 1;
	for (size_t size = 0; size < need; size++) {
		memset(dump, '#', sizeof(dump));
		assert_int_equal(config_dump(&config, dump, size), -E2BIG);
		assert_int_equal(dump[size], '#');
	}
	assert_int_equal(config_dump(&config, dump, need), 0);
}

/* What is no dump changes nothing; what another version wrote is taken. */
static void test_load(void **state)
{
	static const char *const broken[] = {
		"mode = monitor\n",
		"0\n",
		"0 mode\n",
		"0 mode =\n",
		"9 mode = monitor\n",
		"-1 mode = monitor\n",
		"x mode = monitor\n",
		"0mode = monitor\n",
		"1 mode = maybe\n",
		"1 rate = 5/1s\n1 mode",
		"1 count-texts = 550 a\n1 ignore-texts = 550 a\n",
	};
	char dump[DAEMON_CONFIG_SIZE];
	struct config before;

	assert_int_equal(config_copy(&before, &config), 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		if (!config_load(&config, broken[i]))
			fail_msg("'%s' is taken", broken[i]);
		assert_same(&config, &before);
	}
	assert_int_equal(config_load(&config, ""), 0);
	assert_same(&config, &before);
	assert_int_equal(config_load(&config, "1 new-key = x\n1 rate = 5/1s\n"),
			 0);
	assert_string_equal(config.value[KEY_RATE], "5/1s");
	assert_int_equal(config.origin[KEY_RATE], ORIGIN_FILE);
	/* Cut anywhere, as by a map that is too small. */
	assert_int_equal(config_dump(&config, dump, sizeof(dump)), 0);
	for (size_t n = strlen(dump); n--;) {
		dump[n] = '\0';
		config_load(&config, dump);
	}
	config_free(&before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_command(void **state)
{
	struct command cmd;

	assert_false(command_read(&config, &cmd));
	must_set(KEY_ON_EVENT, "/a/b  c,d\t$(e) \"f");
	must_set(KEY_ON_EVENT_RATE, "5/2h");
	assert_true(command_read(&config, &cmd));
	assert_string_equal(cmd.words[0], "/a/b");
	assert_string_equal(cmd.words[1], "c,d");
	assert_string_equal(cmd.words[2], "$(e)");
	assert_string_equal(cmd.words[3], "\"f");
	assert_null(cmd.words[4]);
	assert_int_equal(cmd.runs, 5);
	assert_int_equal(cmd.sec, 7200);
	assert_int_equal(cmd.timeout, 30);
	command_free(&cmd);
	must_set(KEY_ON_EVENT, "/p 1 2 3 4 5 6 7 8 9 a b c d e f");
	assert_true(command_read(&config, &cmd));
	assert_string_equal(cmd.words[15], "f");
	assert_null(cmd.words[16]);
	command_free(&cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),	  TEST(test_bad),
		TEST(test_huge),	  TEST(test_total),
		TEST(test_origins),	  TEST(test_copy),
		TEST(test_contradiction), TEST(test_number_of_texts),
		TEST(test_texts),	  TEST(test_verdicts),
		TEST(test_defaults),	  TEST(test_net_rates),
		TEST(test_accounts),	  TEST(test_ases),
		TEST(test_times),	  TEST(test_ticks),
		TEST(test_prefixes),	  TEST(test_ports),
		TEST(test_drop_ports),	  TEST(test_words),
		TEST(test_lists),	  TEST(test_find),
		TEST(test_find_huge),	  TEST(test_parse),
		TEST(test_parse_wrong),	  TEST(test_parse_order),
		TEST(test_parse_long),	  TEST(test_parse_random),
		TEST(test_dump),	  TEST(test_dump_size),
		TEST(test_load),	  TEST(test_command),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
