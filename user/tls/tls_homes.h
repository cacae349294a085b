/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Containers, as far as the TLS sensor has to do with them: mount namespaces
 * other than the daemon's, in which it has probed a file. A probe holds its
 * file system, so it has to go as soon as the last process there ends.
 *
 * One process of each is watched, by a pidfd; when it ends, another one is
 * looked for.
 */
#ifndef SMTPXDP_TLS_HOMES_H
#define SMTPXDP_TLS_HOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TLS_HOMES_MAX 256

struct tls_home {
	ino_t ns; /* inode of the mount namespace */
	int pidfd; /* of a process in it */
	pid_t late; /* by its root it is still to be looked at; or 0 */
};

struct tls_homes {
	int ended; /* epoll: readable when a process that is watched has ended */
	ino_t own; /* the daemon's mount namespace */
	struct tls_home list[TLS_HOMES_MAX];
	size_t n;
};

/* 0, or -errno. */
int tls_homes_open(struct tls_homes *h);

/* A process's mount namespace; 0: the daemon's own, or the process has ended. */
ino_t tls_home_of(const struct tls_homes *h, pid_t pid);

/* Watches the mount namespace of a process, if it is not yet. 0, or -errno. */
int tls_homes_add(struct tls_homes *h, ino_t ns, pid_t pid);

/* One that is watched, or NULL. */
struct tls_home *tls_homes_find(struct tls_homes *h, ino_t ns);

/* The next namespace whose last process has ended; 0: none. */
ino_t tls_homes_ended(struct tls_homes *h);

void tls_homes_close(struct tls_homes *h);

#endif
