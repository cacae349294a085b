// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Follows typedefs and qualifiers to the type itself; changes *id to it. */
static const struct btf_type *resolve(const struct btf *btf, __u32 *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

__u32 layout_size(const struct btf *btf, __u32 type)
{
	__s64 size = type ? btf__resolve_size(btf, type) : 0;

	return size > 0 ? size : 0;
}

static const char *member_name(const struct btf *btf, const struct btf_type *t,
			       int i)
{
	return btf__name_by_offset(btf, btf_members(t)[i].name_off);
}

/*
 * Finds a member by its name; a nameless one, such as an inner union, by its
 * place. Its index, or -1.
 */
static int find_member(const struct btf *btf, const struct btf_type *t,
		       const char *name, int place)
{
	if (!*name)
		return place < btf_vlen(t) && !*member_name(btf, t, place) ?
			       place :
			       -1;
	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(member_name(btf, t, i), name))
			return i;
	return -1;
}

/*
 * Returns the type that a member of a map's definition points at: libbpf's
 * macro __type() declares pointers. 0: no such member.
 */
static __u32 pointed_at(const struct btf *btf, const struct btf_type *def,
			const char *member)
{
	int i = find_member(btf, def, member, 0);
	const struct btf_type *ptr;

	if (i < 0)
		return 0;
	ptr = btf__type_by_id(btf, btf_members(def)[i].type);
	return ptr && btf_is_ptr(ptr) ? ptr->type : 0;
}

