// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that user space runs by BPF_PROG_TEST_RUN for what system calls do
 * not tell, or only slowly: jiffies, and how full the maps are.
 */
#include "maps.h"
#include "now.h"

static long go_on(void *map, const void *key, void *value, void *ctx)
{
	return 0;
}

/* Counts the entries of LRU maps: user space needs a system call for each. */
SEC("syscall")
int fill(struct map_fill *f)
{
	f->clients = bpf_for_each_map_elem(&clients, go_on, NULL, 0);
	f->streams = bpf_for_each_map_elem(&streams, go_on, NULL, 0);
	f->history = bpf_for_each_map_elem(&history, go_on, NULL, 0);
	return 0;
}

/* Reads jiffies and CLOCK_BOOTTIME at one moment. */
SEC("syscall")
int clock(struct clock_pair *c)
{
	c->jiffies = now_jiffies();
	c->boot_ns = now_boot_ns();
	return 0;
}
