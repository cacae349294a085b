// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp why: everything known about one address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "base/duration.h"
#include "maps/clients_map.h"
#include "maps/groups_map.h"
#include "maps/history_map.h"
#include "maps/named_map.h"
#include "maps/sign_map.h"
#include "pure/judgement.h"
#include "base/output.h"
#include "show/alarms.h"
#include "show/entry_json.h"
#include "maps/settings_map.h"

#define NEXT_SIZE 256
#define PROXIES_SHOWN 8

struct known {
	struct net shown; /* the address as it was asked for */
	struct net host; /* of a NAT64's, the IPv4 address inside */
	struct net client; /* the network that is counted as one */
	struct net block; /* that net-rate measures */
	struct clock_pair now;
	__u32 allow;
	struct net allow_net;
	bool banned;
	struct ban_row ban;
	struct ban_claims claims;
	bool counted;
	struct client state;
	bool grouped;
	struct group_entry group;
	struct geo_place place;
	struct judgement judgement;
	__u32 in_window; /* guesses */
	__u32 repeats_in_window; /* of stale-rate */
	uint32_t net_clients; /* failing clients of its network, for net-rate */
	uint32_t as_clients; /* of its AS, for as-rate */
	struct history past;
	uint32_t next_ban; /* seconds */
	bool has_exempt;
	struct exempt exempt; /* its failures that were not counted */
	int hides; /* flags of `gateway`, or 0: there is none */
	struct net gateway; /* this client may hide behind it */
	struct exempt of_gateway;
	struct named_by by[PROXIES_SHOWN];
	size_t n_by;
};

static const struct limit *net_rate(const struct settings *s,
				    const struct known *k)
{
	return &s->net[!net_is_v4(&k->host)];
}

static int look_up(struct pins *p, struct known *k)
{
	const struct settings *s = settings_now(p);
	struct client block, repeats;
	struct geo *geo;
	__u32 tick;
	int err = clock_read(p->prog[PROG_CLOCK], &k->now);

	if (err)
		return fail("cannot read the kernel's clock: %s",
			    strerror(-err));
	k->shown = k->host;
	k->host = host_inside(p, &k->host);
	k->client = client_of(p, &k->host);
	k->block = net_rated(p, &k->host);
	k->allow = allowlist_find(p, &k->host, &k->allow_net);
	k->past = history_recall(p, &k->client, k->now.boot_ns);
	k->banned = !banlist_find(p, &k->host, &k->now, &k->ban);
	if (k->banned)
		ban_claims_look(p, k->now.jiffies, &k->claims);
	k->counted = clients_find(p, &k->client, &k->state);
	tick = window_tick(k->now.jiffies, s->tick_shift);
	geo = geo_open_in_force(p);
	geo_look(geo, &k->host, &k->place);
	geo_close(geo);
	k->grouped = groups_find(p, &k->host, &k->group) && k->group.group;
	choose_policy(s, &k->state, tick, k->group.group, &k->judgement);
	k->in_window = window_count(&k->state, tick,
				    policy_of(s, &k->judgement)->rate.ticks);
	if (clients_find_repeats(p, &k->client, &repeats))
		k->repeats_in_window = window_count(
			&repeats, tick, s->policy[POLICY_STALE].rate.ticks);
	if (clients_find_block(p, &k->block, &block))
		k->net_clients =
			window_count(&block, tick, net_rate(s, k)->ticks);
	if (k->group.asn && clients_find_as(p, k->group.asn, &block))
		k->as_clients = window_count(&block, tick, s->as.ticks);
	k->has_exempt = exempt_find(p, &k->host, &k->exempt);
	if (!k->counted && !k->has_exempt)
		k->hides = alarms_exempt(p, k->now.boot_ns, &k->gateway,
					 &k->of_gateway);
	k->next_ban = next_ban_time(p, k->judgement.kind, &k->past);
	k->n_by = named_proxies(p, &k->client, k->by, PROXIES_SHOWN);
	return 0;
}

