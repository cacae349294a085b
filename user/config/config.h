/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration: flat "key = value" lines. A struct config holds the text
 * of every value and where it came from; it is compiled into what the kernel
 * programs read (struct settings). Pure: files are config_file.h's business.
 */
#ifndef SMTPXDP_CONFIG_H
#define SMTPXDP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "config/config_values.h"
#include "settings.h"

enum config_key {
	KEY_MODE,
	KEY_RATE,
	KEY_SLOW_RATE,
	KEY_STALE_RATE,
	KEY_STALE_BAN_TIME,
	KEY_ATTACK_USERS,
	KEY_NET_RATE,
	KEY_SUCCESS_CREDIT,
	KEY_SUCCESS_RATIO,
	KEY_BAN_TIME,
	KEY_BAN_FACTOR,
	KEY_BAN_MAX,
	KEY_BAN_FORGET,
	KEY_PORTS,
	KEY_SCOPE,
	KEY_CUT_SESSIONS,
	KEY_CODES,
	KEY_COUNT_TEXTS,
	KEY_IGNORE_TEXTS,
	KEY_IPV4_PREFIX,
	KEY_IPV6_PREFIX,
	KEY_ALLOW,
	KEY_ALLOW_NETS,
	KEY_STRICT_NETS,
	KEY_STRICT_COUNTRIES,
	KEY_STRICT_ASNS,
	KEY_STRICT_RATE,
	KEY_STRICT_BAN_TIME,
	KEY_LENIENT_NETS,
	KEY_LENIENT_COUNTRIES,
	KEY_LENIENT_RATE,
	KEY_LENIENT_BAN_TIME,
	KEY_GEO_DATABASES,
	KEY_INTERFACES,
	KEY_TLS,
	KEY_TLS_LIBRARIES,
	KEY_USERS,
	KEY_MAX_BANS_PER_MINUTE,
	KEY_FUSE_CLIENTS,
	KEY_MAX_CLIENTS,
	KEY_MAX_BANS,
	KEY_COUNT_UNANSWERED,
	KEY_LOG_FAILURES,
	KEY_LOG_USERS,
	KEY_METRICS_LISTEN,
	KEYS_MAX
};

enum config_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FILE,
	ORIGIN_RUNTIME, /* config set --runtime */
	ORIGIN_COMMAND_LINE,
	ORIGINS_MAX
};

/* Whose replies inside TLS are read. */
enum config_tls {
	CONFIG_TLS_AUTO, /* of servers in the daemon's network namespace */
	CONFIG_TLS_ALL,	 /* in any, containers' too */
	CONFIG_TLS_OFF,
};

struct config_key_info {
	const char *name;
	const char *initial; /* the default, as text */
	const char *unit;    /* "", "seconds", "failures/time", ... */
	const char *help;    /* one line */
	bool restart; /* takes effect when the daemon starts */
};

extern const struct config_key_info config_keys[KEYS_MAX];
extern const char *const config_origins[ORIGINS_MAX]; /* "default", ... */

struct config {
	char *value[KEYS_MAX];
	enum config_origin origin[KEYS_MAX];
};

#define CONFIG_ERROR_SIZE 512

/* All defaults. Free with config_free(). -ENOMEM. */
int config_init(struct config *c);
void config_free(struct config *c);
int config_copy(struct config *to, const struct config *from);

/* KEYS_MAX if there is no such key; err then suggests the nearest name. */
enum config_key config_find(const char *name, char *err, size_t size);

/*
 * Checks a value and takes it. Returns 0 or -EINVAL, -ENOMEM, and then in err
 * what is wrong and what would be right; the old value stays.
 */
int config_set(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin, char *err, size_t size);
int config_reset(struct config *c, enum config_key key);

/*
 * Takes all lines of a file's text. `name` is the file's, for errors
 * ("NAME:LINE: ..."). On an error nothing of c changes. What one key alone
 * cannot tell (a text both counted and ignored) is checked here and in
 * config_set().
 */
int config_parse(struct config *c, const char *text, const char *name,
		 enum config_origin origin, char *err, size_t size);

/* Every value with its origin as lines of text, and back: map daemon. */
int config_dump(const struct config *c, char *buf, size_t size);
int config_load(struct config *c, const char *dump);

/*
 * Into what the programs read; have_ban_nets and have_allow are left 0. `hz`
 * is jiffies per second. A struct config is valid, so this cannot fail.
 */
void config_compile(const struct config *c, unsigned int hz,
		    struct settings *s);

/* Lists, already checked by config_set(): free() what they return. */
/* The items of a list of names, files, countries or ASNs, NULL-terminated. */
char **config_items(const struct config *c, enum config_key key);
void config_items_free(char **items);
/* Where metrics are served; false: nowhere. */
bool config_metrics_listen(const struct config *c, struct listen_address *at);
enum config_tls config_tls(const struct config *c);
size_t config_allow(const struct config *c, struct net **nets);
uint32_t config_number(const struct config *c, enum config_key key);

#endif
