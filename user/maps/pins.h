/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pins: where the maps, programs and links live in bpffs, and the
 * two locks. A daemon holds the folder's lock as long as it lives; whoever
 * changes settings or lists holds the lock of its subfolder "links" meanwhile.
 */
#ifndef SMTPXDP_PINS_H
#define SMTPXDP_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/changes.h"
#include "maps/ban_map.h"
#include "maps/names.h"

#define PINS_DEFAULT_DIR "/sys/fs/bpf/smtpxdp"

struct activity;
struct bpf_object;
struct settings_slots;

struct pins {
	const char *dir;
	int generation; /* whose maps and programs these are */
	int map[MAPS_MAX]; /* fds, or -1: see above */
	int prog[PROGS_MAX]; /* or -1: see above */
	struct settings_slots *slots; /* map settings, shared */
	struct activity *activity; /* map activity, shared */
	struct changes changes; /* of the lists, to be saved: see state.h */
	struct ban_map bans; /* maps bans and ban_infos, likewise */
};

/* Makes DIR and DIR/links; mounts bpffs at /sys/fs/bpf where it is missing. */
int pins_make_dir(const char *dir);

/*
 * Removes dir and every pin below it: the links, which detaches their
 * programs, and all generations, though another version's. -errno.
 */
int pins_remove_dir(const char *dir);

/*
 * Opens what is pinned below dir. On an error complains by fail() itself and
 * returns -errno: -ENOENT if nothing is loaded there, -EPROTO if maps are of
 * another version.
 */
int pins_open(struct pins *p, const char *dir);
/* The same without a word, and though they may be another version's. */
int pins_try_open(struct pins *p, const char *dir);
/*
 * The same with the writers' lock: an fd. A command that takes it later might
 * write into maps which a daemon that starts has replaced meanwhile.
 */
int pins_open_locked(struct pins *p, const char *dir);
/* The same of a generation that is not in force, or not yet. */
int pins_open_generation(struct pins *p, const char *dir, int generation);
bool pins_exist(const char *dir);

/* The maps and programs of a loaded object that is pinned nowhere. -errno. */
int pins_of(struct pins *p, const struct bpf_object *obj);
void pins_close(struct pins *p);

/* The daemon's lock: an fd to keep open, or -EWOULDBLOCK if it is taken. */
int pins_lock_daemon(const char *dir);
bool pins_daemon_alive(const char *dir);

/* The writers' lock: an fd, to be closed by pins_unlock(). The first waits. */
int pins_lock_writer(const char *dir);
int pins_try_lock_writer(const char *dir);
void pins_unlock(int fd);

#endif
