/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps bans and ban_infos in user space's memory, where the functions of
 * ban_ops.h work on them as they do in the kernel.
 */
#ifndef SMTPXDP_BAN_MAP_H
#define SMTPXDP_BAN_MAP_H

#include <stdint.h>

#include "ban.h"
#include "ban_ops.h"

/* A ban, and whose it is: of a client, or of another network. */
struct ban_row {
	struct net net;
	struct ban ban;
};

/* Stops a walk by what it returns, if that is not 0. */
typedef int (*ban_row_fn)(const struct ban_row *row, void *ctx);

/* Both maps, one behind the other, as a struct ban_head * leads to them. */
struct ban_map {
	struct ban_head *head;
	size_t size;
};

static inline size_t ban_map_page_up(size_t n)
{
	return (n + 4095) & ~(size_t)4095;
}

static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i)
{
	return (struct ban_line *)h + i;
}

static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i)
{
	size_t lines = ban_map_page_up((size_t)ban_entries(h) * sizeof(*h));

	return (struct ban_infos *)((char *)h + lines) + i;
}

/* The numbers of entries that the maps need for so many bans. */
uint32_t ban_map_entries(uint32_t max_bans);
uint32_t ban_map_info_entries(uint32_t max_bans);

/* Fills new maps: no bans, and a seed of their own. -errno. */
int ban_map_init(int lines_fd, int infos_fd, uint32_t max_bans);

/* -EINVAL: ban_map_init() has not filled them. */
int ban_map_open(struct ban_map *m, int lines_fd, int infos_fd);
void ban_map_close(struct ban_map *m);

/* Allocates a table of so many lines that is no map; to be closed. */
int ban_map_anonymous(struct ban_map *m, uint32_t entries, uint32_t infos);

/* A client and where its line is, as the functions of ban_ops.h want it. */
struct ban_client ban_map_client(const struct ban_head *h,
				 const struct net *client);

/* One slot as it is at one moment. */
struct ban_view {
	__u32 expires; /* ticks */
	__u32 count;
	struct ban_info info;
};

/* False: the slot is free, or changed hands during the look. */
bool ban_map_view(struct ban_head *h, uint32_t line, uint32_t way,
		  struct ban_view *v);

/* The client whose ban that is. */
struct net ban_view_net(const struct ban_view *v);

/* Selects the bans to copy, and counts them. */
struct ban_copy {
	bool provisional; /* only bans that a sensor wrote */
	uint64_t since; /* only bans from this time on, ns of CLOCK_BOOTTIME */
	unsigned long copied;
	unsigned long lost; /* no room */
};

/*
 * Copies the bans that hold at a jiffy into another table, whatever its size,
 * with their drops. A client banned in both keeps the longer ban. May be called
 * again while both tables are in use.
 */
void ban_map_copy(struct ban_head *from, struct ban_head *to, uint64_t jiffies,
		  struct ban_copy *copy);

#endif
