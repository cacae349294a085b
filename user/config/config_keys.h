/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every key of the configuration, once: name, default, unit, help, when it
 * takes effect, parser, place. What a key means at length stands in
 * smtpxdp.conf(5) and in the shipped file; selftests/lab/described.bats holds
 * both against this table.
 */
#ifndef SMTPXDP_CONFIG_KEYS_H
#define SMTPXDP_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config_values.h"
#include "settings.h"

/*
 * X(ID, name, default, unit, help, LIVE or RESTART, parser). The parser names
 * the field of struct settings that takes the value; what it expands to is in
 * config_keys.c. Values that only the daemon wants (CHECKED) have no field.
 */
#define CONFIG_KEYS(X)                                                         \
	X(MODE, "mode", "enforce", "enforce|monitor",                          \
	  "ban clients, or only tell who would be banned", LIVE,               \
	  WORD(mode, modes))                                                   \
	X(RATE, "rate", "10/10m", "failures/time",                             \
	  "this many failures within this time lead to a ban", LIVE,           \
	  LIMIT(policy[POLICY_PLAIN].rate))                                    \
	X(SLOW_RATE, "slow-rate", "60/1d", "failures/time|off",                \
	  "a second limit over a longer time, beside rate", LIVE,              \
	  LIMIT_OR_OFF(slow))                                                  \
	X(STALE_RATE, "stale-rate", "off", "failures/time|off",                \
	  "the limit of passwords that a client tries again", LIVE,            \
	  LIMIT_OR_OFF(policy[POLICY_STALE].rate))                             \
	X(STALE_BAN_TIME, "stale-ban-time", "10m", "time",                     \
	  "how long the first ban by stale-rate lasts", LIVE,                  \
	  TIME(policy[POLICY_STALE].ban_sec))                                  \
	X(COMPARE_PASSWORDS, "compare-passwords", "yes", "yes|no",             \
	  "a password that a client tries again is no new guess", LIVE,        \
	  FLAG(compare))                                                       \
	X(ATTACK_USERS, "attack-users", "off", "users|off",                    \
	  "this many different users lead to a ban at once", LIVE,             \
	  NUMBER_OR_OFF(attack_users, 2, USERS_MAX))                           \
	X(ACCOUNT_RATE, "account-rate", "30/1d", "guesses/time|off",           \
	  "guesses of several networks at one user that lead to bans at once", \
	  LIVE, OWN(take_account_rate))                                        \
	X(TRAP_USERS, "trap-users", "", "user names",                          \
	  "users that nobody is: who tries one is banned at once", LIVE,       \
	  OWN(take_trap_users))                                                \
	X(NET_RATE, "net-rate", "off", "clients/time|off",                     \
	  "this many clients of a network lead to a ban of it", LIVE,          \
	  OWN(take_net_rate))                                                  \
	X(NET_PREFIX, "net-prefix", "24", "bits",                              \
	  "how much of an IPv4 address is its network, for net-rate", LIVE,    \
	  OWN(take_net_prefix))                                                \
	X(IPV6_NET_RATE, "ipv6-net-rate", "auto", "clients/time|auto|off",     \
	  "the same of IPv6; auto: as net-rate, or 64/1h", LIVE,               \
	  OWN(take_ipv6_net_rate))                                             \
	X(AS_RATE, "as-rate", "20/1h", "clients/time",                         \
	  "this many clients of one AS of rated-asns lead to bans at once",    \
	  LIVE, OWN(take_as_rate))                                             \
	X(RATED_ASNS, "rated-asns", "", "AS numbers",                          \
	  "autonomous systems whose clients are counted together", LIVE,       \
	  OWN(take_rated_asns))                                                \
	X(SUCCESS_CREDIT, "success-credit", "reset", "reset|ratio|off",        \
	  "what a successful login does for failures", LIVE,                   \
	  WORD(credit, credits))                                               \
	X(SUCCESS_RATIO, "success-ratio", "3", "failures",                     \
	  "failures to a success that success-credit=ratio permits", LIVE,     \
	  NUMBER(credit_ratio, 1, RATE_MAX))                                   \
	X(BAN_TIME, "ban-time", "1h", "time",                                  \
	  "how long a client's first ban lasts", LIVE,                         \
	  TIME(policy[POLICY_PLAIN].ban_sec))                                  \
	X(BAN_FACTOR, "ban-factor", "2", "factor",                             \
	  "each further ban is this many times longer", LIVE,                  \
	  NUMBER(ban_factor, 1, BAN_FACTOR_MAX))                               \
	X(BAN_MAX, "ban-max", "7d", "time",                                    \
	  "the longest ban that ban-factor leads to", LIVE, TIME(ban_max_sec)) \
	X(BAN_FORGET, "ban-forget", "30d", "time",                             \
	  "a client's offences are forgotten this long after its last ban",    \
	  LIVE, TIME(ban_forget_sec))                                          \
	X(PORTS, "ports", "25, 587, 2525, 465", "TCP ports",                   \
	  "the mail server's, as clients see them: read", LIVE,                \
	  OWN(take_ports))                                                     \
	X(DROP_PORTS, "drop-ports", "auto", "TCP ports|auto",                  \
	  "closed to the banned; auto: ports, 25 to who failed there", LIVE,   \
	  OWN(take_drop_ports))                                                \
	X(SERVERS, "servers", "", "networks",                                  \
	  "mail servers that are believed without proof, like virtual "        \
	  "machines",                                                          \
	  LIVE, OWN(take_servers))                                             \
	X(SCOPE, "scope", "mail", "mail|all",                                  \
	  "what is dropped of a banned client", LIVE, WORD(scope, scopes))     \
	X(CUT_SESSIONS, "cut-sessions", "yes", "yes|no",                       \
	  "a ban ends the client's open connections", LIVE,                    \
	  FLAG(cut_sessions))                                                  \
	X(CODES, "codes", "535, 538, 235=credit", "code=action",               \
	  "reply codes that count, earn credit or are ignored", LIVE,          \
	  OWN(take_codes))                                                     \
	X(COUNT_TEXTS, "count-texts", "", "\"text\"",                          \
	  "beginnings of lines that count", LIVE, OWN(take_count_texts))       \
	X(IGNORE_TEXTS, "ignore-texts", IGNORE_TEXTS_DEFAULT, "\"text\"",      \
	  "beginnings of lines that do not count", LIVE,                       \
	  OWN(take_ignore_texts))                                              \
	X(THROTTLE_TEXTS, "throttle-texts", THROTTLE_TEXTS_DEFAULT,            \
	  "\"text\"",                                                          \
	  "beginnings of lines that count of who was refused before", LIVE,    \
	  OWN(take_throttle_texts))                                            \
	X(UNASKED_TEXTS, "unasked-texts", UNASKED_TEXTS_DEFAULT, "\"text\"",   \
	  "beginnings of lines that count if AUTH was not offered, but a "     \
	  "new password said",                                                 \
	  LIVE, OWN(take_unasked_texts))                                       \
	X(IPV4_PREFIX, "ipv4-prefix", "32", "bits",                            \
	  "how much of an IPv4 address is one client", LIVE,                   \
	  OWN(take_ipv4_prefix))                                               \
	X(IPV6_PREFIX, "ipv6-prefix", "64", "bits",                            \
	  "how much of an IPv6 address is one client", LIVE,                   \
	  OWN(take_ipv6_prefix))                                               \
	X(NAT64_PREFIXES, "nat64-prefixes", "64:ff9b::/96", "networks|off",    \
	  "IPv6 networks of NAT64s: clients are the IPv4 addresses inside",    \
	  LIVE, OWN(take_nat64_prefixes))                                      \
	X(CLIENT_PREFIXES, "client-prefixes", "", "network=bits",              \
	  "IPv6 networks in which a client is so much of an address", LIVE,    \
	  OWN(take_client_prefixes))                                           \
	X(ALLOW, "allow", "", "networks, names",                               \
	  "networks and hosts that are never counted nor dropped", LIVE,       \
	  CHECKED(check_allow))                                                \
	X(ALLOW_NETS, "allow-nets", "", "files",                               \
	  "lists of networks that are never counted", LIVE,                    \
	  CHECKED(check_lists))                                                \
	X(STRICT_NETS, "strict-nets", "", "files",                             \
	  "lists of networks that have the strict rate", LIVE,                 \
	  CHECKED(check_lists))                                                \
	X(STRICT_COUNTRIES, "strict-countries", "", "countries",               \
	  "countries that have the strict rate, like KP", LIVE,                \
	  CHECKED(check_countries))                                            \
	X(STRICT_ASNS, "strict-asns", "", "AS numbers",                        \
	  "autonomous systems that have the strict rate, like 64496", LIVE,    \
	  CHECKED(check_asns))                                                 \
	X(STRICT_RATE, "strict-rate", "3/1h", "failures/time",                 \
	  "the rate of the strict networks, instead of rate", LIVE,            \
	  LIMIT(policy[POLICY_STRICT].rate))                                   \
	X(STRICT_BAN_TIME, "strict-ban-time", "1d", "time",                    \
	  "how long the first ban by strict-rate lasts", LIVE,                 \
	  TIME(policy[POLICY_STRICT].ban_sec))                                 \
	X(LENIENT_NETS, "lenient-nets", "", "files",                           \
	  "lists of networks that have the lenient rate", LIVE,                \
	  CHECKED(check_lists))                                                \
	X(LENIENT_COUNTRIES, "lenient-countries", "", "countries",             \
	  "countries that have the lenient rate, like DE", LIVE,               \
	  CHECKED(check_countries))                                            \
	X(LENIENT_RATE, "lenient-rate", "30/120s", "failures/time",            \
	  "the rate of the lenient networks, instead of rate", LIVE,           \
	  LIMIT(policy[POLICY_LENIENT].rate))                                  \
	X(LENIENT_BAN_TIME, "lenient-ban-time", "10m", "time",                 \
	  "how long the first ban by lenient-rate lasts", LIVE,                \
	  TIME(policy[POLICY_LENIENT].ban_sec))                                \
	X(PROXIES, "proxies", "", "networks, files",                           \
	  "proxies before the mail server, which name their clients", LIVE,    \
	  OWN(take_proxies))                                                   \
	X(GEO_DATABASES, "geo-databases", "", "files",                         \
	  "databases in MaxMind's format that know countries and AS numbers",  \
	  LIVE, CHECKED(check_files))                                          \
	X(INTERFACES, "interfaces", "", "names",                               \
	  "where to attach; none: where clients of the mail ports come in",    \
	  RESTART, CHECKED(check_interfaces))                                  \
	X(TLS, "tls", "auto", "auto|own|off",                                  \
	  "read replies inside TLS: in containers, too, in this network "      \
	  "namespace only, or not",                                            \
	  RESTART, CHECKED_WORD(tls_words))                                    \
	X(TLS_LIBRARIES, "tls-libraries", "", "files",                         \
	  "TLS libraries that are not found by themselves", RESTART,           \
	  CHECKED(check_files))                                                \
	X(USERS, "users", "auto", "auto|wire|off",                             \
	  "where to read which user a client tries", LIVE,                     \
	  WORD(users, users_words))                                            \
	X(MAX_BANS_PER_MINUTE, "max-bans-per-minute", "1000", "bans|off",      \
	  "more clients than this are not banned in a minute", LIVE,           \
	  OWN(take_brake))                                                     \
	X(FUSE_CLIENTS, "fuse-clients", "10", "clients|off",                   \
	  "no bans while this many fail that used to log in", LIVE,            \
	  NUMBER_OR_OFF(fuse_clients, 1, 1000000))                             \
	X(MAX_CLIENTS, "max-clients", "65536", "entries",                      \
	  "how many failing clients are remembered", RESTART,                  \
	  CHECKED_NUMBER(1024, 16777216))                                      \
	X(MAX_BANS, "max-bans", "65536", "entries",                            \
	  "how many clients can be banned at once", RESTART,                   \
	  CHECKED_NUMBER(1024, 16777216))                                      \
	X(COUNT_UNANSWERED, "count-unanswered", "yes", "yes|no",               \
	  "a login is a failure, too, if the client does not wait for the "    \
	  "refusal",                                                           \
	  LIVE, FLAG(unanswered))                                              \
	X(LOG_FAILURES, "log-failures", "no", "yes|no",                        \
	  "an event for every failure, not only for bans", LIVE,               \
	  FLAG(log_failures))                                                  \
	X(LOG_USERS, "log-users", "no", "yes|no",                              \
	  "events name the user that was tried", LIVE, FLAG(log_users))        \
	X(METRICS_LISTEN, "metrics-listen", "off", "address:port|off",         \
	  "where metrics are served by HTTP", RESTART, CHECKED(check_listen))  \
	X(ON_EVENT, "on-event", "", "program",                                 \
	  "runs at each ban of who was banned before and never logged in",     \
	  LIVE, CHECKED(check_command))                                        \
	X(ON_EVENT_RATE, "on-event-rate", "30/1h", "runs/time",                \
	  "more bans than this run no program", LIVE, CHECKED(check_runs))     \
	X(ON_EVENT_TIMEOUT, "on-event-timeout", "30s", "time",                 \
	  "a run of the program that takes longer is ended", LIVE,             \
	  CHECKED(check_timeout))

