// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/owner_names.h"

#include <bpf/bpf.h>
#include <stdio.h>

/* Without a name, a ban holds as well: an error is none. */
void owner_name_put(struct pins *p, __u32 owner, const char *name)
{
	struct owner_name value = {};

	snprintf(value.text, sizeof(value.text), "%s", name);
	bpf_map_update_elem(p->map[MAP_OWNER_NAMES], &owner, &value, BPF_ANY);
}

bool owner_name_get(const struct pins *p, __u32 owner, struct owner_name *name)
{
	if (!owner ||
	    bpf_map_lookup_elem(p->map[MAP_OWNER_NAMES], &owner, name))
		return false;
	name->text[sizeof(name->text) - 1] = '\0';
	return true;
}
