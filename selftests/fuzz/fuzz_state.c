// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The state file. The first byte says which: a whole file as somebody left it;
 * or rows that another program has put into our tables, with values of any type.
 *
 * Fuzzes: user/state/store_rows.c user/state/store.c
 * Seeds: selftests/unit/test_store.c
 * Bytes: 20000
 */
#include <errno.h>
#include <sqlite3.h>

#include "base/address.h"
#include "base/escape.h"
#include "fuzz/fuzz.h"
#include "state/store.h"
#include "state/store_sql.h"

#define COLUMNS 7
#define ROWS_MAX 1000

struct read {
	struct store *copy; /* rows are put there, if there is one */
	size_t n;
};

static void check_net(const struct net *net)
{
	must(net->len <= ADDR_BITS);
	for (unsigned int i = net->len; i < ADDR_BITS; i++)
		must(!(net->addr[i / 8] & 0x80 >> i % 8));
}

static int take_ban(const struct stored_ban *b, void *ctx)
{
	struct read *r = ctx;

	check_net(&b->net);
	must(strnlen(b->reason, sizeof(b->reason)) < sizeof(b->reason));
	must(!reason_fault(b->reason));
	if (r->copy)
		must(!store_put_ban(r->copy, b));
	return ++r->n == ROWS_MAX;
}

static int take_history(const struct stored_history *h, void *ctx)
{
	struct read *r = ctx;

	check_net(&h->net);
	must(h->offences);
	if (r->copy)
		must(!store_put_history(r->copy, h));
	return ++r->n == ROWS_MAX;
}

static int take_login(const struct stored_login *l, void *ctx)
{
	struct read *r = ctx;

	check_net(&l->net);
	must(l->first <= l->last);
	if (r->copy)
		must(!store_put_login(r->copy, l));
	return ++r->n == ROWS_MAX;
}

static int take_net(const struct net *net, void *ctx)
{
	struct read *r = ctx;

	check_net(net);
	if (r->copy)
		must(!store_put_allow(r->copy, net));
	return ++r->n == ROWS_MAX;
}

/* Every row makes sense or is counted as odd; returns how many make sense. */
static size_t read_all(struct store *s, struct store *copy, size_t *odd)
{
	struct read r = { .copy = copy };
	struct stamp m;

	*odd = 0;
	store_stamp(s, &m);
	must(strnlen(m.boot_id, sizeof(m.boot_id)) < sizeof(m.boot_id));
	store_each_ban(s, take_ban, &r, odd);
	store_each_history(s, take_history, &r, odd);
	store_each_login(s, take_login, &r, odd);
	for (int t = 0; t < STORE_TABLES; t++)
		store_each_net(s, t, take_net,
			       &(struct read){ t == STORE_ALLOW ? copy : NULL,
					       0 },
			       odd);
	return r.n;
}

/* The folder of this process, which scripts/fuzz removes. */
static const char *folder(void)
{
	static char path[64];
	const char *tmp = getenv("TMPDIR");

	if (!*path) {
		snprintf(path, sizeof(path), "%s/state.XXXXXX",
			 tmp ? tmp : "/tmp");
		must(mkdtemp(path));
	}
	return path;
}

static void read_file(const struct input *in)
{
	char path[96], explained[STORE_EXPLAIN_SIZE];
	struct store *s;
	size_t odd;
	FILE *f;
	int err;

	snprintf(path, sizeof(path), "%s/" STORE_NAME, folder());
	f = fopen(path, "w");
	must(f && fwrite(in->at, 1, in->left, f) == in->left && !fclose(f));
	err = store_open_read_only(&s, folder());
	must(!err == !!s);
	must(err <= 0);
	if (err) {
		store_explain(folder(), err, explained, sizeof(explained));
		return;
	}
	read_all(s, NULL, &odd);
	store_close(s);
}

/* A value of any type: its first byte says which. */
static void bind(sqlite3_stmt *row, int column, struct input *in)
{
	union {
		int64_t i;
		double d;
	} number;
	char *text;

	switch (take_byte(in) % 5) {
	case 0:
		sqlite3_bind_null(row, column);
		break;
	case 1:
		take(in, &number, sizeof(number));
		sqlite3_bind_int64(row, column, number.i);
		break;
	case 2:
		take(in, &number, sizeof(number));
		sqlite3_bind_double(row, column, number.d);
		break;
	case 3:
		text = take_string(in);
		sqlite3_bind_text(row, column, text, -1, SQLITE_TRANSIENT);
		free(text);
		break;
	case 4:
		text = take_string(in);
		sqlite3_bind_blob(row, column, text, strlen(text),
				  SQLITE_TRANSIENT);
		free(text);
	}
}

static void insert(struct store *s, const char *into, int columns,
		   struct input *in)
{
	sqlite3_stmt *row;

	must(sqlite3_prepare_v2(s->db, into, -1, &row, NULL) == SQLITE_OK);
	for (int i = 1; i <= columns; i++)
		bind(row, i, in);
	sqlite3_step(row);
	sqlite3_finalize(row);
}

