// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_serving.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sys/processes.h"
#include "sys/servers.h"

struct walk {
	struct server *list;
	int n;
	void (*fn)(pid_t pid, void *ctx);
	void *ctx;
};

static int visit(pid_t pid, void *ctx)
{
	const struct walk *w = ctx;
	ino_t ns = process_ns(pid, "net");

	for (int i = 0; i < w->n; i++)
		if (w->list[i].n_ports && w->list[i].netns == ns)
			w->fn(pid, w->ctx);
	return 0;
}

void tls_serving_each(const __u64 *ports, void (*fn)(pid_t pid, void *ctx),
		      void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };
	bool any = false;

	w.n = servers_list(&w.list);
	for (int i = 0; i < w.n; i++)
		if (!w.list[i].here && process_netns_is_ours(w.list[i].pid))
			any |= server_read_ports(&w.list[i], ports);
	if (any)
		processes_each(visit, &w);
	if (w.n >= 0)
		free(w.list);
}
