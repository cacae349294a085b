/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts logins whose replies a client holds back, by a window that is shut, and
 * those that containers' servers took from who hung up early: runs overdue() and
 * ended() of bpf/close.bpf.c again and again.
 */
#ifndef SMTPXDP_OVERDUE_H
#define SMTPXDP_OVERDUE_H

#include <systemd/sd-event.h>

struct bpf_link;
struct smtpxdp;

struct overdue {
	struct bpf_link *held; /* overdue(); NULL: it is not there */
	struct bpf_link *ended; /* likewise */
};

/* Attaches the programs if they are loaded. -errno. */
int overdue_attach(struct overdue *o, const struct smtpxdp *skel);

/* Runs them from now on. -errno. */
int overdue_start(struct overdue *o, sd_event *e);

void overdue_free(struct overdue *o);

#endif
