// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "maps/generation.h"
#include "smtpxdp.skel.h"
#include "sys/child.h"
#include "sys/confine.h"
#include "sys/uprobe.h"

#define PROBES_WRITE 7 /* without the last six, which are for reading */
#define PIN_NAME "tls-%d-%d"

struct probe {
	const struct bpf_program *prog;
	enum tls_function function;
	bool at_return;
};

int tls_probes_add(struct tls_probes *p, const struct bpf_program *prog,
		   const struct uprobe_target *to)
{
	int n;

	if (!to->n || !bpf_program__autoload(prog))
		return 0;
	n = uprobe_attach(bpf_program__fd(prog), to, p->links + p->n);
	if (n < 0)
		return n;
	p->n += n;
	return 0;
}

/*
 * Returns are probed before entries: if a call were seen to begin but not to
 * end, the next send of its thread would be taken for its own.
 */
int tls_probes_put(struct tls_probes *p, const struct smtpxdp *skel,
		   const char *path, const struct tls_library *lib,
		   uint64_t cookie, bool reads)
{
	const struct probe probes[TLS_PROBES] = {
		{ skel->progs.tls_leave, TLS_WRITE, true },
		{ skel->progs.tls_leave_ex, TLS_WRITE_EX, true },
		{ skel->progs.tls_leave_ex, TLS_WRITE_EX2, true },
		{ skel->progs.tls_free, TLS_FREE, false },
		{ skel->progs.tls_enter, TLS_WRITE, false },
		{ skel->progs.tls_enter_ex, TLS_WRITE_EX, false },
		{ skel->progs.tls_enter_ex2, TLS_WRITE_EX2, false },
		{ skel->progs.tls_read_leave, TLS_READ, true },
		{ skel->progs.tls_read_leave_ex, TLS_READ_EX, true },
		{ skel->progs.tls_read_leave, TLS_READ_TYPED, true },
		{ skel->progs.tls_read_enter, TLS_READ, false },
		{ skel->progs.tls_read_enter_ex, TLS_READ_EX, false },
		{ skel->progs.tls_typed_enter, TLS_READ_TYPED, false },
	};
	int n = reads ? TLS_PROBES : PROBES_WRITE, err = 0;

	p->n = 0;
	for (int i = 0; i < n && !err; i++) {
		enum tls_function f = probes[i].function;

		err = tls_probes_add(p, probes[i].prog,
				     &(struct uprobe_target){
					     .path = path,
					     .offsets = lib->offset[f],
					     .n = lib->n[f],
					     .cookie = cookie,
					     .at_return = probes[i].at_return,
				     });
	}
	if (err)
		tls_probes_close(p);
	return err;
}

/* In reverse order, so entries first, for the same reason. */
void tls_probes_close(struct tls_probes *p)
{
	while (p->n)
		close(p->links[--p->n]);
}

/* Until the parent has closed its links: then the child's are the last. */
static _Noreturn void close_behind(struct tls_probes *p, int pipe_fd)
{
	char c;

	if (!confine_named(pipe_fd))
		while (read(pipe_fd, &c, 1) < 0 && errno == EINTR)
			;
	tls_probes_close(p);
	_exit(0);
}

void tls_probes_end(struct tls_probes *p)
{
	int pipe_fd[2], pid = -1;

	if (!pipe2(pipe_fd, O_CLOEXEC))
		pid = child_fork((int[]){ pipe_fd[1], pipe_fd[0] });
	if (!pid)
		close_behind(p, pipe_fd[0]);
	tls_probes_close(p);
	if (pid > 0)
		close(pipe_fd[1]);
}

static int pin_path(char path[static PATH_MAX], const char *dir, int generation,
		    int number)
{
	char name[64];

	snprintf(name, sizeof(name), "links/" PIN_NAME, generation, number);
	return file_path(path, PATH_MAX, dir, name);
}

int tls_pin(const char *dir, int generation, int link)
{
	static int last;
	char path[PATH_MAX];
	int err = pin_path(path, dir, generation, ++last);

	if (!err && bpf_obj_pin(link, path))
		err = -errno;
	return err ? err : last;
}

int tls_unpin_one(const char *dir, int generation, int number)
{
	char path[PATH_MAX];
	int err = pin_path(path, dir, generation, number);

	return err || !unlink(path) ? err : -errno;
}

int tls_unpin(const char *dir, int but)
{
	return generation_unpin_links(dir, PIN_NAME, 2, but);
}
