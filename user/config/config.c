// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"
#include "base/escape.h"

/*
 * Replies with 535 that are the server's fault, not the client's. Postfix
 * (src/smtpd/smtpd_sasl_glue.c) says 535 and the reason its SASL library gives:
 * - src/xsasl/xsasl_dovecot_server.c: Dovecot's answer lacks a field;
 * - src/xsasl/xsasl_cyrus_server.c: Cyrus SASL's SASL_FAIL, as when saslauthd
 *   can't be reached, and SASL_UNAVAIL. (A wrong password is SASL_BADAUTH,
 *   "authentication failure".) Newer ones, like 3.7, say 454 for these two.
 * Exim 4.96 says 435, the submission service of Dovecot 2.3 says 454.
 *
 * Not to be told from a wrong password, and so not here: Postfix 3.7 with a
 * Dovecot 2.3 that cannot ask its passdb; both end in "(reason unavailable)".
 */
#define POSTFIX_535 "535 5.7.8 Error: authentication failed: "
#define IGNORE_TEXTS                                                           \
	"\"" POSTFIX_535 "Authentication backend error\", "                    \
	"\"" POSTFIX_535 "generic failure\", "                                 \
	"\"" POSTFIX_535 "remote authentication server unavailable\""

const struct config_key_info config_keys[KEYS_MAX] = {
	[KEY_MODE] = { "mode", "enforce", "enforce|monitor",
		       "ban clients, or only tell who would be banned", false },
	[KEY_RATE] = { "rate", "10/120s", "failures/time",
		       "this many failures within this time lead to a ban",
		       false },
	[KEY_SLOW_RATE] = { "slow-rate", "off", "failures/time|off",
			    "this many within a longer time do so, too",
			    false },
	[KEY_STALE_RATE] = { "stale-rate", "off", "failures/time|off",
			     "instead of both, for who tries but one user",
			     false },
	[KEY_STALE_BAN_TIME] = { "stale-ban-time", "10m", "time",
				 "how long such a client's first ban lasts",
				 false },
	[KEY_ATTACK_USERS] = { "attack-users", "off", "users|off",
			       "so many different ones within the rate's time "
			       "lead to a ban at once",
			       false },
	[KEY_NET_RATE] = { "net-rate", "off", "clients/time|off",
			   "so many clients of a network lead to a ban of it",
			   false },
	[KEY_SUCCESS_CREDIT] = { "success-credit", "reset", "reset|ratio|off",
				 "what a successful login does for failures",
				 false },
	[KEY_SUCCESS_RATIO] = { "success-ratio", "3", "failures",
				"so many to a success are let pass by ratio",
				false },
	[KEY_BAN_TIME] = { "ban-time", "1h", "time",
			   "how long a client's first ban lasts", false },
	[KEY_BAN_FACTOR] = { "ban-factor", "2", "factor",
			     "each further ban is so many times longer",
			     false },
	[KEY_BAN_MAX] = { "ban-max", "7d", "time",
			  "but no longer than this", false },
	[KEY_BAN_FORGET] = { "ban-forget", "30d", "time",
			     "so long after its last ban a client starts anew",
			     false },
	[KEY_PORTS] = { "ports", "25, 587, 2525, 465", "TCP ports",
			"the mail server's: read and, to the banned, closed",
			false },
	[KEY_SCOPE] = { "scope", "mail", "mail|all",
			"what is dropped of a banned client", false },
	[KEY_CUT_SESSIONS] = { "cut-sessions", "yes", "yes|no",
			       "a ban ends the client's open connections",
			       false },
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
	[KEY_ALLOW_NETS] = { "allow-nets", "", "files",
			     "lists of networks that are never counted", false },
	[KEY_STRICT_NETS] = { "strict-nets", "", "files",
			      "lists of networks that have the strict rate",
			      false },
	[KEY_STRICT_COUNTRIES] = { "strict-countries", "", "countries",
				   "countries that have it, like KP", false },
	[KEY_STRICT_ASNS] = { "strict-asns", "", "AS numbers",
			      "autonomous systems that have it, like 64496",
			      false },
	[KEY_STRICT_RATE] = { "strict-rate", "3/1h", "failures/time",
			      "the rate of those, instead of rate", false },
	[KEY_STRICT_BAN_TIME] = { "strict-ban-time", "1d", "time",
				  "how long their first ban lasts", false },
	[KEY_LENIENT_NETS] = { "lenient-nets", "", "files",
			       "lists of networks that have the lenient rate",
			       false },
	[KEY_LENIENT_COUNTRIES] = { "lenient-countries", "", "countries",
				    "countries that have it, like DE", false },
	[KEY_LENIENT_RATE] = { "lenient-rate", "30/120s", "failures/time",
			       "the rate of those, instead of rate", false },
	[KEY_LENIENT_BAN_TIME] = { "lenient-ban-time", "10m", "time",
				   "how long their first ban lasts", false },
	[KEY_GEO_DATABASES] = { "geo-databases", "", "files",
				"databases in MaxMind's format that know "
				"countries and AS numbers",
				false },
	[KEY_INTERFACES] = { "interfaces", "", "names",
			     "where to attach; none: the default routes'",
			     true },
	[KEY_TLS] = { "tls", "auto", "auto|all|off",
		      "read replies inside TLS: of this network namespace, of "
		      "all, or not",
		      true },
	[KEY_TLS_LIBRARIES] = { "tls-libraries", "", "files",
				"TLS libraries that are not found by themselves",
				true },
	[KEY_USERS] = { "users", "auto", "auto|wire|off",
			"whom clients try to log in as is read", false },
	[KEY_MAX_BANS_PER_MINUTE] = { "max-bans-per-minute", "1000", "bans|off",
				      "more clients than this are not banned",
				      false },
	[KEY_FUSE_CLIENTS] = { "fuse-clients", "10", "clients|off",
			       "when so many that used to log in fail, none "
			       "is banned",
			       false },
	[KEY_MAX_CLIENTS] = { "max-clients", "65536", "entries",
			      "how many failing clients are remembered", true },
	[KEY_MAX_BANS] = { "max-bans", "65536", "entries",
			   "how many clients can be banned at once", true },
	[KEY_COUNT_UNANSWERED] = { "count-unanswered", "yes", "yes|no",
				   "a login whose refusal the client does not "
				   "wait for is a failure",
				   false },
	[KEY_LOG_FAILURES] = { "log-failures", "no", "yes|no",
			       "an event for every failure, not only for bans",
			       false },
	[KEY_LOG_USERS] = { "log-users", "no", "yes|no",
			    "events name the user who was tried", false },
	[KEY_METRICS_LISTEN] = { "metrics-listen", "off", "address:port|off",
				 "where metrics are served by HTTP", true },
};

