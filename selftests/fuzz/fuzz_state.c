// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The state file. The first byte says which: a whole file as somebody left it;
 * or rows that another program has put into our tables, with values of any type.
 * Of rows it is known what has to be read, and what has to be in a file into
 * which they are put one after the other.
 *
 * Of claims, owners' names and users' networks, only that what is read makes sense,
 * and can be put.
 *
 * Fuzzes: user/state/store_rows.c user/state/store.c user/state/store_owners.c
 * Fuzzes: user/state/store_accounts.c
 * Seeds: selftests/unit/test_store.c
 * Bytes: 16384
 */
#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>

#include "base/address.h"
#include "base/escape.h"
#include "fuzz/fuzz.h"
#include "fuzz/sqlite_fast.h"
#include "state/store.h"
#include "state/store_accounts.h"
#include "state/store_owners.h"
#include "state/store_sql.h"

#define FILE_ROWS_MAX 1000
#define FILE_EVERY 512 /* files take the longest */

READER_BEGINS
#include "lib/stored_rows.h"
READER_ENDS

struct read {
	struct rows *known;
	struct store *copy; /* rows are put there, */
	struct rows *model; /* and here */
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
	if (r->known)
		STRIKE(r->known->ban, r->known->bans, b, same_ban);
	if (r->copy) {
		must(!store_put_ban(r->copy, b));
		model_ban(r->model, b);
	}
	return ++r->n == FILE_ROWS_MAX;
}

static int take_history(const struct stored_history *h, void *ctx)
{
	struct read *r = ctx;

	check_net(&h->net);
	must(h->offences);
	if (r->known)
		STRIKE(r->known->history, r->known->histories, h, same_history);
	if (r->copy) {
		must(!store_put_history(r->copy, h));
		model_history(r->model, h);
	}
	return ++r->n == FILE_ROWS_MAX;
}

static int take_login(const struct stored_login *l, void *ctx)
{
	struct read *r = ctx;

	check_net(&l->net);
	must(l->first <= l->last);
	if (r->known)
		STRIKE(r->known->login, r->known->logins, l, same_login);
	if (r->copy) {
		must(!store_put_login(r->copy, l));
		model_login(r->model, l);
	}
	return ++r->n == FILE_ROWS_MAX;
}

static int take_net(const struct net *net, void *ctx)
{
	struct read *r = ctx;

	check_net(net);
	if (r->known)
		STRIKE(r->known->net, r->known->nets, net, net_equal);
	if (r->copy) {
		must(!store_put_allow(r->copy, net));
		model_net(r->model, net);
	}
	return ++r->n == FILE_ROWS_MAX;
}

static int take_claim(const struct stored_ban *c, void *ctx)
{
	struct read *r = ctx;

	check_net(&c->net);
	must(strnlen(c->reason, sizeof(c->reason)) < sizeof(c->reason));
	must(!reason_fault(c->reason));
	if (r->copy)
		must(!store_put_claim(r->copy, c));
	return ++r->n == FILE_ROWS_MAX;
}

static int take_owner(uint32_t owner, const char *name, void *ctx)
{
	struct read *r = ctx;

	must(!reason_fault(name));
	if (r->copy)
		must(!store_put_owner(r->copy, owner, name));
	return ++r->n == FILE_ROWS_MAX;
}

static int take_account_net(const struct stored_account_net *n, void *ctx)
{
	struct read *r = ctx;

	if (r->copy)
		must(!store_put_account_net(r->copy, n));
	return ++r->n == FILE_ROWS_MAX;
}

static void read_accounts(struct store *s, struct read *r)
{
	uint64_t k[2];

	if (!store_account_key(s, k) && r->copy)
		must(!store_put_account_key(r->copy, k));
	store_each_account_net(s, take_account_net, r);
}

/*
 * Every row makes sense or is counted as odd. `known`: what has to be there, and
 * nothing else is; it is used up. `copy`, `model`: where rows are put.
 */
static void read_all(struct store *s, struct rows *known, struct store *copy,
		     struct rows *model)
{
	struct read r = { .known = known, .copy = copy, .model = model };
	size_t odd = 0, odd_claims = 0;
	struct stamp m;

