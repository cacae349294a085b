/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a loaded program's instructions here, on the maps of the lab, to count
 * them: what a packet costs, without a clock. The kernel executes a few more,
 * where it inlines a lookup.
 */
#ifndef SELFTESTS_INTERPRET_H
#define SELFTESTS_INTERPRET_H

#include <linux/bpf.h>

#include "lib/harness.h"

#define FRAMES_MAX 8
#define FRAME_STACK 512
#define VALUE_SIZE 8192
#define VALUES_MAX 16

struct vm {
	struct lab *lab;
	const struct bpf_insn *insns;
	const uint8_t *data; /* the packet */
	uint32_t len;
	bool skb; /* struct __sk_buff, not struct xdp_md */
	uint64_t insns_run;
	uint64_t calls; /* of helpers that the kernel does not inline */
	uint64_t stack[FRAMES_MAX][FRAME_STACK / 8];
	/* What lookups have returned. */
	uint64_t value[VALUES_MAX][VALUE_SIZE / 8];
	unsigned int n_values;
};

/* The context is nowhere: its address is known by this. */
#define VM_CTX 0x7f00000000000000ULL

static inline struct bpf_map *vm_map(struct vm *vm, int fd)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, vm->lab->skel->obj)
		if (bpf_map__fd(map) == fd)
			return map;
	fail_msg("no map %d", fd);
	return NULL;
}

static inline uint64_t vm_lookup(struct vm *vm, int fd, const void *key)
{
	struct smtpxdp *skel = vm->lab->skel;
	const struct bpf_map *map = vm_map(vm, fd);
	uint32_t i = *(const uint32_t *)key;
	void *value;

	/* Arrays are inlined, and shared with us. */
	if (map == skel->maps.settings)
		return (uintptr_t)vm->lab->slots;
	if (map == skel->maps.bans)
		return (uintptr_t)ban_line_at(vm->lab->pins.bans.head, i);
	if (map == skel->maps.ban_infos)
		return (uintptr_t)ban_infos_at(vm->lab->pins.bans.head, i);
	value = vm->value[vm->n_values++ % VALUES_MAX];
	memset(value, 0, VALUE_SIZE);
	if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY)
		return (uintptr_t)value;
	vm->calls++;
	assert_true(bpf_map__value_size(map) <= VALUE_SIZE);
	return bpf_map_lookup_elem(fd, key, value) ? 0 : (uintptr_t)value;
}

/* Arguments are args[1] to args[5], as in registers. */
static inline uint64_t vm_run(struct vm *vm, uint32_t pc, unsigned int depth,
			      const uint64_t *args);

static inline uint64_t vm_loop(struct vm *vm, const uint64_t *r,
			       unsigned int depth)
{
	uint64_t i;

	for (i = 0; i < r[1]; i++) {
		uint64_t args[6] = { [1] = i, [2] = r[3] };

		if (vm_run(vm, r[2], depth + 1, args))
			return i + 1;
	}
	return i;
}

