// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/programs.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "settings.h"
#include "smtpxdp.skel.h"
#include "load/tls_load.h"

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
	{ "closed", PART_CLOSE },
	{ "deliver", PART_SELF_TEST },
	/*
	 * Without tls_free, the next session of an object in memory would be
	 * taken for the one before, and another client be charged.
	 */
	{ "tls_free", PART_TLS },
	{ "tls_tasks", PART_TLS }, /* maps, which need the kernel's help, too */
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
	[PART_USERS] = "who is tried in the clear is not known, and who hangs "
		       "up before the refusal is not counted",
	[PART_CLOSE] = "who hangs up before the refusal is not counted",
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
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj) {
		enum part part = program_part(bpf_program__name(prog));

		bpf_program__set_autoload(prog, parts & PART_BIT(part));
	}
	bpf_map__set_autocreate(skel->maps.tls_tasks, parts & PARTS_TLS);
	bpf_map__set_autocreate(skel->maps.tls_readings, parts & PARTS_TLS);
}

uint32_t programs_without(uint32_t parts, enum part refused)
{
	uint32_t writes =
		PART_BIT(PART_TLS_WRITE) | PART_BIT(PART_TLS_WRITE_EX);

	if (refused == PART_CONTROL)
		return 0;
	parts &= ~PART_BIT(refused);
	if (PART_BIT(refused) & PARTS_HOOK)
		parts |= tls_hook_after(refused);
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
		return wanted & (USERS_WIRE | MISSED_UNANSWERED);
	if (part == PART_CLOSE)
		return wanted & MISSED_UNANSWERED;
	if (part == PART_SELF_TEST)
		return false; /* nobody but status */
	if (part == PART_TLS_READ || part == PART_TLS_READ_EX)
		return wanted & (USERS_TLS | MISSED_UNANSWERED) &&
		       info->tls_running;
	/* Where there is another way, nobody misses this one. */
	if (bit & PARTS_HOOK)
		return !info->tls_running;
	return true;
}

uint32_t programs_wanted(const struct settings *s)
{
	return s->users | (s->unanswered ? MISSED_UNANSWERED : 0);
}
