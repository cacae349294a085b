// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the values mean: checked, and compiled by the very same code. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "client.h"
#include "config/config_check.h"
#include "config/config_lines.h"
#include "daemon.h"
#include "base/duration.h"
#include "groups.h"

#define BAN_TIME_MAX (365 * 86400)
#define BAN_FACTOR_MAX 100
#define TICK_MIN_MSEC 10

static const char *const modes[] = { "enforce", "monitor", NULL };
static const char *const scopes[] = { "mail", "all", NULL };
static const char *const credits[] = {
	[CREDIT_OFF] = "off",
	[CREDIT_RESET] = "reset",
	[CREDIT_RATIO] = "ratio",
	NULL,
};
static const char *const tls_words[] = {
	[CONFIG_TLS_AUTO] = "auto",
	[CONFIG_TLS_ALL] = "all",
	[CONFIG_TLS_OFF] = "off",
	NULL,
};

static const char *const users_words[] = {
	"auto", /* wherever it can be read */
	"wire",
	"off",
	NULL,
};
static const __u8 users_where[] = { USERS_WIRE | USERS_TLS, USERS_WIRE,
				    USERS_OFF };

static int take_time(const char *value, uint32_t *sec, const struct why *why)
{
	uint64_t n;

	if (duration_parse(value, &n) || n < 1 || n > BAN_TIME_MAX)
		return invalid(why, "not a time from 1s to 365d, like 90s, 1h "
				    "or 7d");
	*sec = n;
	return 0;
}

static int take_limit(const char *value, struct limit *l, const struct why *why)
{
	return rate_parse(value, &l->failures, &l->sec, why->text, why->size);
}

static int take_number_or_off(const char *value, uint32_t min, uint32_t max,
			      uint32_t *n, const struct why *why)
{
	*n = 0;
	return strcmp(value, "off") ? parse_number(value, min, max, n, why) : 0;
}

static int take_prefix(const char *value, int v6, struct settings *s,
		       const struct why *why)
{
	uint32_t bits;

	if (parse_number(value, v6 ? 16 : 8, v6 ? 128 : 32, &bits, why))
		return -EINVAL;
	s->client_len[v6] = v6 ? bits : bits + ADDR_V4_BITS;
	memset(&s->client_mask[v6], 0xff, sizeof(s->client_mask[v6]));
	addr_mask(&s->client_mask[v6], s->client_len[v6]);
	return 0;
}

static int check_names(const char *value, const struct why *why)
{
	char name[IFNAMSIZ];
	int more;

	while ((more = next_item(&value, name, sizeof(name), why)) > 0)
		if (strpbrk(name, "/:\"") || !strcmp(name, ".") ||
		    !strcmp(name, ".."))
			return invalid(why, "'%s' is not an interface's name",
				       name);
	return more;
}

static int check_networks(const char *value, const struct why *why)
{
	char item[NET_TEXT];
	struct net net;
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (net_parse(item, &net, why->text, why->size))
			return -EINVAL;
	return more;
}

static int check_files(const char *value, const struct why *why)
{
	char path[PATH_MAX];
	int more;

	while ((more = next_item(&value, path, sizeof(path), why)) > 0)
		if (*path != '/')
			return invalid(why, "'%.64s' is no absolute path",
				       path);
	return more;
}

static int take_limit_or_off(const char *value, struct limit *limit,
			     const struct why *why)
{
	return strcmp(value, "off") ? take_limit(value, limit, why) : 0;
}

/* So long paths have no room in map groups. */
static int check_lists(const char *value, const struct why *why)
{
	char path[GROUP_NAME_SIZE];
	const char *all = value;
	int more;

	while ((more = next_item(&value, path, sizeof(path), why)) > 0)
		;
	return more ? more : check_files(all, why);
}

static int check_countries(const char *value, const struct why *why)
{
	char item[8];
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (strlen(item) != 2 || !isalpha(item[0]) || !isalpha(item[1]))
			return invalid(why,
				       "'%s' is not a country's two letters "
				       "(ISO 3166), like DE",
				       item);
	return more;
}

static int check_asns(const char *value, const struct why *why)
{
	char item[16];
	uint32_t asn;
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (parse_asn(item, &asn, why))
			return -EINVAL;
	return more;
}

