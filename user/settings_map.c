// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "settings_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

const struct settings *settings_now(const struct pins *p)
{
	return &p->slots->slot[__atomic_load_n(&p->slots->active,
					       __ATOMIC_ACQUIRE) &
			       1];
}

/* The slot that no packet looks at, to be filled and then put in force. */
static struct settings *settings_spare(struct pins *p)
{
	return &p->slots->slot[!(p->slots->active & 1)];
}

static void settings_switch(struct pins *p)
{
	__atomic_store_n(&p->slots->active, !(p->slots->active & 1),
			 __ATOMIC_RELEASE);
	__atomic_fetch_add(&p->slots->generation, 1, __ATOMIC_RELEASE);
	/*
	 * Waits for an RCU grace period, and so for every program that may
	 * still read the other slot: the next change may overwrite it.
	 */
	syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static bool map_has_entries(int fd)
{
	struct net key;

	return !bpf_map_get_next_key(fd, NULL, &key);
}

static void note_lists(const struct pins *p, struct settings *s)
{
	s->have_ban_nets = map_has_entries(p->map[MAP_BAN_NETS]);
	s->have_allow = map_has_entries(p->map[MAP_ALLOW_NETS]);
}

int settings_note_lists(struct pins *p)
{
	const struct settings *now = settings_now(p);
	struct settings *spare = settings_spare(p);
	struct settings lists;

	note_lists(p, &lists);
	if (lists.have_ban_nets == now->have_ban_nets &&
	    lists.have_allow == now->have_allow)
		return 0; /* and no grace period is to be waited for */
	*spare = *now;
	note_lists(p, spare);
	settings_switch(p);
	return 0;
}

int settings_publish(struct pins *p, const struct config *c)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int err;

	if (!info)
		return -ENOMEM;
	err = daemon_read(p, info);
	if (!err)
		err = config_dump(c, info->config, sizeof(info->config));
	if (!err)
		err = daemon_write(p, info);
	free(info);
	if (err)
		return err;
	config_compile(c, clock_hz(), settings_spare(p));
	note_lists(p, settings_spare(p));
	settings_switch(p);
	return 0;
}

int settings_load(const struct pins *p, struct config *c)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int err;

	if (!info)
		return -ENOMEM;
	err = daemon_read(p, info);
	if (!err)
		err = config_load(c, info->config);
	free(info);
	return err;
}

int daemon_read(const struct pins *p, struct daemon_info *info)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(p->map[MAP_DAEMON], &zero, info))
		return -errno;
	info->config_path[sizeof(info->config_path) - 1] = '\0';
	info->config[sizeof(info->config) - 1] = '\0';
	return 0;
}

int daemon_write(const struct pins *p, const struct daemon_info *info)
{
	__u32 zero = 0;

	return bpf_map_update_elem(p->map[MAP_DAEMON], &zero, info, BPF_ANY) ?
		       -errno :
		       0;
}
