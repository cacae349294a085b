/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has SQLite do less, that is not what is fuzzed: most of the time was there. */
#ifndef SELFTESTS_SQLITE_FAST_H
#define SELFTESTS_SQLITE_FAST_H

#include <dlfcn.h>
#include <sqlite3.h>

#include "fuzz/fuzz.h"

/* ---- memory of the library */

#define POOL_STEP 64
#define POOL_STEPS 64 /* what is larger comes from malloc() */

struct piece {
	size_t size;
	struct piece *next; /* of those that are free */
};

static struct piece *pool[POOL_STEPS];

static int pool_round(int n)
{
	return (n + POOL_STEP - 1) / POOL_STEP * POOL_STEP;
}

static void *pool_malloc(int n)
{
	size_t size = pool_round(n), step = size / POOL_STEP;
	struct piece *p = step < POOL_STEPS ? pool[step] : NULL;

	if (p)
		pool[step] = p->next;
	else
		p = malloc(sizeof(*p) + size);
	must(p);
	p->size = size;
	return p + 1;
}

static int pool_size(void *memory)
{
	return memory ? ((struct piece *)memory - 1)->size : 0;
}

static void pool_free(void *memory)
{
	struct piece *p = (struct piece *)memory - 1;

	if (!memory)
		return;
	if (p->size / POOL_STEP >= POOL_STEPS) {
		free(p);
		return;
	}
	p->next = pool[p->size / POOL_STEP];
	pool[p->size / POOL_STEP] = p;
}

static void *pool_realloc(void *memory, int n)
{
	int had = pool_size(memory);
	void *more = pool_malloc(n);

	memcpy(more, memory, had < n ? had : n);
	pool_free(memory);
	return more;
}

static int pool_init(void *ctx)
{
	return SQLITE_OK;
}

static void pool_end(void *ctx)
{
}

static void configure_library(void)
{
	static sqlite3_mem_methods methods = {
		.xMalloc = pool_malloc,
		.xFree = pool_free,
		.xRealloc = pool_realloc,
		.xSize = pool_size,
		.xRoundup = pool_round,
		.xInit = pool_init,
		.xShutdown = pool_end,
	};

	must(!sqlite3_config(SQLITE_CONFIG_MALLOC, &methods));
	must(!sqlite3_config(SQLITE_CONFIG_SINGLETHREAD));
	must(!sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0));
}

/* ---- statements are prepared once: that takes longer than to run them */

static struct prepared {
	sqlite3 *db;
	uint64_t hash; /* of its text */
	sqlite3_stmt *stmt;
	bool used;
} prepared[128];
static bool keep_statements; /* for databases that stay */

#define LIBRARYS(function) ((typeof(&(function)))dlsym(RTLD_NEXT, #function))

/* In the library's place, for our code; the library has its own. */
__attribute__((visibility("hidden"))) int
sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **stmt,
		   const char **tail)
{
	static typeof(&sqlite3_prepare_v2) real;
	struct prepared *p = prepared;
	uint64_t hash = 0;
	int rc;

	for (const char *c = sql; *c; c++)
		hash = (hash ^ *c) * 0x100000001b3ULL;

	real = real ?: LIBRARYS(sqlite3_prepare_v2);
	for (; p->stmt; p++)
		if (p->db == db && !p->used && p->hash == hash) {
			p->used = true;
			*stmt = p->stmt;
			return SQLITE_OK;
		}
	rc = real(db, sql, n, stmt, tail);
	if (rc == SQLITE_OK && keep_statements) {
		must(p < prepared + ARRAY_SIZE(prepared) - 1);
		*p = (struct prepared){ db, hash, *stmt, true };
	}
	return rc;
}

__attribute__((visibility("hidden"))) int sqlite3_finalize(sqlite3_stmt *stmt)
{
	static typeof(&sqlite3_finalize) real;

	real = real ?: LIBRARYS(sqlite3_finalize);
	for (struct prepared *p = prepared; p->stmt; p++)
		if (p->stmt == stmt) {
			p->used = false;
			sqlite3_reset(stmt);
			return sqlite3_clear_bindings(stmt);
		}
	return real(stmt);
}

#endif