static const struct btf_type *maps(const struct btf *btf)
{
	__s32 id = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

/* Returns the i-th variable that defines a map, or NULL. */
static const struct btf_type *definition(const struct btf *btf, int i)
{
	const struct btf_type *all = maps(btf);

	return all && i < btf_vlen(all) ?
		       btf__type_by_id(btf, btf_var_secinfos(all)[i].type) :
		       NULL;
}

const char *layout_map(const struct btf *btf, int i)
{
	const struct btf_type *var = definition(btf, i);

	return var ? btf__name_by_offset(btf, var->name_off) : NULL;
}

int layout_of(const struct btf *btf, const char *map, struct layout *l)
{
	const char *name;

	for (int i = 0; (name = layout_map(btf, i)); i++) {
		const struct btf_type *def = definition(btf, i);
		__u32 id = def->type;

		if (strcmp(name, map))
			continue;
		def = resolve(btf, &id);
		*l = (struct layout){ .btf = btf,
				      .key = pointed_at(btf, def, "key"),
				      .value = pointed_at(btf, def, "value") };
		return 0;
	}
	return -ENOENT;
}

static bool same_members(const struct btf *a, const struct btf_type *ta,
			 const struct btf *b, const struct btf_type *tb)
{
	if (btf_vlen(ta) != btf_vlen(tb))
		return false;
	for (int i = 0; i < btf_vlen(ta); i++) {
		const struct btf_member *ma = btf_members(ta) + i;
		const struct btf_member *mb = btf_members(tb) + i;

		if (ma->offset != mb->offset ||
		    strcmp(member_name(a, ta, i), member_name(b, tb, i)) ||
		    !layout_same(a, ma->type, b, mb->type))
			return false;
	}
	return true;
}

bool layout_same(const struct btf *a, __u32 ia, const struct btf *b, __u32 ib)
{
	const struct btf_type *ta = resolve(a, &ia), *tb = resolve(b, &ib);

	if (!ia || !ib)
		return ia == ib;
	if (btf_kind(ta) != btf_kind(tb))
		return false;
	if (btf_is_array(ta))
		return btf_array(ta)->nelems == btf_array(tb)->nelems &&
		       layout_same(a, btf_array(ta)->type, b,
				   btf_array(tb)->type);
	return ta->size == tb->size &&
	       (!btf_is_composite(ta) || same_members(a, ta, b, tb));
}

/* ---- one value */

static bool is_signed(const struct btf_type *t)
{
	return btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED;
}

static __u64 read_number(const struct btf_type *t, const void *in)
{
	__u64 n = 0;

	switch (t->size) {
	case 1:
		n = is_signed(t) ? (__u64) * (const __s8 *)in :
				   *(const __u8 *)in;
		break;
	case 2:
		n = is_signed(t) ? (__u64) * (const __s16 *)in :
				   *(const __u16 *)in;
		break;
	case 4:
		n = is_signed(t) ? (__u64) * (const __s32 *)in :
				   *(const __u32 *)in;
		break;
	case 8:
		memcpy(&n, in, 8);
	}
	return n;
}

static void convert_number(const struct btf_type *from, const void *in,
			   const struct btf_type *to, void *out)
{
	__u64 n = read_number(from, in);
	__u64 max = to->size < 8 ? (1ULL << (8 * to->size)) - 1 : ~0ULL;

	if (to->size > 8)
		return;
	if (!is_signed(from) && n > max)
		n = max;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	n <<= 64 - 8 * to->size;
#endif
	memcpy(out, &n, to->size);
}

static void convert_array(const struct btf *from, const struct btf_type *tf,
			  const void *in, const struct btf *to,
			  const struct btf_type *tt, void *out)
{
	const struct btf_array *af = btf_array(tf), *at = btf_array(tt);
	__u32 size_from = layout_size(from, af->type);
	__u32 size_to = layout_size(to, at->type);
	__u32 id = at->type;

	for (__u32 i = 0; i < af->nelems && i < at->nelems; i++)
		layout_convert(from, af->type,
			       (const char *)in + (size_t)i * size_from, to,
			       at->type, (char *)out + (size_t)i * size_to);
	if (at->nelems && at->nelems < af->nelems &&
	    !strcmp(btf__name_by_offset(to, resolve(to, &id)->name_off),
		    "char"))
		((char *)out)[at->nelems - 1] = '\0';
}

/* Reads bits `offset` to `offset` + `n`, in the order of C compilers. */
static __u64 read_bits(const void *in, __u32 offset, __u32 n)
{
	const __u8 *bytes = in;
	__u64 v = 0;

	for (__u32 i = 0; i < n; i++) {
		__u32 bit = offset + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		v |= (__u64)(bytes[bit / 8] >> bit % 8 & 1) << i;
#else
		v = v << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
#endif
	}
	return v;
}

static void write_bits(void *out, __u32 offset, __u32 n, __u64 v)
{
	__u8 *bytes = out;

	for (__u32 i = 0; i < n; i++) {
		__u32 bit = offset + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		bytes[bit / 8] |= (v >> i & 1) << bit % 8;
#else
		bytes[bit / 8] |= (v >> (n - 1 - i) & 1) << (7 - bit % 8);
#endif
	}
}

/* Converts where one side or both are bit fields. They are unsigned. */
static void convert_bits(const struct btf *from, const struct btf_type *tf,
			 int k, const void *in, const struct btf *to,
			 const struct btf_type *tt, int i, void *out)
{
	__u32 n = btf_member_bitfield_size(tf, k);
	__u32 room = btf_member_bitfield_size(tt, i);
	__u64 v;

	n = n ? n : 8 * layout_size(from, btf_members(tf)[k].type);
	room = room ? room : 8 * layout_size(to, btf_members(tt)[i].type);
	if (n > 64 || room > 64)
		return;
	v = read_bits(in, btf_member_bit_offset(tf, k), n);
	if (room < 64 && v >> room)
		v = (1ULL << room) - 1;
	write_bits(out, btf_member_bit_offset(tt, i), room, v);
}

static void convert_members(const struct btf *from, const struct btf_type *tf,
			    const void *in, const struct btf *to,
			    const struct btf_type *tt, void *out)
{
	for (int i = 0; i < btf_vlen(tt); i++) {
		int k = find_member(from, tf, member_name(to, tt, i), i);

		if (k < 0)
			continue;
		if (btf_member_bitfield_size(tf, k) ||
		    btf_member_bitfield_size(tt, i))
			convert_bits(from, tf, k, in, to, tt, i, out);
		else
			layout_convert(
				from, btf_members(tf)[k].type,
				(const char *)in +
					btf_member_bit_offset(tf, k) / 8,
				to, btf_members(tt)[i].type,
				(char *)out + btf_member_bit_offset(tt, i) / 8);
		if (btf_is_union(tt)) /* the other members are the same bytes */
			return;
	}
}

static bool is_number(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

void layout_convert(const struct btf *from, __u32 from_type, const void *in,
		    const struct btf *to, __u32 to_type, void *out)
{
	const struct btf_type *tf = resolve(from, &from_type);
	const struct btf_type *tt = resolve(to, &to_type);

	memset(out, 0, layout_size(to, to_type));
	if (is_number(tf) && is_number(tt))
		convert_number(tf, in, tt, out);
	else if (btf_is_array(tf) && btf_is_array(tt))
		convert_array(from, tf, in, to, tt, out);
	else if (btf_is_composite(tf) && btf_is_composite(tt))
		convert_members(from, tf, in, to, tt, out);
}

const char *layout_dropped(const struct btf *from, __u32 from_type,
			   const struct btf *to, __u32 to_type, char *buf,
			   size_t size)
{
	const struct btf_type *tf = resolve(from, &from_type);
	const struct btf_type *tt = resolve(to, &to_type);
	size_t n = 0;

	buf[0] = '\0';
	if (!btf_is_composite(tf) || !btf_is_composite(tt))
		return buf;
	for (int i = 0; i < btf_vlen(tf) && n < size; i++) {
		const char *name = member_name(from, tf, i);

		if (*name && strncmp(name, "pad", 3) &&
		    find_member(to, tt, name, i) < 0)
			n += snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
				      name);
	}
	return buf;
}
