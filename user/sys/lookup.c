// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/lookup.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/confine.h"

#define ANSWER CONFINE_FIRST /* the child's end of the pipe */
#define CPU_SECONDS 5
#define MESSAGE_MAX 65535 /* what a message of DNS can have */

/* What sockets, waiting, memory and the answer take. */
static const int calls[] = {
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_ppoll,   __NR_socket,	  __NR_connect,		__NR_bind,
	__NR_sendto,  __NR_sendmsg,	  __NR_sendmmsg,	__NR_recvfrom,
	__NR_recvmsg, __NR_read,	  __NR_write,		__NR_writev,
	__NR_ioctl,   __NR_fcntl,	  __NR_setsockopt,	__NR_getsockopt,
	__NR_close,   __NR_clock_gettime, __NR_getpid,		__NR_getrandom,
	__NR_mmap,    __NR_munmap,	  __NR_mremap,		__NR_brk,
	__NR_futex,   __NR_exit_group,	  __NR_restart_syscall,
};

static void limit(int what, rlim_t most)
{
	setrlimit(what, &(struct rlimit){ most, most });
}

/*
 * Without limits, which the unit's filter may refuse, time is bounded all the
 * same: by a signal that the child cannot take back.
 */
static int confine(res_state state)
{
	sigset_t none;
	int err;

	if (res_ninit(state)) /* reads /etc/resolv.conf */
		return -EIO;
	err = confine_memory();
	if (err)
		return err;
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(LOOKUP_SECONDS);
	err = confine_sockets();
	return err ? err :
		     confine_rights(calls, sizeof(calls) / sizeof(*calls));
}

/*
 * What a server says by SERVFAIL or REFUSED, libresolv tells as silence; but the
 * message that the last server sent is there.
 */
static enum dns_fault fault_of(int h_error, const uint8_t *msg)
{
	const HEADER *head = (const HEADER *)msg;

	switch (h_error) {
	case HOST_NOT_FOUND:
		return DNS_NO_NAME;
	case NO_DATA:
		return DNS_NO_ADDRESS;
	case NO_RECOVERY:
		return DNS_REFUSED;
	default:
		return !head->qr		   ? DNS_SILENT :
		       head->rcode == ns_r_refused ? DNS_REFUSED :
						     DNS_FAILED;
	}
}

static void ask(res_state state, const char *name, int family,
		struct dns_answer *a)
{
	static uint8_t msg[MESSAGE_MAX] __attribute__((aligned));
	int len;

	memset(msg, 0, sizeof(HEADER));
	len = res_nquery(state, name, ns_c_in, family ? ns_t_aaaa : ns_t_a, msg,
			 sizeof(msg));
	if (len < 0)
		a->family[family].fault = fault_of(state->res_h_errno, msg);
	else
		dns_answer_read(msg, len, name, family, a);
}

static _Noreturn void child(int pipe_fd, const char *name)
{
	struct dns_answer a = { .ttl = UINT32_MAX };
	struct __res_state state = {};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (confine_files(pipe_fd, pipe_fd))
		_exit(EXIT_FAILURE);
	err = confine(&state);
	for (int v6 = 0; v6 < 2; v6++)
		if (err)
			a.family[v6].fault = DNS_NO_CHILD;
		else
			ask(&state, name, v6, &a);
	_exit(write(ANSWER, &a, sizeof(a)) != sizeof(a));
}

int lookup_start(const struct host_name *name)
{
	int ends[2], pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	pid = child_fork(ends);
	if (!pid)
		child(ends[1], name->text);
	return pid < 0 ? pid : ends[0];
}

void lookup_finish(int fd, struct dns_answer *a)
{
	ssize_t n = read(fd, a, sizeof(*a));

	if (n == sizeof(*a) && dns_answer_is_sound(a))
		return;
	*a = (struct dns_answer){};
	for (int v6 = 0; v6 < 2; v6++)
		a->family[v6].fault = n ? DNS_SENSELESS : DNS_SILENT;
}