/* Writes in one sentence what would happen next. */
static void next(const struct settings *s, const struct known *k, char *buf,
		 size_t size)
{
	char window[DURATION_TEXT], ban[DURATION_TEXT], net[NET_TEXT];
	const struct limit *rate = &policy_of(s, &k->judgement)->rate;
	__u32 left = k->in_window < rate->failures ?
			     rate->failures - k->in_window :
			     1;

	duration_format(rate->sec, window);
	duration_format(k->next_ban, ban);
	if (k->banned && !allow_overrules(k->allow, k->ban.ban.flags))
		snprintf(buf, size,
			 "its packets to the closed ports are dropped for %s "
			 "more",
			 duration_format(clock_until(&k->now,
						     k->ban.ban.expires),
					 ban));
	else if (k->allow)
		snprintf(buf, size,
			 "nothing: failures of %s are not counted, and nothing "
			 "of it is dropped",
			 net_format(&k->allow_net, net));
	else if (k->group.group == GROUP_ALLOW)
		snprintf(buf, size, "nothing: failures are not counted");
	else
		snprintf(buf, size,
			 "%u more failure%s within %s would %sban it for %s",
			 left, left == 1 ? "" : "s", window,
			 s->mode == MODE_MONITOR ? "(in mode enforce) " : "",
			 ban);
}

static json_t *proxies_json(const struct known *k)
{
	json_t *list = json_array();
	char proxy[ADDR_TEXT];

	for (size_t i = 0; i < k->n_by; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:I}", "proxy",
					addr_format(&k->by[i].proxy, proxy),
					"connections",
					(json_int_t)k->by[i].connections));
	return list;
}

static json_t *known_json(struct pins *p, const struct known *k)
{
	char addr[ADDR_TEXT], net[NET_TEXT], allow[NET_TEXT], text[NEXT_SIZE];
	char network[NET_TEXT];

	next(settings_now(p), k, text, sizeof(text));
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:i, s:o, s:o, s:o, s:s}",
		"address", host_format(&k->shown, addr), "net",
		net_format(&k->client, net), "allow",
		k->allow ? json_pack("{s:s, s:s}", "net",
				     net_format(&k->allow_net, allow), "origin",
				     allow_origin(k->allow)) :
			   json_null(),
		"group",
		k->grouped ? group_json(p, &k->host, &k->group) : json_null(),
		"country", country_json(&k->place), "as", as_json(&k->place),
		"ban",
		k->banned ? ban_json(p, &k->ban, &k->claims, &k->now) :
			    json_null(),
		"client",
		k->counted ? client_json(p, &k->client, &k->state, &k->now) :
			     json_null(),
		"network",
		json_pack("{s:s, s:i}", "net", net_format(&k->block, network),
			  "clients", k->net_clients),
		"rated_as",
		k->group.asn ? json_pack("{s:I, s:i}", "number",
					 (json_int_t)k->group.asn, "clients",
					 k->as_clients) :
			       json_null(),
		"proxies", proxies_json(k), "history",
		history_json(p, &k->past), "next_ban", k->next_ban, "uncounted",
		k->has_exempt ? exempt_json(&k->host, &k->exempt) : json_null(),
		"behind",
		k->hides ? exempt_json(&k->gateway, &k->of_gateway) :
			   json_null(),
		"front", front_json(p, &k->client, &k->now), "next", text);
}

