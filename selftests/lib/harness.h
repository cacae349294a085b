/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs and maps, loaded but attached to nothing: frames are run
 * through them by BPF_PROG_TEST_RUN.
 */
#ifndef SELFTESTS_HARNESS_H
#define SELFTESTS_HARNESS_H

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/address.h"
#include "ban.h"
#include "lists/banlist.h"
#include "client.h"
#include "counters.h"
#include "event.h"
#include "lib/fixture.h"
#include "lib/packet.h"
#include "maps/clients_map.h"
#include "maps/pins.h"
#include "load/refusal.h"
#include "settings.h"
#include "smtpxdp.skel.h"
#include "stream.h"

#define UNSPEC 0xffffffffU /* TC_ACT_UNSPEC as a test run returns it */
#define EVENTS_KEPT 64
#define CPUS_KEPT 512
#define MAP_SIZE 1024 /* small maps are quick to walk */

struct lab {
	struct smtpxdp *skel;
	struct pins pins;
	struct settings_slots *slots; /* of pins */
	struct settings s; /* edit, then lab_apply() */
	struct ring_buffer *ring;
	struct event event[EVENTS_KEPT]; /* the first ones since lab_reset() */
	unsigned int n_events;
};

/* Sizes of maps, where the test wants others. */
struct lab_sizes {
	uint32_t bans;
	uint32_t events; /* bytes */
};

static const char *lab_skip_reason;

static inline void lab_fail(const char *what, int err)
{
	fail_msg("%s: %s", what, strerror(err < 0 ? -err : err));
}

/* Makes lab->s what the next packet sees, in one step, as the daemon does. */
static inline void lab_apply(struct lab *lab)
{
	struct settings_slots *slots = lab->slots;
	uint32_t next = !slots->active;

	slots->slot[next] = lab->s;
	__atomic_store_n(&slots->active, next, __ATOMIC_RELEASE);
	slots->changes++;
}

static inline int lab_event(void *ctx, void *data, size_t size)
{
	struct lab *lab = ctx;

	assert_int_equal(size, sizeof(struct event));
	if (lab->n_events < EVENTS_KEPT)
		memcpy(&lab->event[lab->n_events], data, size);
	lab->n_events++;
	return 0;
}

/* Reads the ring buffer; how many events there were since lab_reset(). */
static inline unsigned int lab_events(struct lab *lab)
{
	assert_true(ring_buffer__consume(lab->ring) >= 0);
	return lab->n_events;
}

static inline void map_clear(const struct bpf_map *map)
{
	uint8_t key[64];
	int fd = bpf_map__fd(map);

	while (!bpf_map_get_next_key(fd, NULL, key))
		assert_int_equal(bpf_map_delete_elem(fd, key), 0);
}

/* Of an array: its only element. */
static inline void map_zero(const struct bpf_map *map)
{
	void *zero = calloc(1, bpf_map__value_size(map));

	assert_non_null(zero);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &(__u32){ 0 },
					     zero, 0),
			 0);
	free(zero);
}

static inline unsigned int map_count(const struct bpf_map *map)
{
	uint8_t key[64], *prev = NULL;
	unsigned int n = 0;

	for (; !bpf_map_get_next_key(bpf_map__fd(map), prev, key); prev = key)
		n++;
	return n;
}

static inline void bans_clear(struct lab *lab)
{
	struct ban_head *h = lab->pins.bans.head;

	for (uint32_t i = 1; i <= h->lines; i++) {
		memset(ban_line_at(h, i), 0, sizeof(struct ban_line));
		memset(ban_infos_at(h, i), 0, sizeof(struct ban_infos));
	}
	h->used = 0;
	map_clear(lab->skel->maps.ban_reasons);
	map_clear(lab->skel->maps.ban_claims);
}

static inline int count_row(const struct ban_row *row, void *ctx)
{
	++*(unsigned int *)ctx;
	return 0;
}

/* Of clients, those that have run out included; and no slot is lost. */
static inline unsigned int bans_count(const struct lab *lab)
{
	unsigned int n = 0;

	assert_int_equal(banlist_each_client(&lab->pins, count_row, &n), 0);
	assert_int_equal(lab->pins.bans.head->used, n);
	return n;
}

