// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/allow_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "maps/clients_map.h"
#include "tell/journal.h"

#define NSEC 1000000000ULL
#define ADDRS_MAX (2 * NAME_ADDRS_MAX) /* of one name */

const char *dns_fault_text(uint32_t fault)
{
	static const char *const text[DNS_FAULTS_MAX] = {
		[DNS_OK] = "",
		[DNS_NO_NAME] = "there is no such name (NXDOMAIN)",
		[DNS_NO_ADDRESS] = "the name has no address",
		[DNS_FAILED] = "the DNS server fails (SERVFAIL)",
		[DNS_REFUSED] = "the DNS server refuses to answer",
		[DNS_SILENT] = "no DNS server answers",
		[DNS_SENSELESS] = "the answer makes no sense",
		[DNS_UNUSABLE] = "it has only addresses that no client has",
		[DNS_NO_CHILD] =
			"no process could be made, and confined, that asks",
	};

	return fault < DNS_FAULTS_MAX ? text[fault] : "unknown";
}

/* ---- the allowlist, as all names together want it */

struct nets {
	struct net net[ALLOW_NAMES_MAX * ADDRS_MAX];
	size_t n;
};

static bool nets_have(const struct nets *s, const struct net *net)
{
	for (size_t i = 0; i < s->n; i++)
		if (net_equal(&s->net[i], net))
			return true;
	return false;
}

static void nets_add(struct nets *s, const struct allow_name *n)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (__u32 i = 0; i < n->family[v6].n && i < NAME_ADDRS_MAX;
		     i++) {
			struct net net =
				net_of(&n->family[v6].addr[i], ADDR_BITS);

			if (!nets_have(s, &net))
				s->net[s->n++] = net;
		}
}

static void nets_read(const struct pins *p, struct nets *s,
		      struct allow_name_row *rows)
{
	size_t n = allow_names_read(p, rows);

	s->n = 0;
	for (size_t i = 0; i < n; i++)
		nets_add(s, &rows[i].entry);
}

/* Tells of each network in `a` that is not in `b`; lifts what bans it. */
static void tell_each(struct pins *p, const struct nets *a,
		      const struct nets *b, enum message kind,
		      const char *reason)
{
	struct ban ban;

	for (size_t i = 0; i < a->n; i++) {
		const struct net *net = &a->net[i];

		if (nets_have(b, net))
			continue;
		if (kind == MESSAGE_ALLOW && !banlist_get(p, net, &ban))
			banlist_del(p, net);
		journal_record(&(struct record){
			.kind = kind, .net = net, .reason = reason });
	}
}

/*
 * Puts the names' addresses on the allowlist. `before` is what they were before
 * the map was changed.
 */
static int publish(struct pins *p, const struct nets *before,
		   struct allow_name_row *rows, const char *added,
		   const char *gone)
{
	struct nets *now = malloc(sizeof(*now));
	int err = now ? 0 : -ENOMEM;

	if (!err) {
		nets_read(p, now, rows);
		err = allowlist_sync_names(p, now->net, now->n);
	}
	if (!err) {
		tell_each(p, now, before, MESSAGE_ALLOW, added);
		tell_each(p, before, now, MESSAGE_DISALLOW, gone);
	}
	free(now);
	return err;
}

/* ---- which names */

static bool is_wanted(const struct host_name *names, size_t n,
		      const struct host_name *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i].text, name->text))
			return true;
	return false;
}

static int sync_map(struct pins *p, const struct host_name *names, size_t n,
		    const struct allow_name_row *rows, size_t n_rows)
{
	static const struct allow_name new;
	struct allow_name entry;
	int err = 0;

	for (size_t i = 0; !err && i < n_rows; i++)
		if (!is_wanted(names, n, &rows[i].name))
			err = allow_names_del(p, &rows[i].name);
	for (size_t i = 0; !err && i < n; i++)
		if (allow_names_get(p, &names[i], &entry))
			err = allow_names_put(p, &names[i], &new);
	return err;
}

int allow_names_sync(struct pins *p, const struct config *c)
{
	struct allow_name_row *rows = calloc(ALLOW_NAMES_MAX, sizeof(*rows));
	struct nets *before = malloc(sizeof(*before));
	struct host_name *names;
	size_t n = config_allow_names(c, &names);
	int err = rows && before && names ? 0 : -ENOMEM;

	if (!err) {
		nets_read(p, before, rows);
		err = sync_map(p, names, n, rows, allow_names_read(p, rows));
	}
	if (!err)
		err = publish(p, before, rows, NULL,
			      "its name was taken out of the key allow");
	free(names);
	free(before);
	free(rows);
	return err;
}

void allow_names_hurry(struct pins *p, bool starts)
{
	struct allow_name_row *rows = calloc(ALLOW_NAMES_MAX, sizeof(*rows));
	size_t n = rows ? allow_names_read(p, rows) : 0;

	for (size_t i = 0; i < n; i++) {
		rows[i].entry.next = 0;
		rows[i].entry.fresh &= !starts;
		allow_names_put(p, &rows[i].name, &rows[i].entry);
	}
	free(rows);
}

/* ---- what DNS said */

