/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each generation pins the BTF of the build that made its maps, as a map of
 * one value. (The kernel keeps that BTF, too, but gives it only to processes
 * with CAP_SYS_ADMIN.)
 */
#ifndef SMTPXDP_LAYOUT_MAP_H
#define SMTPXDP_LAYOUT_MAP_H

#include "maps/layout.h"

/* The BTF of this build, to be freed by btf__free(); NULL: no memory. */
struct btf *layout_build_btf(void);

int layout_save(const char *dir, int generation, const struct btf *btf);

/* The BTF that a generation has pinned, to be freed likewise; NULL, errno. */
struct btf *layout_load(const char *dir, int generation);

/* 1: a generation's maps have this build's layouts. 0: they do not. -errno. */
int layout_is_ours(const char *dir, int generation);

/*
 * Reads the only value of an array, pinned by any build, and converts it to
 * this build's layout. -errno; -ENOENT: that build had no such map.
 */
int layout_read(const char *dir, int generation, const char *map, void *out);

#endif
