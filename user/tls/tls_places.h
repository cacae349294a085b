/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the probes of a TLS library cost least. An x86 kernel carries out push,
 * call, jmp, jcc and nop itself when a uprobe stands on them; any other
 * instruction it lets the CPU step through, which in a virtual machine leaves
 * the guest: 18 us a call for 0.5 (kernel's arch/x86/kernel/uprobes.c,
 * branch_setup_xol_ops() and push_setup_xol_ops()).
 *
 * Such a place is looked for by decoding the code from a function's first
 * instruction on. Either in the function itself: as long as each call comes by,
 * its arguments are in their registers, and, for a probe at return, the stack
 * pointer is where it was. Or in a function behind it, to which it hands object,
 * buffer and length: that one serves several exported ones, but what stands in
 * the code does not prove that nothing goes by another way. So it is to be tried
 * beside them first: see tls_trial.h.
 *
 * Other machines' kernels have other rules; there the functions' first
 * instructions are probed.
 */
#ifndef SMTPXDP_TLS_PLACES_H
#define SMTPXDP_TLS_PLACES_H

#include "tls/tls_library.h"

/*
 * Moves the offsets of a library that tls_library_read() has read to such
 * places, and finds the functions behind. Reads the same open file within
 * bounds; what cannot be decoded stays as it is.
 */
void tls_places_find(int fd, uint64_t size, struct tls_library *lib);

/*
 * The same library, probed at the functions behind, in place of those that hand
 * their calls on to them.
 */
void tls_places_behind(const struct tls_library *lib, struct tls_library *to);

#endif