/* All counters, each summed over the CPUs; or all of them set to 0. */
static inline void counters_read(const struct lab *lab,
				 struct counter_value sum[COUNTERS_MAX],
				 bool clear)
{
	static struct counter_value v[COUNTERS_MAX * CPUS_KEPT];
	static const struct counter_value zero[COUNTERS_MAX * CPUS_KEPT];
	int fd = bpf_map__fd(lab->skel->maps.counters);
	uint32_t keys[COUNTERS_MAX], n = COUNTERS_MAX, next;
	int cpus = libbpf_num_possible_cpus();

	assert_in_range(cpus, 1, CPUS_KEPT);
	for (uint32_t i = 0; i < COUNTERS_MAX; i++)
		keys[i] = i;
	if (clear) {
		assert_int_equal(bpf_map_update_batch(fd, keys, zero, &n, NULL),
				 0);
		return;
	}
	if (bpf_map_lookup_batch(fd, NULL, &next, keys, v, &n, NULL))
		assert_int_equal(errno, ENOENT); /* that's all of them */
	assert_int_equal(n, COUNTERS_MAX);
	memset(sum, 0, COUNTERS_MAX * sizeof(*sum));
	for (uint32_t i = 0; i < COUNTERS_MAX; i++) {
		for (int cpu = 0; cpu < cpus; cpu++) {
			sum[i].packets += v[i * cpus + cpu].packets;
			sum[i].bytes += v[i * cpus + cpu].bytes;
		}
	}
}

static inline void counters_clear(struct lab *lab)
{
	counters_read(lab, NULL, true);
}

static inline uint64_t counted(const struct lab *lab, enum counter id)
{
	struct counter_value sum[COUNTERS_MAX];

	counters_read(lab, sum, false);
	return sum[id].packets;
}

static inline const char *counter_name(enum counter id)
{
	static const char *const names[] = {
#define X(id, name, sentence) name,
		COUNTERS(X)
#undef X
	};

	return names[id];
}

struct rise {
	enum counter id;
	uint64_t packets;
	uint64_t bytes;
};

/* Since counters_clear(), these have risen by so much, and no others. */
static inline void counters_are(const struct lab *lab, const char *what,
				const struct rise *rise, size_t n)
{
	struct counter_value sum[COUNTERS_MAX];

	counters_read(lab, sum, false);
	for (uint32_t id = 0; id < COUNTERS_MAX; id++) {
		struct counter_value want = {}, got = sum[id];

		for (size_t i = 0; i < n; i++) {
			if (rise[i].id == id) {
				want.packets += rise[i].packets;
				want.bytes += rise[i].bytes;
			}
		}
		if (got.packets != want.packets || got.bytes != want.bytes)
			fail_msg("%s: counter %s is %llu/%llu, not %llu/%llu",
				 what, counter_name(id), got.packets, got.bytes,
				 want.packets, want.bytes);
	}
}

#define counters_only(lab, what, ...)                                          \
	do {                                                                   \
		const struct rise rise_[] = { __VA_ARGS__ };                   \
		counters_are(lab, what, rise_,                                 \
			     sizeof(rise_) / sizeof(*rise_));                  \
	} while (0)

/* As after a start with the default configuration. */
static inline void lab_reset(struct lab *lab)
{
	map_clear(lab->skel->maps.clients);
	map_clear(lab->skel->maps.nets);
	map_clear(lab->skel->maps.regulars);
	map_clear(lab->skel->maps.fronts);
	map_zero(lab->skel->maps.brake);
	bans_clear(lab);
	map_clear(lab->skel->maps.ban_nets);
	map_clear(lab->skel->maps.allow_nets);
	map_clear(lab->skel->maps.streams);
	map_clear(lab->skel->maps.dialogues);
	map_clear(lab->skel->maps.accepted_elsewhere);
	map_clear(lab->skel->maps.named);
	map_clear(lab->skel->maps.claims);
	map_clear(lab->skel->maps.claimants);
	counters_clear(lab);
	lab_events(lab);
	lab->n_events = 0;
	memset(&lab->slots->net_filter, 0, sizeof(lab->slots->net_filter));
	settings_default(&lab->s);
	/* tests fail more often than that within seconds; some set it */
	lab->s.slow.failures = 0;
	lab->s.n_servers = 1; /* ::/0: no socket sends what a test run gets */
	lab_apply(lab);
}

