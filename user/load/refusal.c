// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/refusal.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "load/programs.h"
#include "smtpxdp.skel.h"

/*
 * Before Linux 6.4, a log that is too long is cut off at its end, where the
 * cause is. Of this memory, only the pages that a log fills are ever used.
 */
#define LOG_SIZE (16 << 20)
#define LOG_LINES 8

static char *verifier_log;
static char complaints[4096]; /* of libbpf */

static int keep_complaints(enum libbpf_print_level level, const char *fmt,
			   va_list ap)
{
	size_t n = strlen(complaints);

	if (level == LIBBPF_WARN && n < sizeof(complaints))
		vsnprintf(complaints + n, sizeof(complaints) - n, fmt, ap);
	return 0;
}

void refusal_listen(struct bpf_object_open_opts *opts)
{
	if (!verifier_log)
		verifier_log = malloc(LOG_SIZE);
	if (verifier_log) {
		*verifier_log = '\0';
		opts->kernel_log_buf = verifier_log;
		opts->kernel_log_size = LOG_SIZE;
	}
	complaints[0] = '\0';
	libbpf_set_print(keep_complaints);
}

void refusal_end(void)
{
	free(verifier_log);
	verifier_log = NULL;
}

/*
 * libbpf writes "libbpf: prog 'NAME': ..."; the last one is about the program
 * that failed. Returns the place behind `mark`, or NULL.
 */
static const char *last_named(const char *mark)
{
	const char *at = NULL, *next = complaints;

	while ((next = strstr(next, mark)))
		at = next += strlen(mark);
	return at;
}

static const char *find_named(char *name, size_t size)
{
	const char *at = last_named("prog '");

	if (!at)
		at = last_named("map '");
	*name = '\0';
	if (at && strcspn(at, "'") < size)
		snprintf(name, size, "%.*s", (int)strcspn(at, "'"), at);
	return at;
}

/*
 * Returns the line before the one at `at`, and cuts off its end; NULL: there is
 * none.
 */
static char *line_before(char *log, char *at)
{
	if (at == log)
		return NULL;
	*--at = '\0';
	while (at > log && at[-1] != '\n')
		at--;
	return at;
}

/* The verifier writes statistics after the cause. */
static bool is_statistics(const char *line)
{
	return !strncmp(line, "processed ", 10) ||
	       !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11);
}

static char *end_of_log(char *log)
{
	size_t n = strlen(log);

	if (!n || log[n - 1] != '\n')
		log[n++] = '\n'; /* read_log() left room */
	return log + n;
}

/* Looks for the last lines backwards, then joins them in their order. */
static void read_log(struct refusal *r)
{
	char *line[LOG_LINES], *at;
	size_t used = 0;
	int n = 0;

	if (!verifier_log || !*verifier_log)
		return;
	verifier_log[LOG_SIZE - 2] = '\0';
	at = end_of_log(verifier_log);
	while (n < LOG_LINES && (at = line_before(verifier_log, at))) {
		if (!*at)
			continue;
		if (!*r->r.why && !is_statistics(at))
			snprintf(r->r.why, sizeof(r->r.why), "%s", at);
		line[n++] = at;
	}
	while (n-- && used < sizeof(r->log))
		used += snprintf(r->log + used, sizeof(r->log) - used, "%s%s",
				 used ? " | " : "", line[n]);
}

void refusal_read(int err, struct refusal *r)
{
	const char *complaint;

	*r = (struct refusal){ .err = err };
	complaint = find_named(r->r.prog, sizeof(r->r.prog));
	read_log(r);
	/* Some programs are refused by libbpf, before it asks the kernel. */
	if (!complaint)
		complaint = complaints;
	if (!*r->log)
		snprintf(r->log, sizeof(r->log), "%.*s",
			 (int)strcspn(complaint, "\n"), complaint);
	if (!*r->r.why)
		snprintf(r->r.why, sizeof(r->r.why), "%s", strerror(-err));
}

bool refusal_by_lockdown(const char *prog)
{
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	bool confidential = false;
	char line[128];

	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		confidential = strstr(line, "[confidentiality]");
	fclose(f);
	return confidential && PART_BIT(program_part(prog)) & PARTS_TLS;
}

bool refusal_is_final(int err)
{
	return err != -ENOMEM && err != -EAGAIN && err != -EINTR &&
	       err != -EMFILE && err != -ENFILE;
}

void refusal_describe(const struct refusal *r, const struct smtpxdp *skel,
		      const char *lost, char *text, int size)
{
	struct utsname u = {};

	if (refusal_by_lockdown(r->r.prog)) {
		snprintf(
			text, size,
			"the kernel refuses %s: it is locked down for "
			"confidentiality, and lets no BPF program read its "
			"memory; %s. Boot it with lockdown=integrity instead of "
			"lockdown=confidentiality, or set tls to off",
			r->r.prog, lost);
		return;
	}
	uname(&u);
	snprintf(text, size,
		 "the kernel refuses %s: %s; %s. Report this "
		 "message as a bug of the package smtpxdp, or boot a kernel "
		 "that its README lists as one that it runs on. Kernel: %s %s "
		 "(%s), %s; smtpxdp " VERSION ", compiled by %s; the "
		 "verifier's log ends: %s",
		 r->r.prog, strerror(-r->err), lost, u.sysname, u.release,
		 u.version, u.machine, skel->rodata->compiled_by, r->log);
}