	store_stamp(s, &m);
	must(strnlen(m.boot_id, sizeof(m.boot_id)) < sizeof(m.boot_id));
	store_each_ban(s, take_ban, &r, &odd);
	store_each_history(s, take_history, &r, &odd);
	store_each_login(s, take_login, &r, &odd);
	store_each_net(s, STORE_ALLOW, take_net, &r, &odd);
	store_each_claim(s, take_claim, &r, &odd_claims);
	store_each_owner(s, take_owner, &r);
	read_accounts(s, &r);
	if (known) {
		must(!known->bans && !known->histories && !known->logins &&
		     !known->nets);
		must(odd == known->odd);
	}
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

/* Removes the file, its log, and what was set aside. */
static void clear_folder(void)
{
	DIR *d = opendir(folder());
	struct dirent *e;

	must(d);
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			must(!unlinkat(dirfd(d), e->d_name, 0));
	closedir(d);
}

static void must_explain(int err)
{
	char explained[STORE_EXPLAIN_SIZE];

	store_explain(folder(), err, explained, sizeof(explained));
	must(!strncmp(explained, folder(), strlen(folder())));
	must(strstr(explained, STORE_NAME ": ") && strstr(explained, "; "));
}

/* A file that can be written takes a row, and has it. */
static void write_to(struct store *s)
{
	struct stored_history h = { .net.len = ADDR_BITS, .offences = 7 };
	struct stored_account_net n = { .user = 7, .net = 1 };

	read_all(s, NULL, NULL, NULL);
	if (store_begin(s))
		return;
	if (store_put_history(s, &h) || store_put_stamp(s, &(struct stamp){}) ||
	    store_del(s, STORE_ALLOW, &h.net) ||
	    store_del(s, STORE_CLAIMS, &h.net) || store_tidy_owners(s) ||
	    store_put_account_key(s, (uint64_t[]){ 1, 2 }) ||
	    store_put_account_net(s, &n) || store_del_account_net(s, &n) ||
	    store_shift(s, 1))
		store_rollback(s);
	else
		store_commit(s);
	store_checkpoint(s);
	must(!store_moved(s));
}

static void read_file(const struct input *in)
{
	static const int errors[] = { EUCLEAN, ESTALE, ENOTSUP, EMEDIUMTYPE,
				      ENOSPC,  EBUSY,  EROFS,	EACCES };
	char path[96], aside[PATH_MAX];
	struct store *s;
	FILE *f;
	int err;

	clear_folder();
	snprintf(path, sizeof(path), "%s/" STORE_NAME, folder());
	f = fopen(path, "w");
	must(f && fwrite(in->at, 1, in->left, f) == in->left && !fclose(f));
	err = store_open_read_only(&s, folder());
	must(!err == !!s);
	must(err <= 0);
	if (err)
		must_explain(err);
	else
		read_all(s, NULL, NULL, NULL);
	store_close(s);
	err = store_open(&s, folder());
	must(!err == !!s);
	must(err <= 0);
	if (!err)
		write_to(s);
	store_close(s);
	if (err == -EUCLEAN) {
		must(!store_set_aside(folder(), aside));
		must(access(path, F_OK) && !access(aside, F_OK));
		must(!store_open(&s, folder()));
		write_to(s);
		store_close(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		must_explain(-errors[i]);
}

/* ---- rows */

/* A value of any type: its first byte says which. */
static void take_value(struct input *in, struct value *v)
{
	static const int types[] = { SQLITE_NULL, SQLITE_INTEGER, SQLITE_FLOAT,
				     SQLITE_TEXT, SQLITE_BLOB };

	*v = (struct value){ .type = types[take_byte(in) % ARRAY_SIZE(types)] };
	if (v->type == SQLITE_INTEGER)
		take(in, &v->i, sizeof(v->i));
	else if (v->type == SQLITE_FLOAT)
		take(in, &v->d, sizeof(v->d));
	else if (v->type != SQLITE_NULL)
		v->text = take_string(in);
}

static void bind(sqlite3_stmt *row, int column, const struct value *v)
{
	switch (v->type) {
	case SQLITE_NULL:
		sqlite3_bind_null(row, column);
		break;
	case SQLITE_INTEGER:
		sqlite3_bind_int64(row, column, v->i);
		break;
	case SQLITE_FLOAT:
		sqlite3_bind_double(row, column, v->d);
		break;
	case SQLITE_TEXT:
		sqlite3_bind_text(row, column, v->text, -1, SQLITE_STATIC);
		break;
	default:
		sqlite3_bind_blob(row, column, v->text, strlen(v->text),
				  SQLITE_STATIC);
	}
}

static const struct {
	const char *insert;
	int columns;
	bool (*know)(struct rows *r, const struct value *v);
} kinds[] = {
	{ "INSERT INTO bans VALUES (?,?,?,?,?,?,?)", 7, know_ban },
	{ "INSERT INTO history VALUES (?,?,?)", 3, know_history },
	{ "INSERT INTO allow VALUES (?)", 1, know_net },
	{ "INSERT INTO moment VALUES (?,?,?,?,?)", 5, NULL },
	{ "INSERT INTO logins VALUES (?,?,?,?)", 4, know_login },
	{ "INSERT INTO claims VALUES (?,?,?,?,?,?,?,?)", 8, NULL },
	{ "INSERT INTO owners VALUES (?,?)", 2, NULL },
	{ "INSERT INTO account_nets VALUES (?,?,?)", 3, NULL },
	{ "INSERT INTO account_key VALUES (?,?,?)", 3, NULL },
};

static void insert(struct store *s, struct input *in, struct rows *r)
{
	size_t kind = take_byte(in) % ARRAY_SIZE(kinds);
	struct value v[8] = {};
	sqlite3_stmt *row;

	must(sqlite3_prepare_v2(s->db, kinds[kind].insert, -1, &row, NULL) ==
	     SQLITE_OK);
	for (int i = 0; i < kinds[kind].columns; i++) {
		take_value(in, &v[i]);
		bind(row, i + 1, &v[i]);
	}
	/* of a ban with a number for its reason, that is not compared */
	if (kind == 0 &&
	    (v[6].type == SQLITE_INTEGER || v[6].type == SQLITE_FLOAT))
		sqlite3_bind_null(row, 7);
	must(sqlite3_step(row) == SQLITE_DONE);
	sqlite3_finalize(row);
	if (kinds[kind].know && !kinds[kind].know(r, v))
		r->odd++;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		free(v[i].text);
}

static void run(struct store *s, const char *sql)
{
	sqlite3_stmt *stmt;

	must(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK);
	must(sqlite3_step(stmt) == SQLITE_DONE);
	sqlite3_finalize(stmt);
}

/*
 * Our tables, empty; without types, as another program may have made them. They
 * stay from input to input: to make them takes the longest.
 */
static struct store *begin(struct store **s, const char *tables)
{
	if (!*s) {
		*s = calloc(1, sizeof(**s));
		must(*s && sqlite3_open(":memory:", &(*s)->db) == SQLITE_OK);
		must(!store_exec(*s, tables));
	}
	run(*s, "BEGIN");
	return *s;
}

static const char loose[] =
	"CREATE TABLE bans (net, since, expires, failures, code, flags, reason);"
	"CREATE TABLE history (net, offences, until);"
	"CREATE TABLE allow (net);"
	"CREATE TABLE logins (net, first, last, account);"
	"CREATE TABLE claims (net, owner, since, expires, failures, code, flags,"
	" reason);"
	"CREATE TABLE owners (id, name);"
	"CREATE TABLE account_nets (user, net, last);"
	"CREATE TABLE account_key (id, k0, k1);"
	"CREATE TABLE moment (id, boot_id, map_id, wall, boot);";
static const char keyed[] =
	"CREATE TABLE bans (net PRIMARY KEY, since, expires, failures, code,"
	" flags, reason);"
	"CREATE TABLE history (net PRIMARY KEY, offences, until);"
	"CREATE TABLE allow (net PRIMARY KEY);"
	"CREATE TABLE logins (net PRIMARY KEY, first, last, account);"
	"CREATE TABLE claims (net, owner, since, expires, failures, code, flags,"
	" reason, PRIMARY KEY (net, owner));"
	"CREATE TABLE owners (id PRIMARY KEY, name);"
	"CREATE TABLE account_nets (user, net, last, PRIMARY KEY (user, net));"
	"CREATE TABLE account_key (id PRIMARY KEY, k0, k1);"
	"CREATE TABLE moment (id, boot_id, map_id, wall, boot);";

static void must_count(struct store *s, const struct rows *r)
{
	const size_t want[STORE_CLAIMS] = { r->bans, r->histories, r->nets,
					    r->logins };
	size_t n;

	for (int t = 0; t < STORE_CLAIMS; t++) {
		must(!store_count(s, t, &n));
		must(n == want[t]);
	}
}

/* What was read is put into another file, and reads the same there. */
static void read_rows(struct input *in)
{
	static struct store *stores[2];
	static struct rows known, model;
	struct store *s, *copy;

	keep_statements = true;
	s = begin(&stores[0], loose);
	copy = begin(&stores[1], keyed);
	known.bans = known.histories = known.logins = known.nets = 0;
	known.odd = 0;
	model.bans = model.histories = model.logins = model.nets = 0;
	for (int rows = 0; in->left && rows < ROWS_MAX; rows++)
		insert(s, in, &known);
	read_all(s, &known, copy, &model);
	must_count(copy, &model);
	read_all(copy, &model, NULL, NULL);
	run(s, "ROLLBACK");
	run(copy, "ROLLBACK");
	keep_statements = false;
}

/* The first byte says which; files are read the first time, and now and then. */
static void fuzz(struct input *in)
{
	static unsigned int count;
	static bool configured;

	if (!configured)
		configure_library();
	configured = true;
	if (take_byte(in) % 16)
		read_rows(in);
	else if (now_and_then(&count, FILE_EVERY))
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
