/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every start of the daemon pins all of its maps and programs, new or taken
 * over, in a folder of its own, DIR/gen-N. The symbolic link DIR/current names
 * the one in force and is replaced at one stroke: whoever looks, and whenever
 * a start is interrupted, there is one whole set. An older folder beside it
 * holds maps of which not all was carried over yet; a newer one is of a start
 * that came to nothing.
 */
#ifndef SMTPXDP_GENERATION_H
#define SMTPXDP_GENERATION_H

#include <stddef.h>

/* DIR/gen-N/name; name NULL: the folder. -ENAMETOOLONG. */
int generation_path(char *buf, size_t size, const char *dir, int n,
		    const char *name);

/* The one in force: 1 or more. -ENOENT: nothing is loaded. */
int generation_current(const char *dir);

/* The newest before n, or -ENOENT. */
int generation_before(const char *dir, int n);

/* Makes the folder of the next one, and removes what stands in its way. */
int generation_make(const char *dir);

/* Puts it in force. */
int generation_switch(const char *dir, int n);

int generation_remove(const char *dir, int n);

/* Removes all, and the link. */
int generation_remove_all(const char *dir);

#endif
