// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The state file (user/state/store.h): what it keeps, and what it survives. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/address.h"
#include "lib/fixture.h"
#include "state/store.h"
#include "state/store_accounts.h"

#define WALL 1795450000LL

static char root[] = "/tmp/smtpxdp-store-XXXXXX", dir[64], path[96];

static int setup_group(void **state)
{
	return !mkdtemp(root);
}

static int setup(void **state)
{
	static int n;

	sprintf(dir, "%s/%d", root, n++);
	sprintf(path, "%s/" STORE_NAME, dir);
	return 0;
}

static int teardown_group(void **state)
{
	char command[128];

	sprintf(command, "rm -rf %s", root);
	return system(command);
}

static struct store *must_open(void)
{
	struct store *s;
	int err = store_open(&s, dir);

	if (err)
		fail_msg("%s", strerror(-err));
	return s;
}

static struct net net(const char *text)
{
	struct net n;

	assert_int_equal(net_parse(text, &n, NULL, 0), 0);
	return n;
}

static struct stored_ban ban(const char *text)
{
	return (struct stored_ban){ .net = net(text),
				    .since = WALL,
				    .expires = WALL + 3600,
				    .failures = 10,
				    .code = 535,
				    .reason = "10 failures in 2m" };
}

static struct stored_ban nth_ban(int n)
{
	char text[64];

	sprintf(text, "10.%d.%d.%d", n >> 16, n >> 8 & 255, n & 255);
	return ban(text);
}

static void put(struct store *s, const struct stored_ban *b)
{
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_put_ban(s, b), 0);
	assert_int_equal(store_commit(s), 0);
}

static size_t count(struct store *s, enum store_table t)
{
	size_t n;

	assert_int_equal(store_count(s, t, &n), 0);
	return n;
}

/* By SQLite itself, whatever the file is. */
static void by_hand(const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static size_t read_file(const char *name, char *buf, size_t size)
{
	FILE *f = fopen(name, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static void write_at(const char *name, long offset, const void *buf, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, buf, n, offset), n);
	close(fd);
}

static int files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

/* ---- what it keeps */

struct rows {
	struct stored_ban bans[8];
	struct stored_history past[8];
	struct net nets[8];
	int n;
};

static int keep_ban(const struct stored_ban *b, void *ctx)
{
	struct rows *r = ctx;

	r->bans[r->n++] = *b;
	return 0;
}

static int keep_history(const struct stored_history *h, void *ctx)
{
	struct rows *r = ctx;

	r->past[r->n++] = *h;
	return 0;
}

static int keep_net(const struct net *net, void *ctx)
{
	struct rows *r = ctx;

	r->nets[r->n++] = *net;
	return 0;
}

static void test_create(void **state)
{
	struct store *s = must_open();
	struct stamp m;
	struct stat st;

	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_stamp(s, &m), -ENOENT);
	for (int t = 0; t < STORE_TABLES; t++)
		assert_int_equal(count(s, t), 0);
	store_close(s);
	assert_int_equal(files(), 1); /* no log is left */
	store_close(must_open());
}

