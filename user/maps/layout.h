/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layouts of maps, as a build's BTF has them. It is kept beside the maps,
 * so that another build can tell whether it reads their entries as they were
 * written, and if not, carry them field by field, by the fields' names: a
 * field that is new is zero, one that is gone is dropped. So whoever gives a
 * field another meaning or unit gives it another name. Pure.
 */
#ifndef SMTPXDP_LAYOUT_H
#define SMTPXDP_LAYOUT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct btf;

struct layout {
	const struct btf *btf;
	__u32 key; /* types; 0: the map has none (a ring buffer) */
	__u32 value;
};

/* Of the map of that name. -ENOENT if this build has none. */
int layout_of(const struct btf *btf, const char *map, struct layout *l);

/* The names of a build's maps: 0, 1, ... until it returns NULL. */
const char *layout_map(const struct btf *btf, int i);

/* The same names, types and places, all the way down? */
bool layout_same(const struct btf *a, __u32 type_a, const struct btf *b,
		 __u32 type_b);

__u32 layout_size(const struct btf *btf, __u32 type);

/*
 * One value from a type of one build into a type of another; `out` is filled
 * wholly. Numbers that do not fit become the largest that does; text is cut
 * and ends with a NUL.
 */
void layout_convert(const struct btf *from, __u32 from_type, const void *in,
		    const struct btf *to, __u32 to_type, void *out);

/* The fields that convert to nothing: "a, b", or "". */
const char *layout_dropped(const struct btf *from, __u32 from_type,
			   const struct btf *to, __u32 to_type, char *buf,
			   size_t size);

#endif
