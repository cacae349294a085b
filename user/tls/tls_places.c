// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_places.h"

#include <stdbool.h>
#include <string.h>

#include "tls.h"
#include "tls/x86_code.h"

/* Adds an offset once: one behind may be exported, too. */
static void add(struct tls_library *to, enum tls_function f, uint64_t offset)
{
	for (size_t i = 0; i < to->n[f]; i++)
		if (to->offset[f][i] == offset)
			return;
	if (to->n[f] < TLS_OFFSETS_MAX)
		to->offset[f][to->n[f]++] = offset;
}

void tls_places_behind(const struct tls_library *lib, struct tls_library *to)
{
	*to = *lib;
	for (int f = 0; f < TLS_FUNCTIONS; f++) {
		unsigned int gone = 0;

		for (size_t i = 0; i < lib->n_behind; i++)
			gone |= lib->behind[i].from[f];
		to->n[f] = 0;
		for (size_t i = 0; i < lib->n[f]; i++)
			if (!(gone >> i & 1))
				to->offset[f][to->n[f]++] = lib->offset[f][i];
	}
	for (size_t i = 0; i < lib->n_behind; i++) {
		const struct tls_behind *b = &lib->behind[i];

		add(to, b->function, b->offset);
	}
	to->n_behind = 0;
}

#ifdef __x86_64__

/* Looks for places in a library. */
struct finder {
	struct x86_code code;
	const struct tls_library *lib; /* as it was read */
};

#define STRAIGHT_MAX 16 /* instructions from the first one to a place */
#define BODY_BYTES 4096 /* in which jumps to a place are looked for */
#define STEPS_MAX 256 /* instructions, until the call of the function behind */

/* Does any jump or call of the code behind lead in between, or to the place? */
static bool is_entered(struct finder *d, uint64_t from, uint64_t place)
{
	uint64_t at = from;

	while (at < from + BODY_BYTES && x86_decode(&d->code, at)) {
		uint64_t to = x86_is_branch(d->code.insn) ?
				      x86_target(d->code.insn) :
				      0;

		if (to > from && to <= place)
			return true;
		at += d->code.insn->size;
	}
	return false;
}

/*
 * The first place from the entry on that the kernel carries out itself, each
 * call comes by, and where `args` arguments are in their registers; for a
 * probe at return, with the return address on top of the stack. The entry, if
 * there is none.
 */
static uint64_t cheapest(struct finder *d, uint64_t entry, int args,
			 bool at_return)
{
	uint64_t at = entry;
	struct x86_state s, start;

	x86_begin(&start);
	s = start;
	for (int n = 0; n < STRAIGHT_MAX && x86_decode(&d->code, at); n++) {
		if (memcmp(s.reg, start.reg, args * sizeof(*s.reg)) ||
		    (at_return && s.depth))
			break;
		if (x86_is_emulated(d->code.insn))
			return is_entered(d, entry, at) ? entry : at;
		if (x86_is_branch(d->code.insn) || !x86_step(&d->code, &s))
			break;
		at += d->code.insn->size;
	}
	return entry;
}

/*
 * As what a function is called that gets what function `f` got: it is of that
 * kind. TLS_FUNCTIONS: of none.
 */
static enum tls_function called_as(const struct x86_state *s,
				   enum tls_function f)
{
	const struct x86_value *r = s->reg;
	bool reads = f == TLS_READ || f == TLS_READ_EX;
	enum tls_function ex = reads ? TLS_READ_EX : TLS_WRITE_EX;

	if (f == TLS_READ && x86_passes(s, RDI, RDI) &&
	    x86_holds(&r[RSI], HOLDS_NUMBER, TLS_APPLICATION_DATA) &&
	    x86_holds(&r[RDX], HOLDS_ARG, RSI) &&
	    x86_holds(&r[RCX], HOLDS_ARG, RDX))
		return TLS_READ_TYPED;
	if (!x86_passes(s, RDI, RSI))
		return TLS_FUNCTIONS;
	if (f == TLS_READ || f == TLS_WRITE) {
		if (!x86_holds(&r[RDX], HOLDS_INT, RDX))
			return TLS_FUNCTIONS;
		if (r[RCX].holds == HOLDS_STACK)
			return ex;
		return !reads && x86_holds(&r[RCX], HOLDS_NUMBER, 0) &&
				       r[R8].holds == HOLDS_STACK ?
			       TLS_WRITE_EX2 :
			       TLS_FUNCTIONS;
	}
	if (f == TLS_WRITE_EX2)
		return x86_passes(s, RDI, R8) ? TLS_WRITE_EX2 : TLS_FUNCTIONS;
	if (x86_passes(s, RDX, RCX))
		return ex;
	return f == TLS_WRITE_EX && x86_passes(s, RDX, RDX) &&
			       x86_holds(&r[RCX], HOLDS_NUMBER, 0) &&
			       x86_holds(&r[R8], HOLDS_ARG, RCX) ?
		       TLS_WRITE_EX2 :
		       TLS_FUNCTIONS;
}

