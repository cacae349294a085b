// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "counter_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

const char *const counter_names[COUNTERS_MAX] = {
#define X(id, name, sentence) [COUNTER_##id] = name,
	COUNTERS(X)
#undef X
};

const char *const counter_sentences[COUNTERS_MAX] = {
#define X(id, name, sentence) [COUNTER_##id] = sentence,
	COUNTERS(X)
#undef X
};

int counter_read(const struct pins *p, enum counter c,
		 struct counter_value *sum)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct counter_value *values;
	__u32 key = c;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(p->map[MAP_COUNTERS], &key, values))
		err = -errno;
	*sum = (struct counter_value){};
	for (int i = 0; i < cpus && !err; i++) {
		sum->packets += values[i].packets;
		sum->bytes += values[i].bytes;
	}
	free(values);
	return err;
}
