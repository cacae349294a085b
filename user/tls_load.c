// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls_load.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "smtpxdp.skel.h"
#include "uprobe.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* By asking the kernel's types, never its version. */
static bool kernel_has_tracepoint(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has =
		btf && btf__find_by_name_kind(btf, "btf_trace_sock_send_length",
					      BTF_KIND_TYPEDEF) > 0;

	btf__free(btf);
	return has;
}

void tls_load_configure(struct smtpxdp *skel, const struct loader_options *o)
{
	struct bpf_program *const probes[] = {
		skel->progs.tls_enter,	    skel->progs.tls_enter_ex,
		skel->progs.tls_enter_ex2,  skel->progs.tls_leave,
		skel->progs.tls_leave_ex,   skel->progs.tls_free,
		skel->progs.tls_read_enter, skel->progs.tls_read_enter_ex,
		skel->progs.tls_read_leave, skel->progs.tls_read_leave_ex,
	};
	struct bpf_program *const functions[] = {
		skel->progs.tls_sent_v4,
		skel->progs.tls_sent_v6,
	};
	bool tls = o->tls, tracepoint = tls && kernel_has_tracepoint();
	bool multi = tls && uprobe_multi_works();

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		bpf_program__set_autoload(probes[i], tls);
		if (multi)
			bpf_program__set_expected_attach_type(probes[i],
							      UPROBE_MULTI);
	}
	bpf_program__set_autoload(skel->progs.tls_sent, tracepoint);
	bpf_map__set_autocreate(skel->maps.tls_tasks, tls);
	bpf_map__set_autocreate(skel->maps.tls_readings, tls);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		bpf_program__set_autoload(functions[i], tls && !tracepoint);
	skel->rodata->only_netns = o->netns;
	skel->rodata->our_pidns = o->pidns;
}
