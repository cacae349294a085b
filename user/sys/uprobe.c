// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/uprobe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MULTI_RETURN 1
#define PMU "/sys/bus/event_source/devices/uprobe/"

/* union bpf_attr.link_create with .uprobe_multi, kernel commit 89ae89f53d20. */
struct uprobe_multi_attr {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 link_flags;
	__aligned_u64 path;
	__aligned_u64 offsets;
	__aligned_u64 ref_ctr_offsets;
	__aligned_u64 cookies;
	__u32 cnt;
	__u32 flags;
	__u32 pid;
	__u32 pad;
};

static int attach_multi(int prog_fd, const struct uprobe_target *to)
{
	uint64_t cookies[UPROBE_PLACES_MAX];
	struct uprobe_multi_attr attr = {
		.prog_fd = prog_fd,
		.attach_type = UPROBE_MULTI,
		.path = (uintptr_t)to->path,
		.offsets = (uintptr_t)to->offsets,
		.cookies = (uintptr_t)cookies,
		.cnt = to->n,
		.flags = to->at_return ? MULTI_RETURN : 0,
	};
	int fd;

	if (to->n > UPROBE_PLACES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < to->n; i++)
		cookies[i] = to->cookie;
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/*
 * Tries it: attaches an empty program to the ELF header of this executable,
 * which is never executed.
 */
bool uprobe_multi_works(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const uint64_t elf_header = 0;
	static const struct uprobe_target here = { .path = "/proc/self/exe",
						   .offsets = &elf_header,
						   .n = 1 };
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = UPROBE_MULTI);
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", nothing, 2,
				 &opts);
	int link;

	if (prog < 0)
		return false;
	link = attach_multi(prog, &here);
	close(prog);
	if (link >= 0)
		close(link);
	return link >= 0;
}

/* Reads a number from sysfs, by a format of scanf(). */
static int read_number(const char *path, const char *format)
{
	FILE *f = fopen(path, "re");
	int n, got;

	if (!f)
		return -errno;
	got = fscanf(f, format, &n);
	fclose(f);
	return got == 1 ? n : -EIO;
}

/* The way before Linux 6.6: a perf event of the PMU "uprobe". */
static int attach_perf(int prog_fd, const struct uprobe_target *to, size_t i)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t)to->path,
		.probe_offset = to->offsets[i],
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .perf_event.bpf_cookie = to->cookie);
	int type = read_number(PMU "type", "%d");
	int bit = read_number(PMU "format/retprobe", "config:%d");
	int event, fd;

	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	attr.type = type;
	attr.config = to->at_return ? 1ULL << bit : 0;
	event = syscall(__NR_perf_event_open, &attr, -1, 0, -1,
			PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	fd = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, &opts);
	if (fd < 0)
		fd = -errno;
	close(event); /* the link keeps it open */
	return fd;
}

int uprobe_attach(int prog_fd, const struct uprobe_target *to, int *fds)
{
	int fd = attach_multi(prog_fd, to);

	if (fd >= 0) {
		fds[0] = fd;
		return 1;
	}
	for (size_t i = 0; i < to->n; i++) {
		fd = attach_perf(prog_fd, to, i);
		if (fd < 0) {
			while (i)
				close(fds[--i]);
			return fd;
		}
		fds[i] = fd;
	}
	return to->n;
}
