/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration file: read whole, rewritten atomically, comments kept. */
#ifndef SMTPXDP_CONFIG_FILE_H
#define SMTPXDP_CONFIG_FILE_H

#include "config/config.h"

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/smtpxdp/smtpxdp.conf"

/* Takes every line of the file. On an error err says why; -ENOENT: no file. */
int config_file_read(const char *path, struct config *c, char *err,
		     size_t size);

/*
 * Sets (value != NULL) or removes a key's line in the file, by a new file
 * renamed over it: owner and mode, comments and order stay. Concurrent edits
 * wait for each other, by a lock on the folder. A file or folder that is
 * missing is made. Symlinks are followed.
 */
int config_file_edit(const char *path, enum config_key key, const char *value,
		     char *err, size_t size);

#endif
