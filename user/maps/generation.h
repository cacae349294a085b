/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every start of the daemon pins all of its maps and programs, new or taken
 * over, in a folder of its own: DIR/gen-N, the generation N. The symbolic link
 * DIR/current names the generation in force. It is replaced atomically, so
 * every process sees one whole set, even if a start is interrupted. An older
 * folder has maps whose entries are not all carried over yet; a newer one is
 * left by a start that failed.
 *
 * Functions return -errno.
 */
#ifndef SMTPXDP_GENERATION_H
#define SMTPXDP_GENERATION_H

#include <stddef.h>

/* Writes DIR/gen-N/name; name NULL: DIR/gen-N. -ENAMETOOLONG. */
int generation_path(char *buf, size_t size, const char *dir, int n,
		    const char *name);

/* The number of the generation in force, from 1. -ENOENT: nothing is loaded. */
int generation_current(const char *dir);

/* The newest generation before n, or -ENOENT. */
int generation_before(const char *dir, int n);

/*
 * Makes the folder of the next generation, and removes newer ones. Its number.
 */
int generation_make(const char *dir);

/* Puts generation n in force. */
int generation_switch(const char *dir, int n);

int generation_remove(const char *dir, int n);

/*
 * Removes the pins in DIR/links whose names have the pattern, of all generations
 * but one (0: of all). The pattern has `numbers` times %d, 1 or 2, and the first
 * is the generation.
 */
int generation_unpin_links(const char *dir, const char *pattern, int numbers,
			   int but);

/* Removes all generations and the link DIR/current. */
int generation_remove_all(const char *dir);

#endif
