// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/closed.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More ports than fit end with "...". */
#define CLOSED_TEXT 128
#define PORT_TEXT 10
#define PORTS 65536

/* From `p` on; PORTS: none. A list asks for each of a million bans. */
static unsigned int next_closed(const struct settings *s, unsigned int p)
{
	while (p < PORTS) {
		__u64 rest = s->closed[p >> 6] >> (p & 63);

		if (rest)
			return p + __builtin_ctzll(rest);
		p = (p | 63) + 1;
	}
	return PORTS;
}

json_t *closed_json(const struct settings *s, __u32 ban_flags)
{
	char text[CLOSED_TEXT] = "";
	size_t n = 0;

	if (s->scope == SCOPE_ALL)
		return json_string("all");
	for (unsigned int p = next_closed(s, 1); p < PORTS;
	     p = next_closed(s, p + 1)) {
		if (port_is_spared(s, ban_flags, p))
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
