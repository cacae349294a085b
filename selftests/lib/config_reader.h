/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a configuration as smtpxdp.conf(5) says it, byte by byte, to compare
 * the real one with. It knows no value of lists of networks, files, countries,
 * AS numbers and interfaces, nor of metrics-listen, on-event and its rate.
 */
#ifndef SELFTESTS_CONFIG_READER_H
#define SELFTESTS_CONFIG_READER_H

#include <ctype.h>
#include <strings.h>

#include "config/config.h"
#include "lib/fixture.h"

#define CONF_LINE_MAX 16384

/* ---- lines */

struct conf_line {
	size_t from, to; /* without its LF, blanks and comment */
	size_t size; /* with all of them */
	bool equals;
	size_t key_to, value_from; /* if it has an equals sign */
};

static inline bool conf_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The line at `at`, by a state machine that goes over it once. */
static inline struct conf_line conf_line(const char *text, size_t at)
{
	struct conf_line l = { .from = at, .to = at };
	bool quoted = false, escaped = false, comment = false;
	bool blank = true, begun = false;
	size_t i = at;

	for (; text[i]; i++) {
		char c = text[i];

		if (c == '\n')
			break;
		comment |= c == '#' && !quoted && !escaped && blank;
		blank = conf_blank(c);
		if (comment)
			continue;
		if (escaped)
			escaped = false;
		else if (c == '\\' && quoted)
			escaped = true;
		else if (c == '"')
			quoted = !quoted;
		if (blank)
			continue;
		if (!begun)
			l.from = i;
		begun = true;
		if (c == '=' && !l.equals) {
			l.equals = true;
			l.key_to = l.to > l.from ? l.to : l.from;
			l.value_from = 0;
		} else if (l.equals && !l.value_from) {
			l.value_from = i;
		}
		l.to = i + 1;
	}
	if (l.equals && !l.value_from)
		l.value_from = l.to;
	l.size = i - at + (text[i] == '\n');
	return l;
}

/* ---- values */

enum conf_kind {
	CONF_ANY, /* not read here */
	CONF_WORD,
	CONF_FLAG,
	CONF_NUMBER,
	CONF_TIME,
	CONF_LIMIT,
	CONF_PORTS,
	CONF_CODES,
	CONF_TEXTS,
};

struct conf_key {
	enum conf_kind kind;
	uint32_t min, max;
	const char *words; /* "word 0|word 1|..."; the number of each */
};

#define OFF "off 0"
static const struct conf_key conf_keys[KEYS_MAX] = {
	[KEY_MODE] = { CONF_WORD, .words = "enforce 0|monitor 1" },
	[KEY_RATE] = { CONF_LIMIT, 1, 64, NULL },
	[KEY_SLOW_RATE] = { CONF_LIMIT, 1, 64, OFF },
	[KEY_STALE_RATE] = { CONF_LIMIT, 1, 64, OFF },
	[KEY_STALE_BAN_TIME] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_ATTACK_USERS] = { CONF_NUMBER, 2, 16, OFF },
	[KEY_NET_RATE] = { CONF_LIMIT, 2, 64, OFF },
	[KEY_IPV6_NET_RATE] = { CONF_LIMIT, 2, 64, OFF "|auto 0" },
	[KEY_SUCCESS_CREDIT] = { CONF_WORD, .words = "off 0|reset 1|ratio 2" },
	[KEY_SUCCESS_RATIO] = { CONF_NUMBER, 1, 64, NULL },
	[KEY_BAN_TIME] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_BAN_FACTOR] = { CONF_NUMBER, 1, 100, NULL },
	[KEY_BAN_MAX] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_BAN_FORGET] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_PORTS] = { CONF_PORTS, 1, 65535, NULL },
	[KEY_DROP_PORTS] = { CONF_PORTS, 1, 65535, "auto 0" },
	[KEY_SCOPE] = { CONF_WORD, .words = "mail 0|all 1" },
	[KEY_CUT_SESSIONS] = { .kind = CONF_FLAG },
	[KEY_CODES] = { CONF_CODES, 200, 599, NULL },
	[KEY_COUNT_TEXTS] = { .kind = CONF_TEXTS },
	[KEY_IGNORE_TEXTS] = { .kind = CONF_TEXTS },
	[KEY_IPV4_PREFIX] = { CONF_NUMBER, 8, 32, NULL },
	[KEY_IPV6_PREFIX] = { CONF_NUMBER, 16, 128, NULL },
	[KEY_STRICT_RATE] = { CONF_LIMIT, 1, 64, NULL },
	[KEY_STRICT_BAN_TIME] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_LENIENT_RATE] = { CONF_LIMIT, 1, 64, NULL },
	[KEY_LENIENT_BAN_TIME] = { CONF_TIME, 1, 365 * 86400, NULL },
	[KEY_TLS] = { CONF_WORD, .words = "auto 0|all 1|off 2" },
	[KEY_USERS] = { CONF_WORD, .words = "auto 3|wire 1|off 0" },
	[KEY_MAX_BANS_PER_MINUTE] = { CONF_NUMBER, 1, 4096, OFF },
	[KEY_FUSE_CLIENTS] = { CONF_NUMBER, 1, 1000000, OFF },
	[KEY_MAX_CLIENTS] = { CONF_NUMBER, 1024, 16777216, NULL },
	[KEY_MAX_BANS] = { CONF_NUMBER, 1024, 16777216, NULL },
	[KEY_COUNT_UNANSWERED] = { .kind = CONF_FLAG },
	[KEY_LOG_FAILURES] = { .kind = CONF_FLAG },
	[KEY_LOG_USERS] = { .kind = CONF_FLAG },
	[KEY_ON_EVENT_TIMEOUT] = { CONF_TIME, 1, 600, NULL },
};
#undef OFF

