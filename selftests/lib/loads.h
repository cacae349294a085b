/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verifier says of a program that it was asked for its statistics of. */
#ifndef SELFTESTS_LOADS_H
#define SELFTESTS_LOADS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define LOADS_STATS 4 /* a log level */
#define LOADS_LOG_SIZE (1 << 20)
#define LOADS_PROGS_MAX 40

/*
 * Instructions that a verifier may look at for one program: a tenth of what it
 * does look at, as one release and one compiler differ from the next.
 */
#define LOADS_INSNS_MAX 100000

static inline unsigned long loads_number(const char *log, const char *words)
{
	const char *at = strstr(log, words);

	return at ? strtoul(at + strlen(words), NULL, 10) : 0;
}

static inline unsigned long loads_insns(const char *log)
{
	return loads_number(log, "processed ");
}

#endif
