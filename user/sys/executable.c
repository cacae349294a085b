// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/executable.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file_stat.h"
#include "sys/daemon_user.h"

struct check {
	uid_t uid; /* who is to run it */
	gid_t gid;
	char *why;
	size_t size;
};

__attribute__((format(printf, 4, 5))) static int
refuse(const struct check *c, int err, const char *path, const char *fmt, ...)
{
	char cause[256], shown[ESCAPED_SIZE(128)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause, sizeof(cause), fmt, ap);
	va_end(ap);
	snprintf(c->why, c->size, "%s: %s",
		 printable(path, strnlen(path, 128), shown, sizeof(shown)),
		 cause);
	return err;
}

static bool may_search_or_execute(const struct check *c, const struct stat *st)
{
	return st->st_mode & (st->st_uid == c->uid ? S_IXUSR :
			      st->st_gid == c->gid ? S_IXGRP :
						     S_IXOTH);
}

/* The file, or a folder above it. */
static int check_one(const struct check *c, const char *path, bool folder)
{
	bool trusted;
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (lstat(path, &st))
		return refuse(c, -errno, path, "%s", strerror(errno));
	if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		return refuse(c, -EINVAL, path, "not a %s",
			      folder ? "folder" : "regular file");
	trusted = !st.st_uid || st.st_uid == c->uid ||
		  (!daemon_user(&uid, &gid) && st.st_uid == uid);
	if (!trusted)
		return refuse(c, -EPERM, path,
			      "belongs to user %u, who could put another "
			      "program there: chown root it",
			      st.st_uid);
	if (st.st_mode & S_IWOTH || (st.st_mode & S_IWGRP && st.st_gid))
		return refuse(c, -EPERM, path,
			      "others than its owner can write to it: chmod "
			      "go-w it");
	if (!may_search_or_execute(c, &st))
		return refuse(c, -EACCES, path,
			      "user %u, who is to run it, may not %s it: "
			      "chmod %s it",
			      c->uid, folder ? "enter" : "execute",
			      folder ? "a+x" : "a+rx");
	return 0;
}

int executable_check(const char *path, char *why, size_t size)
{
	struct check c = { .why = why, .size = size };
	char real[PATH_MAX];
	struct stat st;
	int err;

	daemon_runs_as(&c.uid, &c.gid);
	err = file_stat(path, &st); /* its server may be dead */
	if (err)
		return refuse(&c, err, path, "%s", strerror(-err));
	if (!realpath(path, real))
		return refuse(&c, -errno, path, "%s", strerror(errno));
	/* a link may lie in a folder that is not looked at below */
	if (strcmp(path, real))
		return refuse(&c, -ELOOP, path,
			      "there is a link in this path: write %s", real);
	err = check_one(&c, "/", true);
	for (char *slash = strchr(real + 1, '/'); !err && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = check_one(&c, real, true);
		*slash = '/';
	}
	return err ? err : check_one(&c, real, false);
}
