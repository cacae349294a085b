// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/libxdp.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#define LIBRARY "libxdp.so.1"

#define FUNCTIONS(X)                                                           \
	X(libxdp_get_error)                                                    \
	X(libxdp_set_print)                                                    \
	X(xdp_program__attach)                                                 \
	X(xdp_program__close)                                                  \
	X(xdp_program__create)                                                 \
	X(xdp_program__detach)                                                 \
	X(xdp_program__id)                                                     \
	X(xdp_program__set_chain_call_enabled)                                 \
	X(xdp_program__set_run_prio)                                           \
	X(xdp_multiprog__attach_mode)                                          \
	X(xdp_multiprog__close)                                                \
	X(xdp_multiprog__get_from_ifindex)                                     \
	X(xdp_multiprog__is_legacy)                                            \
	X(xdp_multiprog__next_prog)

static struct {
#define FIELD(function) typeof(&(function)) function;
	FUNCTIONS(FIELD)
} lib;

/* libxdp's last word. */
static char words[256];

static int keep_words(enum libxdp_print_level level, const char *fmt,
		      va_list ap)
{
	if (level == LIBXDP_DEBUG)
		return 0;
	vsnprintf(words, sizeof(words), fmt, ap);
	words[strcspn(words, "\n")] = '\0';
	return 0;
}

static int open_library(char *why, size_t size)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW);
	bool all = handle;

#define FIND(function)                                                         \
	all = all && (lib.function = dlsym(handle, #function)) != NULL;
	FUNCTIONS(FIND)
	*words = '\0';
	if (all) {
		libbpf_set_print(NULL); /* libxdp says all that matters */
		lib.libxdp_set_print(keep_words);
		return 0;
	}
	snprintf(why, size,
		 "%s, which knows the dispatcher, %s: install the package "
		 "libxdp1",
		 LIBRARY, handle ? "is too old" : "is not here");
	return -ELIBACC;
}

static int failed(const char *what, int err, char *why, size_t size)
{
	snprintf(why, size, "cannot %s libxdp's dispatcher: %s%s%s", what,
		 strerror(-err), *words ? ": " : "", words);
	return err;
}

/* Opens the library, and the dispatcher. */
static int open_dispatcher(__u32 ifindex, struct xdp_multiprog **all, char *why,
			   size_t size)
{
	int err = open_library(why, size);

	if (err)
		return err;
	*all = lib.xdp_multiprog__get_from_ifindex(ifindex);
	if (!*all || lib.libxdp_get_error(*all)) {
		failed("read", -ENOENT, why, size);
		return -EBUSY;
	}
	if (!lib.xdp_multiprog__is_legacy(*all))
		return 0;
	failed("read", -EPROTO, why, size);
	lib.xdp_multiprog__close(*all);
	return -EBUSY;
}

static int add(struct xdp_program *p, __u32 ifindex, unsigned int priority,
	       enum xdp_attach_mode mode)
{
	int err = lib.xdp_program__set_run_prio(p, priority);

	if (!err)
		err = lib.xdp_program__set_chain_call_enabled(p, XDP_PASS,
							      true);
	return err ? err : lib.xdp_program__attach(p, ifindex, mode, 0);
}

int libxdp_add(__u32 ifindex, struct bpf_object *obj, const char *prog,
	       unsigned int priority, char *why, size_t size)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = obj,
			    .prog_name = prog);
	struct xdp_multiprog *all;
	enum xdp_attach_mode mode;
	struct xdp_program *p;
	int err = open_dispatcher(ifindex, &all, why, size);

	if (err)
		return err;
	mode = lib.xdp_multiprog__attach_mode(all);
	lib.xdp_multiprog__close(all);
	p = lib.xdp_program__create(&opts);
	err = p ? lib.libxdp_get_error(p) : -errno;
	if (!err) {
		err = add(p, ifindex, priority, mode);
		lib.xdp_program__close(p);
	}
	return err ? failed("add to", err, why, size) : 0;
}

int libxdp_remove(__u32 ifindex, __u32 id, char *why, size_t size)
{
	struct xdp_program *p = NULL;
	struct xdp_multiprog *all;
	int err = open_dispatcher(ifindex, &all, why, size);

	if (err)
		return err;
	while ((p = lib.xdp_multiprog__next_prog(p, all)) &&
	       lib.xdp_program__id(p) != id)
		;
	if (p)
		err = lib.xdp_program__detach(
			p, ifindex, lib.xdp_multiprog__attach_mode(all), 0);
	lib.xdp_multiprog__close(all);
	return err ? failed("take ours out of", err, why, size) : 0;
}
