// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_places.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

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

#include <capstone/capstone.h>

#define INSN_MAX 15 /* bytes of an instruction */
#define STRAIGHT_MAX 16 /* instructions from the first one to a place */
#define BODY_BYTES 4096 /* in which jumps to a place are looked for */
#define STEPS_MAX 256 /* instructions, until the call of the function behind */
#define ARGS_MAX 5
#define APPLICATION_DATA 23 /* RFC 8446, section 5.1: TLSPlaintext.type */

/* What a register holds, as far as it is known. */
enum holds {
	HOLDS_ANY,
	HOLDS_ARG, /* the function's argument `n` */
	HOLDS_INT, /* its lower half, widened */
	HOLDS_STACK, /* an address on the stack */
	HOLDS_NUMBER, /* n */
};

struct value {
	uint8_t holds;
	uint32_t n;
};

/* In the order in which arguments are passed; the others follow. */
enum {
	RDI,
	RSI,
	RDX,
	RCX,
	R8,
	R9,
	RAX,
	RBX,
	RBP,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
	RSP,
	REGISTERS
};

struct state {
	struct value reg[REGISTERS];
	int depth; /* bytes on the stack, above what was there at the entry */
};

struct decoder {
	const struct tls_library *lib; /* as it was read */
	csh cs;
	cs_insn *insn;
	int fd;
	uint64_t size;
};

#define NAMES(q, d, w, b)                                                      \
	{                                                                      \
		X86_REG_##q, X86_REG_##d, X86_REG_##w, X86_REG_##b             \
	}

static int register_of(unsigned int reg)
{
	static const uint16_t names[REGISTERS][4] = {
		NAMES(RDI, EDI, DI, DIL),     NAMES(RSI, ESI, SI, SIL),
		NAMES(RDX, EDX, DX, DL),      NAMES(RCX, ECX, CX, CL),
		NAMES(R8, R8D, R8W, R8B),     NAMES(R9, R9D, R9W, R9B),
		NAMES(RAX, EAX, AX, AL),      NAMES(RBX, EBX, BX, BL),
		NAMES(RBP, EBP, BP, BPL),     NAMES(R10, R10D, R10W, R10B),
		NAMES(R11, R11D, R11W, R11B), NAMES(R12, R12D, R12W, R12B),
		NAMES(R13, R13D, R13W, R13B), NAMES(R14, R14D, R14W, R14B),
		NAMES(R15, R15D, R15W, R15B), NAMES(RSP, ESP, SP, SPL),
	};

	for (int r = 0; r < REGISTERS; r++)
		for (int i = 0; i < 4; i++)
			if (names[r][i] == reg)
				return r;
	return -1; /* AH to DH lie in registers that hold no argument then */
}

/* Decodes the instruction at an offset of the file into d->insn. */
static bool decode(struct decoder *d, uint64_t at)
{
	uint8_t bytes[INSN_MAX + 1];
	const uint8_t *code = bytes;
	size_t left;
	ssize_t n;

	if (at >= d->size)
		return false;
	n = pread(d->fd, bytes, INSN_MAX, at);
	left = n > 0 ? n : 0;
	return left && cs_disasm_iter(d->cs, &code, &left, &at, d->insn);
}

/* Does the kernel carry it out itself? */
static bool is_emulated(const cs_insn *i)
{
	const uint8_t *b = i->bytes;

	if (b[0] >= 0x50 && b[0] <= 0x57) /* push */
		return i->size == 1;
	if (b[0] == 0x41 && b[1] >= 0x50 && b[1] <= 0x57)
		return i->size == 2;
	if (b[0] >= 0x70 && b[0] <= 0x7f) /* jcc */
		return true;
	if (b[0] == 0x0f && b[1] >= 0x80 && b[1] <= 0x8f)
		return true;
	return b[0] == 0xeb || b[0] == 0xe9 || b[0] == 0xe8 || b[0] == 0x90;
}

static bool is_in(const cs_insn *i, uint8_t group)
{
	for (int k = 0; k < i->detail->groups_count; k++)
		if (i->detail->groups[k] == group)
			return true;
	return false;
}