/* The ways through a function that are still to be followed. */
struct ways {
	uint64_t at[STEPS_MAX];
	struct x86_state state[STEPS_MAX];
	bool todo[STEPS_MAX];
	size_t n;
};

/* What both states know. */
static bool meet(struct x86_state *a, const struct x86_state *b)
{
	bool changed = false;

	for (int r = 0; r < REGISTERS; r++) {
		struct x86_value *v = &a->reg[r];

		if (v->holds == HOLDS_ANY ||
		    (v->holds == b->reg[r].holds && v->n == b->reg[r].n))
			continue;
		*v = (struct x86_value){};
		changed = true;
	}
	return changed;
}

/* A way comes to an instruction. False: too many do, or with another stack. */
static bool come(struct ways *w, uint64_t at, const struct x86_state *s)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->at[i] != at)
			continue;
		w->todo[i] |= meet(&w->state[i], s);
		return w->state[i].depth == s->depth;
	}
	if (w->n == STEPS_MAX)
		return false;
	w->at[w->n] = at;
	w->state[w->n] = *s;
	w->todo[w->n++] = true;
	return true;
}

/* What a stub of the PLT leads to, if that is one of the functions; or itself. */
static uint64_t through_plt(struct finder *d, uint64_t at)
{
	const cs_x86_op *op = d->code.insn->detail->x86.operands;
	uint64_t slot;

	if (x86_decode(&d->code, at) && d->code.insn->id == X86_INS_ENDBR64)
		x86_decode(&d->code, at + d->code.insn->size);
	if (d->code.insn->id != X86_INS_JMP || op->type != X86_OP_MEM ||
	    op->mem.base != X86_REG_RIP || op->mem.index != X86_REG_INVALID)
		return at;
	slot = d->code.insn->address + d->code.insn->size + op->mem.disp +
	       d->lib->bias;
	for (size_t i = 0; i < d->lib->n_slots; i++)
		if (d->lib->slots[i].address == slot)
			return d->lib->slots[i].offset;
	return at;
}

static const struct {
	int args;
	bool at_return;
} shapes[TLS_FUNCTIONS] = {
	[TLS_WRITE] = { 3, true },	[TLS_WRITE_EX] = { 4, true },
	[TLS_WRITE_EX2] = { 5, true },	[TLS_READ] = { 3, true },
	[TLS_READ_EX] = { 4, true },	[TLS_FREE] = { 1, false },
	[TLS_READ_TYPED] = { 4, true },
};

struct callee {
	uint64_t at;
	enum tls_function function;
};

struct callees {
	struct callee list[TLS_BEHIND_MAX];
	size_t n;
};

static bool add_callee(struct callees *c, uint64_t at, enum tls_function as)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].at == at)
			return c->list[i].function == as;
	if (c->n == TLS_BEHIND_MAX)
		return false;
	c->list[c->n++] = (struct callee){ at, as };
	return true;
}

/* Does the instruction hand what the function has got on to another one? */
static bool hands_on(const struct ways *w, size_t way, const cs_insn *i)
{
	uint64_t to = x86_target(i);
	bool near = to >= w->at[0] && to < w->at[0] + BODY_BYTES;

	return x86_is_call(i) ||
	       (i->id == X86_INS_JMP && to && !near && !w->state[way].depth);
}

/* Follows one instruction. Calls end a way: behind them, arguments are gone. */
static bool follow(struct finder *d, struct ways *w, size_t way)
{
	struct x86_state s = w->state[way];
	const cs_insn *i = d->code.insn;
	uint64_t next = w->at[way] + i->size, to = x86_target(i);

	if (hands_on(w, way, i))
		return true;
	if (x86_is_jump(i))
		return !to || (come(w, to, &s) &&
			       (i->id == X86_INS_JMP || come(w, next, &s)));
	return x86_is_branch(i) || !x86_step(&d->code, &s) || come(w, next, &s);
}