/* Parses one key's value into s, as far as it belongs there. */
static int take(enum config_key key, const char *value, struct settings *s,
		const struct why *why)
{
	unsigned int word = 0;
	struct listen_address at;
	uint32_t number = 0;
	bool yes = false;
	int err;

	switch (key) {
	case KEY_MODE:
		err = parse_word(value, modes, &word, why);
		s->mode = word;
		return err;
	case KEY_RATE:
		return take_limit(value, &s->policy[POLICY_PLAIN].rate, why);
	case KEY_SLOW_RATE:
		return take_limit_or_off(value, &s->slow, why);
	case KEY_NET_RATE:
		err = take_limit_or_off(value, &s->net, why);
		if (!err && s->net.failures == 1)
			return invalid(why, "one client is no network: 2 to %d",
				       RATE_MAX);
		return err;
	case KEY_STALE_RATE:
		return take_limit_or_off(value, &s->policy[POLICY_STALE].rate,
					 why);
	case KEY_STALE_BAN_TIME:
		return take_time(value, &s->policy[POLICY_STALE].ban_sec, why);
	case KEY_ATTACK_USERS:
		return take_number_or_off(value, 2, USERS_MAX,
					  &s->attack_users, why);
	case KEY_SUCCESS_CREDIT:
		err = parse_word(value, credits, &word, why);
		s->credit = word;
		return err;
	case KEY_SUCCESS_RATIO:
		err = parse_number(value, 1, RATE_MAX, &number, why);
		s->credit_ratio = number;
		return err;
	case KEY_BAN_TIME:
		return take_time(value, &s->policy[POLICY_PLAIN].ban_sec, why);
	case KEY_BAN_FACTOR:
		return parse_number(value, 1, BAN_FACTOR_MAX, &s->ban_factor,
				    why);
	case KEY_BAN_MAX:
		return take_time(value, &s->ban_max_sec, why);
	case KEY_BAN_FORGET:
		return take_time(value, &s->ban_forget_sec, why);
	case KEY_PORTS:
		return parse_ports(value, (uint64_t *)s->ports, why);
	case KEY_SCOPE:
		err = parse_word(value, scopes, &word, why);
		s->scope = word;
		return err;
	case KEY_CUT_SESSIONS:
		err = parse_bool(value, &yes, why);
		s->cut_sessions = yes;
		return err;
	case KEY_CODES:
		return parse_codes(value, s->codes, why);
	case KEY_COUNT_TEXTS:
		return parse_texts(value, ACTION_COUNT, s->texts, &s->n_texts,
				   why);
	case KEY_IGNORE_TEXTS:
		return parse_texts(value, ACTION_IGNORE, s->texts, &s->n_texts,
				   why);
	case KEY_IPV4_PREFIX:
		return take_prefix(value, 0, s, why);
	case KEY_IPV6_PREFIX:
		return take_prefix(value, 1, s, why);
	case KEY_ALLOW:
		return check_networks(value, why);
	case KEY_ALLOW_NETS:
	case KEY_STRICT_NETS:
	case KEY_LENIENT_NETS:
		return check_lists(value, why);
	case KEY_STRICT_COUNTRIES:
	case KEY_LENIENT_COUNTRIES:
		return check_countries(value, why);
	case KEY_STRICT_ASNS:
		return check_asns(value, why);
	case KEY_GEO_DATABASES:
		return check_files(value, why);
	case KEY_STRICT_RATE:
		return take_limit(value, &s->policy[POLICY_STRICT].rate, why);
	case KEY_STRICT_BAN_TIME:
		return take_time(value, &s->policy[POLICY_STRICT].ban_sec, why);
	case KEY_LENIENT_RATE:
		return take_limit(value, &s->policy[POLICY_LENIENT].rate, why);
	case KEY_LENIENT_BAN_TIME:
		return take_time(value, &s->policy[POLICY_LENIENT].ban_sec,
				 why);
	case KEY_INTERFACES:
		return check_names(value, why);
	case KEY_TLS:
		return parse_word(value, tls_words, &word, why);
	case KEY_TLS_LIBRARIES:
		return check_files(value, why);
	case KEY_USERS:
		err = parse_word(value, users_words, &word, why);
		s->users = err ? USERS_OFF : users_where[word];
		return err;
	case KEY_MAX_BANS_PER_MINUTE:
		s->brake.sec = 60;
		return take_number_or_off(value, 1, BRAKE_MAX,
					  &s->brake.failures, why);
	case KEY_FUSE_CLIENTS:
		return take_number_or_off(value, 1, 1000000,
					  &s->fuse_clients, why);
	case KEY_MAX_CLIENTS:
	case KEY_MAX_BANS:
		return parse_number(value, 1024, 16777216, &number, why);
	case KEY_COUNT_UNANSWERED:
		err = parse_bool(value, &yes, why);
		s->unanswered = yes;
		return err;
	case KEY_LOG_FAILURES:
		err = parse_bool(value, &yes, why);
		s->log_failures = yes;
		return err;
	case KEY_LOG_USERS:
		err = parse_bool(value, &yes, why);
		s->log_users = yes;
		return err;
	case KEY_METRICS_LISTEN:
		return strcmp(value, "off") ? parse_listen(value, &at, why) : 0;
	case KEYS_MAX:
		break;
	}
	return -EINVAL;
}

