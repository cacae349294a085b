// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "uprobe.h"

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

static int attach_multi(int prog_fd, const char *path, const uint64_t *offsets,
			size_t n, bool at_return)
{
	struct uprobe_multi_attr attr = {
		.prog_fd = prog_fd,
		.attach_type = UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cnt = n,
		.flags = at_return ? MULTI_RETURN : 0,
	};
	int fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* By doing it: an empty program, on a place of ours that nobody executes. */
bool uprobe_multi_works(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const uint64_t elf_header = 0;
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = UPROBE_MULTI);
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", nothing, 2,
				 &opts);
	int link;

	if (prog < 0)
		return false;
	link = attach_multi(prog, "/proc/self/exe", &elf_header, 1, false);
	close(prog);
	if (link >= 0)
		close(link);
	return link >= 0;
}

/* A number out of sysfs; `format` is how it stands there. */
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

/* The way of before Linux 6.6: a perf event of the PMU uprobe. */
static int attach_perf(int prog_fd, const char *path, uint64_t offset,
		       bool at_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t)path,
		.probe_offset = offset,
	};
	int type = read_number(PMU "type", "%d");
	int bit = read_number(PMU "format/retprobe", "config:%d");
	int event, fd;

	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	attr.type = type;
	attr.config = at_return ? 1ULL << bit : 0;
	event = syscall(__NR_perf_event_open, &attr, -1, 0, -1,
			PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	fd = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, NULL);
	if (fd < 0)
		fd = -errno;
	close(event); /* the link holds it */
	return fd;
}

int uprobe_attach(int prog_fd, const char *path, const uint64_t *offsets,
		  size_t n, bool at_return, int *fds)
{
	int fd = attach_multi(prog_fd, path, offsets, n, at_return);

	if (fd >= 0) {
		fds[0] = fd;
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		fd = attach_perf(prog_fd, path, offsets[i], at_return);
		if (fd < 0) {
			while (i)
				close(fds[--i]);
			return fd;
		}
		fds[i] = fd;
	}
	return n;
}
