// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Banned sources, as lists for the peers' own tools, or written into a pinned
 * hash (a key per address, counters 0) where a tool takes one address a call.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sources.h"

#define BATCH 4096

static int usage(void)
{
	fprintf(stderr, "usage: sources list 4|6 COUNT [BEFORE [AFTER]]\n"
			"       sources fill 4|6 COUNT PINNED-MAP\n");
	return 2;
}

static void address(bool v6, uint32_t i, __be32 a[4])
{
	if (v6)
		source_v6(i, a);
	else
		a[0] = source_v4(i);
}

static int list(bool v6, uint32_t n, const char *before, const char *after)
{
	char text[INET6_ADDRSTRLEN];
	__be32 a[4];

	for (uint32_t i = 0; i < n; i++) {
		address(v6, i, a);
		inet_ntop(v6 ? AF_INET6 : AF_INET, a, text, sizeof(text));
		printf("%s%s%s\n", before, text, after);
	}
	return fflush(stdout) || ferror(stdout);
}

static int fill(bool v6, uint32_t n, const char *path)
{
	size_t key_size = v6 ? 16 : 4;
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path), err = 0;
	int cpus = libbpf_num_possible_cpus();
	uint64_t *value;
	uint8_t key[16];

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.key_size != key_size || info.value_size != sizeof(*value) ||
	    cpus < 1) {
		fprintf(stderr, "sources: %s: no such map\n", path);
		return 1;
	}
	/*
	 * A per-CPU map wants a value for each. xdp-filter keeps flags in the
	 * lowest bits, of which the first is "as source".
	 */
	value = malloc(cpus * sizeof(*value));
	for (int i = 0; i < cpus; i++)
		value[i] = 1;
	for (uint32_t i = 0; i < n && !err; i++) {
		address(v6, i, (void *)key);
		err = bpf_map_update_elem(fd, key, value, BPF_ANY);
	}
	if (err)
		fprintf(stderr, "sources: %s: %s\n", path, strerror(errno));
	free(value);
	return err != 0;
}

int main(int argc, char **argv)
{
	bool v6 = argc > 2 && !strcmp(argv[2], "6");
	uint32_t n = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;

	if (argc < 4 || n > SOURCES / 2)
		return usage();
	if (!strcmp(argv[1], "list") && argc <= 6)
		return list(v6, n, argc > 4 ? argv[4] : "",
			    argc > 5 ? argv[5] : "");
	if (!strcmp(argv[1], "fill") && argc == 5)
		return fill(v6, n, argv[4]);
	return usage();
}