static void test_bans(void **state)
{
	static const char *const nets[] = { "192.0.2.7/32", "2001:db8::/64",
					    "192.0.2.0/24", "0.0.0.0/0",
					    "2000::/3",	    "::1/128" };
	struct store *s = must_open();
	struct rows r = {};
	size_t odd = 0;

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++) {
		struct stored_ban b = ban(nets[i]);

		memset(b.reason, '\'', sizeof(b.reason) - 1);
		b.failures = UINT32_MAX;
		b.code = 599;
		b.flags = 255;
		b.owner = UINT32_MAX - i;
		b.since = -WALL;
		put(s, &b);
	}
	store_close(s);
	s = must_open();
	assert_int_equal(store_each_ban(s, keep_ban, &r, &odd), 0);
	assert_int_equal(odd, 0);
	assert_int_equal(r.n, ARRAY_SIZE(nets));
	for (int i = 0; i < r.n; i++) {
		struct stored_ban *b = &r.bans[i];
		char text[NET_TEXT];
		int seen = 0;

		net_format(&b->net, text);
		for (size_t k = 0; k < ARRAY_SIZE(nets); k++)
			seen += !strcmp(text, nets[k]) &&
				b->owner == UINT32_MAX - k;
		assert_int_equal(seen, 1);
		assert_int_equal(b->since, -WALL);
		assert_int_equal(b->expires, WALL + 3600);
		assert_int_equal(b->failures, UINT32_MAX);
		assert_int_equal(b->code, 599);
		assert_int_equal(b->flags, 255);
		assert_int_equal(strlen(b->reason), sizeof(b->reason) - 1);
	}
	/* Again: in its place. */
	r.bans[0].expires = WALL + 7200;
	put(s, &r.bans[0]);
	assert_int_equal(count(s, STORE_BANS), ARRAY_SIZE(nets));
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_del(s, STORE_BANS, &r.bans[0].net), 0);
	assert_int_equal(store_del(s, STORE_BANS, &r.bans[0].net), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(count(s, STORE_BANS), ARRAY_SIZE(nets) - 1);
	store_close(s);
}

/* A second more or less is what rounding makes, and written to no disk. */
static void test_same(void **state)
{
	struct store *s = must_open();
	struct stored_ban b = ban("192.0.2.7");
	struct rows r = {};
	size_t odd;

	put(s, &b);
	b.expires++;
	put(s, &b);
	assert_int_equal(store_each_ban(s, keep_ban, &r, &odd), 0);
	assert_int_equal(r.bans[0].expires, WALL + 3600);
	b.expires++;
	put(s, &b);
	r.n = 0;
	assert_int_equal(store_each_ban(s, keep_ban, &r, &odd), 0);
	assert_int_equal(r.bans[0].expires, WALL + 3602);
	strcpy(b.reason, "by command");
	put(s, &b);
	r.n = 0;
	assert_int_equal(store_each_ban(s, keep_ban, &r, &odd), 0);
	assert_string_equal(r.bans[0].reason, "by command");
	store_close(s);
}

static int take_since(const struct stored_ban *b, void *ctx)
{
	*(int64_t *)ctx = b->since;
	return 0;
}

/* The lowest number of all, as another program may have written it. */
static void test_far_apart(void **state)
{
	static const int64_t times[] = { 0,  INT64_MIN, INT64_MAX, INT64_MIN,
					 -1, INT64_MIN, 0 };
	struct store *s = must_open();
	struct stored_ban b = ban("198.51.100.7");
	size_t odd = 0;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t since;

		b.since = times[i];
		put(s, &b);
		store_each_ban(s, take_since, &since, &odd);
		assert_true(since == times[i]);
	}
	assert_int_equal(odd, 0);
	store_close(s);
}

static void test_others(void **state)
{
	struct stamp m = { .boot_id = "cad67ad6-46f2-413d-84e9-8542674aec31",
			   .map_id = UINT32_MAX,
			   .wall = WALL,
			   .boot = 13817 },
		     got;
	struct stored_history h = { .net = net("192.0.2.7"),
				    .offences = UINT32_MAX,
				    .until = WALL };
	struct store *s = must_open();
	struct net office = net("198.51.100.0/24");
	struct rows r = {};
	size_t odd = 0;

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_put_stamp(s, &m), 0);
	m.boot++;
	assert_int_equal(store_put_stamp(s, &m), 0);
	assert_int_equal(store_put_history(s, &h), 0);
	h.net = net("192.0.2.8");
	h.until -= 1000;
	assert_int_equal(store_put_history(s, &h), 0);
	assert_int_equal(store_put_allow(s, &office), 0);
	assert_int_equal(store_put_allow(s, &office), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_stamp(s, &got), 0);
	assert_string_equal(got.boot_id, m.boot_id);
	assert_int_equal(got.map_id, m.map_id);
	assert_int_equal(got.wall, m.wall);
	assert_int_equal(got.boot, m.boot);
	assert_int_equal(store_each_net(s, STORE_ALLOW, keep_net, &r, &odd), 0);
	assert_int_equal(r.n, 1);
	assert_memory_equal(&r.nets[0], &office, sizeof(office));
	r.n = 0;
	/* The longest past first: what is put last stays longest. */
	assert_int_equal(store_each_history(s, keep_history, &r, &odd), 0);
	assert_int_equal(r.n, 2);
	assert_memory_equal(&r.past[0].net, &h.net, sizeof(h.net));
	assert_int_equal(r.past[1].offences, UINT32_MAX);
	assert_int_equal(r.past[1].until, WALL);
	assert_int_equal(odd, 0);
	store_close(s);
}