const char *const config_origins[ORIGINS_MAX] = {
	[ORIGIN_DEFAULT] = "default",
	[ORIGIN_FILE] = "file",
	[ORIGIN_RUNTIME] = "runtime",
	[ORIGIN_COMMAND_LINE] = "command line",
};

int config_put(struct config *c, enum config_key key, const char *value,
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
		err = config_put(c, k, config_keys[k].initial, ORIGIN_DEFAULT);
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
		err = config_put(to, k, from->value[k], from->origin[k]);
	if (err)
		config_free(to);
	return err;
}

int config_replace(struct config *c, struct config *next, const struct why *why)
{
	int err = config_check(next, why);

	if (err) {
		config_free(next);
		return err;
	}
	config_free(c);
	*c = *next;
	return 0;
}

int config_set(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin, char *err, size_t size)
{
	struct why why = { err, size };
	struct config next;

	if (config_check_value(key, value, &why))
		return -EINVAL;
	if (config_copy(&next, c))
		return no_memory(&why);
	if (config_put(&next, key, value, origin)) {
		config_free(&next);
		return no_memory(&why);
	}
	return config_replace(c, &next, &why);
}

int config_reset(struct config *c, enum config_key key)
{
	return config_set(c, key, config_keys[key].initial, ORIGIN_DEFAULT,
			  NULL, 0);
}

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

	for (int k = 0; k < KEYS_MAX; k++) {
		unsigned int d = distance(name, config_keys[k].name);

		if (!d)
			return k;
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

/* One line of a dump. A key of another version is left out. */
static int load_line(struct config *c, char *line)
{
	char *name, *value, why[CONFIG_ERROR_SIZE];
	unsigned long origin = strtoul(line, &name, 10);
	enum config_key key;

	value = strstr(name, " = ");
	if (name == line || *name != ' ' || !value || origin >= ORIGINS_MAX)
		return -EBADMSG;
	*value = '\0';
	key = config_find(name + 1, why, sizeof(why));
	return key == KEYS_MAX ? 0 : config_put(c, key, value + 3, origin);
}

int config_load(struct config *c, const char *dump)
{
	char *lines = strdup(dump), *rest = lines, *line;
	struct config next = {};
	int err = lines ? config_copy(&next, c) : -ENOMEM;

	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			err = load_line(&next, line);
	free(lines);
	if (!err)
		return config_replace(c, &next, &(struct why){});
	config_free(&next);
	return err;
}
