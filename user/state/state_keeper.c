// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/state_keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "maps/activity_map.h"
#include "base/file.h"
#include "tell/journal.h"
#include "base/output.h"
#include "state/state.h"
#include "state/state_defaults.h"
#include "state/state_logins.h"

#define LOCK_NAME "smtpxdp.lock"
#define BATCH_MSEC 200 /* changes within this time share a transaction */
#define RETRY_MSEC 10000 /* after a fault */
#define TOUCH_MSEC 60000 /* so far may the stamp lag when the power fails */
#define LOGINS_SEC 3600 /* between two saves of who has logged in */
#define ALL_SEC 86400 /* between full saves, which drop rows left over */
#define USEC 1000000ULL

struct state_keeper {
	struct pins *p;
	const char *dir;
	int lock; /* fd of the lock file, or negative */
	struct store *store; /* NULL: not open */
	bool restored; /* the file's rows are in the maps */
	bool fault;
	/* of clock_monotonic_usec(): the last full save, and of logins */
	uint64_t all_usec, logins_usec;
	pthread_t thread;
	bool running, stop;
};

/* Once a second, tells systemd and people how far the restoration is. */
static void show_progress(size_t bans)
{
	uint64_t now = clock_monotonic_usec();
	static uint64_t last;

	if (!last)
		last = now;
	if (now - last < USEC)
		return;
	last = now;
	sd_notifyf(0,
		   "STATUS=restoring bans: %zu\nEXTEND_TIMEOUT_USEC=30000000",
		   bans);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "restoring bans: %zu\r", bans);
}

static void tell_restored(const struct state_keeper *k,
			  const struct restored *r)
{
	if (r->bans || r->over || r->allow || r->history || r->logins)
		journal_note(MESSAGE_RESTORED,
			     "from %s/" STORE_NAME ": %zu bans (%zu more have "
			     "run out), the offences of %zu clients, %zu "
			     "networks allowlisted by command, the logins of "
			     "%zu clients",
			     k->dir, r->bans, r->over, r->history, r->allow,
			     r->logins);
	if (r->full)
		journal_note(MESSAGE_FAULT,
			     "%zu bans were NOT restored: the ban list is "
			     "full; raise max-bans",
			     r->full);
	if (r->odd)
		journal_note(MESSAGE_FAULT,
			     "%zu rows of %s/" STORE_NAME " make no sense and "
			     "were left out",
			     r->odd, k->dir);
}

static int restore(struct state_keeper *k, struct store *s)
{
	struct restored r;
	int lock = pins_lock_writer(k->p->dir), err;

	err = state_restore(k->p, s, &r, show_progress);
	pins_unlock(lock);
	tell_restored(k, &r);
	return err;
}

/* Closes the file; the next save writes everything. */
static void close_store(struct state_keeper *k)
{
	store_close(k->store);
	k->store = NULL;
	changes_note_all(&k->p->changes);
}

/* Moves a corrupt file aside, untouched: a new one takes its place. */
static int set_aside(struct state_keeper *k)
{
	char to[PATH_MAX];
	int err;

	close_store(k);
	err = store_set_aside(k->dir, to);
	if (!err)
		journal_note(MESSAGE_STATE_ASIDE,
			     "%s/" STORE_NAME " is corrupt: set aside as %s; "
			     "a new one is made of what the kernel has. Bans "
			     "that only the file had are lost: sqlite3 %s "
			     ".recover shows what is legible",
			     k->dir, to, to);
	return err;
}

static int read_in(struct state_keeper *k)
{
	int err = 0;

	if (state_is_mirror(k->p, k->store))
		return 0;
	if (!k->restored)
		err = restore(k, k->store);
	return err ? err : state_adopt(k->p, k->store);
}

/* Opens the file and restores its rows; sets a corrupt one aside. */
static int take_over(struct state_keeper *k)
{
	int err = store_open(&k->store, k->dir);

	if (!err)
		err = read_in(k);
	if (err == -EUCLEAN) {
		err = set_aside(k);
		if (!err)
			err = store_open(&k->store, k->dir);
		if (!err)
			err = state_adopt(k->p, k->store);
	}
	k->restored |= !err;
	return err;
}

/* Restores the rows of a file that can be read, but not written. */
static void restore_read_only(struct state_keeper *k)
{
	struct store *s;

	if (store_open_read_only(&s, k->dir))
		return;
	k->restored = state_is_mirror(k->p, s) || !restore(k, s);
	store_close(s);
}

static void note_fault(struct state_keeper *k, int err)
{
	char why[STORE_EXPLAIN_SIZE];

	if (!k->fault)
		journal_note(MESSAGE_STATE_FAULT,
			     "bans hold, but are not saved, and a reboot would "
			     "end them: %s",
			     store_explain(k->dir, err, why, sizeof(why)));
	k->fault = true;
	activity_saves(k->p, false);
}

static void note_kept(struct state_keeper *k)
{
	if (k->fault)
		journal_note(MESSAGE_STATE_KEPT,
			     "bans are saved again in %s/" STORE_NAME, k->dir);
	k->fault = false;
	activity_saves(k->p, true);
}

