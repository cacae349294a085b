// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches one attack, until a line comes on stdin or it ends, and prints what
 * was seen as JSON, in the order of time:
 *
 *	watch IFACE ROUTER-NS ROUTER-IFACE CLIENT PORT CGROUP [PID]
 *
 * IFACE is the mail host's; the router's interface is the other end of its
 * link; PID is the daemon's.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch.h"
#include "watch.skel.h"

#define TCX_EGRESS 47 /* enum bpf_attach_type, which Debian 12 does not name */
#define FIRST (1U << 3) /* BPF_F_BEFORE: before all others */

static int failed(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	return -1;
}

static int attach_tcx(const struct bpf_program *prog, const char *iface,
		      uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int ifindex = if_nametoindex(iface);

	if (!ifindex || bpf_link_create(bpf_program__fd(prog), ifindex,
					TCX_EGRESS, &opts) < 0)
		return failed(iface);
	return 0;
}

static int attach_cgroup(const struct bpf_program *prog, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || bpf_link_create(bpf_program__fd(prog), fd,
				      BPF_CGROUP_INET_INGRESS, NULL) < 0)
		return failed(path);
	return 0;
}

static int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return failed(netns);
	close(fd);
	return 0;
}

static int attach(struct watch_bpf *w, char **argv)
{
	struct watch *s = &w->bss->watch_settings;
	struct stat ns;

	if (inet_pton(AF_INET, argv[4], &s->client) != 1 ||
	    stat("/proc/self/ns/pid", &ns))
		return failed(argv[4]);
	s->port = atoi(argv[5]);
	s->pidns_dev = ns.st_dev;
	s->pidns_ino = ns.st_ino;
	s->pid = argv[7] ? atoi(argv[7]) : 0;
	if (attach_tcx(w->progs.watch_failed, argv[1], FIRST) ||
	    attach_tcx(w->progs.watch_left, argv[1], 0) ||
	    attach_cgroup(w->progs.watch_delivered, argv[6]))
		return -1;
	if (s->pid &&
	    bpf_raw_tracepoint_open("sys_exit",
				    bpf_program__fd(w->progs.watch_woke)) < 0)
		return failed("sys_exit");
	return enter(argv[2]) ?: attach_tcx(w->progs.watch_sent, argv[3], 0);
}

static int print(void *ctx, void *data, size_t size)
{
	static const char *const names[] = { "sent", "delivered", "failed",
					     "left", "woke" };
	const struct record *r = data;

	printf("{\"ns\":%llu,\"sight\":\"%s\",\"port\":%u,\"seq\":%u,"
	       "\"flags\":%u,\"len\":%u}\n",
	       r->boot_ns, names[r->sight], r->port, r->seq, r->flags, r->len);
	return 0;
}

int main(int argc, char **argv)
{
	struct watch_bpf *w;
	struct ring_buffer *ring;
	char line[8];

	if (argc < 7 || argc > 8) {
		fprintf(stderr, "usage: watch IFACE ROUTER-NS ROUTER-IFACE "
				"CLIENT PORT CGROUP [PID]\n");
		return 2;
	}
	w = watch_bpf__open_and_load();
	if (!w)
		return failed("cannot load the programs") != 0;
	if (attach(w, argv))
		return 1;
	ring = ring_buffer__new(bpf_map__fd(w->maps.records), print, NULL,
				NULL);
	puts("ready");
	fflush(stdout);
	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		return 1;
	return !ring || ring_buffer__consume(ring) < 0 || fflush(stdout);
}