static inline uint64_t vm_helper(struct vm *vm, uint32_t id, uint64_t *r,
				 unsigned int depth)
{
	if (id == BPF_FUNC_map_lookup_elem)
		return vm_lookup(vm, r[1], (void *)(uintptr_t)r[2]);
	if (id == BPF_FUNC_jiffies64) /* inlined */
		return lab_clock(vm->lab).jiffies;
	if (id == BPF_FUNC_loop) /* inlined */
		return vm_loop(vm, r, depth);
	vm->calls++;
	switch (id) {
	case BPF_FUNC_xdp_get_buff_len:
		return vm->len;
	case BPF_FUNC_skb_load_bytes:
	case BPF_FUNC_xdp_load_bytes:
		if (r[2] + r[4] > vm->len)
			return -EFAULT;
		memcpy((void *)(uintptr_t)r[3], vm->data + r[2], r[4]);
		return 0;
	case BPF_FUNC_skb_load_bytes_relative:
		assert_int_equal(r[5], BPF_HDR_START_NET);
		if (ETH_HLEN + r[2] + r[4] > vm->len)
			return -EFAULT;
		memcpy((void *)(uintptr_t)r[3], vm->data + ETH_HLEN + r[2],
		       r[4]);
		return 0;
	case BPF_FUNC_map_update_elem:
		return bpf_map_update_elem(r[1], (void *)(uintptr_t)r[2],
					   (void *)(uintptr_t)r[3], r[4]) ?
			       -errno :
			       0;
	case BPF_FUNC_map_delete_elem:
	case BPF_FUNC_skb_pull_data:
		return 0;
	case BPF_FUNC_ktime_get_boot_ns:
		return lab_clock(vm->lab).boot_ns;
	case BPF_FUNC_ringbuf_reserve:
		return (uintptr_t)vm->value[vm->n_values++ % VALUES_MAX];
	case BPF_FUNC_ringbuf_submit:
	case BPF_FUNC_skc_to_tcp_sock: /* test runs have no TCP socket */
		return 0;
	}
	fail_msg("helper %u is not known here", id);
	return 0;
}

/* A program may load words from anywhere. */
typedef uint16_t vm_u16 __attribute__((aligned(1)));
typedef uint32_t vm_u32 __attribute__((aligned(1)));
typedef uint64_t vm_u64 __attribute__((aligned(1)));

static inline uint64_t vm_load(struct vm *vm, uint64_t addr, int size)
{
	const void *p = (const void *)(uintptr_t)addr;

	if (addr >= VM_CTX && addr < VM_CTX + 256) {
		uint64_t off = addr - VM_CTX;

		if (off == (vm->skb ? offsetof(struct __sk_buff, data) : 0))
			return (uintptr_t)vm->data;
		if (off == (vm->skb ? offsetof(struct __sk_buff, data_end) : 4))
			return (uintptr_t)vm->data + vm->len;
		if (vm->skb && off == offsetof(struct __sk_buff, protocol))
			return *(const uint16_t *)(vm->data + ETH_HLEN - 2);
		return vm->skb && !off ? vm->len : 1;
	}
	switch (size) {
	case BPF_B:
		return *(const uint8_t *)p;
	case BPF_H:
		return *(const vm_u16 *)p;
	case BPF_W:
		return *(const vm_u32 *)p;
	default:
		return *(const vm_u64 *)p;
	}
}

static inline void vm_store(uint64_t addr, int size, uint64_t v)
{
	void *p = (void *)(uintptr_t)addr;

	switch (size) {
	case BPF_B:
		*(uint8_t *)p = v;
		break;
	case BPF_H:
		*(vm_u16 *)p = v;
		break;
	case BPF_W:
		*(vm_u32 *)p = v;
		break;
	default:
		*(vm_u64 *)p = v;
	}
}

static inline uint64_t vm_swap_bytes(uint64_t v, int bits, bool to_be)
{
	if (!to_be)
		return bits == 16 ? (uint16_t)v : bits == 32 ? (uint32_t)v : v;
	return bits == 16 ? __builtin_bswap16(v) :
	       bits == 32 ? __builtin_bswap32(v) :
			    __builtin_bswap64(v);
}

static inline uint64_t vm_alu(int op, uint64_t a, uint64_t b, bool wide)
{
	unsigned int shift = b & (wide ? 63 : 31);

	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_MOV:
		return b;
	case BPF_NEG:
		return -a;
	case BPF_LSH:
		return a << shift;
	case BPF_RSH:
		return a >> shift;
	case BPF_ARSH:
		return wide ? (uint64_t)((int64_t)a >> shift) :
			      (uint32_t)((int32_t)a >> shift);
	}
	fail_msg("operation %x is not known here", op);
	return 0;
}

static inline bool vm_jumps(int op, uint64_t a, uint64_t b, bool wide)
{
	int64_t sa = wide ? (int64_t)a : (int32_t)a;
	int64_t sb = wide ? (int64_t)b : (int32_t)b;

	switch (op) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	}
	fail_msg("jump %x is not known here", op);
	return false;
}