static const char *string_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static long long number_at(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_network(const json_t *doc, const struct limit *rate)
{
	const json_t *network = json_object_get(doc, "network");
	char duration[DURATION_TEXT];

	if (rate->failures)
		printf("%-10s %s: %lld of %u failing clients within %s\n",
		       "network", string_at(network, "net"),
		       number_at(network, "clients"), rate->failures,
		       duration_format(rate->sec, duration));
}

static void print_rated(const json_t *as, const struct limit *rate)
{
	char duration[DURATION_TEXT];

	if (json_is_object(as))
		printf("%-10s AS%lld: %lld of %u failing clients within %s%s\n",
		       "as-rate", number_at(as, "number"),
		       number_at(as, "clients"), rate->failures,
		       duration_format(rate->sec, duration),
		       number_at(as, "clients") >= rate->failures ?
			       ": the next failure is a ban, but of who logs in "
			       "from there" :
			       "");
}

static void print_proxies(const json_t *list)
{
	const json_t *by;
	size_t i;

	json_array_foreach(list, i, by)
		printf("%-10s %lld connection%s by the proxy %s\n",
		       i ? "" : "proxied", number_at(by, "connections"),
		       number_at(by, "connections") == 1 ? "" : "s",
		       string_at(by, "proxy"));
}

/* Prints group, country and AS; the unknown ones have no line. */
static void print_origin(const json_t *doc)
{
	const json_t *group = json_object_get(doc, "group");
	const json_t *as = json_object_get(doc, "as");
	const char *country = string_at(doc, "country"), *by;

	if (json_is_object(group)) {
		by = string_at(group, "by");
		printf("%-10s %s, as %s by %s%s\n", "group",
		       string_at(group, "name"), string_at(group, "net"),
		       !by		      ? "?" :
		       !strcmp(by, "file")    ? "" :
		       !strcmp(by, "country") ? "country " :
						"AS",
		       by ? string_at(group, "source") : "");
	}
	if (country)
		printf("%-10s %s\n", "country", country);
	if (json_is_object(as))
		printf("%-10s AS%lld %s\n", "as", number_at(as, "number"),
		       string_at(as, "name"));
}

/* Prints how often passwords came again, if any did. */
static void print_repeats(const json_t *client, const struct settings *s,
			  const struct known *k)
{
	const struct limit *rate = &s->policy[POLICY_STALE].rate;
	char duration[DURATION_TEXT];

	if (!number_at(client, "repeats"))
		return;
	printf("%-10s %lld failures ever with a password that it had tried "
	       "before",
	       "repeats", number_at(client, "repeats"));
	if (rate->failures)
		printf("; %u of %u within %s", k->repeats_in_window,
		       rate->failures, duration_format(rate->sec, duration));
	printf("%s\n", !strcmp(string_at(client, "kind"), "stale") ?
			       ": probably a stale password" :
			       "");
}

static void print_exempt(const json_t *doc)
{
	const json_t *own = json_object_get(doc, "uncounted");
	const json_t *behind = json_object_get(doc, "behind");

	if (json_is_object(own))
		printf("%-10s %lld, for it is never banned; the last %s "
		       "(%lld) on port %lld\n",
		       "uncounted", number_at(own, "failures"),
		       string_at(own, "last_seen"), number_at(own, "last_code"),
		       number_at(own, "port"));
	if (json_is_object(behind))
		printf("%-10s perhaps %s: %lld failures are of that address, "
		       "which is never banned\n",
		       "behind", string_at(behind, "address"),
		       number_at(behind, "failures"));
}

static void print_front(const json_t *front)
{
	if (json_is_object(front))
		printf("%-10s %lld accounts have logged in within a day, as by "
		       "a webmail; %lld of %lld bans a day were held back\n",
		       "front", number_at(front, "accounts"),
		       number_at(front, "held"), number_at(front, "bound"));
}

/* Prints the ports that are closed to it, and what is left open on purpose. */
static void print_closed(const json_t *ban, const struct settings *s,
			 __u32 ban_flags)
{
	printf("%-10s %s%s\n", "closed", string_at(ban, "closed"),
	       port_is_spared(s, ban_flags, PORT_DELIVERY) ?
		       "; port 25 too, if a login fails there" :
		       "");
}

/* Prints who wants the ban, if anybody is named. */
static void print_owners(const json_t *ban)
{
	const json_t *others = json_object_get(ban, "others"), *o;
	const char *owner = string_at(ban, "owner");
	char duration[DURATION_TEXT];
	size_t i;

	if (!owner && !json_array_size(others))
		return;
	printf("%-10s %s\n", "wanted by", owner ? owner : "no name: see above");
	json_array_foreach(others, i, o) {
		owner = string_at(o, "owner");
		printf("%-10s %s, for %s more: %s\n", "",
		       owner ? owner : "no name",
		       duration_format(number_at(o, "expires_in"), duration),
		       string_at(o, "reason"));
	}
}

static void print_text(const json_t *doc, const struct settings *s,
		       const struct known *k)
{
	const struct limit *rate = &policy_of(s, &k->judgement)->rate;
	const json_t *allow = json_object_get(doc, "allow");
	const json_t *ban = json_object_get(doc, "ban");
	const json_t *client = json_object_get(doc, "client");
	const json_t *past = json_object_get(doc, "history");
	char duration[DURATION_TEXT];

	printf("%-10s %s, counted as %s\n", "address",
	       string_at(doc, "address"), string_at(doc, "net"));
	if (json_is_object(allow))
		printf("%-10s by %s (%s)\n", "allowed", string_at(allow, "net"),
		       string_at(allow, "origin"));
	else
		printf("%-10s no\n", "allowed");
	print_origin(doc);
	print_proxies(json_object_get(doc, "proxies"));
	if (json_is_object(ban))
		printf("%-10s as %s since %s, for %s more: %s; %lld packets "
		       "dropped\n",
		       "banned", string_at(ban, "net"),
		       string_at(ban, "banned_at"),
		       duration_format(number_at(ban, "expires_in"), duration),
		       string_at(ban, "reason"),
		       number_at(ban, "dropped_packets"));
	else
		printf("%-10s no\n", "banned");
	if (json_is_object(ban)) {
		print_closed(ban, s, k->ban.ban.flags);
		print_owners(ban);
	}
	if (json_is_object(client))
		printf("%-10s %lld of %u within %s; %lld ever, the last %s "
		       "(%lld); %lld successes\n",
		       "failures", number_at(client, "in_window"),
		       rate->failures, duration_format(rate->sec, duration),
		       number_at(client, "failures"),
		       string_at(client, "last_seen"),
		       number_at(client, "last_code"),
		       number_at(client, "successes"));
	else
		printf("%-10s none seen\n", "failures");
	if (json_is_object(client))
		print_repeats(client, s, k);
	if (json_is_object(client) && number_at(client, "users"))
		printf("%-10s %lld tried%s\n", "users",
		       number_at(client, "users"),
		       strcmp(string_at(client, "kind"), "guesses") ?
			       "" :
			       ", with one password after the other");
	print_exempt(doc);
	print_front(json_object_get(doc, "front"));
	print_network(doc, net_rate(s, k));
	print_rated(json_object_get(doc, "rated_as"), &s->as);
	if (json_is_object(past))
		printf("%-10s %lld, the last ban until %s; forgotten at %s; "
		       "the next ban: %s\n",
		       "offences", number_at(past, "offences"),
		       string_at(past, "last_ban_ends"),
		       string_at(past, "forgotten_at"),
		       duration_format(number_at(doc, "next_ban"), duration));
	else
		printf("%-10s none\n", "offences");
	printf("%-10s %s\n", "next", string_at(doc, "next"));
}

static int why(const struct globals *g, int argc, char **argv)
{
	struct known k = {};
	struct pins p;
	json_t *doc;
	int err;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	if (host_parse(argv[optind], &k.host))
		return usage("why: '%.64s' is not an IPv4 or IPv6 address",
			     argv[optind]);
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	err = look_up(&p, &k);
	if (!err) {
		doc = known_json(&p, &k);
		if (!output_json(doc))
			print_text(doc, settings_now(&p), &k);
		json_decref(doc);
	}
	free(k.claims.rows);
	pins_close(&p);
	return err;
}

const struct cmd cmd_why = {
	.name = "why",
	.fn = why,
	.args = "ADDR",
	.help = "everything known about one address",
};
