/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files and folders: paths, locks, writing and removing. */
#ifndef SMTPXDP_FILE_H
#define SMTPXDP_FILE_H

#include <limits.h>
#include <stddef.h>

/* Writes "folder/name" into buf. 0, or -ENAMETOOLONG. */
int file_path(char *buf, size_t size, const char *folder, const char *name);

/*
 * Locks a folder by flock(2): `operation` is LOCK_EX or LOCK_SH, with LOCK_NB
 * not to wait. Returns an fd, which holds the lock until it is closed; or
 * -errno, which is -EWOULDBLOCK if another process holds it. After 10 s of
 * waiting warns who has the lock.
 */
int file_lock_folder(const char *folder, int operation);

/*
 * The same with a file, which is made if it is missing, for its owner only: who
 * can open a file or a folder can lock it. Who has the lock may remove the file.
 */
int file_lock(const char *path, int operation);

/*
 * Gives a file that root has made in another user's folder to that user, who
 * could not open it else. -errno.
 */
int file_own_as(int fd, const char *folder);

/* Removes a folder and the files in it. 0, or -errno. */
int file_remove_folder(const char *folder);

/*
 * An edit of a file, which others wait for. file_replace() writes a text beside
 * the file and renames it over it: readers see the old text or the new one,
 * whole; also if the edit is killed, whose files the next edit removes. Owner
 * and mode stay. All return -errno; -EINVAL for anything but a regular file,
 * for the renaming would replace a device or a folder by a file.
 */
struct file_edit {
	int fd;
	char path[PATH_MAX];
	char lock[PATH_MAX + 8];
	char next[PATH_MAX + 8];
};

int file_edit_begin(struct file_edit *e, const char *path);
int file_replace(const struct file_edit *e, const char *text);
void file_edit_end(struct file_edit *e);

#endif
