// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The compiler that made the programs, for whoever reports that a kernel's
 * verifier refuses one: what it refuses differs from compiler to compiler.
 * The compiler says it itself: a Makefile could be told another one.
 */
const char compiled_by[64] = __VERSION__;
