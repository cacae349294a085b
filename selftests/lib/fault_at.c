// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fault_at [OPTION...] COMMAND...: runs COMMAND, and counts its system calls
 * that change something lasting, those of its threads and children, too.
 *   -a        counts all system calls
 *   -n N      at the Nth, kills COMMAND by SIGKILL; its children live on
 *   -e ERRNO  instead, makes the Nth call fail
 *   -x COUNT  so many calls fail
 *   -f        counts files only: what a full or broken disk refuses
 *   -w FILE   begins to count when FILE is there
 *   -l FILE   writes the list of calls counted
 *   -s FILE   at the end, writes "killed N CALL", "failed N CALL", or "ended N",
 *             and a line "left PID" for each process that is still there 5 s
 *             after COMMAND
 * COMMAND has the pid of fault_at: the tracer is a grandchild, not its parent.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 4096
#define LEFT_SEC 5

static const struct call {
	const char *name;
	long nr;
} calls[] = {
	{ "bpf", SYS_bpf },
	{ "write", SYS_write },
	{ "pwrite64", SYS_pwrite64 },
	{ "writev", SYS_writev },
	{ "pwritev", SYS_pwritev },
	{ "ftruncate", SYS_ftruncate },
	{ "fallocate", SYS_fallocate },
	{ "fsync", SYS_fsync },
	{ "fdatasync", SYS_fdatasync },
	{ "openat", SYS_openat },
	{ "mkdirat", SYS_mkdirat },
	{ "unlinkat", SYS_unlinkat },
	{ "renameat2", SYS_renameat2 },
	{ "symlinkat", SYS_symlinkat },
	{ "linkat", SYS_linkat },
	{ "fchmod", SYS_fchmod },
	{ "fchmodat", SYS_fchmodat },
	{ "fchown", SYS_fchown },
	{ "fchownat", SYS_fchownat },
	{ "sendto", SYS_sendto },
	{ "sendmsg", SYS_sendmsg },
	{ "mount", SYS_mount },
	{ "umount2", SYS_umount2 },
	{ "perf_event_open", SYS_perf_event_open },
#ifdef __x86_64__ /* arm64 has not these */
	{ "open", SYS_open },
	{ "mkdir", SYS_mkdir },
	{ "rmdir", SYS_rmdir },
	{ "unlink", SYS_unlink },
	{ "rename", SYS_rename },
	{ "symlink", SYS_symlink },
	{ "link", SYS_link },
	{ "chmod", SYS_chmod },
	{ "chown", SYS_chown },
	{ "renameat", SYS_renameat },
#endif
};
#define N_CALLS ((int)(sizeof(calls) / sizeof(*calls)))

static struct options {
	bool all, files;
	unsigned long at, count;
	int error;
	const char *when, *list, *status;
} o = { .count = 1 };

static pid_t command;
static unsigned long n, failed;
static char fault[128];
static FILE *list;
static struct {
	pid_t pid;
	bool gone;
} seen[PROCESSES_MAX];
static int n_seen;

static void die(const char *what)
{
	fprintf(stderr, "fault_at: %s: %s\n", what, strerror(errno));
	exit(125);
}

static const char *name_of(long nr)
{
	for (int i = 0; i < N_CALLS; i++)
		if (calls[i].nr == nr)
			return calls[i].name;
	return NULL;
}

static bool bpf_lasts(uint64_t cmd)
{
	switch (cmd) {
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_OBJ_PIN:
	case BPF_PROG_ATTACH:
	case BPF_PROG_DETACH:
	case BPF_PROG_TEST_RUN: /* the control programs write to maps */
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
	case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH:
	case BPF_LINK_CREATE:
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
		return true;
	}
	return false;
}

static bool is_file(long nr)
{
	return nr != SYS_bpf && nr != SYS_sendto && nr != SYS_sendmsg &&
	       nr != SYS_perf_event_open;
}

static bool counts(long nr, const uint64_t *a)
{
	if (o.all)
		return true;
	if (!name_of(nr) || (o.files && !is_file(nr)))
		return false;
	if (nr == SYS_bpf)
		return bpf_lasts(a[0]);
	if (nr == SYS_openat)
		return a[2] & (O_CREAT | O_TRUNC);
#ifdef __x86_64__
	if (nr == SYS_open)
		return a[1] & (O_CREAT | O_TRUNC);
#endif
	return true;
}

static void describe(char *buf, size_t size, long nr, const uint64_t *a)
{
	const char *name = name_of(nr);

	if (!name)
		snprintf(buf, size, "call %ld", nr);
	else if (nr == SYS_bpf)
		snprintf(buf, size, "bpf %llu", (unsigned long long)a[0]);
	else
		snprintf(buf, size, "%s", name);
}

