/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SMTPXDP_FILE_H
#define SMTPXDP_FILE_H

/*
 * Puts a text in a file's place, written beside it and renamed over it: who
 * reads it sees the old or the new one, whole. Owner and mode stay. -errno,
 * -EINVAL for what is no regular file: that would be renamed over.
 */
int file_replace(const char *path, const char *text);

#endif
