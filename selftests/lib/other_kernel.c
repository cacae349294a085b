// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A kernel that refuses what this one takes: a library for LD_PRELOAD, so that
 * nothing of it is in what is shipped. Built with -DREFUSES=EXPRESSION, which
 * sees a system call's number nr and its arguments a[]; see other_kernel().
 * In the environment may be:
 *   REFUSED        the programs that named() knows
 *   REFUSED_ERRNO  instead of EINVAL
 *   VERDICT        the verifier's word on a program
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

__attribute__((unused)) static int named(const union bpf_attr *attr)
{
	char list[1024], *word, *rest = list;

	snprintf(list, sizeof(list), "%s", getenv("REFUSED"));
	while ((word = strsep(&rest, " ")))
		if (!strncmp(attr->prog_name, word, BPF_OBJ_NAME_LEN - 1))
			return 1;
	return 0;
}

static void write_log(const union bpf_attr *attr)
{
	if (attr->log_level && getenv("VERDICT"))
		snprintf((char *)attr->log_buf, attr->log_size,
			 "func#0 @0\n0: R1=ctx(off=0,imm=0)\n"
			 "1: (85) call bpf_skb_load_bytes#26\n"
			 "%s\nprocessed 9 insns (limit 1000000)\n",
			 getenv("VERDICT"));
}

long syscall(long nr, ...)
{
	static long (*next)(long, ...);
	const char *error = getenv("REFUSED_ERRNO");
	const union bpf_attr *attr;
	long a[6];
	va_list ap;

	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	attr = (const union bpf_attr *)a[1];
	if (!(REFUSES))
		return next(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_bpf && a[0] == BPF_PROG_LOAD)
		write_log(attr);
	errno = error ? atoi(error) : EINVAL;
	return -1;
}
