// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/checkup.h"

#include <string.h>

#include "base/escape.h"

#define OBJECT_MAX 64

const char *const health_names[HEALTH_MAX] = {
#define X(id, name) [HEALTH_##id] = name,
	HEALTH_CHECKS(X)
#undef X
};

void problem(struct checkup *c, enum health_check check, const char *object,
	     const char *text, const char *remedy)
{
	/* The name of an interface may have any bytes. */
	char name[ESCAPED_SIZE(OBJECT_MAX)];

	printable(object, strnlen(object, OBJECT_MAX), name, sizeof(name));
	json_array_append_new(c->problems,
			      json_pack("{s:s, s:s, s:s, s:s}", "check",
					health_names[check], "object", name,
					"problem", text, "remedy", remedy));
}
