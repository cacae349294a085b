/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays that grow. Pure. */
#ifndef SMTPXDP_ARRAY_H
#define SMTPXDP_ARRAY_H

#include <stddef.h>

/*
 * Makes room for `needed` elements of `size` bytes: at least 64, and twice as
 * many each time, so that adding n of them one by one copies some 2 n. `array`
 * points at the array's pointer, *room says for how many it has room; both are
 * zero at first, and stay as they are on an error. Returns 0 or -ENOMEM.
 */
int array_grow(void *array, size_t *room, size_t needed, size_t size);

#endif
