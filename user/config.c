// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "config_lines.h"
#include "config_values.h"
#include "duration.h"
#include "escape.h"

#define BAN_TIME_MAX (365 * 86400)
#define TICK_MIN_MSEC 10

/*
 * Replies with 535 that are the server's fault, not the client's. Postfix
 * (smtpd_sasl_glue.c) says 535 and the reason that its SASL library gives:
 * - with Dovecot (Postfix' xsasl_dovecot_server.c), when Dovecot's answer lacks
 *   what it must have;
 * - with Cyrus SASL (xsasl_cyrus_server.c, the library's sasl_errstring()), when
 *   saslauthd or the database behind it can't be reached.
 * Exim, Dovecot's submission service, Sendmail and Exchange say 435 or 454 then.
 */
#define POSTFIX_535 "535 5.7.8 Error: authentication failed: "
#define IGNORE_TEXTS                                                           \
	"\"" POSTFIX_535 "Authentication backend error\", "                     \
	"\"" POSTFIX_535 "generic failure\", "                                  \
	"\"" POSTFIX_535 "remote authentication server unavailable\""

const struct config_key_info config_keys[KEYS_MAX] = {
	[KEY_MODE] = { "mode", "enforce", "enforce|monitor",
		       "ban clients, or only tell who would be banned", false },
	[KEY_RATE] = { "rate", "10/120s", "failures/time",
		       "this many failures within this time lead to a ban",
		       false },
	[KEY_BAN_TIME] = { "ban-time", "1h", "time", "how long a ban lasts",
			   false },
	[KEY_PORTS] = { "ports", "25, 587, 2525, 465", "TCP ports",
			"the mail server's: read and, to the banned, closed",
			false },
	[KEY_SCOPE] = { "scope", "mail", "mail|all",
			"what is dropped of a banned client", false },
	[KEY_CODES] = { "codes", "535, 538, 235=credit", "code=action",
			"reply codes that count, earn credit or are ignored",
			false },
	[KEY_COUNT_TEXTS] = { "count-texts", "", "\"text\"",
			      "beginnings of lines that count", false },
	[KEY_IGNORE_TEXTS] = { "ignore-texts", IGNORE_TEXTS, "\"text\"",
			       "beginnings of lines that do not count", false },
	[KEY_IPV4_PREFIX] = { "ipv4-prefix", "32", "bits",
			      "how much of an IPv4 address is one client",
			      false },
	[KEY_IPV6_PREFIX] = { "ipv6-prefix", "64", "bits",
			      "how much of an IPv6 address is one client",
			      false },
	[KEY_ALLOW] = { "allow", "", "networks",
			"who is never counted nor dropped", false },
	[KEY_INTERFACES] = { "interfaces", "", "names",
			     "where to attach; none: the default routes'",
			     true },
	[KEY_MAX_CLIENTS] = { "max-clients", "65536", "entries",
			      "how many failing clients are remembered", true },
	[KEY_MAX_BANS] = { "max-bans", "65536", "entries",
			   "how many clients can be banned at once", true },
	[KEY_LOG_FAILURES] = { "log-failures", "no", "yes|no",
			       "an event for every failure, not only for bans",
			       false },
};

const char *const config_origins[ORIGINS_MAX] = {
	[ORIGIN_DEFAULT] = "default",
	[ORIGIN_FILE] = "file",
	[ORIGIN_RUNTIME] = "runtime",
	[ORIGIN_COMMAND_LINE] = "command line",
};

static const char *const modes[] = { "enforce", "monitor", NULL };
static const char *const scopes[] = { "mail", "all", NULL };

/* ---- each key's value, into the settings; the checks are the same code */

