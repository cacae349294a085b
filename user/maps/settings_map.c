// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/settings_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "pure/siphash.h"
#include "sys/netinfo.h"
#include "sys/rcu.h"

const struct settings *settings_now(const struct pins *p)
{
	return &p->slots->slot[__atomic_load_n(&p->slots->active,
					       __ATOMIC_ACQUIRE) &
			       1];
}

/* The slot that no program reads, to be filled and then put in force. */
static struct settings *settings_spare(struct pins *p)
{
	return &p->slots->slot[!(p->slots->active & 1)];
}

static void settings_switch(struct pins *p)
{
	__atomic_store_n(&p->slots->active, !(p->slots->active & 1),
			 __ATOMIC_RELEASE);
	__atomic_fetch_add(&p->slots->changes, 1, __ATOMIC_RELEASE);
	/*
	 * Programs may still read the other slot, which the next change
	 * overwrites.
	 */
	rcu_wait();
}

static bool map_has_entries(int fd)
{
	struct net key;

	return !bpf_map_get_next_key(fd, NULL, &key);
}

/*
 * Notes whether there are entries, and whether one is narrower than a client:
 * then a ban of the client would drop an allowlisted host, and the gate asks.
 */
static void note_allow(const struct pins *p, struct settings *s)
{
	unsigned int len[2] = { s->client_len[0], s->client_len[1] };
	struct net key, *prev = NULL;

	for (__u32 i = 0; i < s->n_who; i++)
		if (s->who[i].client_len && s->who[i].client_len < len[1])
			len[1] = s->who[i].client_len;
	s->have_allow = 0;
	s->allow_inside = 0;
	while (!bpf_map_get_next_key(p->map[MAP_ALLOW_NETS], prev, &key)) {
		int v6 = !net_is_v4(&key);

		s->have_allow = 1;
		if (key.len > len[v6])
			s->allow_inside |= 1 << v6;
		prev = &key;
	}
}

static void note_nets(const struct pins *p, struct settings *s)
{
	s->have_ban_nets = map_has_entries(p->map[MAP_BAN_NETS]);
}

/* Returns at once where nothing changes: a switch waits for a grace period. */
static int put_lists(struct pins *p, const struct settings *lists)
{
	const struct settings *now = settings_now(p);
	struct settings *spare = settings_spare(p);

	if (lists->have_ban_nets == now->have_ban_nets &&
	    lists->have_allow == now->have_allow &&
	    lists->allow_inside == now->allow_inside &&
	    lists->groups == now->groups)
		return 0;
	*spare = *now;
	spare->have_ban_nets = lists->have_ban_nets;
	spare->have_allow = lists->have_allow;
	spare->allow_inside = lists->allow_inside;
	spare->groups = lists->groups;
	settings_switch(p);
	return 0;
}

int settings_note_nets(struct pins *p)
{
	struct settings lists = *settings_now(p);

	note_nets(p, &lists);
	return put_lists(p, &lists);
}

int settings_note_allow(struct pins *p)
{
	struct settings lists = *settings_now(p);

	note_allow(p, &lists);
	return put_lists(p, &lists);
}

void settings_set_groups(struct pins *p, __u32 which)
{
	struct settings lists = *settings_now(p);

	lists.groups = which;
	put_lists(p, &lists);
}

/* The hash of a user's name, as bpf/pure/credentials.h makes it. */
static __u64 hash_name(const char *name, const struct name_key *key)
{
	struct siphash h;
	__u64 hash;

	siphash_begin(&h, key);
	for (; *name; name++)
		siphash_add(&h, *name >= 'A' && *name <= 'Z' ?
					*name - 'A' + 'a' :
					*name);
	hash = siphash_end(&h);
	return hash + !hash;
}

static int hash_traps(const struct pins *p, const struct config *c,
		      struct settings *s)
{
	struct name_key key;
	__u32 zero = 0;
	char **names;

	if (!s->n_traps)
		return 0;
	if (bpf_map_lookup_elem(p->map[MAP_NAME_KEY], &zero, &key))
		return -errno;
	names = config_items(c, KEY_TRAP_USERS);
	for (__u32 i = 0; names && names[i] && i < TRAPS_MAX; i++)
		s->traps[i] = hash_name(names[i], &key);
	explicit_bzero(&key, sizeof(key));
	config_items_free(names);
	return names ? 0 : -ENOMEM;
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
	err = hash_traps(p, c, settings_spare(p));
	if (err)
		return err;
	note_nets(p, settings_spare(p));
	note_allow(p, settings_spare(p));
	settings_spare(p)->groups = settings_now(p)->groups;
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

bool daemon_is_here(const struct pins *p)
{
	struct daemon_info *info = malloc(sizeof(*info));
	bool is = info && !daemon_read(p, info) && info->netns == netns_inode();

	free(info);
	return is;
}
