// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/carry_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "counters.h"
#include "maps/accounts_map.h"
#include "maps/ban_map.h"
#include "pure/guesses.h"
#include "pure/users.h"
#include "stream.h"

#define BATCH 1024

static bool is_per_cpu(const struct bpf_map_info *i)
{
	return i->type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       i->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       i->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_array(const struct bpf_map_info *i)
{
	return i->type == BPF_MAP_TYPE_ARRAY ||
	       i->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static size_t stride(const struct bpf_map_info *i)
{
	return is_per_cpu(i) ? (i->value_size + 7) & ~7U : i->value_size;
}

static size_t values(const struct bpf_map_info *i)
{
	return is_per_cpu(i) ? libbpf_num_possible_cpus() : 1;
}

/*
 * Room for a key and a value of the new map, and for a zero value of the old
 * one, which empties a slot of an array.
 */
struct room {
	void *key, *value, *zero;
};

static int make_room(struct room *r, const struct move *m)
{
	r->key = calloc(1, m->next.key_size);
	r->value = calloc(values(&m->next), stride(&m->next));
	r->zero = calloc(values(&m->info), stride(&m->info));
	return r->key && r->value && r->zero ? 0 : -ENOMEM;
}

static void free_room(struct room *r)
{
	free(r->key);
	free(r->value);
	free(r->zero);
}

static void move_one(struct move *m, struct room *r, const void *key,
		     const void *value)
{
	int err;

	layout_convert(m->old.btf, m->old.key, key, m->new.btf, m->new.key,
		       r->key);
	for (size_t i = 0; i < values(&m->info) && i < values(&m->next); i++)
		layout_convert(m->old.btf, m->old.value,
			       (const char *)value + i * stride(&m->info),
			       m->new.btf, m->new.value,
			       (char *)r->value + i * stride(&m->next));
	err = m->put(m, r->key, r->value);
	m->carried += !err;
	m->lost += err < 0;
	if (err < 0)
		m->err = err;
	if (!m->take)
		return;
	if (is_array(&m->info))
		bpf_map_update_elem(m->from, key, r->zero, BPF_EXIST);
	else
		bpf_map_delete_elem(m->from, key);
}

static int each_by_key(struct move *m, struct room *r)
{
	void *key = malloc(m->info.key_size), *next = malloc(m->info.key_size);
	void *value = calloc(values(&m->info), stride(&m->info));
	int more = -1;

	if (key && next && value)
		more = !bpf_map_get_next_key(m->from, NULL, key);
	while (more > 0) {
		/*
		 * Read the next key first: it cannot be found from a deleted
		 * one.
		 */
		more = !bpf_map_get_next_key(m->from, key, next);
		if (!bpf_map_lookup_elem(m->from, key, value))
			move_one(m, r, key, value);
		memcpy(key, next, m->info.key_size);
	}
	free(key);
	free(next);
	free(value);
	return more < 0 ? -ENOMEM : 0;
}

/* Batches are much quicker, which matters for a million entries. */
static int each_by_batch(struct move *m, struct room *r)
{
	char *keys = calloc(BATCH, m->info.key_size);
	char *vals = calloc(BATCH, m->info.value_size);
	__u32 in = 0, out = 0, n;
	int err = keys && vals ? 0 : -ENOMEM, done = 0;

	for (void *from = NULL; !err && !done; from = &in) {
		n = BATCH;
		if (bpf_map_lookup_batch(m->from, from, &out, keys, vals, &n,
					 NULL)) {
			done = errno == ENOENT;
			if (!done)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++)
			move_one(m, r, keys + (size_t)i * m->info.key_size,
				 vals + (size_t)i * m->info.value_size);
		in = out;
	}
	free(keys);
	free(vals);
	return err;
}

int move_all(struct move *m)
{
	bool batch = !m->take && m->info.type == BPF_MAP_TYPE_HASH;
	struct room r;
	int err = make_room(&r, m);

	if (!err)
		err = batch ? each_by_batch(m, &r) : each_by_key(m, &r);
	free_room(&r);
	return err;
}

/* Converts the second map of a table of bans to this version's layout. */
static int convert_infos(const struct move *m, int infos, struct ban_map *copy)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	struct layout was, is;
	int err = 0;
	void *value;

	if (bpf_obj_get_info_by_fd(infos, &info, &len))
		return -errno;
	if (layout_of(m->old.btf, map_names[MAP_BAN_INFOS], &was) ||
	    layout_of(m->new.btf, map_names[MAP_BAN_INFOS], &is))
		return -EINVAL;
	value = malloc(info.value_size);
	if (!value)
		return -ENOMEM;
	for (__u32 i = 1; i <= copy->head->lines && !err; i++) {
		if (bpf_map_lookup_elem(infos, &i, value))
			err = -errno;
		else
			layout_convert(was.btf, was.value, value, is.btf,
				       is.value, ban_infos_at(copy->head, i));
	}
	free(value);
	return err;
}

/*
 * Copies a table of bans whose second map has another layout. -EINVAL: the
 * first map has another layout, too.
 */
static int convert_table(const struct move *m, int infos, struct ban_map *copy)
{
	__u32 n = m->info.max_entries;
	int err = 0;

	if (m->info.type != BPF_MAP_TYPE_ARRAY || n < 2 ||
	    !layout_same(m->old.btf, m->old.value, m->new.btf, m->new.value))
		return -EINVAL;
	err = ban_map_anonymous(copy, n, n);
	for (__u32 i = 0; i < n && !err; i++)
		if (bpf_map_lookup_elem(m->from, &i,
					(struct ban_line *)copy->head + i))
			err = -errno;
	if (!err && ban_entries(copy->head) != n)
		err = -EINVAL;
	if (!err)
		err = convert_infos(m, infos, copy);
	if (err)
		ban_map_close(copy);
	return err;
}

int move_bans(struct move *m, int infos, bool late)
{
	struct ban_copy copy = { .since = late ? m->c->began : 0,
				 .provisional = late };
	struct ban_map from = {};
	struct clock_pair now;
	int err = ban_map_open(&from, m->from, infos);

	if (err == -EINVAL)
		err = convert_table(m, infos, &from);
	if (err)
		return err;
	err = clock_read(m->c->to->prog[PROG_CLOCK], &now);
	if (!err)
		ban_map_copy(from.head, m->c->to->bans.head, now.jiffies,
			     &copy);
	m->carried = copy.copied;
	m->lost = copy.lost;
	m->err = copy.lost ? -E2BIG : 0;
	ban_map_close(&from);
	return err;
}

/* ---- what becomes of an entry */

int put_entry(struct move *m, const void *key, void *value)
{
	__u64 flags = is_array(&m->next) ? BPF_ANY : BPF_NOEXIST;

	if (is_array(&m->next) && *(const __u32 *)key >= m->next.max_entries)
		return -E2BIG;
	if (!bpf_map_update_elem(m->to, key, value, flags))
		return 0;
	return errno == EEXIST ? 1 : -errno;
}

int put_name_key(struct move *m, const void *key, void *value)
{
	int ret = put_entry(m, key, value);

	return ret ? ret : name_key_make(m->to);
}

int put_stream(struct move *m, const void *key, void *value)
{
	const struct stream *s = value;
	struct stream now;
	int ret = put_entry(m, key, value);

	if (ret != 1 || bpf_map_lookup_elem(m->to, key, &now) ||
	    (__s32)(s->next_seq - now.next_seq) <= 0)
		return ret;
	return bpf_map_update_elem(m->to, key, value, BPF_ANY) ? -errno : 0;
}

static void append(struct client *c, const struct client *next)
{
	__u32 first = next->head > LOG_SLOTS ? next->head - LOG_SLOTS : 0;

	for (__u32 n = first; n != next->head; n++)
		c->log[(c->head + n) % LOG_SLOTS] = window_slot_value(
			c->head + n, next->log[n % LOG_SLOTS] >> 1);
	if (next->spent)
		c->spent = c->head + next->spent;
	c->head += next->head;
	for (int i = 0; i < USERS_MAX && next->users[i]; i++)
		users_add(c, next->users[i], users_slot_tick(next->users[i]));
	if (next->unknown_user)
		c->unknown_user = next->unknown_user;
	for (int i = 0; i < GUESSES_MAX; i++)
		guess_note(c, ((const __u16 *)next->guesses)[i]);
}

void client_merge(struct client *c, const struct client *next)
{
	/*
	 * Failures during the old sensors' ban do not count. The new sensors
	 * did not know of that ban.
	 */
	if (!window_closed(c->until, next->last_seen, MODE_ENFORCE))
		append(c, next);
	c->failures += next->failures;
	c->successes += next->successes;
	c->repeats += next->repeats;
	if (next->failures) {
		c->last_seen = next->last_seen;
		c->last_code = next->last_code;
	}
	if (next->until)
		c->until = next->until;
}

bool client_has(const struct client *c, const struct client *before)
{
	__u32 from = c->head > LOG_SLOTS ? c->head - LOG_SLOTS : 0;

	if (c->head < before->head || c->failures < before->failures ||
	    from >= before->head)
		return false;
	for (__u32 n = from; n != before->head; n++)
		if (c->log[n % LOG_SLOTS] != before->log[n % LOG_SLOTS])
			return false;
	return true;
}

/* The new sensors counted later than the old ones did. */
int put_client(struct move *m, const void *key, void *value)
{
	struct client now;
	int ret = put_entry(m, key, value);

	if (ret != 1)
		return ret;
	if (!bpf_map_lookup_elem(m->to, key, &now)) {
		if (m->again && client_has(&now, value))
			return 1;
		client_merge(value, &now);
	}
	return bpf_map_update_elem(m->to, key, value, BPF_ANY) ? -errno : 0;
}

int put_counter(struct move *m, const void *key, void *value)
{
	struct counter_value *add = value, *now;
	size_t n = values(&m->next);
	__u64 any = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		any |= add[i].packets;
	if (!any)
		return 1;
	if (*(const __u32 *)key >= m->next.max_entries)
		return -E2BIG;
	now = calloc(n, sizeof(*now));
	if (!now)
		return -ENOMEM;
	if (bpf_map_lookup_elem(m->to, key, now))
		err = -errno;
	for (size_t i = 0; i < n; i++) {
		now[i].packets += add[i].packets;
		now[i].bytes += add[i].bytes;
	}
	if (!err && bpf_map_update_elem(m->to, key, now, BPF_EXIST))
		err = -errno;
	free(now);
	return err;
}
