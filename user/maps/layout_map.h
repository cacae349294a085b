/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BTF of the build whose maps a generation has, pinned beside them: the
 * kernel has it too, but gives it only to who has CAP_SYS_ADMIN.
 */
#ifndef SMTPXDP_LAYOUT_MAP_H
#define SMTPXDP_LAYOUT_MAP_H

#include "maps/layout.h"

int layout_save(const char *dir, int generation, const struct btf *btf);

/* NULL, and errno. */
struct btf *layout_load(const char *dir, int generation);

/* Are the maps of a generation as this build would make them? -errno. */
int layout_is_ours(const char *dir, int generation);

/*
 * The only value of an array, as this build has it, whichever build it was
 * that pinned it. -errno; -ENOENT if that one had no such map.
 */
int layout_read(const char *dir, int generation, const char *map, void *out);

#endif
