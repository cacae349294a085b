// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/output.h"

#define FILE_MODE 0644
/* Who waits longer for a lock says so. */
#define PATIENCE_SEC 10

int file_path(char *buf, size_t size, const char *folder, const char *name)
{
	int n = snprintf(buf, size, "%s/%s", folder, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The process that holds the lock of a file; 0: unknown. */
static int lock_holder(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256], where[64];
	int holder = 0, pid;
	struct stat st;

	if (!locks)
		return 0;
	if (!fstat(fd, &st))
		snprintf(where, sizeof(where), "%02x:%02x:%lu ",
			 major(st.st_dev), minor(st.st_dev),
			 (unsigned long)st.st_ino);
	else
		*where = '\0';
	/* "3: FLOCK  ADVISORY  WRITE 1234 00:2f:1337 0 EOF"; "->" waits */
	while (*where && !holder && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*s FLOCK %*s %*s %d", &pid) == 1 &&
		    strstr(line, where))
			holder = pid;
	fclose(locks);
	return holder;
}

static void tell_waiting(const char *path, int fd)
{
	int pid = lock_holder(fd);
	char comm[32] = "", name[64];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/comm", pid);
	f = pid ? fopen(name, "re") : NULL;
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	if (pid)
		warn("waiting for the lock of %s, which process %d (%s) has",
		     path, pid,
		     printable(comm, strlen(comm), name, sizeof(name)));
	else
		warn("waiting for the lock of %s, which another process has",
		     path);
}

static void interrupt(int signal)
{
}

/*
 * Makes this thread's system calls fail with EINTR from then on, every second:
 * the first signal may come before the call.
 */
static int interrupt_after(unsigned int sec, timer_t *timer)
{
	struct sigevent to = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = SIGRTMIN };
	const struct itimerspec when = { .it_value.tv_sec = sec,
					 .it_interval.tv_sec = 1 };

	to._sigev_un._tid = gettid();
	if (sigaction(SIGRTMIN, &(struct sigaction){ .sa_handler = interrupt },
		      NULL) ||
	    timer_create(CLOCK_MONOTONIC, &to, timer))
		return -errno;
	if (!timer_settime(*timer, 0, &when, NULL))
		return 0;
	timer_delete(*timer);
	return -errno;
}

/* Nobody waits for long without saying for whom. */
static int lock_patiently(const char *path, int fd, int operation)
{
	timer_t timer;
	int err;

	if (!flock(fd, operation | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK || operation & LOCK_NB)
		return -errno;
	if (!interrupt_after(PATIENCE_SEC, &timer)) {
		err = flock(fd, operation) ? -errno : 0;
		timer_delete(timer);
		if (err != -EINTR)
			return err;
		tell_waiting(path, fd);
	}
	while (flock(fd, operation))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int lock(const char *path, int flags, int operation)
{
	int fd = open(path, flags | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return -errno;
	err = lock_patiently(path, fd, operation);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int file_lock_folder(const char *folder, int operation)
{
	return lock(folder, O_RDONLY | O_DIRECTORY, operation);
}

int file_own_as(int fd, const char *folder)
{
	struct stat st, to;

	if (fstat(fd, &st) || stat(folder, &to))
		return -errno;
	/* by hard links, the folder's owner might have others' files there */
	if (geteuid() || st.st_uid || !to.st_uid || st.st_nlink != 1)
		return 0;
	return fchown(fd, to.st_uid, to.st_gid) ? -errno : 0;
}

/* Who had the lock may have removed the file: then it locks nothing any more. */
int file_lock(const char *path, int operation)
{
	struct stat st;
	int fd;

	for (;;) {
		fd = lock(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
			  operation);
		if (fd < 0 || fstat(fd, &st) || st.st_nlink)
			return fd;
		close(fd);
	}
}

int file_remove_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	int err = 0;

	if (!d)
		return -errno;
	while ((entry = readdir(d)))
		if (*entry->d_name != '.' &&
		    unlinkat(dirfd(d), entry->d_name, 0))
			err = -errno;
	closedir(d);
	if (!err && rmdir(folder))
		err = -errno;
	return err;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0)
			return -errno;
		text += n;
		left -= n;
	}
	return fsync(fd) ? -errno : 0;
}

/*
 * The file itself is replaced, and its folder can be locked by everybody who can
 * read it: so the lock is a file of its own for as long as the edit takes. The
 * new file has a fixed name, so that what an edit left that was killed is found.
 */
int file_edit_begin(struct file_edit *e, const char *path)
{
	struct stat st;
	int n;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return -EINVAL;
	if (snprintf(e->path, sizeof(e->path), "%s", path) >=
	    (int)sizeof(e->path))
		return -ENAMETOOLONG;
	snprintf(e->lock, sizeof(e->lock), "%s.lock", path);
	n = snprintf(e->next, sizeof(e->next), "%s.new", path);
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	e->fd = file_lock(e->lock, LOCK_EX);
	if (e->fd < 0)
		return e->fd;
	unlink(e->next);
	return 0;
}

void file_edit_end(struct file_edit *e)
{
	unlink(e->lock);
	close(e->fd);
}

/* Owner and mode stay. */
static int dress(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		st = (struct stat){ .st_mode = S_IFREG | FILE_MODE,
				    .st_uid = geteuid(),
				    .st_gid = getegid() };
	return fchown(fd, st.st_uid, st.st_gid) ||
			       fchmod(fd, st.st_mode & 07777) ?
		       -errno :
		       0;
}

int file_replace(const struct file_edit *e, const char *text)
{
	int fd = open(e->next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : dress(fd, e->path);

	if (fd < 0)
		return err;
	if (!err)
		err = write_all(fd, text);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(e->next, e->path))
		err = -errno;
	if (err)
		unlink(e->next);
	return err;
}