static void test_shift(void **state)
{
	struct stored_history h = { net("192.0.2.7"), 1, WALL };
	struct store *s = must_open();
	struct stored_ban b = ban("192.0.2.7");
	struct rows r = {};
	size_t odd;

	put(s, &b);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_put_history(s, &h), 0);
	assert_int_equal(store_shift(s, -WALL), 0);
	assert_int_equal(store_commit(s), 0);
	store_each_ban(s, keep_ban, &r, &odd);
	assert_int_equal(r.bans[0].since, 0);
	assert_int_equal(r.bans[0].expires, 3600);
	r.n = 0;
	store_each_history(s, keep_history, &r, &odd);
	assert_int_equal(r.past[0].until, 0);
	store_close(s);
}

/* Rows may be deleted by who looks at them. */
static int del_it(const struct net *net, void *ctx)
{
	return store_del(ctx, STORE_BANS, net);
}

static void test_delete_all(void **state)
{
	struct store *s = must_open();
	size_t odd = 0;

	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < 5000; i++) {
		struct stored_ban b = nth_ban(i);

		assert_int_equal(store_put_ban(s, &b), 0);
	}
	assert_int_equal(store_each_net(s, STORE_BANS, del_it, s, &odd), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(count(s, STORE_BANS), 0);
	store_close(s);
}