/* Skips the call, which then seems to have returned -o.error. */
static void fail_call(pid_t tid)
{
#ifdef __x86_64__
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, tid, 0, &regs);
	regs.orig_rax = -1;
	regs.rax = -o.error;
	ptrace(PTRACE_SETREGS, tid, 0, &regs);
#else
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };
	int nr = -1;
	struct iovec call = { &nr, sizeof(nr) };

	ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov);
	regs.regs[0] = -o.error;
	ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov);
	ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &call);
#endif
}

static void on_call(pid_t tid)
{
	struct __ptrace_syscall_info info;
	char text[64];

	if (o.when && access(o.when, F_OK))
		return;
	o.when = NULL;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP ||
	    !counts(info.seccomp.nr, info.seccomp.args))
		return;
	n++;
	describe(text, sizeof(text), info.seccomp.nr, info.seccomp.args);
	if (list)
		fprintf(list, "%lu %d %s\n", n, tid, text);
	if (!o.at || n < o.at || n >= o.at + o.count)
		return;
	if (!*fault)
		snprintf(fault, sizeof(fault), "%s %lu %s",
			 o.error ? "failed" : "killed", n, text);
	failed++;
	if (o.error)
		fail_call(tid);
	else
		kill(command, SIGKILL);
}

static void note(pid_t pid, bool gone)
{
	for (int i = 0; i < n_seen; i++)
		if (seen[i].pid == pid) {
			seen[i].gone |= gone;
			return;
		}
	if (n_seen < PROCESSES_MAX) {
		seen[n_seen].pid = pid;
		seen[n_seen++].gone = gone;
	}
}

static void go_on(pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_SECCOMP)
		on_call(tid);
	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tid, 0, 0);
		return;
	}
	ptrace(PTRACE_CONT, tid, 0, event ? 0 : sig);
}

static void report(void)
{
	FILE *f = o.status ? fopen(o.status, "we") : stderr;

	if (!f)
		die(o.status);
	if (*fault)
		fprintf(f, "%s\n", fault);
	else
		fprintf(f, "ended %lu\n", n);
	for (int i = 0; i < n_seen; i++)
		if (!seen[i].gone && !kill(seen[i].pid, SIGKILL))
			fprintf(f, "left %d\n", seen[i].pid);
	if (f != stderr)
		fclose(f);
	if (list)
		fclose(list);
	exit(0);
}

static void on_alarm(int signal)
{
}

/* Follows all until they are gone, or LEFT_SEC after the command. */
static void trace(void)
{
	int status;

	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0)
			report(); /* none is left, or time is up */
		if (WIFSTOPPED(status)) {
			note(tid, false);
			go_on(tid, status);
			continue;
		}
		note(tid, true);
		if (tid == command)
			alarm(LEFT_SEC);
	}
}

static void install_filter(void)
{
	struct sock_filter code[N_CALLS + 3];
	struct sock_fprog prog = { .filter = code };
	int i = 0;

	code[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (int k = 0; k < N_CALLS && !o.all; k++)
		code[i++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, calls[k].nr, N_CALLS - k, 0);
	code[i++] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, o.all ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW);
	code[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_TRACE);
	prog.len = i;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		die("seccomp");
}

/* Starts the tracer, and waits until it traces this process. */
static void be_traced(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid) {
		close(ready[1]);
		waitpid(pid, NULL, 0);
		if (read(ready[0], &byte, 1) != 1)
			exit(125);
		return;
	}
	if (fork())
		_exit(0); /* so that the tracer is nobody's child */
	setsid();
	if (ptrace(PTRACE_SEIZE, command, 0,
		   PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			   PTRACE_O_TRACEEXEC))
		die("ptrace");
	note(command, false);
	if (write(ready[1], "", 1) != 1)
		die("pipe");
	close(ready[0]);
	close(ready[1]);
	trace();
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+an:e:x:fw:l:s:")) > 0) {
		switch (c) {
		case 'a':
			o.all = true;
			break;
		case 'n':
			o.at = strtoul(optarg, NULL, 10);
			break;
		case 'e':
			o.error = atoi(optarg);
			break;
		case 'x':
			o.count = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			o.files = true;
			break;
		case 'w':
			o.when = optarg;
			break;
		case 'l':
			o.list = optarg;
			break;
		case 's':
			o.status = optarg;
			break;
		default:
			return 125;
		}
	}
	if (optind == argc)
		return 125;
	if (o.list && !(list = fopen(o.list, "we")))
		die(o.list);
	command = getpid();
	be_traced();
	install_filter();
	execvp(argv[optind], argv + optind);
	die(argv[optind]);
}
