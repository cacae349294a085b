// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 64

int array_grow(void *array, size_t *room, size_t needed, size_t size)
{
	size_t n = *room ? *room : ROOM_AT_FIRST;
	void *old, *more;

	if (needed <= *room)
		return 0;
	while (n < needed)
		n *= 2;
	memcpy(&old, array, sizeof(old));
	more = reallocarray(old, n, size);
	if (!more)
		return -ENOMEM;
	memcpy(array, &more, sizeof(more));
	*room = n;
	return 0;
}
