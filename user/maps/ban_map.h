/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps bans and ban_infos in user space's memory, where the functions of
 * ban_ops.h work on them as they do in the kernel.
 */
#ifndef SMTPXDP_BAN_MAP_H
#define SMTPXDP_BAN_MAP_H

#include <stdint.h>

#include "ban.h"
#include "ban_ops.h"

struct bpf_map;

/* Both maps, one behind the other: what a struct ban_head * leads to. */
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
	size_t lines = ban_map_page_up((1UL + h->lines) * sizeof(*h));

	return (struct ban_infos *)((char *)h + lines) + i;
}

/* How many entries both maps must have for so many bans. */
uint32_t ban_map_entries(uint32_t max_bans);

/* Makes new maps empty, with a seed of their own. -errno. */
int ban_map_init(int lines_fd, int infos_fd, uint32_t max_bans);

/* -EINVAL: nobody has made them. */
int ban_map_open(struct ban_map *m, int lines_fd, int infos_fd);
void ban_map_close(struct ban_map *m);

/* Memory for a copy of a table with so many entries; to be closed. */
int ban_map_anonymous(struct ban_map *m, uint32_t entries);

/* One slot as it is at one moment. */
struct ban_view {
	__u32 expires; /* ticks */
	__u32 count;
	struct ban_info info;
};

/* False: nobody's, or of somebody else while we looked. */
bool ban_map_view(struct ban_head *h, uint32_t line, uint32_t way,
		  struct ban_view *v);

/* Which bans to copy, and what came of it. */
struct ban_copy {
	bool provisional; /* only what a sensor has written */
	uint64_t since; /* from this on, ns of CLOCK_BOOTTIME */
	unsigned long copied;
	unsigned long lost; /* no room */
};

/*
 * Copies the bans that hold at a jiffy into another table, whatever its size,
 * their drops included; where one is there, the longer one counts. May be
 * called again while both are in use.
 */
void ban_map_copy(struct ban_head *from, struct ban_head *to, uint64_t jiffies,
		  struct ban_copy *copy);

#endif
