// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health_dns.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lists/allow_names.h"

/* So old, an address is likely to be somebody else's. */
#define STALE_NSEC (86400 * 1000000000ULL)

static void check_name(struct checkup *c, const struct allow_name_row *row,
		       uint64_t now)
{
	const struct allow_name *n = &row->entry;
	char text[PROBLEM_SIZE];

	if (!n->fault || (n->fresh && now - n->answered < STALE_NSEC))
		return;
	snprintf(text, sizeof(text), "DNS gives no address %s: %s; %s",
		 n->fresh    ? "for a day and more" :
		 n->answered ? "since the daemon's start" :
			       "and gave none before",
		 dns_fault_text(n->fault),
		 n->answered ? "its last ones are still allowlisted" :
			       "nothing is allowlisted by it");
	problem(c, HEALTH_DNS, row->name.text, text,
		"look after the name and this host's resolver, or take the "
		"name out of the key allow");
}

void health_dns(struct checkup *c)
{
	struct allow_name_row *rows = calloc(ALLOW_NAMES_MAX, sizeof(*rows));
	size_t n = rows ? allow_names_read(c->p, rows) : 0;
	struct clock_pair now;

	if (n && clock_read(c->p->prog[PROG_CLOCK], &now))
		n = 0;
	for (size_t i = 0; i < n; i++)
		check_name(c, &rows[i], now.boot_ns);
	free(rows);
}
