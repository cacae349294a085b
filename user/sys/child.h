/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Children of the daemon that do what it must not do itself. */
#ifndef SMTPXDP_CHILD_H
#define SMTPXDP_CHILD_H

/*
 * Forks a child at the other end of a pipe or a pair of sockets: its end is
 * ends[1], ends[0] is the parent's. Nobody waits for it (one that hangs in the
 * kernel hangs, dead or not): its end of the pipe tells of its end. 0 in the
 * child, its pid in the parent, which has ends[0] alone then, or -errno: then
 * both ends are closed.
 */
int child_fork(const int ends[2]);

#endif