/*
 * Whether this system lets us load empty programs of all types that are ours.
 * If so, a program that is refused is one that does not work, and no test may
 * be skipped for it.
 */
static inline bool lab_may_load(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_XDP,
		BPF_PROG_TYPE_SCHED_CLS,
		BPF_PROG_TYPE_KPROBE,
		BPF_PROG_TYPE_SYSCALL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		LIBBPF_OPTS(bpf_prog_load_opts, opts,
			    .prog_flags = types[i] == BPF_PROG_TYPE_SYSCALL ?
						  BPF_F_SLEEPABLE :
						  0);
		int fd = bpf_prog_load(types[i], NULL, "GPL", nothing,
				       ARRAY_SIZE(nothing), &opts);

		if (fd < 0 && errno == EPERM)
			return false;
		if (fd >= 0)
			close(fd);
	}
	return true;
}

/* Loading ended with `err`: skips the test, or fails it with the reason. */
static inline void lab_refused(int err, const struct refusal *r)
{
	if (err == -EPERM && !lab_may_load()) {
		lab_skip_reason = "this system lets us load no BPF programs: "
				  "EPERM, for an empty one, too";
		return;
	}
	fail_msg("loading the BPF programs: %s: %s: %s", strerror(-err),
		 r->r.prog, r->log);
}

static inline int lab_load(struct lab *lab, struct lab_sizes sizes,
			   struct refusal *refusal)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct smtpxdp *skel;
	uint32_t bans;
	int err;

	refusal_listen(&opts);
	skel = smtpxdp__open_opts(&opts);
	if (!skel)
		return -errno;
	lab->skel = skel;
	bans = sizes.bans ? sizes.bans : MAP_SIZE;
	bpf_map__set_max_entries(skel->maps.bans, ban_map_entries(bans));
	bpf_map__set_max_entries(skel->maps.ban_infos,
				 ban_map_info_entries(bans));
	bpf_map__set_max_entries(skel->maps.clients, MAP_SIZE);
	bpf_map__set_max_entries(skel->maps.streams, MAP_SIZE);
	bpf_map__set_max_entries(skel->maps.dialogues, MAP_SIZE);
	bpf_map__set_max_entries(skel->maps.named, MAP_SIZE);
	if (sizes.events)
		bpf_map__set_max_entries(skel->maps.events, sizes.events);
	err = smtpxdp__load(skel);
	if (err)
		refusal_read(err, refusal);
	refusal_end();
	if (!err)
		err = ban_map_init(bpf_map__fd(skel->maps.bans),
				   bpf_map__fd(skel->maps.ban_infos), bans);
	if (!err)
		err = pins_of(&lab->pins, skel->obj);
	if (err)
		smtpxdp__destroy(skel);
	return err;
}

/* NULL where this system lets nobody load BPF programs. */
static inline struct lab *lab_open(struct lab_sizes sizes)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct refusal refusal = {};
	int err;

	assert_non_null(lab);
	err = lab_load(lab, sizes, &refusal);
	if (err) {
		free(lab);
		lab_refused(err, &refusal);
		return NULL;
	}
	lab->slots = lab->pins.slots;
	lab->ring = ring_buffer__new(bpf_map__fd(lab->skel->maps.events),
				     lab_event, lab, NULL);
	assert_non_null(lab->ring);
	lab_reset(lab);
	return lab;
}

static inline void lab_close(struct lab *lab)
{
	if (!lab)
		return;
	ring_buffer__free(lab->ring);
	pins_close(&lab->pins);
	smtpxdp__destroy(lab->skel);
	free(lab);
}

/* For cmocka: one lab for a group of tests, fresh for each of them. */
static inline int lab_setup(void **state)
{
	dice_seed();
	*state = lab_open((struct lab_sizes){});
	return 0;
}

