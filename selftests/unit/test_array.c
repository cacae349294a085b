// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Arrays grow, keep what they hold, and survive a lack of memory
 * (base/array.h). */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "lib/fixture.h"

static void test_one_by_one(void **state)
{
	uint32_t *list = NULL, changes = 0;
	size_t room = 0, before = 0;

	for (size_t n = 0; n < 100000; n++) {
		assert_int_equal(array_grow(&list, &room, n + 1, sizeof(*list)),
				 0);
		assert_true(room > n);
		changes += room != before;
		before = room;
		list[n] = n;
	}
	for (size_t n = 0; n < 100000; n++)
		assert_int_equal(list[n], n);
	assert_in_range(changes, 2, 20); /* it doubles */
	free(list);
}

/* Text grows by whole reasons: room for many at once. */
static void test_many(void **state)
{
	char *text = NULL;
	size_t room = 0;

	assert_int_equal(array_grow(&text, &room, 1000, 1), 0);
	assert_true(room >= 1000);
	memset(text, 'x', 1000);
	free(text);
}

static void test_no_memory(void **state)
{
	uint64_t *list = NULL, *same;
	size_t room = 0, before;

	assert_int_equal(array_grow(&list, &room, 1, sizeof(*list)), 0);
	list[0] = 4711;
	same = list;
	before = room;
	assert_int_equal(array_grow(&list, &room, SIZE_MAX / 4, sizeof(*list)),
			 -ENOMEM);
	assert_ptr_equal(list, same);
	assert_int_equal(room, before);
	assert_int_equal(list[0], 4711);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
