/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients that log in: map regulars, see include/login.h. They are who the fuse
 * is for, and who does not count for net-rate.
 */
#ifndef SMTPXDP_REGULAR_H
#define SMTPXDP_REGULAR_H

#include "brake.h"
#include "front_map.h"
#include "maps.h"
#include "pure/judgement.h"

static __always_inline bool is_regular(const struct addr *key)
{
	const struct login *l = bpf_map_lookup_elem(&regulars, key);

	return l && login_is_regular(l);
}

/* Notes that a client has logged in, as the user with this hash, or 0. */
static __always_inline void note_login(const struct addr *key, __u64 hash)
{
	struct login *l = bpf_map_lookup_elem(&regulars, key);
	__s64 now = now_boot_ns();
	struct login first = { .first = now,
			       .last = now,
			       .account = account_of(hash) };

	if (!l) {
		bpf_map_update_elem(&regulars, key, &first, BPF_ANY);
		return;
	}
	if (hash)
		front_note(key, first.account, l);
	l->last = now;
	if (hash)
		l->account = account_of(hash);
}

/*
 * Is a failure a slip of somebody who logs in here: of a regular, or of one who
 * tries the very user as whom the client has logged in?
 */
static __always_inline bool is_slip(const struct addr *key, __u64 hash)
{
	const struct login *l = bpf_map_lookup_elem(&regulars, key);

	return l && (login_is_regular(l) ||
		     (hash && account_of(hash) == l->account));
}

/*
 * Does the fuse hold back the ban of a client that reached a limit? A regular's
 * always; a stranger's unless it guesses at several users, or has reached its
 * limit before, within the time of a ban (`was`: client.until before): honest
 * people without a password database do neither.
 */
static __always_inline bool fuse_holds(const struct addr *key,
				       const struct judgement *j, __u64 was,
				       __u64 now)
{
	if (!fuse_is_blown(now))
		return false;
	return is_regular(key) || (j->users < 2 && now >= was >> 1);
}

#endif