static bool is_call(const cs_insn *i)
{
	return is_in(i, CS_GRP_CALL);
}

/* Does another instruction than the next one follow, at some time? */
static bool is_branch(const cs_insn *i)
{
	return is_in(i, CS_GRP_JUMP) || is_call(i) || is_in(i, CS_GRP_RET) ||
	       is_in(i, CS_GRP_INT) || is_in(i, CS_GRP_IRET) ||
	       i->id == X86_INS_UD2 || i->id == X86_INS_HLT;
}

/* Where a direct jump or call leads; 0: it is indirect, or leads nowhere. */
static uint64_t target_of(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	return x->op_count == 1 && x->operands[0].type == X86_OP_IMM ?
		       (uint64_t)x->operands[0].imm :
		       0;
}

static void begin(struct state *s)
{
	*s = (struct state){};
	for (uint32_t n = 0; n < ARGS_MAX; n++)
		s->reg[n] = (struct value){ HOLDS_ARG, n };
	s->reg[RSP].holds = HOLDS_STACK;
}

/* What the first operand holds after "mov", "movslq", "lea" or "xor". */
static struct value result(const struct state *s, const cs_insn *i)
{
	const cs_x86_op *to = &i->detail->x86.operands[0], *from = to + 1;
	static const struct value any;
	int r = from->type == X86_OP_REG ? register_of(from->reg) : -1;
	struct value v = r >= 0 ? s->reg[r] : any;

	if (i->id == X86_INS_MOV && from->type == X86_OP_IMM)
		return from->imm < 0 || from->imm > INT32_MAX || to->size < 4 ?
			       any :
			       (struct value){ HOLDS_NUMBER, from->imm };
	if (i->id == X86_INS_MOV && to->size == 8)
		return v;
	/* of a number that is not negative, both are the same */
	if (i->id == X86_INS_MOVSXD || (i->id == X86_INS_MOV && to->size == 4))
		return v.holds == HOLDS_ARG ? (struct value){ HOLDS_INT, v.n } :
					      any;
	if (i->id == X86_INS_LEA)
		return register_of(from->mem.base) == RSP ?
			       (struct value){ HOLDS_STACK, 0 } :
			       any;
	return i->id == X86_INS_XOR && r >= 0 && from->reg == to->reg &&
			       to->size >= 4 ?
		       (struct value){ HOLDS_NUMBER, 0 } :
		       any;
}

/* Follows the stack pointer. False: it is not known any more. */
static bool move_stack(struct state *s, const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;
	bool rsp = x->op_count == 2 && x->operands[0].type == X86_OP_REG &&
		   x->operands[0].reg == X86_REG_RSP &&
		   x->operands[1].type == X86_OP_IMM;

	if (i->id == X86_INS_PUSH)
		s->depth += x->operands[0].size;
	else if (i->id == X86_INS_POP)
		s->depth -= x->operands[0].size;
	else if (rsp && i->id == X86_INS_SUB)
		s->depth += x->operands[1].imm;
	else if (rsp && i->id == X86_INS_ADD)
		s->depth -= x->operands[1].imm;
	else
		return false;
	return true;
}

/* Carries out what concerns the registers. False: nothing is known then. */
static bool step(const struct decoder *d, struct state *s)
{
	const cs_insn *i = d->insn;
	const cs_x86 *x = &i->detail->x86;
	bool moves = x->op_count == 2 && x->operands[0].type == X86_OP_REG;
	int to = moves ? register_of(x->operands[0].reg) : -1;
	struct value v = moves ? result(s, i) : (struct value){};
	uint8_t n_in, n_out;
	cs_regs in, out;

	if (cs_regs_access(d->cs, i, in, &n_in, out, &n_out))
		return false;
	for (int k = 0; k < n_out; k++) {
		int r = register_of(out[k]);

		if (r == RSP && !move_stack(s, i))
			return false;
		if (r >= 0 && r != RSP)
			s->reg[r] = r == to ? v : (struct value){};
	}
	return true;
}

