/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arguments and options that commands of ban share. */
#ifndef SMTPXDP_BAN_ARGS_H
#define SMTPXDP_BAN_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ban.h"
#include "cmd/cmd.h"
#include "maps/pins.h"

/* A network as an argument, or a line of standard input, names it. */
struct ban_target {
	struct net net;
	bool whole; /* no length was given: the client that the address is of */
	__u32 owner; /* whose share it is about, or 0 */
};

struct ban_targets {
	struct ban_target *list;
	size_t n, room;
};

struct ban_args {
	struct ban_target target;
	uint64_t seconds; /* 0: ban-time */
	char reason[BAN_REASON_SIZE]; /* "": none was given */
	const char *owner_name; /* as it was given, or NULL */
	__u32 owner; /* owner_id() of it, or 0 */
};

#define BAN_OPTION_FOR                                                         \
	{                                                                      \
		't', false, "for", "TIME", false,                              \
			"how long, like 90s, 1h or 7d; without it, ban-time"   \
	}
#define BAN_OPTION_REASON                                                          \
	{                                                                          \
		'r', false, "reason", "TEXT", false,                               \
			"what smtpxdp ban shows as the reason: up to 63 bytes of " \
			"printable ASCII"                                          \
	}

#define BAN_OPTION_OWNER(help)                                                 \
	{                                                                      \
		'o', false, "owner", "OWNER", false, help                      \
	}

/* Parse the options' arguments and ADDR[/LEN]. 0, or EXIT_USAGE, complained. */
int ban_parse_time(const char *s, struct ban_args *a);
int ban_parse_reason(const char *s, struct ban_args *a);
int ban_parse_owner(const char *option, const char *s, struct ban_args *a);
int ban_parse_target(const char *s, struct ban_target *t);

/*
 * Parses ADDR[/LEN]..., or, of the one argument "-", those on standard input. 0,
 * or an exit code, complained. t->list is to be freed, also then.
 */
int ban_parse_targets(int n, char *const *args, struct ban_targets *t);

/* The same for lines of `ban list --plain` on standard input, with owners. */
int ban_read_plain(struct ban_targets *t);

/* The network of a target by the settings in force. */
struct net ban_target_net(const struct pins *p, const struct ban_target *t);

#endif
