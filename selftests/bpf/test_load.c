// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the programs keep well within what verifiers allow, also those of
 * kernels that this one is not: what just fits here is refused elsewhere.
 */
#include "lib/harness.h"
#include "lib/loads.h"
#include "load/programs.h"

#define STACK_MAX 512 /* of a program and all that it calls at once */
#define LINES_SHOWN 20

static char logs[LOADS_PROGS_MAX][LOADS_LOG_SIZE];

static uint32_t round_up(uint32_t n)
{
	return n ? (n + 31) / 32 * 32 : 32; /* as before Linux 6.9 */
}

/*
 * "stack depth 376+48+24+80": the program's and its functions'. The log does
 * not say who calls whom: the program and the two largest must fit.
 */
static uint32_t stack_of(const char *log)
{
	const char *s = strstr(log, "stack depth ");
	uint32_t main, largest[2] = {}, n;
	char *end;

	assert_non_null(s);
	main = round_up(strtoul(s + strlen("stack depth "), &end, 10));
	while (*end == '+') {
		n = round_up(strtoul(end + 1, &end, 10));
		if (n > largest[0]) {
			largest[1] = largest[0];
			largest[0] = n;
		} else if (n > largest[1]) {
			largest[1] = n;
		}
	}
	return main + largest[0] + largest[1];
}

/* The verifier's last lines, of the program that it refused. */
static void show_log(const struct smtpxdp *skel, const struct refusal *r)
{
	struct bpf_program *prog;
	int n = 0;

	bpf_object__for_each_program(prog, skel->obj) {
		const char *log = logs[n++], *at = log + strlen(log);

		if (strcmp(bpf_program__name(prog), r->r.prog))
			continue;
		for (int lines = 0; at > log && lines < LINES_SHOWN; at--)
			lines += at[-1] == '\n';
		printf("# %s: ...\n%s\n", r->r.prog, at);
	}
}

static void test_budget(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	uint32_t hooks = programs_tls_hook() |
			 programs_tls_hook_after(PART_TLS_TRACEPOINT) |
			 PART_BIT(PART_TLS_KPROBE); /* loads everywhere */
	struct refusal refusal;
	struct bpf_program *prog;
	struct smtpxdp *skel;
	int err, n = 0;

	refusal_listen(&opts);
	skel = smtpxdp__open_opts(&opts);
	assert_non_null(skel);
	bpf_object__for_each_program(prog, skel->obj) {
		assert_true(n < LOADS_PROGS_MAX);
		/* Of those that the loader chooses between, all there are. */
		if (PART_BIT(program_part(bpf_program__name(prog))) & hooks)
			bpf_program__set_autoload(prog, true);
		bpf_program__set_log_level(prog, LOADS_STATS);
		bpf_program__set_log_buf(prog, logs[n++], LOADS_LOG_SIZE);
	}
	err = smtpxdp__load(skel);
	if (err) {
		refusal_read(err, &refusal);
		show_log(skel, &refusal);
		smtpxdp__destroy(skel);
		lab_refused(err, &refusal);
		printf("# SKIP %s\n", lab_skip_reason);
		skip();
	}
	n = 0;
	bpf_object__for_each_program(prog, skel->obj) {
		const char *name = bpf_program__name(prog), *log = logs[n++];
		uint32_t insns, stack;

		if (!bpf_program__autoload(prog))
			continue;
		insns = loads_insns(log);
		stack = stack_of(log);

		printf("# %s: %u instructions, %u bytes of stack\n", name,
		       insns, stack);
		if (insns > LOADS_INSNS_MAX)
			fail_msg("%s: %u instructions", name, insns);
		if (stack > STACK_MAX)
			fail_msg("%s: %u bytes of stack", name, stack);
	}
	smtpxdp__destroy(skel);
}

/* user/load/programs.c must know all programs: others are never loaded. */
static void test_parts(void **state)
{
	struct smtpxdp *skel = smtpxdp__open();
	struct bpf_program *prog;

	assert_non_null(skel);
	bpf_object__for_each_program(prog, skel->obj)
		if (program_part(bpf_program__name(prog)) == PARTS_MAX)
			fail_msg("%s: of no part", bpf_program__name(prog));
	smtpxdp__destroy(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
