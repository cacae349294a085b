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

#define NAME "close-%d"

int close_link_unpin(const char *dir, int but)
{
	return generation_unpin_links(dir, NAME, 1, but);
}

static int pin(const struct pins *p, int link)
{
	char name[64], path[PATH_MAX];
	int err;

	snprintf(name, sizeof(name), "links/" NAME, p->generation);
	err = file_path(path, sizeof(path), p->dir, name);
	return err || !bpf_obj_pin(link, path) ? err : -errno;
}

/*
 * The link cannot be given another program, so both generations' programs are
 * attached for a moment. The first one that sees a socket close marks that in
 * map streams, so that it counts once.
 */
int close_link_attach(const struct pins *p, const struct smtpxdp *skel)
{
	const struct bpf_program *prog = skel->progs.closed;
	struct bpf_link *link;
	int err;

	if (!bpf_program__autoload(prog))
		return close_link_unpin(p->dir, 0);
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	err = pin(p, bpf_link__fd(link));
	bpf_link__destroy(link); /* the pin keeps it */
	return err ? err : close_link_unpin(p->dir, p->generation);
}
