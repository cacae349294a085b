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
#include "config/config_keys.h"
#include "config/config_values.h"
#include "settings.h"

enum config_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FILE,
	ORIGIN_RUNTIME, /* config set --runtime */
	ORIGIN_COMMAND_LINE,
	ORIGINS_MAX
};

extern const char *const config_origins[ORIGINS_MAX]; /* "default", ... */

struct config {
	char *value[KEYS_MAX];
	enum config_origin origin[KEYS_MAX];
};

/* All defaults. Free with config_free(). -ENOMEM. */
int config_init(struct config *c);
void config_free(struct config *c);
int config_copy(struct config *to, const struct config *from);

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

/*
 * Values that user space wants as they are; config_set() has checked them.
 * config_items() gives the items of a list of names, files, countries or ASNs,
 * NULL-terminated.
 */
char **config_items(const struct config *c, enum config_key key);
void config_items_free(char **items);
/* False where metrics are not served. */
bool config_metrics_listen(const struct config *c, struct listen_address *at);
enum config_tls config_tls(const struct config *c);
/* The networks of the key allow: *nets is to be freed. */
size_t config_allow(const struct config *c, struct net **nets);
uint32_t config_number(const struct config *c, enum config_key key);

#endif
