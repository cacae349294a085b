// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"
#include "smtpxdp.skel.h"
#include "sys/uprobe.h"

static const struct program {
	const char *name;
	enum part part;
} programs[] = {
	{ "clock", PART_CONTROL },
	{ "fill", PART_CONTROL },
	{ "drop_ethernet", PART_GATE },
	{ "drop_raw", PART_GATE_RAW },
	{ "detect_ethernet", PART_SENSOR },
	{ "detect_raw", PART_SENSOR_RAW },
	{ "listen", PART_USERS },
	{ "accepted", PART_ACCEPT },
	{ "closed", PART_CLOSE },
	{ "destroyed", PART_CLOSE },
	{ "overdue", PART_OVERDUE },
	{ "ended", PART_OVERDUE },
	{ "deliver", PART_SELF_TEST },
	/*
	 * Without tls_free, the next session of an object in memory would be
	 * taken for the one before, and another client be charged.
	 */
	{ "tls_free", PART_TLS },
	{ "tls_tasks", PART_TLS }, /* maps of types that a kernel may lack */
	{ "tls_readings", PART_TLS },
	{ "tls_sent", PART_TLS_TRACEPOINT },
	{ "tls_sent_v4", PART_TLS_FEXIT },
	{ "tls_sent_v6", PART_TLS_FEXIT },
	{ "tls_sending_v4", PART_TLS_KPROBE },
	{ "tls_sending_v6", PART_TLS_KPROBE },
	{ "tls_enter", PART_TLS_WRITE },
	{ "tls_leave", PART_TLS_WRITE },
	{ "tls_enter_ex", PART_TLS_WRITE_EX },
	{ "tls_enter_ex2", PART_TLS_WRITE_EX },
	{ "tls_leave_ex", PART_TLS_WRITE_EX },
	{ "tls_read_enter", PART_TLS_READ },
	{ "tls_read_leave", PART_TLS_READ },
	{ "tls_read_enter_ex", PART_TLS_READ_EX },
	{ "tls_read_leave_ex", PART_TLS_READ_EX },
	{ "tls_typed_enter", PART_TLS_BEHIND },
	{ "tls_try_enter", PART_TLS_BEHIND },
	{ "tls_try_behind", PART_TLS_BEHIND },
	{ "tls_try_leave", PART_TLS_BEHIND },
	{ "tls_tries", PART_TLS_BEHIND },
	{ "tls_destroyed", PART_TLS_CLOSE },
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))
#define NO_ETHERNET " on interfaces without Ethernet headers"

static const char *const lost[PARTS_MAX] = {
	[PART_CONTROL] = "nothing works",
	[PART_GATE] = "nobody is dropped",
	[PART_GATE_RAW] = "nobody is dropped" NO_ETHERNET,
	[PART_SENSOR] = "no reply in the clear is read: bans hold, but nobody "
			"is banned for failures there",
	[PART_SENSOR_RAW] = "no reply in the clear is read" NO_ETHERNET,
	[PART_USERS] = "who is tried in the clear is not known, who hangs up "
		       "before the refusal is not counted, and nobody who "
		       "comes by a proxy",
	[PART_ACCEPT] = "no reply from a port that any user may listen on "
			"(from 1024 on) or of a container is read, and it is "
			"not noticed who gets past the gate",
	[PART_CLOSE] = "who hangs up before the refusal is not counted",
	[PART_OVERDUE] = "who holds the refusal back is counted only when the "
			 "connection ends, and of a container's server not who "
			 "hangs up before",
	[PART_SELF_TEST] = "status cannot try whether users are read through "
			   "the devices",
	[PART_TLS] = "nothing inside TLS is read",
	[PART_TLS_TRACEPOINT] = "nothing inside TLS is read, unless an older "
				"way (fexit, kprobe) works",
	[PART_TLS_FEXIT] = "nothing inside TLS is read, unless an older way "
			   "(kprobe) works",
	[PART_TLS_KPROBE] = "nothing inside TLS is read",
	[PART_TLS_WRITE] = "replies inside TLS are not read where they are "
			   "written by SSL_write or GnuTLS",
	[PART_TLS_WRITE_EX] = "replies inside TLS are not read where they are "
			      "written by SSL_write_ex",
	[PART_TLS_READ] = "who is tried inside TLS is not known where it is "
			  "read by SSL_read or GnuTLS",
	[PART_TLS_READ_EX] = "who is tried inside TLS is not known where it is "
			     "read by SSL_read_ex",
	[PART_TLS_BEHIND] = "probes of TLS libraries stay where they cost more",
	[PART_TLS_CLOSE] = "who is not answered inside TLS, for the server "
			   "dies, is not counted",
};

