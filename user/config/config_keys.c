// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_window.h"
#include "base/address.h"
#include "base/duration.h"
#include "base/escape.h"
#include "client.h"
#include "config/config_command.h"
#include "config/config_lines.h"
#include "config/config_lists.h"
#include "config/config_replies.h"
#include "config/config_who.h"

#define BAN_TIME_MAX (365 * 86400)
#define BAN_FACTOR_MAX 100
#define TRAP_NAME_SIZE 256
/*
 * Of ipv6-net-rate = auto where net-rate is off. The most that fits: a /48 may
 * be a university or a part of a mobile network, with hundreds of honest /64s.
 */
#define IPV6_NET_RATE "64/1h"

static const struct word modes[] = { { "enforce", MODE_ENFORCE },
				     { "monitor", MODE_MONITOR },
				     {} };
static const struct word scopes[] = { { "mail", SCOPE_MAIL },
				      { "all", SCOPE_ALL },
				      {} };
static const struct word credits[] = { { "reset", CREDIT_RESET },
				       { "ratio", CREDIT_RATIO },
				       { "off", CREDIT_OFF },
				       {} };
static const struct word tls_words[] = {
	{ "auto", CONFIG_TLS_AUTO },
	{ "all", CONFIG_TLS_AUTO }, /* so it was called */
	{ "own", CONFIG_TLS_OWN },
	{ "off", CONFIG_TLS_OFF },
	{}
};
static const struct word users_words[] = { { "auto", USERS_WIRE | USERS_TLS },
					   { "wire", USERS_WIRE },
					   { "off", USERS_OFF },
					   {} };

/* ---- parsers of several keys: the table has their field */

static void *field_of(const struct config_key_info *key, struct settings *s)
{
	return (char *)s + key->at;
}

/* Fields of words, flags and numbers are __u8 or __u32: see SCALAR(). */
static void put_scalar(const struct config_key_info *key, struct settings *s,
		       uint32_t n)
{
	if (key->size == sizeof(__u8))
		*(__u8 *)field_of(key, s) = n;
	else
		*(__u32 *)field_of(key, s) = n;
}

static int take_word(const struct config_key_info *key, const char *value,
		     struct settings *s, const struct why *why)
{
	unsigned int word;
	int err = parse_word(value, key->words, &word, why);

	if (!err && key->size)
		put_scalar(key, s, word);
	return err;
}

static int take_flag(const struct config_key_info *key, const char *value,
		     struct settings *s, const struct why *why)
{
	bool yes;
	int err = parse_bool(value, &yes, why);

	if (!err)
		put_scalar(key, s, yes);
	return err;
}

static int take_number(const struct config_key_info *key, const char *value,
		       struct settings *s, const struct why *why)
{
	uint32_t n;
	int err = parse_number(value, key->min, key->max, &n, why);

	if (!err && key->size)
		put_scalar(key, s, n);
	return err;
}

/* 0 stands for off. */
static int take_number_or_off(const struct config_key_info *key,
			      const char *value, struct settings *s,
			      const struct why *why)
{
	if (strcmp(value, "off"))
		return take_number(key, value, s, why);
	put_scalar(key, s, 0);
	return 0;
}

static int take_time(const struct config_key_info *key, const char *value,
		     struct settings *s, const struct why *why)
{
	uint64_t n;

	if (duration_parse(value, &n) || n < 1 || n > BAN_TIME_MAX)
		return invalid(why, "not a time from 1s to 365d, like 90s, 1h "
				    "or 7d");
	put_scalar(key, s, n);
	return 0;
}

static int take_limit(const struct config_key_info *key, const char *value,
		      struct settings *s, const struct why *why)
{
	struct limit *l = field_of(key, s);

	return rate_parse(value, &l->failures, &l->sec, why->text, why->size);
}

/* A limit of 0 failures stands for off: s begins with zeros. */
static int take_limit_or_off(const struct config_key_info *key,
			     const char *value, struct settings *s,
			     const struct why *why)
{
	return strcmp(value, "off") ? take_limit(key, value, s, why) : 0;
}

/* Keys without a field: user space reads the value's text itself. */
static int take_nothing(const struct config_key_info *key, const char *value,
			struct settings *s, const struct why *why)
{
	return key->check(value, why);
}