/* Somebody else's rows: nothing that makes no sense gets out. */
static void test_odd(void **state)
{
	struct store *s = must_open();
	struct stored_ban b = ban("192.0.2.7");
	struct rows r = {};
	size_t odd = 0;

	put(s, &b);
	store_close(s);
	by_hand("INSERT INTO bans VALUES ('', 0, 0, 0, 0, 0, '');"
		"INSERT INTO bans VALUES ('192.0.2.7/24', 0, 0, 0, 0, 0, '');"
		"INSERT INTO bans VALUES ('::/0', 0, 0, 0, 0, 0, '');"
		"INSERT INTO bans VALUES ('192.0.2.8/32', 0, 0, 0, 0, 0,"
		" char(27) || '[2J');"
		"INSERT INTO bans VALUES ('192.0.2.9/32', 0, 0, 0, 0, 0,"
		" hex(zeroblob(32)));"
		"INSERT INTO history VALUES ('192.0.2.1/32', 0, 0);"
		"INSERT INTO history VALUES ('192.0.2.2/32', -1, 0);"
		"INSERT INTO history VALUES ('192.0.2.3/32', 4294967296, 0);"
		"INSERT INTO allow VALUES ('everybody');");
	s = must_open();
	assert_int_equal(store_each_ban(s, keep_ban, &r, &odd), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(odd, 5);
	assert_int_equal(store_each_history(s, keep_history, &r, &odd), 0);
	assert_int_equal(store_each_net(s, STORE_ALLOW, keep_net, &r, &odd), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(odd, 9);
	store_close(s);
}

/* ---- files that are no state files of ours */

static void check_explained(int err, const char *what)
{
	char why[STORE_EXPLAIN_SIZE];

	store_explain(dir, err, why, sizeof(why));
	printf("# %s\n", why);
	assert_non_null(strstr(why, path));
	assert_non_null(strstr(why, what));
}

/* Refused, and not a byte of it changed. */
static void check_untouched(int err, const char *what)
{
	static char before[1 << 18], after[1 << 18];
	size_t n = read_file(path, before, sizeof(before));
	struct store *s;

	assert_int_equal(store_open(&s, dir), err);
	assert_null(s);
	assert_int_equal(store_open_read_only(&s, dir), err);
	assert_int_equal(read_file(path, after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
	check_explained(err, what);
}

static void test_newer(void **state)
{
	store_close(must_open());
	by_hand("PRAGMA user_version = 2; CREATE TABLE more (x)");
	check_untouched(-ENOTSUP, "newer smtpxdp");
}

static void test_foreign(void **state)
{
	assert_int_equal(mkdir(dir, 0700), 0);
	by_hand("CREATE TABLE songs (name)");
	check_untouched(-EMEDIUMTYPE, "other program");
}

static void test_no_database(void **state)
{
	assert_int_equal(mkdir(dir, 0700), 0);
	write_at(path, 0, "This is no database, whatever its name is.", 42);
	check_untouched(-EUCLEAN, "corrupt");
}

/* Of another program's schema that has our name on it, only a table is left. */
static void test_no_tables(void **state)
{
	store_close(must_open());
	by_hand("DROP TABLE bans");
	store_close(must_open());
	{
		struct store *s = must_open();
		struct rows r = {};
		size_t odd = 0;

		assert_int_equal(store_each_ban(s, keep_ban, &r, &odd),
				 -EUCLEAN);
		store_close(s);
	}
}

static int ignore_ban(const struct stored_ban *b, void *ctx)
{
	return 0;
}

/* Random damage: an error or not, but never a crash, nor an endless walk. */
static void test_damage(void **state)
{
	struct store *s = must_open();
	static char file[1 << 20];
	int corrupt = 0;
	size_t n;

	dice_seed();
	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < 2000; i++) {
		struct stored_ban b = nth_ban(i);

		assert_int_equal(store_put_ban(s, &b), 0);
	}
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	n = read_file(path, file, sizeof(file));
	for (int round = 0; round < 200; round++) {
		struct stored_ban b = nth_ban(dice(4000));
		size_t odd = 0;
		int err;

		write_at(path, 0, file, n);
		for (int i = dice_range(1, 64); i; i--) {
			uint64_t noise = dice_roll();

			write_at(path, dice(n - 8), &noise, 8);
		}
		err = store_open(&s, dir);
		if (!err)
			err = store_each_ban(s, ignore_ban, NULL, &odd);
		if (!err)
			err = store_begin(s);
		if (!err)
			err = store_put_ban(s, &b);
		if (!err)
			err = store_commit(s);
		store_close(s);
		corrupt += err == -EUCLEAN;
		assert_true(!err || err == -EUCLEAN || err == -EMEDIUMTYPE ||
			    err == -ENOTSUP || err == -EIO);
	}
	printf("# %d of 200 were found corrupt\n", corrupt);
	assert_true(corrupt > 50);
}

static void test_set_aside(void **state)
{
	static char garbage[8192], got[8192];
	char to[2][PATH_MAX], wal[3 * PATH_MAX];
	struct store *s;

	memset(garbage, 'x', sizeof(garbage));
	assert_int_equal(mkdir(dir, 0700), 0);
	for (int i = 0; i < 2; i++) {
		garbage[0] = 'a' + i;
		write_at(path, 0, garbage, sizeof(garbage));
		assert_int_equal(store_open(&s, dir), -EUCLEAN);
		sprintf(wal, "%s-wal", path);
		write_at(wal, 0, "log", 3);
		assert_int_equal(store_set_aside(dir, to[i]), 0);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(strncmp(to[i], path, strlen(path)), 0);
		assert_non_null(strstr(to[i], ".corrupt-20"));
	}
	/* The second did not take the first one's place. */
	assert_string_not_equal(to[0], to[1]);
	for (int i = 0; i < 2; i++) {
		garbage[0] = 'a' + i;
		assert_int_equal(read_file(to[i], got, sizeof(got)),
				 sizeof(garbage));
		assert_memory_equal(got, garbage, sizeof(garbage));
		snprintf(wal, sizeof(wal), "%s-wal", to[i]);
		assert_int_equal(access(wal, F_OK), 0);
	}
	store_close(must_open());
	assert_int_equal(files(), 5);
}

/* ---- disks that fail */

/* In a mount namespace of its own, on a tmpfs with these options. */
static int on_tmpfs(const char *options, int (*then)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (unshare(CLONE_NEWNS) || mkdir(dir, 0700) ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", dir, "tmpfs", 0, options))
			_exit(77);
		_exit(then());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	return WEXITSTATUS(status);
}

static int on_tiny(void)
{
	struct store *s;

	return -store_open(&s, dir); /* SQLite maps 32 KiB */
}

/* Until it is full; what was committed before is there, and room helps. */
static int on_full(void)
{
	char filler[96];
	struct store *s;
	size_t n = 0;
	int err, i, fd;

	if (store_open(&s, dir))
		return 1;
	sprintf(filler, "%s/filler", dir);
	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || fallocate(fd, 0, 0, 64 << 10))
		return 2;
	for (i = 0, err = 0; !err; i++) {
		struct stored_ban b = nth_ban(i);

		err = store_begin(s);
		if (!err)
			err = store_put_ban(s, &b);
		if (!err)
			err = store_commit(s);
		else
			store_rollback(s);
	}
	printf("# full after %d: %s\n", i, strerror(-err));
	if (err != -ENOSPC || i < 10)
		return 3;
	store_close(s);
	if (unlink(filler) || close(fd) || store_open(&s, dir))
		return 4;
	if (store_count(s, STORE_BANS, &n) || n != (size_t)i - 1)
		return 5;
	if (store_begin(s) || store_put_ban(s, &(struct stored_ban){}) ||
	    store_commit(s))
		return 6;
	store_close(s);
	return 0;
}

/* Mounted read-only while it is open; what it had can be read afresh. */
static int on_read_only(void)
{
	struct stored_ban b = nth_ban(1);
	struct store *s, *r;
	size_t n;
	int err;

	if (store_open(&s, dir) || store_begin(s) || store_put_ban(s, &b) ||
	    store_commit(s))
		return 1;
	store_checkpoint(s);
	store_close(s);
	if (mount("none", dir, "none", MS_REMOUNT | MS_RDONLY, NULL))
		return 77;
	err = store_open(&r, dir);
	if (err != -EROFS)
		return 2;
	if (store_open_read_only(&r, dir) || store_count(r, STORE_BANS, &n) ||
	    n != 1)
		return 3;
	store_close(r);
	return 0;
}

static int as_nobody(void)
{
	struct store *s;

	store_close(must_open());
	if (setgid(65534) || setuid(65534))
		return 77;
	return store_open(&s, dir) == -EACCES ? 0 : 1;
}

static void test_tiny(void **state)
{
	assert_int_equal(on_tmpfs("size=32k", on_tiny), ENOSPC);
	check_explained(-ENOSPC, "make room");
}

static void test_full(void **state)
{
	assert_int_equal(on_tmpfs("size=256k", on_full), 0);
}

static void test_read_only(void **state)
{
	assert_int_equal(on_tmpfs("size=1m", on_read_only), 0);
	check_explained(-EROFS, "writable");
}

static void test_not_allowed(void **state)
{
	assert_int_equal(on_tmpfs("size=1m,mode=700", as_nobody), 0);
	check_explained(-EACCES, "--state");
}

static void test_no_parent(void **state)
{
	struct store *s;

	strcat(dir, "/not/there");
	assert_int_equal(store_open(&s, dir), -ENOENT);
	assert_int_equal(store_open_read_only(&s, dir), -ENOENT);
}

/* ---- several processes */

static pid_t child(int (*fn)(int fd), int fd)
{
	pid_t pid = fork();

	if (!pid)
		_exit(fn(fd));
	return pid;
}

static int open_once(int fd)
{
	struct stored_ban b = nth_ban(fd);
	struct store *s;

	int err = store_open(&s, dir);

	if (!err)
		err = store_begin(s);
	if (!err)
		err = store_put_ban(s, &b);
	if (!err)
		err = store_commit(s);
	store_close(s);
	return -err;
}

/* All make it at once; none finds it half made, none fails. */
static void test_made_by_many(void **state)
{
	struct store *s;
	int status;

	for (int round = 0; round < 10; round++) {
		setup(state);
		for (int i = 0; i < 8; i++)
			child(open_once, i);
		for (int i = 0; i < 8; i++) {
			wait(&status);
			assert_int_equal(status, 0);
		}
		s = must_open();
		assert_int_equal(count(s, STORE_BANS), 8);
		store_close(s);
	}
}

/* Says what it has committed, and is killed. */
static int write_on(int fd)
{
	struct store *s;

	if (store_open(&s, dir))
		return 1;
	for (int i = 0;; i++) {
		struct stored_ban b = nth_ban(i);

		if (store_begin(s) || store_put_ban(s, &b) || store_commit(s) ||
		    write(fd, &i, sizeof(i)) != sizeof(i))
			return 1;
	}
}

static void test_killed(void **state)
{
	dice_seed();
	for (int round = 0; round < 20; round++) {
		int pipes[2], last = -1, want = dice_range(1, 300), i;
		struct store *s;
		pid_t pid;

		setup(state);
		assert_int_equal(pipe(pipes), 0);
		pid = child(write_on, pipes[1]);
		close(pipes[1]);
		while (last < want &&
		       read(pipes[0], &i, sizeof(i)) == sizeof(i))
			last = i;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(pipes[0], &i, sizeof(i)) == sizeof(i))
			last = i;
		close(pipes[0]);
		assert_true(last >= want);
		s = must_open();
		/* What was said is there; one more may be. */
		assert_in_range(count(s, STORE_BANS), last + 1, last + 2);
		store_close(s);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

static int same_login(const struct stored_login *l, void *ctx)
{
	assert_memory_equal(l, ctx, sizeof(*l));
	return 0;
}

static void check_login(struct store *s, const struct stored_login *want)
{
	size_t odd = 0;

	assert_int_equal(count(s, STORE_LOGINS), 1);
	assert_int_equal(store_each_login(s, same_login, (void *)want, &odd),
			 0);
	assert_int_equal(odd, 0);
}

static void test_logins(void **state)
{
	struct stored_login l;
	struct store *s = must_open();

	memset(&l, 0, sizeof(l));
	l.net = net("198.51.100.7/32");
	l.first = WALL - 86400;
	l.last = WALL;
	l.account = UINT32_MAX;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_put_login(s, &l), 0);
	check_login(s, &l);
	l.last += 2;
	assert_int_equal(store_put_login(s, &l), 0);
	check_login(s, &l);
	assert_int_equal(store_shift(s, 100), 0);
	l.first += 100;
	l.last += 100;
	check_login(s, &l);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	s = must_open();
	check_login(s, &l);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_del(s, STORE_LOGINS, &l.net), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(count(s, STORE_LOGINS), 0);
	store_close(s);
}

/* A file of a version that kept no logins: to be read only, and to be written. */
static void test_no_logins_yet(void **state)
{
	struct stored_ban b = ban("192.0.2.7/32");
	struct stored_login never;
	struct store *s = must_open();
	size_t odd = 0;

	put(s, &b);
	store_close(s);
	by_hand("DROP TABLE logins");
	assert_int_equal(store_open_read_only(&s, dir), 0);
	assert_int_equal(store_each_login(s, same_login, &never, &odd), 0);
	assert_int_equal(count(s, STORE_BANS), 1);
	store_close(s);
	s = must_open();
	assert_int_equal(count(s, STORE_LOGINS), 0);
	assert_int_equal(count(s, STORE_BANS), 1);
	store_close(s);
}

static void test_odd_logins(void **state)
{
	struct stored_login never;
	struct store *s = must_open();
	size_t odd = 0;

	store_close(s);
	by_hand("INSERT INTO logins VALUES ('x', 1, 2, 3),"
		" ('192.0.2.1/32', 3, 2, 3), ('192.0.2.2/32', 1, 2, -1),"
		" ('192.0.2.3/32', 1, 2, 4294967296)");
	s = must_open();
	assert_int_equal(store_each_login(s, same_login, &never, &odd), 0);
	assert_int_equal(odd, 4);
	store_close(s);
}

struct account_rows {
	struct stored_account_net row[4];
	int n;
};

static int keep_account_net(const struct stored_account_net *n, void *ctx)
{
	struct account_rows *r = ctx;

	r->row[r->n++] = *n;
	return 0;
}

static void check_account_nets(struct store *s, int n,
			       const struct stored_account_net *want)
{
	struct account_rows r = {};

	assert_int_equal(store_each_account_net(s, keep_account_net, &r), 0);
	assert_int_equal(r.n, n);
	assert_memory_equal(r.row, want, n * sizeof(*want));
}

/* Numbers are of 64 bits, whose highest SQLite takes for a sign. */
static void test_account_nets(void **state)
{
	struct stored_account_net rows[] = { { ~0ULL, 1, WALL },
					     { 1, ~0ULL, WALL + 1 },
					     { 1, 2, WALL + 2 } };
	const struct stored_account_net soon = { 1, 2, WALL + 86000 };
	uint64_t k[2] = { ~0ULL, 1ULL << 63 }, is[2];
	struct store *s = must_open();

	assert_int_equal(store_account_key(s, is), -ENOENT);
	assert_int_equal(store_put_account_key(s, k), 0);
	for (int i = 2; i >= 0; i--)
		assert_int_equal(store_put_account_net(s, &rows[i]), 0);
	assert_int_equal(store_put_account_net(s, &soon), 0);
	store_close(s);
	s = must_open();
	assert_int_equal(store_account_key(s, is), 0);
	assert_memory_equal(is, k, sizeof(k));
	check_account_nets(s, 3, rows);
	rows[2].last += 86401;
	assert_int_equal(store_put_account_net(s, &rows[2]), 0);
	assert_int_equal(store_del_account_net(s, &rows[1]), 0);
	assert_int_equal(store_shift(s, 100), 0);
	rows[0].last += 100;
	rows[1] = rows[2];
	rows[1].last += 100;
	check_account_nets(s, 2, rows);
	/* What another key has hashed is of no use. */
	k[0] = 7;
	assert_int_equal(store_put_account_key(s, k), 0);
	assert_int_equal(store_account_key(s, is), 0);
	assert_memory_equal(is, k, sizeof(k));
	check_account_nets(s, 0, rows);
	store_close(s);
}

/* A file of a version that kept none: to be read only, and to be written. */
static void test_no_account_nets_yet(void **state)
{
	struct store *s = must_open();
	uint64_t k[2] = { 1, 2 };

	store_close(s);
	by_hand("DROP TABLE account_nets; DROP TABLE account_key");
	assert_int_equal(store_open_read_only(&s, dir), 0);
	assert_int_equal(store_account_key(s, k), -ENOENT);
	check_account_nets(s, 0, NULL);
	store_close(s);
	s = must_open();
	assert_int_equal(store_account_key(s, k), -ENOENT);
	assert_int_equal(store_put_account_key(s, k), 0);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),	  TEST(test_bans),
		TEST(test_same),	  TEST(test_far_apart),
		TEST(test_others),	  TEST(test_shift),
		TEST(test_delete_all),	  TEST(test_odd),
		TEST(test_newer),	  TEST(test_foreign),
		TEST(test_no_database),	  TEST(test_no_tables),
		TEST(test_damage),	  TEST(test_set_aside),
		TEST(test_tiny),	  TEST(test_full),
		TEST(test_read_only),	  TEST(test_not_allowed),
		TEST(test_no_parent),	  TEST(test_made_by_many),
		TEST(test_killed),	  TEST(test_logins),
		TEST(test_no_logins_yet), TEST(test_odd_logins),
		TEST(test_account_nets),  TEST(test_no_account_nets_yet),
	};

	return cmocka_run_group_tests_name("store", tests, setup_group,
					   teardown_group);
}
