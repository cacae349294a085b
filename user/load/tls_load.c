// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/tls_load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "smtpxdp.skel.h"
#include "sys/uprobe.h"

/* Linux 6.3 has them. */
static bool has_tracepoint(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "btf_trace_sock_send_length",
				      BTF_KIND_TYPEDEF) > 0;
}

/* On arm64 before Linux 6.4, such programs load but cannot be attached. */
static bool has_fexit(const struct btf *btf)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = btf__find_by_name_kind(btf, "inet_sendmsg", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = id);
	int prog = id < 0 ? -1 :
			    bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL",
					  nothing, 2, &opts);
	int link = prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);

	if (link >= 0)
		close(link);
	if (prog >= 0)
		close(prog);
	return link >= 0;
}

static bool has_kprobes(void)
{
	return !access("/sys/bus/event_source/devices/kprobe/type", R_OK);
}

static uint32_t hook_from(enum part first)
{
	struct btf *btf = btf__load_vmlinux_btf();
	uint32_t hook = 0;

	if (btf && first <= PART_TLS_TRACEPOINT && has_tracepoint(btf))
		hook = PART_BIT(PART_TLS_TRACEPOINT);
	else if (btf && first <= PART_TLS_FEXIT && has_fexit(btf))
		hook = PART_BIT(PART_TLS_FEXIT);
	else if (first <= PART_TLS_KPROBE && has_kprobes())
		hook = PART_BIT(PART_TLS_KPROBE);
	btf__free(btf);
	return hook;
}

uint32_t tls_hook_first(void)
{
	return hook_from(PART_TLS_TRACEPOINT);
}

uint32_t tls_hook_after(enum part hook)
{
	return hook_from(hook + 1);
}

void tls_load_configure(struct smtpxdp *skel, const struct loader_options *o)
{
	bool multi = o->parts & PARTS_TLS && uprobe_multi_works();
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj) {
		enum part part = program_part(bpf_program__name(prog));

		if (multi && PART_BIT(part) & PARTS_TLS & ~PARTS_HOOK)
			bpf_program__set_expected_attach_type(prog,
							      UPROBE_MULTI);
	}
	skel->rodata->only_netns = o->netns;
	skel->rodata->our_pidns = o->pidns;
}