/* Follows all ways, until nothing changes. False: there are too many. */
static bool follow_all(struct finder *d, struct ways *w)
{
	size_t i;

	for (int n = 0; n < 2 * STEPS_MAX; n++) {
		for (i = 0; i < w->n && !w->todo[i]; i++)
			;
		if (i == w->n)
			return true;
		w->todo[i] = false;
		if (x86_decode(&d->code, w->at[i]) && !follow(d, w, i))
			return false;
	}
	return false;
}

/*
 * Is it an exported function of the same kind, which gets all as it came, as
 * gnutls_record_send2() from gnutls_record_send()? Any other one may do without
 * the arguments that still lie in the registers.
 */
static bool is_alike(const struct finder *d, const struct x86_state *s,
		     enum tls_function f, uint64_t at)
{
	for (size_t i = 0; i < d->lib->n[f]; i++)
		if (d->lib->offset[f][i] == at)
			return x86_passes(s, RDI, shapes[f].args - 1);
	return false;
}

/* The functions to which one hands what it gets. */
static void find_callees(struct finder *d, uint64_t entry, enum tls_function f,
			 struct callees *c)
{
	static struct ways w;
	bool ok = true;
	struct x86_state s;

	c->n = 0;
	w.n = 0;
	x86_begin(&s);
	come(&w, entry, &s);
	if (!follow_all(d, &w))
		return;
	for (size_t i = 0; i < w.n && ok; i++) {
		enum tls_function as;
		uint64_t to;

		if (!x86_decode(&d->code, w.at[i]) ||
		    !hands_on(&w, i, d->code.insn) || !x86_target(d->code.insn))
			continue;
		as = called_as(&w.state[i], f);
		to = through_plt(d, x86_target(d->code.insn));
		if (is_alike(d, &w.state[i], f, to))
			as = f;
		ok = as == TLS_FUNCTIONS || add_callee(c, to, as);
	}
	if (!ok)
		c->n = 0;
}

static bool is_cheap(struct finder *d, uint64_t at)
{
	return x86_decode(&d->code, at) && x86_is_emulated(d->code.insn);
}

/* The entry in lib->behind, or a new one; NULL: no room. */
static struct tls_behind *behind_at(struct tls_library *lib, uint64_t offset,
				    enum tls_function function)
{
	struct tls_behind *b = lib->behind;

	for (size_t i = 0; i < lib->n_behind; i++)
		if (b[i].offset == offset)
			return b[i].function == function ? &b[i] : NULL;
	if (lib->n_behind == TLS_BEHIND_MAX)
		return NULL;
	b += lib->n_behind++;
	*b = (struct tls_behind){ offset, function, {} };
	return b;
}

/*
 * Notes what is behind a function, if that is cheaper; or what is behind that,
 * which may be an exported one in between.
 */
static void note_behind(struct finder *d, struct tls_library *lib,
			const struct callee *from, enum tls_function f,
			size_t i, bool again)
{
	struct callees c;

	find_callees(d, from->at, from->function, &c);
	for (size_t k = 0; k < c.n; k++) {
		enum tls_function as = c.list[k].function;
		uint64_t at = cheapest(d, c.list[k].at, shapes[as].args, true);
		struct tls_behind *b =
			is_cheap(d, at) ? behind_at(lib, at, as) : NULL;

		if (b)
			b->from[f] |= 1 << i;
		else if (again)
			note_behind(d, lib, &c.list[k], f, i, false);
	}
}

static void find_all(struct finder *d, struct tls_library *lib)
{
	for (int f = 0; f < TLS_FUNCTIONS; f++)
		for (size_t i = 0; f != TLS_FREE && i < lib->n[f]; i++)
			note_behind(d, lib,
				    &(struct callee){ lib->offset[f][i], f }, f,
				    i, true);
	for (int f = 0; f < TLS_FUNCTIONS; f++)
		for (size_t i = 0; i < lib->n[f]; i++)
			lib->offset[f][i] =
				cheapest(d, lib->offset[f][i], shapes[f].args,
					 shapes[f].at_return);
}

void tls_places_find(int fd, uint64_t size, struct tls_library *lib)
{
	struct tls_library read = *lib;
	struct finder d = { .lib = &read };

	if (x86_open(&d.code, fd, size))
		find_all(&d, lib);
	x86_close(&d.code);
}

#else

void tls_places_find(int fd, uint64_t size, struct tls_library *lib)
{
	(void)fd;
	(void)size;
	(void)lib;
}

#endif
