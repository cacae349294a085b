// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/ban_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/address.h"
#include "base/clock.h"

/*
 * Slots for each ten bans: at this fill, few bans overflow their line. A small
 * table is searched in order and needs more slots, or it could have no free one
 * in reach.
 */
#define SLOTS_FOR_TEN 14
#define SLOTS_FOR_TEN_SMALL 20
/* A tick is at least this long: so 32 bits of ticks last for 13 years. */
#define TICK_MSEC 100

uint32_t ban_map_info_entries(uint32_t max_bans)
{
	uint64_t ten = max_bans < BAN_SMALL * BAN_WAYS ? SLOTS_FOR_TEN_SMALL :
							 SLOTS_FOR_TEN;
	uint64_t slots = (max_bans * ten + 9) / 10;

	return 1 + (slots + BAN_WAYS - 1) / BAN_WAYS; /* and the head */
}

static uint32_t filter_lines(uint32_t max_bans)
{
	uint64_t line = 8 * sizeof(struct ban_line); /* bits */

	return ((uint64_t)max_bans * BAN_FILTER_ROOM + line - 1) / line;
}

uint32_t ban_map_entries(uint32_t max_bans)
{
	return ban_map_info_entries(max_bans) + 2 * filter_lines(max_bans);
}

static uint32_t tick_shift(void)
{
	uint32_t shift = 0, hz = clock_hz();

	while ((1000U << shift) / hz < TICK_MSEC)
		shift++;
	return shift;
}

static int entries_of(int fd, size_t value_size, uint32_t *n)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*n = info.max_entries;
	return info.value_size == value_size ? 0 : -EINVAL;
}

