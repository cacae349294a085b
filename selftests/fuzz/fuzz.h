/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers share. A fuzzer is one file with
 *   fuzz(in)   tries one input; must() says what has to hold of it,
 *   seeds()    calls seed() with inputs to begin with, if strings do not do,
 * and in its first comment, for scripts/fuzz, the lines
 *   Fuzzes: the files whose lines it is to reach,
 *   Seeds: tests whose strings are inputs to begin with (may be missing).
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include <stdio_ext.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fixture.h"

/* The rest of an input. What is missing reads as zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static void fuzz(struct input *in);
static void seeds(void);

/*
 * Between these stand the readers to compare with: they are to follow what is
 * fuzzed, not to guide libFuzzer.
 */
/* clang-format off */
#define READER_BEGINS \
	_Pragma("clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)")
/* clang-format on */
#define READER_ENDS _Pragma("clang attribute pop")

/* libFuzzer keeps the input of a process that aborts. */
#define must(what)                                                             \
	((what) ? (void)0 : must_fail(__FILE__, __LINE__, __func__, #what))

static inline void must_fail(const char *file, int line, const char *function,
			     const char *what)
{
	fprintf(stderr, "%s:%d: %s: must be: %s\n", file, line, function, what);
	abort();
}

static inline void take(struct input *in, void *to, size_t n)
{
	size_t have = n < in->left ? n : in->left;

	memcpy(to, in->at, have);
	memset((char *)to + have, 0, n - have);
	in->at += have;
	in->left -= have;
}

static inline uint8_t take_byte(struct input *in)
{
	uint8_t byte;

	take(in, &byte, sizeof(byte));
	return byte;
}

/* The bytes up to the next zero, or all: a string, to be freed. */
static inline char *take_string(struct input *in)
{
	size_t n = strnlen((const char *)in->at, in->left);
	char *s = strndup((const char *)in->at, n);

	must(s);
	n += n < in->left;
	in->at += n;
	in->left -= n;
	return s;
}

/* Reads every byte, so that the sanitizer sees whether it may be read. */
static inline void touch(const void *data, size_t n)
{
	const volatile uint8_t *byte = data;

	while (n--)
		(void)byte[n];
}

/* A file in memory with the rest of the input; the same one each time. */
static inline const char *file_of(const struct input *in)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0));
	must(pwrite(fd, in->at, in->left, 0) == (ssize_t)in->left);
	return path;
}

/*
 * What takes long is done the first time, so that a finding can be tried again,
 * and every so often; always where FUZZ_ALL is set, as scripts/fuzz -c does.
 */
static inline bool now_and_then(unsigned int *count, unsigned int every)
{
	static int all = -1;

	if (all < 0)
		all = getenv("FUZZ_ALL") != NULL;
	return all || !((*count)++ % every);
}

static inline ssize_t stream_read(void *cookie, char *to, size_t n)
{
	struct input *in = cookie;

	n = n < in->left ? n : in->left;
	take(in, to, n);
	return n;
}

/* A stream of the rest of the input; the same one each time, not to be closed. */
static inline FILE *stream_of(const struct input *in)
{
	static struct input rest;
	static FILE *f;

	rest = *in;
	if (!f)
		f = fopencookie(&rest, "r",
				(cookie_io_functions_t){ .read = stream_read });
	must(f);
	__fpurge(f);
	clearerr(f);
	return f;
}

static const char *seeds_folder;

/* Writes an input to begin with. */
static inline void seed(const void *data, size_t n)
{
	static unsigned int count;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/made-%u", seeds_folder, count++);
	f = fopen(path, "w");
	must(f && fwrite(data, 1, n, f) == n && !fclose(f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	fuzz(&in);
	return 0;
}

/* "--seeds FOLDER": writes them there, and ends. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (*argc != 3 || strcmp((*argv)[1], "--seeds"))
		return 0;
	seeds_folder = (*argv)[2];
	seeds();
	exit(0);
}

#endif
