// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_serving.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/proc_maps.h"
#include "sys/processes.h"

#define SEEN_MAX 256 /* namespaces; of more, the first session may be missed */
#define LINE_SIZE 512
#define TCP_LISTEN 10

struct seen {
	ino_t ns;
	bool serves;
};

struct walk {
	const __u64 *ports;
	void (*fn)(pid_t pid, void *ctx);
	void *ctx;
	ino_t own;
	struct seen seen[SEEN_MAX];
	size_t n;
};

/* Does a line of /proc/PID/net/tcp or tcp6 say so? */
static bool listens(const char *line, const __u64 *ports)
{
	unsigned int port, state;

	return sscanf(line, " %*u: %*[0-9A-F]:%4x %*[0-9A-F]:%*x %2x", &port,
		      &state) == 2 &&
	       state == TCP_LISTEN && ports[port / 64] >> port % 64 & 1;
}

static bool is_served(pid_t pid, const char *table, const __u64 *ports)
{
	char path[64], line[LINE_SIZE];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, table);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && mapping_line(f, line, sizeof(line)))
		found = listens(line, ports);
	fclose(f);
	return found;
}

static bool serves(struct walk *w, pid_t pid, ino_t ns)
{
	struct seen *s = w->seen;

	for (size_t i = 0; i < w->n; i++)
		if (w->seen[i].ns == ns)
			return w->seen[i].serves;
	if (w->n == SEEN_MAX)
		return false;
	s += w->n++;
	s->ns = ns;
	s->serves = is_served(pid, "tcp", w->ports) ||
		    is_served(pid, "tcp6", w->ports);
	return s->serves;
}

static int visit(pid_t pid, void *ctx)
{
	struct walk *w = ctx;
	ino_t ns = process_ns(pid, "net");

	if (ns && ns != w->own && serves(w, pid, ns))
		w->fn(pid, w->ctx);
	return 0;
}

void tls_serving_each(const __u64 *ports, void (*fn)(pid_t pid, void *ctx),
		      void *ctx)
{
	struct walk w = {
		.ports = ports,
		.fn = fn,
		.ctx = ctx,
		.own = process_ns(getpid(), "net"),
	};

	processes_each(visit, &w);
}
