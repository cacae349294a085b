// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/socket_links.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "maps/generation.h"
#include "maps/pins.h"
#include "smtpxdp.skel.h"

/* Names of pins, by generation. */
#define ACCEPT "accept-%d"
#define CLOSE "close-%d"
#define DESTROY "destroy-%d"
#define TLS_DESTROY "tls-destroy-%d"

/* The path of a pin of this generation. */
static int path_of(const struct pins *p, const char *format, char *path,
		   size_t size)
{
	char name[64] = "links/";
	size_t n = strlen(name);

	snprintf(name + n, sizeof(name) - n, format, p->generation);
	return file_path(path, size, p->dir, name);
}

static int pin(const struct pins *p, int link, const char *format)
{
	char path[PATH_MAX];
	int err = path_of(p, format, path, sizeof(path));

	return err || !bpf_obj_pin(link, path) ? err : -errno;
}

/*
 * A link cannot be given another program, so both generations' programs are
 * attached for a moment. A socket that both see accepted gets the same mark
 * twice; what each counts it notes in maps streams and tls_dialogues, so that it
 * counts once.
 */
static int attach(const struct pins *p, const struct bpf_program *prog,
		  const char *format)
{
	struct bpf_link *link;
	int err;

	if (!bpf_program__autoload(prog))
		return generation_unpin_links(p->dir, format, 1, 0);
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	err = pin(p, bpf_link__fd(link), format);
	bpf_link__destroy(link); /* the pin keeps it */
	return err ? err :
		     generation_unpin_links(p->dir, format, 1, p->generation);
}

int accept_link_attach(const struct pins *p, const struct smtpxdp *skel)
{
	return attach(p, skel->progs.accepted, ACCEPT);
}

void accept_link_undo(const struct pins *p)
{
	char path[PATH_MAX];

	if (!path_of(p, ACCEPT, path, sizeof(path)))
		unlink(path);
}

int close_links_attach(const struct pins *p, const struct smtpxdp *skel)
{
	int err = attach(p, skel->progs.closed, CLOSE);

	if (!err)
		err = attach(p, skel->progs.destroyed, DESTROY);
	return err ? err : attach(p, skel->progs.tls_destroyed, TLS_DESTROY);
}

void socket_links_unpin(const char *dir)
{
	static const char *const formats[] = { ACCEPT, CLOSE, DESTROY,
					       TLS_DESTROY };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		generation_unpin_links(dir, formats[i], 1, 0);
}