static int take_time(const char *value, uint32_t *sec, const struct why *why)
{
	uint64_t n;

	if (duration_parse(value, &n) || n < 1 || n > BAN_TIME_MAX)
		return invalid(why, "not a time from 1s to 365d, like 90s, 1h "
				    "or 7d");
	*sec = n;
	return 0;
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
		if (strchr(name, '/') || strchr(name, ':'))
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

/* Parses one key's value into s, as far as it belongs there. */
static int take(enum config_key key, const char *value, struct settings *s,
		const struct why *why)
{
	unsigned int word = 0;
	uint32_t number;
	bool yes = false;
	int err;

	switch (key) {
	case KEY_MODE:
		err = parse_word(value, modes, &word, why);
		s->mode = word;
		return err;
	case KEY_RATE:
		return rate_parse(value, &s->rate, &s->window_sec, why->text,
				  why->size);
	case KEY_BAN_TIME:
		return take_time(value, &s->ban_sec, why);
	case KEY_PORTS:
		return parse_ports(value, (uint64_t *)s->ports, why);
	case KEY_SCOPE:
		err = parse_word(value, scopes, &word, why);
		s->scope = word;
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
	case KEY_INTERFACES:
		return check_names(value, why);
	case KEY_MAX_CLIENTS:
	case KEY_MAX_BANS:
		return parse_number(value, 1024, 16777216, &number, why);
	case KEY_LOG_FAILURES:
		err = parse_bool(value, &yes, why);
		s->log_failures = yes;
		return err;
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

static void finish_times(struct settings *s, unsigned int hz)
{
	while ((1000U << s->tick_shift) / hz < TICK_MIN_MSEC)
		s->tick_shift++;
	s->window =
		((uint64_t)s->window_sec * hz + (1U << s->tick_shift) / 2) >>
		s->tick_shift;
	s->ban_jiffies = (uint64_t)s->ban_sec * hz;
}

static int compile(const struct config *c, struct settings *s,
		   const struct why *why)
{
	char reason[CONFIG_ERROR_SIZE];
	struct why inner = { reason, sizeof(reason) };

	memset(s, 0, sizeof(*s));
	for (int k = 0; k < KEYS_MAX; k++)
		if (take(k, c->value[k], s, &inner))
			return invalid(why, "%s: %s", config_keys[k].name,
				       reason);
	return 0;
}

void config_compile(const struct config *c, unsigned int hz, struct settings *s)
{
	char reason[CONFIG_ERROR_SIZE];

	compile(c, s, &(struct why){ reason, sizeof(reason) });
	finish_times(s, hz);
	finish_texts(s);
}

/* ---- the values as such */

static int put(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(c->value[key]);
	c->value[key] = copy;
	c->origin[key] = origin;
	return 0;
}

int config_init(struct config *c)
{
	int err = 0;

	memset(c, 0, sizeof(*c));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = config_reset(c, k);
	if (err)
		config_free(c);
	return err;
}

void config_free(struct config *c)
{
	for (int k = 0; k < KEYS_MAX; k++)
		free(c->value[k]);
	memset(c, 0, sizeof(*c));
}

int config_copy(struct config *to, const struct config *from)
{
	int err = 0;

	memset(to, 0, sizeof(*to));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = put(to, k, from->value[k], from->origin[k]);
	if (err)
		config_free(to);
	return err;
}

int config_reset(struct config *c, enum config_key key)
{
	return put(c, key, config_keys[key].initial, ORIGIN_DEFAULT);
}

int config_set(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin, char *err, size_t size)
{
	struct settings *s = malloc(sizeof(*s));
	char *old = c->value[key];
	int ret = -ENOMEM;

	if (!config_value_fits_line(value)) {
		free(s);
		return invalid(&(struct why){ err, size },
			       "%s: a value is one line, without control "
			       "characters, white space at its ends and, "
			       "outside of quotes, ' #'",
			       config_keys[key].name);
	}
	if (s) {
		/* With all the others: what two keys contradict is seen. */
		c->value[key] = (char *)value;
		ret = compile(c, s, &(struct why){ err, size });
		c->value[key] = old;
		free(s);
	}
	return ret ? ret : put(c, key, value, origin);
}

static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], n = strlen(b);

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

	for (int k = 0; k < KEYS_MAX; k++) {
		unsigned int d;

		if (!strcmp(name, config_keys[k].name))
			return k;
		d = strlen(name) < 64 ? distance(name, config_keys[k].name) :
					64;
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

int config_dump(const struct config *c, char *buf, size_t size)
{
	size_t n = 0;

	for (int k = 0; k < KEYS_MAX && n < size; k++)
		n += snprintf(buf + n, size - n, "%d %s = %s\n", c->origin[k],
			      config_keys[k].name, c->value[k]);
	return n < size ? 0 : -E2BIG;
}

int config_load(struct config *c, const char *dump)
{
	char name[32], why[CONFIG_ERROR_SIZE];
	unsigned int origin;
	int err = 0, skip;

	while (*dump && !err) {
		size_t len = strcspn(dump, "\n");
		char *value;
		enum config_key key;

		if (sscanf(dump, "%u %31s =%n", &origin, name, &skip) != 2 ||
		    origin >= ORIGINS_MAX || (size_t)skip >= len)
			return -EBADMSG;
		key = config_find(name, why, sizeof(why));
		value = strndup(dump + skip + 1, len - skip - 1);
		if (!value)
			return -ENOMEM;
		/* A key of another version: that one has gone. */
		if (key != KEYS_MAX)
			err = put(c, key, value, origin);
		free(value);
		dump += len + (dump[len] == '\n');
	}
	return err;
}

char **config_interfaces(const struct config *c)
{
	char name[IFNAMSIZ], why[CONFIG_ERROR_SIZE];
	const char *value = c->value[KEY_INTERFACES];
	char **names = calloc(strlen(value) / 2 + 2, sizeof(*names));
	size_t n = 0;

	while (names && next_item(&value, name, sizeof(name),
				  &(struct why){ why, sizeof(why) }) > 0)
		names[n++] = strdup(name);
	return names;
}

size_t config_allow(const struct config *c, struct net **nets)
{
	char item[NET_TEXT], why[CONFIG_ERROR_SIZE];
	const char *value = c->value[KEY_ALLOW];
	size_t n = 0;

	*nets = calloc(strlen(value) / 2 + 1, sizeof(**nets));
	while (*nets && next_item(&value, item, sizeof(item),
				  &(struct why){ why, sizeof(why) }) > 0)
		n += !net_parse(item, &(*nets)[n], why, sizeof(why));
	return n;
}

uint32_t config_number(const struct config *c, enum config_key key)
{
	return strtoul(c->value[key], NULL, 10);
}
