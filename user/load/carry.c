// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/carry.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/carry_map.h"
#include "maps/generation.h"
#include "maps/layout_map.h"
#include "sys/rcu.h"
#include "tell/journal.h"

enum step { STEP_FILL, STEP_STREAMS, STEP_BANS, STEP_DRAIN };

/*
 * Sets m->put and m->take for a step: false if the step leaves the map alone.
 */
static bool plan(enum step step, enum pinned_map map, struct move *m)
{
	m->put = NULL;
	m->take = false;
	switch (map) {
	case MAP_BANS: /* no keys and values: see move_bans() */
		return step != STEP_STREAMS;
	case MAP_BAN_INFOS: /* moved with MAP_BANS */
		break;
	case MAP_CLIENTS:
	case MAP_NETS:
	case MAP_REPEATS:
		m->put = step == STEP_DRAIN ? put_client : NULL;
		m->take = true;
		break;
	case MAP_COUNTERS:
		m->put = step == STEP_DRAIN ? put_counter : NULL;
		m->take = true;
		break;
	case MAP_STREAMS:
		m->put = step == STEP_STREAMS || step == STEP_DRAIN ?
				 put_stream :
				 NULL;
		m->take = step == STEP_DRAIN;
		break;
	case MAP_BRAKE: /* what the old programs ban meanwhile is not counted */
	case MAP_ACCOUNTS: /* nor what they count meanwhile */
		m->put = step == STEP_FILL ? put_entry : NULL;
		break;
	case MAP_NAME_KEY:
		m->put = step == STEP_FILL ? put_name_key : NULL;
		break;
	case MAP_REGULARS:
	case MAP_ACCOUNT_NETS:
	case MAP_FRONTS:
	case MAP_NAMED:
	case MAP_FORWARDED:
	case MAP_CLAIMANTS:
		m->put = step == STEP_FILL || step == STEP_DRAIN ? put_entry :
								   NULL;
		break;
	case MAP_SETTINGS: /* compiled from the configuration */
	case MAP_EVENTS: /* no entries: see read_events() */
	case MAP_MAIL_PROCS: /* the sensors find the processes again */
	case MAP_TLS_SESSIONS: /* the probes find the sessions again */
	case MAP_DIALOGUES: /* lost: their logins have no user */
	case MAP_TLS_DIALOGUES: /* the same */
	case MAP_TLS_TASKS: /* lost: the probes miss these calls */
	case MAP_TLS_READINGS: /* the same */
	case MAP_ACCEPTED_SOCKS: /* lost: on free ports they are not read */
	case MAP_ACCEPTED_ELSEWHERE: /* of the last few milliseconds */
	case MAP_ENDED_ELSEWHERE: /* of the last few seconds */
	case MAP_DOUBTS: /* noted anew with the next reply */
	case MAP_SIGNS: /* what is still wrong shows again */
	case MAP_EXEMPT:
	case MAP_ARRIVALS:
	case MAP_ELSEWHERE:
		break;
	default: /* only the daemon and commands write to these */
		m->put = step == STEP_FILL ? put_entry : NULL;
	}
	return m->put;
}

static void tell(const struct move *m)
{
	const char *name = map_names[m->map];
	char fields[256], lost[128] = "";

	layout_dropped(m->old.btf, m->old.value, m->new.btf, m->new.value,
		       fields, sizeof(fields));
	if (m->lost)
		snprintf(lost, sizeof(lost), "; %lu were NOT: %s", m->lost,
			 m->err == -E2BIG || m->err == -ENOSPC ?
				 "no room" :
				 strerror(-m->err));
	if (m->carried || m->lost)
		journal_note(m->lost || *fields ? MESSAGE_NOT_CARRIED :
						  MESSAGE_CARRIED,
			     "map %s is replaced: %lu entries were carried "
			     "over%s%s%s",
			     name, m->carried, lost,
			     *fields ? "; fields that this version does not "
				       "know: " :
				       "",
			     fields);
}

/*
 * Opens a map of an older generation: 1 if its entries must be carried, 0 if
 * this generation works on that very map, or -errno.
 */
static int open_old(struct move *m, int generation)
{
	__u32 len = sizeof(m->info), next_len = sizeof(m->next);
	char path[PATH_MAX];
	int err = generation_path(path, sizeof(path), m->c->to->dir, generation,
				  map_names[m->map]);

	m->to = m->c->to->map[m->map];
	m->from = err ? -1 : bpf_obj_get(path);
	if (m->from < 0)
		return err ? err : -errno;
	if (!bpf_obj_get_info_by_fd(m->from, &m->info, &len) &&
	    !bpf_obj_get_info_by_fd(m->to, &m->next, &next_len))
		return m->info.id != m->next.id;
	err = -errno;
	close(m->from);
	return err;
}

/* Opens the second map of the table of bans: move_bans() needs both. */
static int open_infos(const struct carry *c, int generation)
{
	char path[PATH_MAX];
	int err = generation_path(path, sizeof(path), c->to->dir, generation,
				  map_names[MAP_BAN_INFOS]);

	return err ? err : bpf_obj_get(path);
}

