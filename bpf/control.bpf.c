// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What user space asks the kernel to do because only a program can: change a
 * ban in place while packets are counted on it, and read jiffies.
 */
#include <linux/errno.h>
#include <stdbool.h>

#include "ban_table.h"
#include "maps.h"
#include "now.h"

/*
 * Writes a ban, or rewrites the one that is there: its drops go on counting
 * where it still holds. Returns 0, or -E2BIG when the map is full.
 */
SEC("syscall")
int ban_write(struct ban_request *rq)
{
	struct addr client = rq->client;
	struct ban *b = ban_find(&client);

	if (!b) {
		struct ban fresh = rq->ban;
		long err;

		fresh.packets = 0;
		fresh.bytes = 0;
		err = ban_insert(&client, &fresh);
		if (err != -EEXIST)
			return err;
		b = ban_find(&client); /* a sensor was quicker */
		if (!b)
			return -EAGAIN;
	}
	if (!ban_active(b, now_jiffies())) {
		b->packets = 0;
		b->bytes = 0;
	}
	b->since = rq->ban.since;
	b->failures = rq->ban.failures;
	b->code = rq->ban.code;
	b->len = rq->ban.len;
	b->flags = rq->ban.flags;
	__builtin_memcpy(b->reason, rq->ban.reason, sizeof(b->reason));
	*(volatile __u64 *)&b->expires = rq->ban.expires;
	return 0;
}

/*
 * Removes a ban that has run out; -EBUSY if it has not. That a sensor revives
 * it between the look and the removal can't be excluded: the daemon, which is
 * the only caller, writes every ban again when it handles the event.
 */
SEC("syscall")
int ban_expire(struct addr *client)
{
	struct addr key = *client;
	struct ban *b = ban_find(&key);

	if (!b)
		return -ENOENT;
	if (ban_active(b, now_jiffies()))
		return -EBUSY;
	return bpf_map_delete_elem(&bans, &key);
}

static long go_on(void *map, const void *key, void *value, void *ctx)
{
	return 0;
}

/* How many entries: system calls would take one for each of them. */
SEC("syscall")
int fill(struct map_fill *f)
{
	f->clients = bpf_for_each_map_elem(&clients, go_on, NULL, 0);
	f->streams = bpf_for_each_map_elem(&streams, go_on, NULL, 0);
	f->history = bpf_for_each_map_elem(&history, go_on, NULL, 0);
	return 0;
}

SEC("syscall")
int clock(struct clock_pair *c)
{
	c->jiffies = now_jiffies();
	c->boot_ns = now_boot_ns();
	return 0;
}