static bool has_addrs(const struct dns_answer *a)
{
	return a->family[0].n || a->family[1].n;
}

/*
 * What is wrong with an answer as a whole. That a name has no address of one
 * family, but of the other, is as it should be.
 */
static enum dns_fault fault_of(const struct dns_answer *a)
{
	enum dns_fault v4 = a->family[0].fault, v6 = a->family[1].fault;
	enum dns_fault other = v4 && v4 != DNS_NO_ADDRESS ? v4 : v6;

	if (!has_addrs(a))
		return other;
	return other == DNS_NO_ADDRESS || other == DNS_NO_NAME ? DNS_OK : other;
}

/* The addresses are known by the hosts inside of a NAT64, as all are. */
static void take_family(const struct pins *p, struct name_addrs *to,
			const struct name_addrs *from)
{
	struct net host;
	struct addr a;

	to->n = 0;
	for (__u32 i = 0; i < from->n; i++) {
		host = net_of(&from->addr[i], ADDR_BITS);
		host = host_inside(p, &host);
		a = net_addr(&host);
		if (dns_is_usable(&a))
			to->addr[to->n++] = a;
	}
}

/* Did DNS say that the name has none of this family? */
static bool is_none(enum dns_fault fault)
{
	return fault == DNS_NO_NAME || fault == DNS_NO_ADDRESS ||
	       fault == DNS_UNUSABLE;
}

static void merge(const struct pins *p, struct allow_name *n,
		  const struct dns_answer *a, uint64_t boot_ns)
{
	uint64_t ttl = a->ttl;

	n->looked = boot_ns;
	n->fault = fault_of(a);
	n->unusable = a->unusable;
	n->too_many = a->too_many;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct name_addrs *f = &a->family[v6];

		if (f->n || (has_addrs(a) && is_none(f->fault)))
			take_family(p, &n->family[v6], f);
		n->family[v6].fault = f->fault;
	}
	if (has_addrs(a)) {
		n->answered = boot_ns;
		n->ttl = a->ttl;
		n->fresh = 1;
	} else {
		ttl = NAME_RETRY;
	}
	ttl = ttl < NAME_TTL_MIN ? NAME_TTL_MIN : ttl;
	n->next = boot_ns + (ttl > NAME_TTL_MAX ? NAME_TTL_MAX : ttl) * NSEC;
}

/* Tells what is wrong, once, and when it is over. */
static void tell_fault(const char *name, const struct allow_name *old,
		       const struct allow_name *now)
{
	__u32 held = now->family[0].n + now->family[1].n;

	if (now->fault && now->fault != old->fault)
		journal_note(MESSAGE_NAME_FAULT,
			     "%s (key allow) was looked up: %s; %s", name,
			     dns_fault_text(now->fault),
			     held ? "its last addresses stay allowlisted" :
				    "nothing is allowlisted by it");
	else if (!now->fault && old->fault)
		journal_note(MESSAGE_NAME_ANSWERED,
			     "%s (key allow) has an answer again", name);
	if (now->too_many && !old->too_many)
		journal_note(MESSAGE_NAME_FAULT,
			     "%s (key allow) has %u addresses more than are "
			     "taken of a name: the lowest %d of IPv4 and of "
			     "IPv6 are",
			     name, now->too_many, NAME_ADDRS_MAX);
	if (now->unusable && !old->unusable)
		journal_note(MESSAGE_NAME_FAULT,
			     "%s (key allow) has %u address%s that no client "
			     "has, like 0.0.0.0: left out",
			     name, now->unusable,
			     now->unusable == 1 ? "" : "es");
}

static bool same_addrs(const struct allow_name *a, const struct allow_name *b)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct name_addrs *x = &a->family[v6];
		const struct name_addrs *y = &b->family[v6];

		if (x->n != y->n ||
		    memcmp(x->addr, y->addr, x->n * sizeof(*x->addr)))
			return false;
	}
	return true;
}

static int change(struct pins *p, const struct host_name *name,
		  const struct allow_name *now)
{
	struct allow_name_row *rows = calloc(ALLOW_NAMES_MAX, sizeof(*rows));
	struct nets *before = malloc(sizeof(*before));
	char added[HOST_NAME_SIZE + 32], gone[HOST_NAME_SIZE + 48];
	int err = rows && before ? 0 : -ENOMEM;

	snprintf(added, sizeof(added), "%s has this address", name->text);
	snprintf(gone, sizeof(gone), "%s has this address no more", name->text);
	if (!err) {
		nets_read(p, before, rows);
		err = allow_names_put(p, name, now);
	}
	if (!err)
		err = publish(p, before, rows, added, gone);
	free(before);
	free(rows);
	return err;
}

int allow_names_answer(struct pins *p, const struct host_name *name,
		       const struct dns_answer *a, uint64_t boot_ns)
{
	struct allow_name old, now;
	int err = allow_names_get(p, name, &old);

	if (err)
		return err == -ENOENT ? 0 : err;
	now = old;
	merge(p, &now, a, boot_ns);
	err = same_addrs(&old, &now) ? allow_names_put(p, name, &now) :
				       change(p, name, &now);
	tell_fault(name->text, &old, &now);
	return err;
}
