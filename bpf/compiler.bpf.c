// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names the compiler of the BPF programs, for reports of a program that a
 * verifier refuses: that differs between compilers. The compiler itself fills
 * it in, for the Makefile's CLANG may be set to another one.
 */
const char compiled_by[64] = __VERSION__;
