// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the programs keep well within what verifiers allow, also those of
 * kernels that this one is not: what just fits here is refused elsewhere.
 */
#include "harness.h"
#include "loads.h"

#define STACK_MAX 512 /* of a program and all that it calls at once */

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

static void test_budget(void **state)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct smtpxdp *skel = smtpxdp__open();
	struct bpf_program *prog;
	int err, n = 0;

	assert_non_null(vmlinux);
	assert_non_null(skel);
	bpf_object__for_each_program(prog, skel->obj) {
		assert_true(n < LOADS_PROGS_MAX);
		/* Hooks that the loader chooses between; fexit is for others.
		 */
		if (!strncmp(bpf_program__section_name(prog), "tp_btf", 6))
			bpf_program__set_autoload(
				prog, !loads_lacks_hook(vmlinux, prog));
		bpf_program__set_log_level(prog, LOADS_STATS);
		bpf_program__set_log_buf(prog, logs[n++], LOADS_LOG_SIZE);
	}
	err = smtpxdp__load(skel);
	if (err == -EPERM || err == -EACCES) {
		printf("# SKIP BPF programs can't be loaded here\n");
		smtpxdp__destroy(skel);
		skip();
	}
	assert_int_equal(err, 0);
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
	btf__free(vmlinux);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
