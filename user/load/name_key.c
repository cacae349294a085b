// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/name_key.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "dialogue.h"

int name_key_ensure(const struct pins *p)
{
	static const struct name_key none;
	int map = p->map[MAP_NAME_KEY], err;
	struct name_key key;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(map, &zero, &key))
		return -errno;
	if (memcmp(&key, &none, sizeof(key)))
		return 0;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return -errno;
	err = bpf_map_update_elem(map, &zero, &key, BPF_ANY) ? -errno : 0;
	explicit_bzero(&key, sizeof(key));
	return err;
}