/*
 * Our tables, empty; without types, as another program may have made them. They
 * stay from input to input: to make them takes the longest.
 */
static struct store *empty(struct store **s, const char *tables)
{
	if (!*s) {
		*s = calloc(1, sizeof(**s));
		must(*s && sqlite3_open(":memory:", &(*s)->db) == SQLITE_OK);
		must(!store_exec(*s, tables));
	}
	must(!store_exec(*s, "DELETE FROM bans; DELETE FROM history;"
			     "DELETE FROM allow; DELETE FROM logins;"
			     "DELETE FROM moment"));
	return *s;
}

static const char loose[] =
	"CREATE TABLE bans (net, since, expires, failures, code, flags, reason);"
	"CREATE TABLE history (net, offences, until);"
	"CREATE TABLE allow (net);"
	"CREATE TABLE logins (net, first, last, account);"
	"CREATE TABLE moment (id, boot_id, map_id, wall, boot);";
static const char keyed[] =
	"CREATE TABLE bans (net PRIMARY KEY, since, expires, failures, code,"
	" flags, reason);"
	"CREATE TABLE history (net PRIMARY KEY, offences, until);"
	"CREATE TABLE allow (net PRIMARY KEY);"
	"CREATE TABLE logins (net PRIMARY KEY, first, last, account);"
	"CREATE TABLE moment (id, boot_id, map_id, wall, boot);";

/* What was read is put into another file, and reads the same there. */
static void read_rows(struct input *in)
{
	static struct store *stores[3];
	struct store *s = empty(&stores[0], loose);
	struct store *copy = empty(&stores[1], keyed);
	struct store *again = empty(&stores[2], keyed);
	size_t odd, n, nets[2];

	while (in->left)
		switch (take_byte(in) % 5) {
		case 0:
			insert(s, "INSERT INTO bans VALUES (?,?,?,?,?,?,?)",
			       COLUMNS, in);
			break;
		case 1:
			insert(s, "INSERT INTO history VALUES (?,?,?)", 3, in);
			break;
		case 2:
			insert(s, "INSERT INTO allow VALUES (?)", 1, in);
			break;
		case 3:
			insert(s, "INSERT INTO moment VALUES (?,?,?,?,?)", 5,
			       in);
			break;
		case 4:
			insert(s, "INSERT INTO logins VALUES (?,?,?,?)", 4, in);
		}
	n = read_all(s, copy, &odd);
	must(read_all(copy, again, &odd) <= n);
	must(!odd);
	for (int t = 0; t < STORE_TABLES; t++) {
		must(!store_count(copy, t, &nets[0]));
		must(!store_count(again, t, &nets[1]));
		must(nets[0] == nets[1]);
	}
	must(!store_shift(copy, 3600));
}

static void fuzz(struct input *in)
{
	if (take_byte(in) % 16)
		read_rows(in);
	else
		read_file(in);
}

static void seed_rows(void)
{
	static const char bans[] =
		"\1\0\3198.51.100.7/32\0\1\1\2\3\4\0\0\0\0\1\1\2\3\5\0\0\0\0"
		"\1\7\0\0\0\0\0\0\0\1\x17\2\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\3why\0"
		"\1\3192.0.2.7/32\0\1\3\0\0\0\0\0\0\0\1\1\2\3\4\0\0\0\0"
		"\2\0032001:db8::/32\0"
		"\4\003192.0.2.8/32\0\1\1\0\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0"
		"\1\7\0\0\0\0\0\0\0"
		"\3\1\1\0\0\0\0\0\0\0\3boot\0\1\1\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0"
		"\1\1\0\0\0\0\0\0\0";

	seed(bans, sizeof(bans) - 1);
}

/* A file of ours, behind the byte that says so. */
static void seeds(void)
{
	struct stored_ban b = { .since = 1, .expires = 2, .reason = "why" };
	struct stored_history h = { .offences = 1, .until = 2 };
	struct stored_login l = { .first = 1, .last = 2 };
	char path[96], whole[1 << 17] = "";
	struct stamp m = { .boot_id = "boot" };
	char err[256];
	struct store *s;
	FILE *f;
	size_t n;

	seed_rows();
	must(!store_open(&s, folder()));
	must(!net_parse("192.0.2.7", &b.net, err, sizeof(err)));
	h.net = l.net = b.net;
	must(!store_begin(s) && !store_put_ban(s, &b) &&
	     !store_put_history(s, &h) && !store_put_login(s, &l) &&
	     !store_put_allow(s, &b.net) && !store_put_stamp(s, &m) &&
	     !store_commit(s));
	/* VACUUM into pages of 512 bytes: a small file */
	must(!store_exec(s, "PRAGMA journal_mode = DELETE") &&
	     !store_exec(s, "PRAGMA page_size = 512") &&
	     !store_exec(s, "VACUUM"));
	store_close(s);
	snprintf(path, sizeof(path), "%s/" STORE_NAME, folder());
	f = fopen(path, "r");
	must(f);
	n = fread(whole + 1, 1, sizeof(whole) - 1, f);
	fclose(f);
	seed(whole, n + 1);
}
