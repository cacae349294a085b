/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, programs and links in bpffs, and two locks. A daemon holds the lock
 * of the folder as long as it lives. A process that changes settings or lists
 * holds the lock of the subfolder "links" meanwhile: the writers' lock.
 */
#ifndef SMTPXDP_PINS_H
#define SMTPXDP_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/changes.h"
#include "maps/ban_map.h"
#include "maps/pin_names.h"

#define PINS_DEFAULT_DIR "/sys/fs/bpf/smtpxdp"

struct activity;
struct bpf_object;
struct settings_slots;

struct pins {
	const char *dir;
	int generation; /* number of the generation that is open */
	int map[MAPS_MAX]; /* fds, or -1: see names.h */
	int prog[PROGS_MAX]; /* likewise */
	struct settings_slots *slots; /* map settings, mapped */
	struct activity *activity; /* map activity, mapped */
	struct changes changes; /* of the lists, to be saved: see state.h */
	struct ban_map bans; /* maps bans and ban_infos, mapped */
};

/*
 * Makes dir and dir/links; mounts bpffs at /sys/fs/bpf if it is missing.
 * Complains; -EXDEV if somebody else can write there.
 */
int pins_make_dir(const char *dir);

/*
 * Removes dir and every pin below it, of any version: links, which detaches
 * their programs, and all generations. -errno.
 */
int pins_remove_dir(const char *dir);

/*
 * Opens the generation in force. On an error complains by fail() and returns
 * -errno: -ENOENT if nothing is loaded below dir, -EPROTO if the maps are
 * another version's, -EXDEV if somebody else can write to the folder.
 */
int pins_open(struct pins *p, const char *dir);
/* Does the same silently, and opens another version's maps, too. */
int pins_try_open(struct pins *p, const char *dir);
/*
 * Takes the writers' lock and opens: returns the lock's fd, or -errno. In the
 * other order, a command might write into maps that a starting daemon has
 * replaced.
 */
int pins_open_locked(struct pins *p, const char *dir);
/* Opens a generation that may not be in force; complains. */
int pins_open_generation(struct pins *p, const char *dir, int generation);
bool pins_exist(const char *dir);

/* Takes the maps and programs of a loaded object that is not pinned. -errno. */
int pins_of(struct pins *p, const struct bpf_object *obj);
void pins_close(struct pins *p);

/*
 * Takes the daemon's lock: returns its fd, or -EWOULDBLOCK if another daemon
 * has it.
 */
int pins_lock_daemon(const char *dir);
bool pins_daemon_alive(const char *dir);

/*
 * Take the writers' lock: return its fd, for pins_unlock(), or -errno. The
 * first one waits, the other returns -EWOULDBLOCK.
 */
int pins_lock_writer(const char *dir);
int pins_try_lock_writer(const char *dir);
void pins_unlock(int fd);

#endif