/* Does any jump or call of the code behind lead in between, or to the place? */
static bool is_entered(struct decoder *d, uint64_t from, uint64_t place)
{
	uint64_t at = from;

	while (at < from + BODY_BYTES && decode(d, at)) {
		uint64_t to = is_branch(d->insn) ? target_of(d->insn) : 0;

		if (to > from && to <= place)
			return true;
		at += d->insn->size;
	}
	return false;
}

/*
 * The first place from the entry on that the kernel carries out itself, each
 * call comes by, and where `args` arguments are in their registers; for a
 * probe at return, with the return address on top of the stack. The entry, if
 * there is none.
 */
static uint64_t cheapest(struct decoder *d, uint64_t entry, int args,
			 bool at_return)
{
	uint64_t at = entry;
	struct state s, start;

	begin(&start);
	s = start;
	for (int n = 0; n < STRAIGHT_MAX && decode(d, at); n++) {
		if (memcmp(s.reg, start.reg, args * sizeof(*s.reg)) ||
		    (at_return && s.depth))
			break;
		if (is_emulated(d->insn))
			return is_entered(d, entry, at) ? entry : at;
		if (is_branch(d->insn) || !step(d, &s))
			break;
		at += d->insn->size;
	}
	return entry;
}

static bool holds(const struct value *v, enum holds what, uint32_t n)
{
	return v->holds == what && v->n == n;
}

/* Are the first arguments passed as they came? */
static bool passes(const struct state *s, int from, int to)
{
	for (int i = from; i <= to; i++)
		if (!holds(&s->reg[i], HOLDS_ARG, i))
			return false;
	return true;
}

/*
 * As what a function is called that gets what function `f` got: it is of that
 * kind. TLS_FUNCTIONS: of none.
 */
static enum tls_function called_as(const struct state *s, enum tls_function f)
{
	const struct value *r = s->reg;
	bool reads = f == TLS_READ || f == TLS_READ_EX;
	enum tls_function ex = reads ? TLS_READ_EX : TLS_WRITE_EX;

	if (f == TLS_READ && passes(s, RDI, RDI) &&
	    holds(&r[RSI], HOLDS_NUMBER, APPLICATION_DATA) &&
	    holds(&r[RDX], HOLDS_ARG, RSI) && holds(&r[RCX], HOLDS_ARG, RDX))
		return TLS_READ_TYPED;
	if (!passes(s, RDI, RSI))
		return TLS_FUNCTIONS;
	if (f == TLS_READ || f == TLS_WRITE) {
		if (!holds(&r[RDX], HOLDS_INT, RDX))
			return TLS_FUNCTIONS;
		if (r[RCX].holds == HOLDS_STACK)
			return ex;
		return !reads && holds(&r[RCX], HOLDS_NUMBER, 0) &&
				       r[R8].holds == HOLDS_STACK ?
			       TLS_WRITE_EX2 :
			       TLS_FUNCTIONS;
	}
	if (f == TLS_WRITE_EX2)
		return passes(s, RDI, R8) ? TLS_WRITE_EX2 : TLS_FUNCTIONS;
	if (passes(s, RDX, RCX))
		return ex;
	return f == TLS_WRITE_EX && passes(s, RDX, RDX) &&
			       holds(&r[RCX], HOLDS_NUMBER, 0) &&
			       holds(&r[R8], HOLDS_ARG, RCX) ?
		       TLS_WRITE_EX2 :
		       TLS_FUNCTIONS;
}

/* The ways through a function that are still to be followed. */
struct ways {
	uint64_t at[STEPS_MAX];
	struct state state[STEPS_MAX];
	bool todo[STEPS_MAX];
	size_t n;
};

/* What both states know. */
static bool meet(struct state *a, const struct state *b)
{
	bool changed = false;

	for (int r = 0; r < REGISTERS; r++) {
		struct value *v = &a->reg[r];

		if (v->holds == HOLDS_ANY ||
		    (v->holds == b->reg[r].holds && v->n == b->reg[r].n))
			continue;
		*v = (struct value){};
		changed = true;
	}
	return changed;
}

