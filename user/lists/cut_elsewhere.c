// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/cut_elsewhere.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include "sys/processes.h"

#define NS_MAX 256 /* of more, some keep their connections */

static bool is_listed(const ino_t *list, size_t n, ino_t ns)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == ns)
			return true;
	return false;
}

int cut_elsewhere(const struct pins *p, ends_fn ends, void *ctx,
		  struct net *list, size_t *n_list)
{
	ino_t own = process_ns(getpid(), "net"), ns[NS_MAX], found;
	__u32 pid, *prev = NULL;
	size_t n = 0;

	while (!bpf_map_get_next_key(p->map[MAP_MAIL_PROCS], prev, &pid)) {
		prev = &pid;
		found = process_ns(pid, "net");
		if (found && found != own && n < NS_MAX &&
		    !is_listed(ns, n, found))
			ns[n++] = found;
	}
	if (n)
		return sockets_elsewhere_end(ns, n, ends, ctx, list, n_list);
	*n_list = 0;
	return 0;
}