enum config_key {
#define CONFIG_KEY_ID(id, ...) KEY_##id,
	CONFIG_KEYS(CONFIG_KEY_ID)
#undef CONFIG_KEY_ID
		KEYS_MAX
};

/* Whose replies inside TLS are read. */
enum config_tls {
	CONFIG_TLS_AUTO, /* of all servers that the daemon can see */
	CONFIG_TLS_OWN, /* of those in the daemon's network namespace */
	CONFIG_TLS_OFF,
};

struct config_key_info;

/* Parses a value, and writes it into its field of s. 0, or -EINVAL and why. */
typedef int (*config_take_fn)(const struct config_key_info *key,
			      const char *value, struct settings *s,
			      const struct why *why);

struct config_key_info {
	const char *name;
	const char *initial; /* the default, as text */
	const char *unit; /* "seconds", "failures/time", ... */
	const char *help; /* one line */
	bool restart; /* takes effect when the daemon starts */
	config_take_fn take;
	int (*check)(const char *value, const struct why *why); /* CHECKED */
	size_t at, size; /* of the field in struct settings */
	uint32_t min, max; /* of a number */
	const struct word *words; /* that a value is one of */
};

extern const struct config_key_info config_keys[KEYS_MAX];

/* Returns KEYS_MAX for an unknown name; err then suggests the nearest key. */
enum config_key config_find(const char *name, char *err, size_t size);

/* Parses one key's value into s. On -EINVAL, why begins with the key's name. */
int config_take(enum config_key key, const char *value, struct settings *s,
		const struct why *why);

/* Checks one key's value by itself: it fits a line, and can be parsed. */
int config_check_value(enum config_key key, const char *value,
		       const struct why *why);

#endif