/* What a value means; of a limit, two numbers. */
struct conf_value {
	uint64_t n, sec;
	uint8_t action[CODE_MAX]; /* enum action + 1; 0: not named */
	uint8_t port[65536];
	struct {
		size_t len;
		char bytes[TEXT_SIZE];
	} text[TEXTS_MAX];
	size_t n_texts;
};

static inline bool conf_word(const char *words, const char *v, size_t n,
			     uint64_t *number)
{
	for (const char *w = words; w; w = strchr(w, '|')) {
		w += *w == '|';
		if (!strncmp(w, v, n) && w[n] == ' ') {
			*number = w[n + 1] - '0';
			return n > 0;
		}
	}
	return false;
}

static inline bool conf_number(const char *v, size_t n,
			       const struct conf_key *k, uint64_t *number)
{
	if (!n || n > 9 || strspn(v, "0123456789") < n || (*v == '0' && n > 1))
		return false;
	*number = atol(strndupa(v, n));
	return *number >= k->min && *number <= k->max;
}

/* 1d2h3m4s, each at most once, or seconds alone. */
static inline bool conf_time(const char *v, size_t n, uint64_t *sec)
{
	static const char units[] = "dhms";
	static const uint32_t length[] = { 86400, 3600, 60, 1 };
	const char *unit = units, *end = v + n;
	double sum = 0, part; /* whole numbers are exact up to 2^53 */

	for (*sec = 0; v < end; v++) {
		const char *from = v;

		for (part = 0; v < end && isdigit(*v); v++)
			part = part * 10 + *v - '0';
		if (v == from)
			return false;
		if (v == end && v - from == (ssize_t)n) {
			sum = part;
			break;
		}
		if (v == end || !(unit = strchr(unit, *v)) || !*unit)
			return false;
		sum += part * length[unit++ - units];
	}
	*sec = sum <= 1e15 ? sum : 1e15;
	return n > 0;
}

static inline bool conf_limit(const char *v, const struct conf_key *k,
			      struct conf_value *to)
{
	size_t n = strspn(v, "0123456789");
	const struct conf_key any = { .max = UINT32_MAX };

	if (v[n] != '/')
		return false;
	while (n > 1 && *v == '0') /* leading zeros are taken here */
		v++, n--;
	return conf_number(v, n, &any, &to->n) && to->n >= k->min &&
	       to->n <= k->max &&
	       conf_time(v + n + 1, strlen(v + n + 1), &to->sec) &&
	       to->sec >= 1 && to->sec <= 604800;
}

static inline bool conf_code(const char *v, size_t n, const struct conf_key *k,
			     struct conf_value *to)
{
	size_t digits = strcspn(v, "=:");
	uint64_t code, action = ACTION_COUNT;