static int check_listen(const char *value, const struct why *why)
{
	struct listen_address at;

	return strcmp(value, "off") ? parse_listen(value, &at, why) : 0;
}

/* ---- parsers of one key: each knows its field itself */

static int take_net_limit(const char *value, struct limit *l,
			  const struct why *why)
{
	if (rate_parse(value, &l->failures, &l->sec, why->text, why->size))
		return -EINVAL;
	return l->failures == 1 ?
		       invalid(why, "one client is no network: 2 to %d",
			       RATE_MAX) :
		       0;
}

static int take_net_rate(const struct config_key_info *key, const char *value,
			 struct settings *s, const struct why *why)
{
	return strcmp(value, "off") ? take_net_limit(value, &s->net[0], why) :
				      0;
}

/* By itself it is net-rate, which stands before it in the table and is taken. */
static int take_ipv6_net_rate(const struct config_key_info *key,
			      const char *value, struct settings *s,
			      const struct why *why)
{
	if (!strcmp(value, "off"))
		return 0;
	if (strcmp(value, "auto"))
		return take_net_limit(value, &s->net[1], why);
	if (!s->net[0].failures)
		return take_net_limit(IPV6_NET_RATE, &s->net[1], why);
	s->net[1] = s->net[0];
	return 0;
}

static int take_as_rate(const struct config_key_info *key, const char *value,
			struct settings *s, const struct why *why)
{
	return take_net_limit(value, &s->as, why);
}

/* Without any, as-rate, which stands before it in the table, counts nobody. */
static int take_rated_asns(const struct config_key_info *key, const char *value,
			   struct settings *s, const struct why *why)
{
	if (!*value)
		s->as = (struct limit){};
	return check_asns(value, why);
}

static int take_account_rate(const struct config_key_info *key,
			     const char *value, struct settings *s,
			     const struct why *why)
{
	struct limit *l = &s->account;

	if (!strcmp(value, "off"))
		return 0;
	if (rate_parse(value, &l->failures, &l->sec, why->text, why->size))
		return -EINVAL;
	return l->failures < ACCOUNT_NETS ?
		       invalid(why,
			       "from %d networks come at least %d guesses: "
			       "%d to %d",
			       ACCOUNT_NETS, ACCOUNT_NETS, ACCOUNT_NETS,
			       RATE_MAX) :
		       0;
}

/* Their hashes need the key of names: settings_publish() adds them. */
static int take_trap_users(const struct config_key_info *key, const char *value,
			   struct settings *s, const struct why *why)
{
	char name[TRAP_NAME_SIZE];
	int more;

	while ((more = next_item(&value, name, sizeof(name), why)) > 0)
		if (s->n_traps++ == TRAPS_MAX)
			return invalid(why, "more than %d users", TRAPS_MAX);
	return more;
}

static int take_brake(const struct config_key_info *key, const char *value,
		      struct settings *s, const struct why *why)
{
	s->brake.sec = 60;
	return strcmp(value, "off") ? parse_number(value, 1, BRAKE_MAX,
						   &s->brake.failures, why) :
				      0;
}

static int take_ports(const struct config_key_info *key, const char *value,
		      struct settings *s, const struct why *why)
{
	return parse_ports(value, (uint64_t *)s->ports, why);
}

/* By itself it is ports, which stands before it in the table and is taken. */
static int take_drop_ports(const struct config_key_info *key, const char *value,
			   struct settings *s, const struct why *why)
{
	if (strcmp(value, "auto"))
		return parse_ports(value, (uint64_t *)s->closed, why);
	memcpy(s->closed, s->ports, sizeof(s->closed));
	s->spares = 1;
	return 0;
}

static int take_servers(const struct config_key_info *key, const char *value,
			struct settings *s, const struct why *why)
{
	char item[NET_TEXT];
	struct net net;
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0) {
		struct server_net *n = &s->servers[s->n_servers];

		if (net_parse(item, &net, why->text, why->size))
			return -EINVAL;
		if (s->n_servers++ == SERVERS_MAX)
			return invalid(why, "more than %d networks",
				       SERVERS_MAX);
		n->addr = net_addr(&net);
		memset(&n->mask, 0xff, sizeof(n->mask));
		addr_mask(&n->mask, net.len);
	}
	return more;
}

static int take_codes(const struct config_key_info *key, const char *value,
		      struct settings *s, const struct why *why)
{
	return parse_codes(value, s->codes, why);
}

