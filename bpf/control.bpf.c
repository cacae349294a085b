// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What user space asks the kernel because only a program knows: jiffies. */
#include "maps.h"
#include "now.h"

static long go_on(void *map, const void *key, void *value, void *ctx)
{
	return 0;
}

/* How many entries: system calls would take one for each of them. */
SEC("syscall")
int fill(struct map_fill *f)
{
	f->clients = bpf_for_each_map_elem(&clients, go_on, NULL, 0);
	f->streams = bpf_for_each_map_elem(&streams, go_on, NULL, 0);
	f->history = bpf_for_each_map_elem(&history, go_on, NULL, 0);
	return 0;
}

SEC("syscall")
int clock(struct clock_pair *c)
{
	c->jiffies = now_jiffies();
	c->boot_ns = now_boot_ns();
	return 0;
}