enum part program_part(const char *name)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		if (!strcmp(programs[i].name, name))
			return programs[i].part;
	return PARTS_MAX;
}

const char *program_lost(const char *name)
{
	enum part part = program_part(name);

	return part == PARTS_MAX ? "a part is missing" : lost[part];
}

void programs_choose(struct smtpxdp *skel, uint32_t parts)
{
	bool multi = parts & PARTS_TLS && uprobe_multi_works();
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj) {
		uint32_t bit = PART_BIT(program_part(bpf_program__name(prog)));

		bpf_program__set_autoload(prog, parts & bit);
		if (multi && bit & PARTS_TLS_PROBES)
			bpf_program__set_expected_attach_type(prog,
							      UPROBE_MULTI);
	}
	bpf_map__set_autocreate(skel->maps.tls_tasks, parts & PARTS_TLS);
	bpf_map__set_autocreate(skel->maps.tls_readings, parts & PARTS_TLS);
	bpf_map__set_autocreate(skel->maps.tls_tries,
				parts & PART_BIT(PART_TLS_BEHIND));
}

/* Linux 6.3 has the tracepoint. */
static bool has_tracepoint(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "btf_trace_sock_send_length",
				      BTF_KIND_TYPEDEF) > 0;
}

/*
 * Tries to attach one: on arm64 before Linux 6.4, such programs load, but
 * cannot be attached.
 */
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

uint32_t programs_tls_hook(void)
{
	return hook_from(PART_TLS_TRACEPOINT);
}

uint32_t programs_tls_hook_after(enum part hook)
{
	return hook_from(hook + 1);
}

uint32_t programs_without(uint32_t parts, enum part refused)
{
	uint32_t writes =
		PART_BIT(PART_TLS_WRITE) | PART_BIT(PART_TLS_WRITE_EX);

	if (refused == PART_CONTROL)
		return 0;
	parts &= ~PART_BIT(refused);
	if (PART_BIT(refused) & PARTS_HOOK)
		parts |= programs_tls_hook_after(refused);
	if (!(parts & PART_BIT(PART_TLS)) || !(parts & writes) ||
	    !(parts & PARTS_HOOK))
		parts &= ~PARTS_TLS;
	return parts & (PARTS_ETHERNET | PARTS_RAW) ? parts : 0;
}

static bool has_iface(const struct daemon_info *info, bool raw)
{
	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		if (info->ifaces[i].ifindex &&
		    !(info->ifaces[i].flags & IFACE_RAW) == !raw)
			return true;
	return false;
}

bool program_is_missed(const struct daemon_info *info, uint32_t wanted,
		       const char *name)
{
	enum part part = program_part(name);
	uint32_t bit = PART_BIT(part);

	if (bit & PARTS_RAW && !has_iface(info, true))
		return false;
	if (bit & PARTS_ETHERNET && !has_iface(info, false) &&
	    has_iface(info, true))
		return false;
	if (part == PART_USERS)
		return wanted &
		       (USERS_WIRE | MISSED_UNANSWERED | MISSED_PROXIES);
	if (part == PART_CLOSE || part == PART_OVERDUE)
		return wanted & MISSED_UNANSWERED;
	if (part == PART_TLS_CLOSE)
		return wanted & MISSED_UNANSWERED && info->tls_running;
	if (part == PART_SELF_TEST)
		return false; /* only status uses it */
	if (part == PART_TLS_READ || part == PART_TLS_READ_EX)
		return wanted & (USERS_TLS | MISSED_UNANSWERED) &&
		       info->tls_running;
	/* If TLS is read, another hook works: this one is not missed. */
	if (bit & PARTS_HOOK)
		return !info->tls_running;
	return true;
}

uint32_t programs_wanted(const struct settings *s)
{
	return s->users | (s->unanswered ? MISSED_UNANSWERED : 0) |
	       (s->proxies ? MISSED_PROXIES : 0);
}