static int take_count_texts(const struct config_key_info *key,
			    const char *value, struct settings *s,
			    const struct why *why)
{
	return parse_texts(value, ACTION_COUNT, s->texts, &s->n_texts, why);
}

static int take_ignore_texts(const struct config_key_info *key,
			     const char *value, struct settings *s,
			     const struct why *why)
{
	return parse_texts(value, ACTION_IGNORE, s->texts, &s->n_texts, why);
}

static int take_throttle_texts(const struct config_key_info *key,
			       const char *value, struct settings *s,
			       const struct why *why)
{
	return parse_texts(value, ACTION_THROTTLE, s->texts, &s->n_texts, why);
}

static int take_unasked_texts(const struct config_key_info *key,
			      const char *value, struct settings *s,
			      const struct why *why)
{
	return parse_texts(value, ACTION_UNASKED, s->texts, &s->n_texts, why);
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

static int take_ipv4_prefix(const struct config_key_info *key,
			    const char *value, struct settings *s,
			    const struct why *why)
{
	return take_prefix(value, 0, s, why);
}

static int take_ipv6_prefix(const struct config_key_info *key,
			    const char *value, struct settings *s,
			    const struct why *why)
{
	return take_prefix(value, 1, s, why);
}

static int take_net_prefix(const struct config_key_info *key, const char *value,
			   struct settings *s, const struct why *why)
{
	uint32_t bits;

	if (parse_number(value, 20, 24, &bits, why))
		return -EINVAL;
	s->net_wider = 24 - bits;
	return 0;
}

static int take_nat64_prefixes(const struct config_key_info *key,
			       const char *value, struct settings *s,
			       const struct why *why)
{
	return strcmp(value, "off") ? parse_nat64(value, s, why) : 0;
}

static int take_client_prefixes(const struct config_key_info *key,
				const char *value, struct settings *s,
				const struct why *why)
{
	return parse_client_prefixes(value, s, why);
}

/* The networks themselves are with the groups: see lists/groups_plan.h. */
static int take_proxies(const struct config_key_info *key, const char *value,
			struct settings *s, const struct why *why)
{
	s->proxies = *value != '\0';
	return check_proxies(value, why);
}

/* ---- the table */

/*
 * Replies with 535 that are the server's fault, not the client's. Postfix
 * (src/smtpd/smtpd_sasl_glue.c) says 535 and the reason its SASL library gives:
 * - src/xsasl/xsasl_dovecot_server.c: Dovecot's answer lacks a field, or the
 *   mechanism is not offered;
 * - src/xsasl/xsasl_cyrus_server.c: Cyrus SASL's SASL_FAIL, as when saslauthd
 *   can't be reached, and SASL_UNAVAIL. (A wrong password is SASL_BADAUTH,
 *   "authentication failure".) Newer ones, like 3.7, say 454 for these two.
 * Exim 4.96 says 435, the submission service of Dovecot 2.3 says 454.
 *
 * Postfix 3.7 with a Dovecot 2.3 that cannot ask its passdb is not here: it
 * says the same as for a wrong password, "(reason unavailable)".
 */
#define POSTFIX_535 "535 5.7.8 Error: authentication failed: "
#define IGNORE_TEXTS_DEFAULT                                                   \
	"\"" POSTFIX_535 "Authentication backend error\", "                    \
	"\"" POSTFIX_535 "generic failure\", "                                 \
	"\"" POSTFIX_535 "remote authentication server unavailable\", "        \
	"\"" POSTFIX_535 "Invalid authentication mechanism\""

/*
 * What Postfix (src/xsasl/xsasl_dovecot_server.c) says when Dovecot does not
 * answer within ten seconds: when its penalty for the client's address
 * (src/auth/auth-penalty.h, up to 15 s) is longer, or when Dovecot is down.
 */
#define THROTTLE_TEXTS_DEFAULT                                                 \
	"\"454 4.7.0 Temporary authentication failure: Connection lost to "    \
	"authentication server\""

/*
 * What servers say to an AUTH that they do not offer, or not without TLS:
 * - Postfix, src/smtpd/smtpd_sasl_proto.c, and smtpd.c
 *   (smtpd_tls_security_level=encrypt);
 * - Exim, src/smtp_in.c;
 * - Dovecot, src/submission-login/client-authenticate.c (523 as in RFC 5248;
 *   ssl=required);
 * - Sendmail, sendmail/srvrsmtp.c.
 */
#define UNASKED_TEXTS_DEFAULT                                                  \
	"\"503 5.5.1 Error: authentication not enabled\", "                    \
	"\"530 5.7.0 Must issue a STARTTLS command first\", "                  \
	"\"503 AUTH command used when not advertised\", "                      \
	"\"523 5.7.10 \", "                                                    \
	"\"530 5.7.0 TLS required\", "                                         \
	"\"503 5.3.3 AUTH not available\""

/* A field that cannot hold what its parser writes does not compile. */
#define IS_OF(field, type)                                                     \
	__builtin_types_compatible_p(typeof(((struct settings *)0)->field),    \
				     type)
#define FIELD(field, ok)                                                       \
	.at = offsetof(struct settings, field) +                               \
	      0 * sizeof(char[(ok) ? 1 : -1]),                                 \
	.size = sizeof(((struct settings *)0)->field)
#define SCALAR(field, largest)                                                 \
	FIELD(field, IS_OF(field, __u32) ||                                    \
			     (IS_OF(field, __u8) && (largest) <= UINT8_MAX))

#define WORD(field, list) .take = take_word, .words = list, SCALAR(field, 0)
#define FLAG(field) .take = take_flag, SCALAR(field, 1)
#define NUMBER(field, from, to)                                                \
	.take = take_number, .min = from, .max = to, SCALAR(field, to)
#define NUMBER_OR_OFF(field, from, to)                                         \
	.take = take_number_or_off, .min = from, .max = to, SCALAR(field, to)
#define TIME(field) .take = take_time, FIELD(field, IS_OF(field, __u32))
#define LIMIT(field)                                                           \
	.take = take_limit, FIELD(field, IS_OF(field, struct limit))
#define LIMIT_OR_OFF(field)                                                    \
	.take = take_limit_or_off, FIELD(field, IS_OF(field, struct limit))
#define OWN(function) .take = function
#define CHECKED(function) .take = take_nothing, .check = function
#define CHECKED_WORD(list) .take = take_word, .words = list
#define CHECKED_NUMBER(from, to) .take = take_number, .min = from, .max = to

#define LIVE false
#define RESTART true
#define CONFIG_KEY_INFO(id, key_name, text, of, line, when, ...)               \
	[KEY_##id] = { .name = key_name,                                       \
		       .initial = text,                                        \
		       .unit = of,                                             \
		       .help = line,                                           \
		       .restart = when,                                        \
		       __VA_ARGS__ },

const struct config_key_info config_keys[KEYS_MAX] = { CONFIG_KEYS(
	CONFIG_KEY_INFO) };

/* ---- names and values */

/* How many letters to insert, leave out or replace (Levenshtein). */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[32], n = strlen(b); /* b is a key */

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

enum config_key config_find(const char *name, char *err, size_t size)
{
	char shown[ESCAPED_SIZE(32)];
	unsigned int best = 3; /* further away, a guess only confuses */
	int nearest = KEYS_MAX;

	for (int k = 0; k < KEYS_MAX; k++)
		if (!strcmp(name, config_keys[k].name))
			return k;
	for (int k = 0; k < KEYS_MAX; k++) {
		unsigned int d = distance(name, config_keys[k].name);

		if (d < best) {
			best = d;
			nearest = k;
		}
	}
	escape(name, strnlen(name, 32), shown, sizeof(shown));
	if (nearest < KEYS_MAX)
		snprintf(err, size, "no such key: '%s'; did you mean %s?",
			 shown, config_keys[nearest].name);
	else
		snprintf(err, size,
			 "no such key: '%s'; smtpxdp config lists them all",
			 shown);
	return KEYS_MAX;
}

int config_take(enum config_key key, const char *value, struct settings *s,
		const struct why *why)
{
	const struct config_key_info *info = &config_keys[key];
	char reason[CONFIG_ERROR_SIZE];

	if (!info->take(info, value, s,
			&(struct why){ reason, sizeof(reason) }))
		return 0;
	return invalid(why, "%s: %s", info->name, reason);
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
			"white space; in a \"text\", \\xNN is any byte; a "
			"host's name is written as punycode (xn--...)",
			config_keys[key].name);
	return config_take(key, value, &s, why);
}