static int move_bans_of(struct move *m, enum step step, int generation)
{
	int infos = open_infos(m->c, generation);
	int err = infos < 0 ? -EINVAL : move_bans(m, infos, step != STEP_FILL);

	if (infos >= 0)
		close(infos);
	if (err != -EINVAL)
		return err;
	journal_note(MESSAGE_NOT_CARRIED,
		     "map bans has another form than this version's: its bans "
		     "are forgotten");
	return 0;
}

static int move_map(struct carry *c, enum step step, int generation,
		    const struct btf *old, enum pinned_map map)
{
	const struct pins *to = c->to;
	struct move m = { .c = c, .map = map };
	int err;

	m.again = generation != generation_before(to->dir, to->generation);
	if (!plan(step, map, &m))
		return 0;
	err = open_old(&m, generation);
	if (err < 0)
		return err == -ENOENT ? 0 : err; /* it had no such map */
	if (err > 0) {
		err = layout_of(old, map_names[map], &m.old);
		if (!err)
			err = layout_of(c->btf, map_names[map], &m.new);
		if (!err)
			err = map == MAP_BANS ?
				      move_bans_of(&m, step, generation) :
				      move_all(&m);
		tell(&m);
	}
	close(m.from);
	return err;
}

static long count_entries(int fd)
{
	char *key = malloc(512);
	long n = 0;

	while (key && !bpf_map_get_next_key(fd, n ? key : NULL, key))
		n++;
	free(key);
	return n;
}

/*
 * Reports maps that this version does not have: nothing can be done with their
 * entries.
 */
static void tell_unknown(struct carry *c, int generation, const struct btf *old)
{
	char path[PATH_MAX];
	struct layout l;
	const char *name;
	int fd;

	for (int i = 0; (name = layout_map(old, i)); i++) {
		if (!layout_of(c->btf, name, &l) || layout_of(old, name, &l) ||
		    !l.key ||
		    generation_path(path, sizeof(path), c->to->dir, generation,
				    name))
			continue;
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		journal_note(MESSAGE_NOT_CARRIED,
			     "map %s is not known to this version: its %ld "
			     "entries are forgotten",
			     name, count_entries(fd));
		close(fd);
	}
}

static int step_from(struct carry *c, enum step step, int generation)
{
	struct btf *old = layout_load(c->to->dir, generation);
	int err = 0;

	if (!old)
		return -errno;
	/*
	 * Streams come first: replies that the old sensors read meanwhile would
	 * be counted twice.
	 */
	err = move_map(c, step, generation, old, MAP_STREAMS);
	for (int i = 0; i < MAPS_MAX && !err; i++)
		if (i != MAP_STREAMS)
			err = move_map(c, step, generation, old, i);
	if (step == STEP_FILL)
		tell_unknown(c, generation, old);
	btf__free(old);
	return err;
}

int carry_fill(struct carry *c)
{
	int generation = generation_current(c->to->dir);
	struct clock_pair now;
	int err;

	if (generation == -ENOENT)
		return 0; /* nothing was loaded before */
	err = clock_read(c->to->prog[PROG_CLOCK], &now);
	if (!err)
		err = generation < 0 ? generation :
				       step_from(c, STEP_FILL, generation);
	/*
	 * If an interrupted start left an older generation, all of its bans are
	 * wanted, so carry_bans() takes 0 for the beginning.
	 */
	c->began = generation_before(c->to->dir, generation) < 0 && !err ?
			   now.boot_ns :
			   0;
	return err;
}

/*
 * Handles the events that no daemon has read, if the ring buffer is replaced.
 */
static void read_events(struct carry *c, int generation)
{
	struct move m = { .c = c, .map = MAP_EVENTS };
	struct ring_buffer *ring;

	if (open_old(&m, generation) <= 0)
		return;
	ring = ring_buffer__new(m.from, c->on_event, c->ctx, NULL);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	close(m.from);
}

static void step_from_all(struct carry *c, enum step step)
{
	int n = c->to->generation, err;

	/* A swapped program may run a moment longer on another CPU. */
	if (step != STEP_STREAMS)
		rcu_wait();
	while ((n = generation_before(c->to->dir, n)) > 0) {
		err = step_from(c, step, n);
		if (!err && step == STEP_DRAIN)
			read_events(c, n);
		if (err)
			journal_note(MESSAGE_NOT_CARRIED,
				     "cannot carry over all that the daemon "
				     "before has left: %s",
				     strerror(-err));
	}
}

void carry_streams(struct carry *c)
{
	step_from_all(c, STEP_STREAMS);
}

void carry_bans(struct carry *c)
{
	step_from_all(c, STEP_BANS);
}

void carry_drain(struct carry *c)
{
	step_from_all(c, STEP_DRAIN);
}

void carry_end(struct carry *c)
{
	int n;

	while ((n = generation_before(c->to->dir, c->to->generation)) > 0 &&
	       !generation_remove(c->to->dir, n))
		;
}