/* A way comes to an instruction. False: too many do, or with another stack. */
static bool come(struct ways *w, uint64_t at, const struct state *s)
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
static uint64_t through_plt(struct decoder *d, uint64_t at)
{
	const cs_x86_op *op = d->insn->detail->x86.operands;
	uint64_t slot;

	if (decode(d, at) && d->insn->id == X86_INS_ENDBR64)
		decode(d, at + d->insn->size);
	if (d->insn->id != X86_INS_JMP || op->type != X86_OP_MEM ||
	    op->mem.base != X86_REG_RIP || op->mem.index != X86_REG_INVALID)
		return at;
	slot = d->insn->address + d->insn->size + op->mem.disp + d->lib->bias;
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
	uint64_t to = target_of(i);
	bool near = to >= w->at[0] && to < w->at[0] + BODY_BYTES;

	return is_call(i) ||
	       (i->id == X86_INS_JMP && to && !near && !w->state[way].depth);
}

/* Follows one instruction. Calls end a way: behind them, arguments are gone. */
static bool follow(struct decoder *d, struct ways *w, size_t way)
{
	struct state s = w->state[way];
	const cs_insn *i = d->insn;
	uint64_t next = w->at[way] + i->size, to = target_of(i);

	if (hands_on(w, way, i))
		return true;
	if (is_in(i, CS_GRP_JUMP))
		return !to || (come(w, to, &s) &&
			       (i->id == X86_INS_JMP || come(w, next, &s)));
	return is_branch(i) || !step(d, &s) || come(w, next, &s);
}

/* Follows all ways, until nothing changes. False: there are too many. */
static bool follow_all(struct decoder *d, struct ways *w)
{
	size_t i;

	for (int n = 0; n < 2 * STEPS_MAX; n++) {
		for (i = 0; i < w->n && !w->todo[i]; i++)
			;
		if (i == w->n)
			return true;
		w->todo[i] = false;
		if (decode(d, w->at[i]) && !follow(d, w, i))
			return false;
	}
	return false;
}

/*
 * Is it an exported function of the same kind, which gets all as it came, as
 * gnutls_record_send2() from gnutls_record_send()? Any other one may do without
 * the arguments that still lie in the registers.
 */
static bool is_alike(const struct decoder *d, const struct state *s,
		     enum tls_function f, uint64_t at)
{
	for (size_t i = 0; i < d->lib->n[f]; i++)
		if (d->lib->offset[f][i] == at)
			return passes(s, RDI, shapes[f].args - 1);
	return false;
}

/* The functions to which one hands what it gets. */
static void find_callees(struct decoder *d, uint64_t entry, enum tls_function f,
			 struct callees *c)
{
	static struct ways w;
	bool ok = true;
	struct state s;

	c->n = 0;
	w.n = 0;
	begin(&s);
	come(&w, entry, &s);
	if (!follow_all(d, &w))
		return;
	for (size_t i = 0; i < w.n && ok; i++) {
		enum tls_function as;
		uint64_t to;

		if (!decode(d, w.at[i]) || !hands_on(&w, i, d->insn) ||
		    !target_of(d->insn))
			continue;
		as = called_as(&w.state[i], f);
		to = through_plt(d, target_of(d->insn));
		if (is_alike(d, &w.state[i], f, to))
			as = f;
		ok = as == TLS_FUNCTIONS || add_callee(c, to, as);
	}
	if (!ok)
		c->n = 0;
}

static bool is_cheap(struct decoder *d, uint64_t at)
{
	return decode(d, at) && is_emulated(d->insn);
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
static void note_behind(struct decoder *d, struct tls_library *lib,
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

static void find_all(struct decoder *d, struct tls_library *lib)
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
	struct decoder d = { .lib = &read, .fd = fd, .size = size };

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d.cs))
		return;
	cs_option(d.cs, CS_OPT_DETAIL, CS_OPT_ON);
	d.insn = cs_malloc(d.cs);
	if (d.insn)
		find_all(&d, lib);
	if (d.insn)
		cs_free(d.insn, 1);
	cs_close(&d.cs);
}

#else

void tls_places_find(int fd, uint64_t size, struct tls_library *lib)
{
	(void)fd;
	(void)size;
	(void)lib;
}

#endif
