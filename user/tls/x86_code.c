// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/x86_code.h"

#ifdef __x86_64__

#include <unistd.h>

#define INSN_MAX 15 /* bytes of an instruction */
#define ARGS_MAX 5

bool x86_open(struct x86_code *c, int fd, uint64_t size)
{
	*c = (struct x86_code){ .fd = fd, .size = size };
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &c->cs))
		return false;
	cs_option(c->cs, CS_OPT_DETAIL, CS_OPT_ON);
	c->insn = cs_malloc(c->cs);
	return c->insn;
}

void x86_close(struct x86_code *c)
{
	if (c->insn)
		cs_free(c->insn, 1);
	cs_close(&c->cs);
}

#define NAMES(q, d, w, b, h)                                                   \
	{                                                                      \
		X86_REG_##q, X86_REG_##d, X86_REG_##w, X86_REG_##b,            \
			X86_REG_##h                                            \
	}

static int register_of(unsigned int reg)
{
	static const uint16_t names[REGISTERS][5] = {
		NAMES(RDI, EDI, DI, DIL, INVALID),
		NAMES(RSI, ESI, SI, SIL, INVALID),
		NAMES(RDX, EDX, DX, DL, DH),
		NAMES(RCX, ECX, CX, CL, CH),
		NAMES(R8, R8D, R8W, R8B, INVALID),
		NAMES(R9, R9D, R9W, R9B, INVALID),
		NAMES(RAX, EAX, AX, AL, AH),
		NAMES(RBX, EBX, BX, BL, BH),
		NAMES(RBP, EBP, BP, BPL, INVALID),
		NAMES(R10, R10D, R10W, R10B, INVALID),
		NAMES(R11, R11D, R11W, R11B, INVALID),
		NAMES(R12, R12D, R12W, R12B, INVALID),
		NAMES(R13, R13D, R13W, R13B, INVALID),
		NAMES(R14, R14D, R14W, R14B, INVALID),
		NAMES(R15, R15D, R15W, R15B, INVALID),
		NAMES(RSP, ESP, SP, SPL, INVALID),
	};

	for (int r = 0; r < REGISTERS; r++)
		for (int i = 0; i < 5; i++)
			if (reg && names[r][i] == reg)
				return r;
	return -1;
}

bool x86_decode(struct x86_code *c, uint64_t at)
{
	uint8_t bytes[INSN_MAX + 1];
	const uint8_t *code = bytes;
	size_t left;
	ssize_t n;

	if (at >= c->size)
		return false;
	n = pread(c->fd, bytes, INSN_MAX, at);
	left = n > 0 ? n : 0;
	return left && cs_disasm_iter(c->cs, &code, &left, &at, c->insn);
}

/* The kernel's branch_setup_xol_ops() and push_setup_xol_ops(). */
bool x86_is_emulated(const cs_insn *i)
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

bool x86_is_jump(const cs_insn *i)
{
	return is_in(i, CS_GRP_JUMP);
}

bool x86_is_call(const cs_insn *i)
{
	return is_in(i, CS_GRP_CALL);
}

bool x86_is_branch(const cs_insn *i)
{
	return x86_is_jump(i) || x86_is_call(i) || is_in(i, CS_GRP_RET) ||
	       is_in(i, CS_GRP_INT) || is_in(i, CS_GRP_IRET) ||
	       i->id == X86_INS_UD2 || i->id == X86_INS_HLT;
}

uint64_t x86_target(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	return x->op_count == 1 && x->operands[0].type == X86_OP_IMM ?
		       (uint64_t)x->operands[0].imm :
		       0;
}

void x86_begin(struct x86_state *s)
{
	*s = (struct x86_state){};
	for (uint32_t n = 0; n < ARGS_MAX; n++)
		s->reg[n] = (struct x86_value){ HOLDS_ARG, n };
	s->reg[RSP].holds = HOLDS_STACK;
}

/* What the first operand holds after "mov", "movslq", "lea" or "xor". */
static struct x86_value result(const struct x86_state *s, const cs_insn *i)
{
	const cs_x86_op *to = &i->detail->x86.operands[0], *from = to + 1;
	static const struct x86_value any;
	int r = from->type == X86_OP_REG ? register_of(from->reg) : -1;
	struct x86_value v = r >= 0 ? s->reg[r] : any;

	if (i->id == X86_INS_MOV && from->type == X86_OP_IMM)
		return from->imm < 0 || from->imm > INT32_MAX || to->size < 4 ?
			       any :
			       (struct x86_value){ HOLDS_NUMBER, from->imm };
	if (i->id == X86_INS_MOV && to->size == 8)
		return v;
	/* of a number that is not negative, both are the same */
	if (i->id == X86_INS_MOVSXD || (i->id == X86_INS_MOV && to->size == 4))
		return v.holds == HOLDS_ARG ?
			       (struct x86_value){ HOLDS_INT, v.n } :
			       any;
	if (i->id == X86_INS_LEA)
		return register_of(from->mem.base) == RSP ?
			       (struct x86_value){ HOLDS_STACK, 0 } :
			       any;
	return i->id == X86_INS_XOR && r >= 0 && from->reg == to->reg &&
			       to->size >= 4 ?
		       (struct x86_value){ HOLDS_NUMBER, 0 } :
		       any;
}

/* Follows the stack pointer. False: it is not known any more. */
static bool move_stack(struct x86_state *s, const cs_insn *i)
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

bool x86_step(const struct x86_code *c, struct x86_state *s)
{
	const cs_insn *i = c->insn;
	const cs_x86 *x = &i->detail->x86;
	bool moves = x->op_count == 2 && x->operands[0].type == X86_OP_REG;
	int to = moves ? register_of(x->operands[0].reg) : -1;
	struct x86_value v = moves ? result(s, i) : (struct x86_value){};
	uint8_t n_in, n_out;
	cs_regs in, out;

	if (cs_regs_access(c->cs, i, in, &n_in, out, &n_out))
		return false;
	for (int k = 0; k < n_out; k++) {
		int r = register_of(out[k]);

		if (r == RSP && !move_stack(s, i))
			return false;
		if (r >= 0 && r != RSP)
			s->reg[r] = r == to ? v : (struct x86_value){};
	}
	return true;
}

bool x86_holds(const struct x86_value *v, enum x86_holds what, uint32_t n)
{
	return v->holds == what && v->n == n;
}

bool x86_passes(const struct x86_state *s, int from, int to)
{
	for (int i = from; i <= to; i++)
		if (!x86_holds(&s->reg[i], HOLDS_ARG, i))
			return false;
	return true;
}

#endif