static inline int lab_teardown(void **state)
{
	lab_close(*state);
	return 0;
}

static inline struct lab *lab_of(void **state)
{
	if (!*state) {
		printf("# SKIP %s\n", lab_skip_reason);
		skip();
	}
	lab_reset(*state);
	return *state;
}

/*
 * Runs a frame through a program. False: the kernel refuses to, as it does
 * for IP headers cut off right behind an Ethernet header.
 */
static inline bool run_try(const struct bpf_program *prog, const void *data,
			   uint32_t len, uint32_t *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = len);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	if (err && err != -EINVAL)
		fail_msg("test run of %s with %u bytes: %s",
			 bpf_program__name(prog), len, strerror(-err));
	*verdict = opts.retval;
	return !err;
}

static inline uint32_t run_bytes(const struct bpf_program *prog,
				 const void *data, uint32_t len)
{
	uint32_t verdict;

	if (!run_try(prog, data, len, &verdict))
		fail_msg("test run of %s with %u bytes refused",
			 bpf_program__name(prog), len);
	return verdict;
}

/* Runs a syscall program; what it returned. */
static inline int run_syscall(const struct bpf_program *prog, void *ctx,
			      uint32_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx,
		    .ctx_size_in = size);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	if (err)
		lab_fail(bpf_program__name(prog), err);
	return opts.retval;
}

static inline struct clock_pair lab_clock(struct lab *lab)
{
	struct clock_pair now = {};

	assert_int_equal(run_syscall(lab->skel->progs.clock, &now, sizeof(now)),
			 0);
	return now;
}

/* The client of an address, as user space has it. */
static inline struct net client_at(const struct pins *p, const struct addr *a)
{
	struct net host = net_of(a, ADDR_BITS);

	return client_of(p, &host);
}

/* The ban of exactly this network, as user space reads it. */
static inline bool ban_get_net(const struct lab *lab, const struct net *net,
			       struct ban *b)
{
	return !banlist_get(&lab->pins, net, b);
}

static inline bool ban_get(const struct lab *lab, const struct addr *client,
			   struct ban *b)
{
	struct net net = client_at(&lab->pins, client);

	return ban_get_net(lab, &net, b);
}

/* Jiffies by which a ban may be longer than was asked for. */
static inline uint64_t ban_tick(const struct lab *lab)
{
	return 1ULL << lab->pins.bans.head->tick_shift;
}

/* Bans a client until a jiffy, which may be past; expires is rounded up. */
static inline void ban_set(struct lab *lab, const struct addr *client,
			   const struct ban *b)
{
	struct net net = client_at(&lab->pins, client);
	struct ban_head *h = lab->pins.bans.head;
	struct ban_client c = ban_map_client(h, &net);
	struct ban later = *b;
	int pos;

	later.expires = lab_clock(lab).jiffies + (1 << 20);
	assert_int_equal(banlist_put(&lab->pins, &net, &later), 0);
	pos = ban_search(h, &c, 0, BAN_CLAIMED);
	assert_true(pos >= 0);
	ban_line_of(h, &c, pos)->expires[pos % BAN_WAYS] =
		ban_tick_up(b->expires, h->tick_shift);
}

static inline bool client_get(const struct lab *lab, const struct addr *key,
			      struct client *c)
{
	return !bpf_map_lookup_elem(bpf_map__fd(lab->skel->maps.clients), key,
				    c);
}

/* The network of the first `len` (of 128) bits of an address. */
static inline struct net network(const struct addr *a, uint32_t len)
{
	struct net n = { .len = len };

	for (uint32_t i = 0; i < len; i++)
		n.addr[i / 8] |= a->b[i / 8] & 0x80 >> i % 8;
	return n;
}

static inline void allow_put(struct lab *lab, const struct addr *a,
			     uint32_t len, uint32_t flags)
{
	struct net key = network(a, len);
	struct allow value = { flags };

	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.allow_nets),
				    &key, &value, 0),
		0);
	lab->s.have_allow = 1;
	lab_apply(lab);
}

#endif
