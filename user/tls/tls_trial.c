// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "smtpxdp.skel.h"
#include "sys/uprobe.h"
#include "tls.h"

/* Numbers of trials: of writes, and of reads two more; see TLS_TRIAL_TYPED. */
#define NUMBERS 4
#define READS 2

static bool is_read(enum tls_function f)
{
	return f == TLS_READ || f == TLS_READ_EX || f == TLS_READ_TYPED;
}

static int trials_of(const struct smtpxdp *skel)
{
	return bpf_map__fd(skel->maps.tls_trials);
}

static uint64_t number_of(const struct tls_move *m, enum tls_function f)
{
	return m->trial + (is_read(f) ? READS : 0);
}

/* The places of exported functions that hand their calls on. */
static void put_from(const struct tls_library *lib, enum tls_function f,
		     struct uprobe_target *to, uint64_t *offsets)
{
	unsigned int from = 0;

	for (size_t i = 0; i < lib->n_behind; i++)
		from |= lib->behind[i].from[f];
	to->offsets = offsets;
	to->n = 0;
	for (size_t i = 0; i < lib->n[f]; i++)
		if (from >> i & 1)
			offsets[to->n++] = lib->offset[f][i];
}

/* All of a program: at return, or at entry. */
static int put_exported(struct tls_move *m, const struct bpf_program *prog,
			const char *path, bool at_return)
{
	uint64_t offsets[TLS_OFFSETS_MAX];
	int err = 0;

	for (int f = 0; f < TLS_FUNCTIONS && !err; f++) {
		struct uprobe_target to = { .path = path,
					    .cookie = number_of(m, f),
					    .at_return = at_return };

		put_from(&m->lib, f, &to, offsets);
		err = tls_probes_add(&m->probes, prog, &to);
	}
	return err;
}

static int put_behind(struct tls_move *m, const struct smtpxdp *skel,
		      const char *path)
{
	int err = 0;

	for (size_t i = 0; i < m->lib.n_behind && !err; i++) {
		const struct tls_behind *b = &m->lib.behind[i];
		const struct uprobe_target to = {
			.path = path,
			.offsets = &b->offset,
			.n = 1,
			.cookie = number_of(m, b->function) |
				  (b->function == TLS_READ_TYPED ?
					   TLS_TRIAL_TYPED :
					   0),
		};

		err = tls_probes_add(&m->probes, skel->progs.tls_try_behind,
				     &to);
	}
	return err;
}

/* Is one of them tried? */
static bool has(const struct tls_library *lib, bool read)
{
	for (size_t i = 0; i < lib->n_behind; i++)
		if (is_read(lib->behind[i].function) == read)
			return true;
	return false;
}

/* Without the functions that are not probed. */
static void take_library(struct tls_library *to, const struct tls_library *lib,
			 bool reads)
{
	*to = *lib;
	to->n_behind = 0;
	for (size_t i = 0; i < lib->n_behind; i++)
		if (reads || !is_read(lib->behind[i].function))
			to->behind[to->n_behind++] = lib->behind[i];
}

static int make_row(const struct smtpxdp *skel, uint64_t number)
{
	static const struct tls_trial zero;

	return bpf_map_update_elem(trials_of(skel), &number, &zero,
				   BPF_NOEXIST) ?
		       -errno :
		       0;
}

void tls_trial_plan(struct tls_move *m, const struct tls_library *lib,
		    bool reads)
{
	take_library(&m->lib, lib, reads);
	m->probes.n = 0;
	m->waits = TLS_TRIAL_WAITS;
	m->way = m->lib.n_behind ? TLS_WAY_SOON : TLS_WAY_ENTRY;
}

int tls_trial_begin(struct tls_move *m, const struct smtpxdp *skel,
		    const char *path)
{
	static uint64_t last;
	int err;

	m->trial = last += NUMBERS;
	err = make_row(skel, m->trial);
	if (!err)
		err = make_row(skel, m->trial + READS);
	/* from the last that a call comes to on, as in tls_probes.c */
	if (!err)
		err = put_exported(m, skel->progs.tls_try_leave, path, true);
	if (!err)
		err = put_behind(m, skel, path);
	if (!err)
		err = put_exported(m, skel->progs.tls_try_enter, path, false);
	m->way = TLS_WAY_TRIAL;
	if (err)
		tls_trial_end(m, skel);
	return err;
}

/* 1: as often as wanted; 0: not yet; -1: not always. */
static int agrees(const struct tls_move *m, const struct smtpxdp *skel,
		  bool read)
{
	uint64_t number = m->trial + (read ? READS : 0);
	struct tls_trial t = {};

	if (bpf_map_lookup_elem(trials_of(skel), &number, &t))
		return 0;
	if (t.differed)
		return -1;
	return t.agreed >= TLS_TRIAL_CALLS || !has(&m->lib, read);
}

enum tls_way tls_trial_judge(struct tls_move *m, const struct smtpxdp *skel)
{
	int writes = agrees(m, skel, false), reads = agrees(m, skel, true);

	if (writes < 0 || reads < 0 || (writes && reads)) {
		tls_trial_end(m, skel);
		m->way = writes > 0 && reads > 0 ? TLS_WAY_MOVING :
						   TLS_WAY_DIFFERS;
	}
	return m->way;
}

void tls_trial_end(struct tls_move *m, const struct smtpxdp *skel)
{
	uint64_t reads = m->trial + READS;

	if (m->way != TLS_WAY_TRIAL)
		return;
	tls_probes_end(&m->probes);
	bpf_map_delete_elem(trials_of(skel), &m->trial);
	bpf_map_delete_elem(trials_of(skel), &reads);
	m->way = TLS_WAY_ENTRY;
}
