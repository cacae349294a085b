/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps clients and nets: the windows of the clients that failed, and of the
 * networks that net-rate measures.
 */
#ifndef SMTPXDP_CLIENTS_MAP_H
#define SMTPXDP_CLIENTS_MAP_H

#include "client.h"
#include "maps/pins.h"

/*
 * Of a host of a NAT64's network, the IPv4 host inside; others are themselves.
 * What is looked up by address is looked up by this one.
 */
struct net host_inside(const struct pins *p, const struct net *host);

/*
 * The client that a host belongs to, by the settings in force; of a network,
 * the client of its first address.
 */
struct net client_of(const struct pins *p, const struct net *host);

/* Is the network as long as a client's? Then its ban is in map bans. */
bool is_client(const struct pins *p, const struct net *net);

/* The /24 or /48 around a host: its neighbours. */
struct net net_block(const struct net *host);

/* The network around a host that net-rate measures, by the settings in force. */
struct net net_rated(const struct pins *p, const struct net *host);

/*
 * The window of a client, of its passwords that came again, or of such a block;
 * false: no failure was seen.
 */
bool clients_find(const struct pins *p, const struct net *client,
		  struct client *c);
bool clients_find_repeats(const struct pins *p, const struct net *client,
			  struct client *c);
bool clients_find_block(const struct pins *p, const struct net *block,
			struct client *c);

/* The window of an AS of rated-asns: its failing clients, for as-rate. */
bool clients_find_as(const struct pins *p, uint32_t asn, struct client *c);

/* Calls fn for every client. */
typedef void (*client_fn)(const struct net *net, const struct client *c,
			  void *ctx);
void clients_each(const struct pins *p, client_fn fn, void *ctx);

/* Forgets the windows of all clients within a network. */
void clients_forget(struct pins *p, const struct net *net);

/* Forgets the windows of clients that were ever banned, or would have been. */
void clients_forget_banned(struct pins *p);

#endif
