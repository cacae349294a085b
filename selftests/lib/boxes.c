// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Containers that come and go:
 *   boxes LIBRARY COUNT MSEC AT-ONCE
 * COUNT containers one after the other, AT-ONCE at a time, each for MSEC. Each
 * has a mount and a network namespace, a copy of LIBRARY, a libssl.so.3, loaded, and
 * listens at port 465.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPY "/mnt/libssl.so.3"

static void die(const char *what)
{
	fprintf(stderr, "boxes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void copy(int from)
{
	off_t at = 0;
	struct stat st;
	int to = open(COPY, O_WRONLY | O_CREAT | O_EXCL, 0755);

	if (to < 0 || fstat(from, &st))
		die(COPY);
	while (at < st.st_size)
		if (sendfile(to, from, &at, st.st_size - at) <= 0)
			die("copy");
	close(to);
}

static void serve(void)
{
	struct sockaddr_in all = { .sin_family = AF_INET,
				   .sin_port = htons(465) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (void *)&all, sizeof(all)) || listen(fd, 1))
		die("port 465");
}

static void box(int library, int msec)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET))
		die("unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "tmpfs", 0, NULL))
		die("mount");
	copy(library);
	if (!dlopen(COPY, RTLD_NOW)) {
		fprintf(stderr, "boxes: %s\n", dlerror());
		exit(1);
	}
	serve();
	usleep(msec * 1000);
	_exit(0);
}

/* Waits for one of them. */
static void end_one(void)
{
	int status;

	if (wait(&status) < 0)
		die("wait");
	if (status)
		exit(1);
}

int main(int argc, char **argv)
{
	int library, count, msec, at_once, living = 0;

	if (argc != 5)
		return 2;
	library = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (library < 0)
		die(argv[1]);
	count = atoi(argv[2]);
	msec = atoi(argv[3]);
	at_once = atoi(argv[4]);
	for (int i = 0; i < count; i++) {
		int pid;

		if (living == at_once) {
			end_one();
			living--;
		}
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			box(library, msec);
		living++;
	}
	while (living--)
		end_one();
	return 0;
}