	if (digits < n && !conf_word("ignore 0|count 1|credit 2",
				     v + digits + 1, n - digits - 1, &action))
		return false;
	if (!conf_number(v, digits < n ? digits : n, k, &code) ||
	    to->action[code])
		return false;
	to->action[code] = action + 1;
	return true;
}

/* Lists of ports and codes: at least one, of less than 64 bytes. */
static inline bool conf_list(const char *v, const struct conf_key *k,
			     struct conf_value *to)
{
	size_t items = 0, n;
	uint64_t port;

	for (; v += strspn(v, ", \t"), *v; v += n, items++) {
		n = strcspn(v, ", \t");
		if (n >= 64)
			return false;
		if (k->kind == CONF_CODES) {
			if (!conf_code(v, n, k, to))
				return false;
		} else {
			if (!conf_number(v, n, k, &port))
				return false;
			to->port[port] = 1;
		}
	}
	return items > 0;
}

static inline int conf_hex(char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

/* Unescapes the text up to `end` into to->text; the bytes read, or -1. */
static inline ssize_t conf_text(const char *v, char end, struct conf_value *to)
{
	char *bytes = to->text[to->n_texts].bytes;
	size_t len = 0, i = 0;

	for (; v[i] && v[i] != end; i++) {
		char c = v[i];

		if (c == '\\') {
			c = v[++i];
			if (c == 'x' && conf_hex(v[i + 1]) >= 0 &&
			    conf_hex(v[i + 2]) >= 0) {
				c = conf_hex(v[i + 1]) * 16 +
				    conf_hex(v[i + 2]);
				i += 2;
			} else if (c != '\\' && c != '"') {
				return -1;
			}
		}
		if (len == TEXT_SIZE)
			return -1;
		bytes[len++] = c;
	}
	if (v[i] != end || len < 4 || !strchr("2345", *bytes) || !*bytes ||
	    !isdigit(bytes[1]) || !isdigit(bytes[2]) ||
	    (bytes[3] != ' ' && bytes[3] != '-') || memchr(bytes, '\n', len))
		return -1;
	to->text[to->n_texts].len = len;
	return i;
}

static inline bool conf_texts(const char *v, struct conf_value *to)
{
	bool bare = !strchr(v, '"') && !strchr(v, ',');
	ssize_t n;

	while (v += strspn(v, ", \t"), *v) {
		if ((*v != '"' && !bare) || to->n_texts == TEXTS_MAX)
			return false;
		n = conf_text(v + !bare, bare ? '\0' : '"', to);
		if (n < 0)
			return false;
		for (size_t i = 0; i < to->n_texts; i++)
			if (to->text[i].len == to->text[to->n_texts].len &&
			    !memcmp(to->text[i].bytes,
				    to->text[to->n_texts].bytes,
				    to->text[i].len))
				return false;
		to->n_texts++;
		v += n + 2 * !bare;
		if (*v && !strchr(", \t", *v))
			return false;
	}
	return true;
}

/* Is it a value of this key? Not asked of CONF_ANY. */
static inline bool conf_value(enum config_key key, const char *v,
			      struct conf_value *to)
{
	static const char *const flags = "no 0|off 0|false 0|0 0|"
					 "yes 1|on 1|true 1|1 1";
	const struct conf_key *k = &conf_keys[key];
	size_t n = strlen(v);
	char small[8];

	memset(to, 0, sizeof(*to));
	for (const char *c = v; *c; c++)
		if (!isprint(*c) && *c != '\t')
			return false;
	if (k->words && conf_word(k->words, v, n, &to->n))
		return true;
	switch (k->kind) {
	case CONF_FLAG:
		for (size_t i = 0; i < sizeof(small); i++)
			small[i] = i < n ? tolower(v[i]) : 0;
		return n < sizeof(small) && conf_word(flags, small, n, &to->n);
	case CONF_NUMBER:
		return conf_number(v, n, k, &to->n);
	case CONF_TIME:
		return conf_time(v, n, &to->n) && to->n >= k->min &&
		       to->n <= k->max;
	case CONF_LIMIT:
		return conf_limit(v, k, to);
	case CONF_PORTS:
	case CONF_CODES:
		return conf_list(v, k, to);
	case CONF_TEXTS:
		return conf_texts(v, to);
	default:
		return false;
	}
}

#endif
