/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SMTPXDP_FILE_H
#define SMTPXDP_FILE_H

/*
 * Replaces a file's text: writes a new file beside it and renames that over it,
 * so readers see the old or the new text, whole. Keeps owner and mode. 0,
 * -errno, or -EINVAL for anything but a regular file.
 */
int file_replace(const char *path, const char *text);

#endif
