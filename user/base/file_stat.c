// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/file_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SEC 1
#define HANGING_MAX 8

struct question {
	pthread_cond_t answered;
	char *path;
	struct stat st;
	int err;
	bool done;
	bool left; /* nobody waits any more: the thread frees it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct question *hanging[HANGING_MAX];

static void question_free(struct question *q)
{
	pthread_cond_destroy(&q->answered);
	free(q->path);
	free(q);
}

static void *ask(void *arg)
{
	struct question *q = arg;
	struct stat st = {};
	int err = stat(q->path, &st) ? -errno : 0;

	pthread_mutex_lock(&lock);
	q->st = st;
	q->err = err;
	q->done = true;
	for (int i = 0; i < HANGING_MAX; i++)
		if (hanging[i] == q)
			hanging[i] = NULL;
	pthread_cond_signal(&q->answered);
	if (q->left)
		question_free(q);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static struct question *question_new(const char *path)
{
	struct question *q = calloc(1, sizeof(*q));
	pthread_condattr_t monotonic;

	if (!q)
		return NULL;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	q->path = strdup(path);
	if (q->path)
		return q;
	question_free(q);
	return NULL;
}

/* Where a new question would be noted; NULL: do not ask. */
static struct question **place(const char *path)
{
	struct question **room = NULL;

	for (int i = 0; i < HANGING_MAX; i++) {
		if (!hanging[i])
			room = &hanging[i];
		else if (!strcmp(hanging[i]->path, path))
			return NULL;
	}
	return room;
}

/* The lock is held. */
static int await(struct question *q, struct stat *st)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_SEC;
	while (!q->done && !err)
		err = pthread_cond_timedwait(&q->answered, &lock, &end);
	if (!q->done) {
		q->left = true;
		return -ETIMEDOUT;
	}
	*st = q->st;
	err = q->err;
	question_free(q);
	return err;
}

int file_stat(const char *path, struct stat *st)
{
	struct question *q = NULL, **at;
	pthread_t thread;
	int err = -ETIMEDOUT;

	pthread_mutex_lock(&lock);
	at = place(path);
	if (at) {
		q = question_new(path);
		err = q ? -pthread_create(&thread, NULL, ask, q) : -ENOMEM;
	}
	if (!err) {
		*at = q;
		pthread_detach(thread);
		err = await(q, st);
	} else if (q) {
		question_free(q);
	}
	pthread_mutex_unlock(&lock);
	return err;
}

int file_open_regular(const char *path)
{
	struct stat st;
	int err = file_stat(path, &st), fd;

	if (err)
		return err;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* another file may be there by now */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}