static inline void vm_atomic(struct vm *vm, const struct bpf_insn *in,
			     uint64_t *r)
{
	uint64_t addr = r[in->dst_reg] + in->off;
	int size = BPF_SIZE(in->code);
	uint64_t old = vm_load(vm, addr, size), with = r[in->src_reg];

	if (in->imm == BPF_CMPXCHG) {
		uint64_t want = size == BPF_W ? (uint32_t)r[0] : r[0];

		vm_store(addr, size, old == want ? with : old);
		r[0] = old;
		return;
	}
	vm_store(addr, size,
		 in->imm == BPF_XCHG ?
			 with :
			 vm_alu(in->imm & ~BPF_FETCH, old, with, true));
	if (in->imm & BPF_FETCH)
		r[in->src_reg] = old;
}

/* What a 64-bit immediate stands for. */
static inline uint64_t vm_immediate(struct vm *vm, const struct bpf_insn *in,
				    uint32_t pc)
{
	size_t size;

	switch (in->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		return in->imm;
	case BPF_PSEUDO_MAP_VALUE:
		return (uintptr_t)bpf_map__initial_value(vm_map(vm, in->imm),
							 &size) +
		       in[1].imm;
	case BPF_PSEUDO_FUNC:
		return pc + 1 + in->imm;
	}
	return (uint32_t)in->imm | (uint64_t)in[1].imm << 32;
}

static inline uint64_t vm_run(struct vm *vm, uint32_t pc, unsigned int depth,
			      const uint64_t *args)
{
	uint64_t r[11] = {};

	assert_true(depth < FRAMES_MAX);
	memcpy(r, args, 6 * sizeof(*r));
	r[10] = (uintptr_t)(vm->stack[depth] + FRAME_STACK / 8);
	for (;; pc++) {
		const struct bpf_insn *in = &vm->insns[pc];
		int class = BPF_CLASS(in->code), op = BPF_OP(in->code);
		bool wide = class == BPF_ALU64 || class == BPF_JMP;
		uint64_t *dst = &r[in->dst_reg];
		uint64_t src = BPF_SRC(in->code) ? r[in->src_reg] :
						   (uint64_t)(int64_t)in->imm;

		vm->insns_run++;
		switch (class) {
		case BPF_ALU:
		case BPF_ALU64:
			if (op == BPF_END)
				*dst = vm_swap_bytes(*dst, in->imm,
						     BPF_SRC(in->code));
			else
				*dst = wide ? vm_alu(op, *dst, src, true) :
					      (uint32_t)vm_alu(op,
							       (uint32_t)*dst,
							       (uint32_t)src,
							       false);
			break;
		case BPF_LDX:
			*dst = vm_load(vm, r[in->src_reg] + in->off,
				       BPF_SIZE(in->code));
			break;
		case BPF_STX:
			if (BPF_MODE(in->code) == BPF_ATOMIC)
				vm_atomic(vm, in, r);
			else
				vm_store(*dst + in->off, BPF_SIZE(in->code),
					 r[in->src_reg]);
			break;
		case BPF_ST:
			vm_store(*dst + in->off, BPF_SIZE(in->code),
				 (int64_t)in->imm);
			break;
		case BPF_LD:
			*dst = vm_immediate(vm, in, pc);
			pc++;
			break;
		case BPF_JMP:
		case BPF_JMP32:
			if (op == BPF_EXIT)
				return r[0];
			if (op == BPF_CALL && in->src_reg == BPF_PSEUDO_CALL) {
				r[0] = vm_run(vm, pc + 1 + in->imm, depth + 1,
					      r);
			} else if (op == BPF_CALL) {
				r[0] = vm_helper(vm, in->imm, r, depth);
			} else if (vm_jumps(op, wide ? *dst : (uint32_t)*dst,
					    wide ? src : (uint32_t)src, wide)) {
				pc += in->off;
			}
			break;
		}
	}
}

#endif