static int by_length(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return (int)y->len - (int)x->len;
}

static void finish_texts(struct settings *s)
{
	qsort(s->texts, s->n_texts, sizeof(*s->texts), by_length);
	for (uint32_t i = 0; i < s->n_texts; i++) {
		const char *t = (const char *)s->texts[i].bytes;

		s->codes[100 * (t[0] - '0') + 10 * (t[1] - '0') + t[2] - '0'] |=
			CODE_HAS_TEXT;
	}
}

static void limit_ticks(struct limit *l, unsigned int hz, unsigned int shift)
{
	l->ticks = ((uint64_t)l->sec * hz + (1U << shift) / 2) >> shift;
}

static void finish_times(struct settings *s, unsigned int hz)
{
	while ((1000U << s->tick_shift) / hz < TICK_MIN_MSEC)
		s->tick_shift++;
	limit_ticks(&s->slow, hz, s->tick_shift);
	limit_ticks(&s->net, hz, s->tick_shift);
	limit_ticks(&s->brake, hz, s->tick_shift);
	for (int i = 0; i < POLICIES_MAX; i++) {
		struct policy *p = &s->policy[i];

		limit_ticks(&p->rate, hz, s->tick_shift);
		p->ban_jiffies = (uint64_t)p->ban_sec * hz;
	}
}

/* The same, with the key's name before the reason. */
static int take_named(enum config_key key, const char *value,
		      struct settings *s, const struct why *why)
{
	char reason[CONFIG_ERROR_SIZE];

	if (!take(key, value, s, &(struct why){ reason, sizeof(reason) }))
		return 0;
	return invalid(why, "%s: %s", config_keys[key].name, reason);
}

int config_check_value(enum config_key key, const char *value,
		       const struct why *why)
{
	struct settings s = {};

	if (!config_value_fits_line(value))
		return invalid(
			why,
			"%s: a value is one line of printable ASCII, "
			"with no white space at its ends and no # behind "
			"white space; in a \"text\", \\xNN is any byte",
			config_keys[key].name);
	return take_named(key, value, &s, why);
}

/* What one key alone cannot tell. */
static int check_geo(const struct config *c, const struct why *why)
{
	static const enum config_key keys[] = { KEY_STRICT_COUNTRIES,
						KEY_LENIENT_COUNTRIES,
						KEY_STRICT_ASNS };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (*c->value[keys[i]] && !*c->value[KEY_GEO_DATABASES])
			return invalid(why,
				       "%s needs a database that knows them: "
				       "set geo-databases first",
				       config_keys[keys[i]].name);
	return 0;
}

static int compile(const struct config *c, struct settings *s,
		   const struct why *why)
{
	int err = check_geo(c, why);

	memset(s, 0, sizeof(*s));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = take_named(k, c->value[k], s, why);
	return err;
}

int config_check(const struct config *c, const struct why *why)
{
	char dump[DAEMON_CONFIG_SIZE];
	struct settings s;

	if (config_dump(c, dump, sizeof(dump)))
		return invalid(why,
			       "all values together have more than %zu bytes: "
			       "shorten a list (networks can be allowed by "
			       "smtpxdp allow add, too)",
			       sizeof(dump));
	return compile(c, &s, why);
}

void config_compile(const struct config *c, unsigned int hz, struct settings *s)
{
	compile(c, s, &(struct why){});
	finish_times(s, hz);
	finish_texts(s);
}

enum config_tls config_tls(const struct config *c)
{
	char why[CONFIG_ERROR_SIZE];
	unsigned int word = CONFIG_TLS_OFF;

	parse_word(c->value[KEY_TLS], tls_words, &word,
		   &(struct why){ why, sizeof(why) });
	return word;
}
