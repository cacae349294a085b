// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/counter_map.h"

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

/* An array with each CPU's value, to be freed; or NULL, and errno. */
static struct counter_value *read_all(const struct pins *p, __u32 key, int cpus)
{
	struct counter_value *values = calloc(cpus, sizeof(*values));

	if (values && bpf_map_lookup_elem(p->map[MAP_COUNTERS], &key, values)) {
		free(values);
		values = NULL;
	}
	return values;
}

int counter_read(const struct pins *p, enum counter c,
		 struct counter_value *sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter_value *values;

	*sum = (struct counter_value){};
	if (cpus < 0)
		return cpus;
	values = read_all(p, c, cpus);
	if (!values)
		return -errno;
	for (int i = 0; i < cpus; i++) {
		sum->packets += values[i].packets;
		sum->bytes += values[i].bytes;
	}
	free(values);
	return 0;
}

int counter_add(const struct pins *p, enum counter c, uint64_t n)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct counter_value *values;
	__u32 key = c;

	if (cpus < 0)
		return cpus;
	values = read_all(p, key, cpus);
	if (!values)
		return -errno;
	values[0].packets += n;
	if (bpf_map_update_elem(p->map[MAP_COUNTERS], &key, values, BPF_ANY))
		err = -errno;
	free(values);
	return err;
}
