/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files on a server that may be dead: who asks for them waits for ever. */
#ifndef SMTPXDP_FILE_STAT_H
#define SMTPXDP_FILE_STAT_H

#include <stdio.h>
#include <sys/stat.h>

/*
 * stat(2), by a thread that may hang in the caller's place. 0 or -errno;
 * -ETIMEDOUT after a second, and at once as long as that thread still hangs.
 */
int file_stat(const char *path, struct stat *st);

/*
 * Opens a regular file for reading, after it has answered file_stat(). Returns
 * an fd or -errno: -EISDIR for a folder, -EINVAL for what else is no regular
 * file, as a FIFO, which would wait for a writer.
 */
int file_open_regular(const char *path);

#endif
