// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/close_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "maps/generation.h"
#include "maps/pins.h"
#include "smtpxdp.skel.h"

/* Names of pins, by generation. */
static const char *const names[] = { "close-%d", "destroy-%d",
				     "tls-destroy-%d" };

#define NAMES (sizeof(names) / sizeof(*names))

int close_link_unpin(const char *dir, int but)
{
	int err = 0;

	for (size_t i = 0; i < NAMES && !err; i++)
		err = generation_unpin_links(dir, names[i], 1, but);
	return err;
}

static int pin(const struct pins *p, int link, const char *name)
{
	char file[64], dir[PATH_MAX], path[PATH_MAX];
	int err = file_path(dir, sizeof(dir), p->dir, "links");

	snprintf(file, sizeof(file), name, p->generation);
	if (!err)
		err = file_path(path, sizeof(path), dir, file);
	return err || !bpf_obj_pin(link, path) ? err : -errno;
}

static int attach(const struct pins *p, const struct bpf_program *prog,
		  const char *name)
{
	struct bpf_link *link;
	int err;

	if (!bpf_program__autoload(prog))
		return 0;
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	err = pin(p, bpf_link__fd(link), name);
	bpf_link__destroy(link); /* the pin keeps it */
	return err;
}

/*
 * A link cannot be given another program, so both generations' programs are
 * attached for a moment. Each notes in maps streams and tls_dialogues what it
 * has counted, so that it counts once.
 */
int close_link_attach(const struct pins *p, const struct smtpxdp *skel)
{
	const struct bpf_program *const progs[NAMES] = {
		skel->progs.closed, skel->progs.destroyed,
		skel->progs.tls_destroyed
	};
	int err = 0;

	for (size_t i = 0; i < NAMES && !err; i++)
		err = attach(p, progs[i], names[i]);
	return err ? err : close_link_unpin(p->dir, p->generation);
}
