/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The code of a file, instruction by instruction, and what it does to the
 * arguments of the function that it is of; by libcapstone. x86-64 only.
 */
#ifndef SMTPXDP_X86_CODE_H
#define SMTPXDP_X86_CODE_H

#ifdef __x86_64__

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdint.h>

/* What a register holds, as far as it is known. */
enum x86_holds {
	HOLDS_ANY,
	HOLDS_ARG, /* the function's argument `n` */
	HOLDS_INT, /* its lower half, widened */
	HOLDS_STACK, /* an address on the stack */
	HOLDS_NUMBER, /* n */
};

struct x86_value {
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

struct x86_state {
	struct x86_value reg[REGISTERS];
	int depth; /* bytes on the stack, above what was there at the entry */
};

struct x86_code {
	int fd;
	uint64_t size; /* of the file */
	csh cs;
	cs_insn *insn; /* the last that was decoded */
};

/* False: there is no decoder. To be closed, also then. */
bool x86_open(struct x86_code *c, int fd, uint64_t size);
void x86_close(struct x86_code *c);

/* Decodes the instruction at an offset of the file into c->insn. */
bool x86_decode(struct x86_code *c, uint64_t at);

/* Does the kernel carry it out itself, if a uprobe stands on it? */
bool x86_is_emulated(const cs_insn *i);

bool x86_is_jump(const cs_insn *i);
bool x86_is_call(const cs_insn *i);

/* Does another instruction than the next one follow, at some time? */
bool x86_is_branch(const cs_insn *i);

/* Where a direct jump or call leads; 0: it is indirect, or leads nowhere. */
uint64_t x86_target(const cs_insn *i);

/* What holds where a function begins. */
void x86_begin(struct x86_state *s);

/*
 * Carries out what c->insn does to the registers. False: nothing is known behind
 * it.
 */
bool x86_step(const struct x86_code *c, struct x86_state *s);

bool x86_holds(const struct x86_value *v, enum x86_holds what, uint32_t n);

/* Are these arguments where they came? */
bool x86_passes(const struct x86_state *s, int from, int to);

#endif
#endif
