/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration file: read whole, rewritten atomically, comments kept. */
#ifndef SMTPXDP_CONFIG_FILE_H
#define SMTPXDP_CONFIG_FILE_H

#include "config/config.h"

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/smtpxdp/smtpxdp.conf"

/* Takes every line of the file. -ENOENT if there is none; err says why. */
int config_file_read(const char *path, struct config *c, char *err,
		     size_t size);

/*
 * Sets (value != NULL) or removes a key's line in the file, by a new file
 * renamed over it: owner and mode, comments and order stay. Who comes at the
 * same time waits. Makes the file
 * and its folder where there is none. Symlinks are followed.
 */
int config_file_edit(const char *path, enum config_key key, const char *value,
		     char *err, size_t size);

#endif