/* Saves who has logged in, every hour and at the end. */
static int save_logins(struct state_keeper *k)
{
	uint64_t now = clock_monotonic_usec();
	int err;

	if (!k->stop && now - k->logins_usec < LOGINS_SEC * USEC)
		return 0;
	err = state_save_logins(k->p, k->store);
	if (!err)
		k->logins_usec = now;
	return err;
}

/*
 * Saves in one transaction. After an error the caller closes the file, and the
 * next call opens it and saves everything.
 */
static int save(struct state_keeper *k)
{
	uint64_t asked = activity_asked(k->p);
	struct change_list changes;
	int err = 0;

	if (k->store && store_moved(k->store))
		close_store(k);
	if (!k->store)
		err = take_over(k);
	if (err)
		return err;
	changes = changes_take(&k->p->changes);
	changes.all |= asked != activity_saved(k->p) ||
		       clock_monotonic_usec() - k->all_usec >= ALL_SEC * USEC;
	err = state_save(k->p, k->store, &changes);
	free(changes.list);
	if (!err && changes.all) {
		k->all_usec = clock_monotonic_usec();
		activity_set_saved(k->p, asked);
	}
	if (!err)
		err = save_logins(k);
	if (!err)
		store_checkpoint(k->store);
	return err;
}

static void keep(struct state_keeper *k)
{
	int err = save(k);

	if (err == -EUCLEAN && !set_aside(k))
		err = save(k);
	if (!err) {
		note_kept(k);
		return;
	}
	close_store(k);
	note_fault(k, err);
}

/*
 * Sleeps until it has to stop, the time is over, or, if `work`, a change was
 * noted. Returns whether to stop.
 */
static bool wait_for(struct state_keeper *k, long msec, bool work)
{
	struct changes *c = &k->p->changes;
	uint64_t usec = clock_monotonic_usec() + msec * 1000;
	struct timespec until = { .tv_sec = usec / USEC,
				  .tv_nsec = usec % USEC * 1000 };
	int err = 0;
	bool stop;

	pthread_mutex_lock(&c->lock);
	while (!err && !k->stop && !(work && (c->pending.n || c->pending.all)))
		err = pthread_cond_timedwait(&c->noted, &c->lock, &until);
	stop = k->stop;
	pthread_mutex_unlock(&c->lock);
	return stop;
}

static void *keeper(void *arg)
{
	struct state_keeper *k = arg;
	bool stop;

	do {
		stop = wait_for(k, k->fault ? RETRY_MSEC : TOUCH_MSEC,
				!k->fault);
		if (!stop && !k->fault)
			stop = wait_for(k, BATCH_MSEC, false);
		keep(k);
	} while (!stop);
	return NULL;
}

/*
 * Locks a file in the folder for this daemon; not the folder itself, which is
 * the configuration's lock if that is in the same one. A folder that cannot be
 * made or written stays unlocked: saving fails later, and tells.
 */
static int lock_folder(struct state_keeper *k)
{
	char path[PATH_MAX];

	if ((mkdir(k->dir, 0700) && errno != EEXIST) ||
	    file_path(path, sizeof(path), k->dir, LOCK_NAME))
		return 0;
	k->lock = file_lock(path, LOCK_EX | LOCK_NB);
	if (k->lock >= 0)
		file_own_as(k->lock, k->dir);
	if (k->lock != -EWOULDBLOCK)
		return 0;
	return fail("another daemon keeps its state in %s: give this one a "
		    "folder of its own with --state",
		    k->dir);
}

struct state_keeper *state_keeper_new(const char *dir)
{
	struct state_keeper *k = calloc(1, sizeof(*k));

	if (!k) {
		fail("out of memory");
		return NULL;
	}
	k->dir = dir;
	k->lock = -1;
	if (!lock_folder(k))
		return k;
	state_keeper_free(k);
	return NULL;
}

int state_keeper_start(struct state_keeper *k, struct pins *p,
		       const struct config *c)
{
	int err;

	k->p = p;
	err = take_over(k);
	if (!err)
		err = state_tell_defaults(k->store, c);
	if (err) {
		close_store(k);
		note_fault(k, err);
		restore_read_only(k);
	}
	changes_note_all(&p->changes);
	err = pthread_create(&k->thread, NULL, keeper, k);
	k->running = !err;
	return err ? fail("cannot start a thread: %s", strerror(err)) : 0;
}

void state_keeper_stop(struct state_keeper *k)
{
	if (k->running) {
		pthread_mutex_lock(&k->p->changes.lock);
		k->stop = true;
		pthread_cond_signal(&k->p->changes.noted);
		pthread_mutex_unlock(&k->p->changes.lock);
		pthread_join(k->thread, NULL);
		k->running = false;
	}
	store_close(k->store);
	k->store = NULL;
}

void state_keeper_free(struct state_keeper *k)
{
	if (!k)
		return;
	state_keeper_stop(k);
	if (k->lock >= 0)
		close(k->lock);
	free(k);
}
