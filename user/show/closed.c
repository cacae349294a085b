// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/closed.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More ports than fit end with "...". */
#define CLOSED_TEXT 128
#define PORT_TEXT 10

json_t *closed_json(const struct settings *s, __u32 ban_flags)
{
	char text[CLOSED_TEXT] = "";
	size_t n = 0;

	if (s->scope == SCOPE_ALL)
		return json_string("all");
	for (unsigned int p = 1; p < 65536; p++) {
		if (!port_is_closed(s, p) || port_is_spared(s, ban_flags, p))
			continue;
		if (n + PORT_TEXT > sizeof(text)) {
			strcpy(text + n, ", ...");
			break;
		}
		n += snprintf(text + n, sizeof(text) - n, "%s%u", n ? ", " : "",
			      p);
	}
	return json_string(text);
}
