// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/rcu.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tell/journal.h"

#define LONG_USEC 100000

/*
 * A change of a map in a map waits for the programs that may still use the one
 * before: maybe_wait_bpf_programs() in the kernel, since Linux 4.19.
 */
static int wait_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1, NULL);
	int outer = -1, err = inner < 0 ? -errno : 0;
	__u32 first = 0;

	if (!err) {
		opts.inner_map_fd = inner;
		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4,
				       4, 1, &opts);
		err = outer < 0 ? -errno : 0;
	}
	if (!err && bpf_map_update_elem(outer, &first, &inner, BPF_ANY))
		err = -errno;
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
	return err;
}

/* Kernels with CPUs without ticks (nohz_full) refuse membarrier(2) for all. */
void rcu_wait(void)
{
	int err;

	if (!syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return;
	err = wait_by_map();
	if (!err)
		return;
	journal_note(MESSAGE_FAULT,
		     "cannot ask the kernel when programs that run have ended: "
		     "%s; waiting for %d ms instead",
		     strerror(-err), LONG_USEC / 1000);
	usleep(LONG_USEC);
}