/* Reserves addresses for both maps, and maps them there side by side. */
static int map_both(struct ban_map *m, int lines_fd, int infos_fd,
		    uint32_t n_lines, uint32_t n_infos)
{
	size_t lines =
		ban_map_page_up((size_t)n_lines * sizeof(struct ban_line));
	size_t infos =
		ban_map_page_up((size_t)n_infos * sizeof(struct ban_infos));
	char *hole = mmap(NULL, lines + infos, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED, err;

	if (hole == MAP_FAILED)
		return -errno;
	if (mmap(hole, lines, prot, flags, lines_fd, 0) == MAP_FAILED ||
	    mmap(hole + lines, infos, prot, flags, infos_fd, 0) == MAP_FAILED) {
		err = -errno;
		munmap(hole, lines + infos);
		return err;
	}
	m->head = (struct ban_head *)hole;
	m->size = lines + infos;
	return 0;
}

static int map(struct ban_map *m, int lines_fd, int infos_fd, uint32_t *lines,
	       uint32_t *infos)
{
	int err = entries_of(lines_fd, sizeof(struct ban_line), lines);

	m->head = NULL;
	if (!err)
		err = entries_of(infos_fd, sizeof(struct ban_infos), infos);
	if (!err && (*lines < *infos || *infos < 2))
		err = -EINVAL;
	return err ? err : map_both(m, lines_fd, infos_fd, *lines, *infos);
}

int ban_map_init(int lines_fd, int infos_fd, uint32_t max_bans)
{
	struct ban_head head = { .max = max_bans,
				 .tick_shift = tick_shift(),
				 .filter_lines = filter_lines(max_bans) };
	uint32_t lines, infos;
	struct ban_map m;
	int err = map(&m, lines_fd, infos_fd, &lines, &infos);

	if (err)
		return err;
	memset(m.head, 0, m.size);
	head.lines = infos - 1;
	if (ban_entries(&head) != lines)
		err = -EINVAL;
	else if (getrandom(head.seed, sizeof(head.seed), 0) !=
		 sizeof(head.seed))
		err = -errno;
	for (int i = 0; i < 4; i++)
		head.seed[i] |= 1;
	if (!err)
		*m.head = head;
	ban_map_close(&m);
	return err;
}

int ban_map_open(struct ban_map *m, int lines_fd, int infos_fd)
{
	uint32_t lines, infos;
	int err = map(m, lines_fd, infos_fd, &lines, &infos);

	if (err ||
	    (m->head->lines == infos - 1 && ban_entries(m->head) == lines))
		return err;
	ban_map_close(m);
	return -EINVAL;
}

int ban_map_anonymous(struct ban_map *m, uint32_t entries, uint32_t infos)
{
	void *memory;

	m->size = ban_map_page_up((size_t)entries * sizeof(struct ban_line)) +
		  ban_map_page_up((size_t)infos * sizeof(struct ban_infos));
	memory = mmap(NULL, m->size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->head = memory == MAP_FAILED ? NULL : memory;
	return m->head ? 0 : -ENOMEM;
}

void ban_map_close(struct ban_map *m)
{
	if (m->head)
		munmap(m->head, m->size);
	m->head = NULL;
}

struct ban_client ban_map_client(const struct ban_head *h,
				 const struct net *client)
{
	struct ban_client c = { .addr = net_addr(client) };

	ban_client(h, &c);
	return c;
}

struct net ban_view_net(const struct ban_view *v)
{
	return net_of(&v->info.client, v->info.cause.len);
}

bool ban_map_view(struct ban_head *h, uint32_t line, uint32_t way,
		  struct ban_view *v)
{
	struct ban_line *l = ban_line_at(h, line);
	__u64 key;

	v->expires = BAN_LOAD(l, expires[way]);
	if (v->expires <= BAN_CLAIMED)
		return false;
	key = BAN_LOAD(l, who[way]);
	v->count = BAN_READ(l->count[way]);
	v->info = ban_infos_at(h, line)->way[way];
	ban_fence();
	if (BAN_LOAD(l, expires[way]) != v->expires ||
	    BAN_READ(l->who[way]) != key)
		return false;
	v->info.packets += (v->count & BAN_DROPS_MASK) / BAN_PACKET;
	v->info.bytes += v->count & BAN_BYTES_MASK;
	return true;
}

/* 0; 1: a ban of the client is there, and holds as long; or -errno. */
static int copy_one(struct ban_head *to, const struct ban_view *v,
		    uint32_t expires, uint32_t now)
{
	struct ban_client c = { .addr = v->info.client };
	struct ban_entry e = {
		.expires = expires,
		.now = now,
		.not_plain = v->count & BAN_NOT_PLAIN,
		.mode = BAN_EXTEND,
		.cause = v->info.cause,
	};
	int err, pos;

	ban_client(to, &c);
	pos = ban_search(to, &c, 0, now);
	if (pos >= 0 && ban_expires(to, &c, pos) >= expires)
		return 1;
	err = ban_put(to, &c, &e);
	pos = !err && pos < 0 ? ban_search(to, &c, 0, now) : -1;
	if (pos >= 0) {
		struct ban_info *i = ban_info_of(to, &c, pos);

		__sync_fetch_and_add(&i->packets, v->info.packets);
		__sync_fetch_and_add(&i->bytes, v->info.bytes);
	}
	return err;
}

static bool wanted(const struct ban_copy *copy, const struct ban_cause *cause)
{
	return cause->since >= copy->since &&
	       (!copy->provisional || ban_flags(cause) & BAN_PROVISIONAL);
}

void ban_map_copy(struct ban_head *from, struct ban_head *to, uint64_t jiffies,
		  struct ban_copy *copy)
{
	uint32_t now = jiffies >> to->tick_shift;
	struct ban_view v;

	for (uint32_t i = 1; i <= from->lines; i++) {
		for (uint32_t w = 0; w < BAN_WAYS; w++) {
			uint64_t ends;
			int err;

			if (!ban_map_view(from, i, w, &v) ||
			    !wanted(copy, &v.info.cause))
				continue;
			ends = (uint64_t)v.expires << from->tick_shift;
			if (ends <= jiffies)
				continue;
			err = copy_one(to, &v,
				       ban_tick_up(ends, to->tick_shift), now);
			copy->copied += !err;
			copy->lost += err < 0;
		}
	}
}
