/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layouts of maps, as a build's BTF describes them. Another build can tell
 * from it whether it reads entries as they were written. If not, it converts
 * them field by field, by name: a new field is zero, an old one is dropped. So
 * a field that gets another meaning or unit must get another name. Pure.
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

/* Finds the layout of a map by name. -ENOENT if this build has no such map. */
int layout_of(const struct btf *btf, const char *map, struct layout *l);

/* The names of a build's maps by number, from 0. NULL: no such number. */
const char *layout_map(const struct btf *btf, int i);

/* Do two types have the same names, types and places, all the way down? */
bool layout_same(const struct btf *a, __u32 type_a, const struct btf *b,
		 __u32 type_b);

__u32 layout_size(const struct btf *btf, __u32 type);

/*
 * Converts a value from a type of one build to a type of another, and fills
 * `out` wholly. A number that does not fit becomes the largest that does; text
 * is cut and ends with a NUL.
 */
void layout_convert(const struct btf *from, __u32 from_type, const void *in,
		    const struct btf *to, __u32 to_type, void *out);

/* Lists the fields of from_type that to_type lacks: "a, b", or "". */
const char *layout_dropped(const struct btf *from, __u32 from_type,
			   const struct btf *to, __u32 to_type, char *buf,
			   size_t size);

#endif
