/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which clients are fronts, of many accounts: map fronts, see pure/front.h. */
#ifndef SMTPXDP_FRONT_MAP_H
#define SMTPXDP_FRONT_MAP_H

#include "alarm.h"
#include "maps.h"
#include "now.h"
#include "pure/front.h"
#include "sign.h"

/* Static: too large for the BPF stack. */
static const struct front front_zero;

static __always_inline __u32 front_now(void)
{
	return front_time(now_boot_ns());
}

/*
 * Notes a login of a client, as this account. `l`: its login before. Most
 * clients have one account: they get no entry. The entry is new when another
 * one comes.
 */
__noinline __weak int front_note(const struct addr *client, __u32 account,
				 const struct login *l)
{
	__u32 now = front_now();
	struct front *f;
	struct addr key;

	if (!client || !l)
		return 0;
	key = *client; /* 6.1 takes no key from a caller's memory */
	f = bpf_map_lookup_elem(&fronts, &key);
	if (!f) {
		if (!l->account || l->account == account)
			return 0;
		bpf_map_update_elem(&fronts, &key, &front_zero, BPF_NOEXIST);
		f = bpf_map_lookup_elem(&fronts, &key);
		if (!f)
			return 0;
		f->since = now;
		front_login(f, l->account, front_time(l->last));
	}
	front_login(f, account, now);
	return 0;
}

/* Is the ban of a client to be held back, for it is a front? Tells of fronts. */
__noinline __weak int front_holds(const struct addr *client, __u32 failures)
{
	enum front_verdict v;
	struct front *f;
	struct addr key;

	if (!client)
		return 0;
	key = *client;
	f = bpf_map_lookup_elem(&fronts, &key);
	if (!f)
		return 0;
	v = front_judge(f, failures, front_now());
	if (v == FRONT_NONE)
		return 0;
	note_sign(SIGN_FRONT, client, 0, 0);
	return v == FRONT_HELD;
}

#endif
