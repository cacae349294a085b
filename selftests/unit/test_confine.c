// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a confined child cannot do (user/sys/confine.h). */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fixture.h"
#include "sys/confine.h"

/* The errno of making a socket of this family, or 0. */
static int socket_error(int family)
{
	return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ? errno : 0;
}

static _Noreturn void child(void)
{
	static const int calls[] = { __NR_socket, __NR_exit_group };

	if (confine_sockets() || socket_error(AF_INET) ||
	    socket_error(AF_INET6) || socket_error(AF_UNIX) != EPERM ||
	    socket_error(AF_NETLINK) != EPERM || getppid() < 0)
		_exit(1);
	if (confine_rights(calls, 2) || socket_error(AF_INET) ||
	    socket_error(AF_UNIX) != EPERM || getppid() != -1)
		_exit(2);
	_exit(0);
}

static void test_sockets(void **state)
{
	int pid = fork(), status;

	if (!pid)
		child();
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
