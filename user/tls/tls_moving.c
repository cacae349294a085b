// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_moving.h"

#include <stdio.h>
#include <unistd.h>

#include "tls/tls_places.h"

#define PATH_SIZE 32

static const char *path_of(const struct tls_file *f, char buf[static PATH_SIZE])
{
	snprintf(buf, PATH_SIZE, "/proc/self/fd/%d", f->fd);
	return buf;
}

/* Probes the functions behind, beside the exported ones. */
static int put_behind(struct tls_files *t, struct tls_file *f)
{
	struct tls_library lib;
	char path[PATH_SIZE];
	int err;

	tls_places_behind(&f->move.lib, &lib);
	err = tls_probes_put(&f->behind, t->skel, path_of(f, path), &lib,
			     f->cookie, tls_files_reads(t));
	if (!err)
		tls_files_pin_all(t, &f->behind);
	return err;
}

/* The last step: the exported functions' probes go. */
static void leave_exported(struct tls_files *t, struct tls_file *f)
{
	tls_files_end(t, &f->probes);
	f->probes = f->behind;
	f->behind.n = 0;
	f->move.way = TLS_WAY_BEHIND;
}

static void let_go(struct tls_file *f)
{
	close(f->fd);
	f->fd = -1;
}

/* Returns whether the library is probed in another way now. */
static bool move(struct tls_files *t, struct tls_file *f)
{
	enum tls_way before = f->move.way;
	char path[PATH_SIZE];

	if (before == TLS_WAY_SOON && !f->move.waits--) {
		tls_trial_begin(&f->move, t->skel, path_of(f, path));
	} else if (before == TLS_WAY_TRIAL) {
		tls_trial_judge(&f->move, t->skel);
		if (f->move.way == TLS_WAY_MOVING && put_behind(t, f))
			f->move.way = TLS_WAY_ENTRY;
	} else if (before == TLS_WAY_MOVING) {
		leave_exported(t, f);
	}
	if (f->fd >= 0 && f->move.way != TLS_WAY_SOON &&
	    f->move.way != TLS_WAY_TRIAL && f->move.way != TLS_WAY_MOVING)
		let_go(f);
	return f->move.way != before;
}

int tls_moving(struct tls_files *t)
{
	int n = 0;

	/* one at a time: each takes some tenths of a second */
	for (size_t i = 0; i < t->n && !n; i++)
		n = move(t, &t->list[i]);
	return n;
}
