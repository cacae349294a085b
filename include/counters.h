/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every counter, once: number (the key of map counters), name (in `smtpxdp
 * status`), sentence. Append only, for numbers outlive a build.
 */
#ifndef SMTPXDP_COUNTERS_H
#define SMTPXDP_COUNTERS_H

#include <linux/types.h>

/*
 * Why a header was not followed: one set for the gate (in), one for the wire
 * sensor (out); in the order of enum parse_result.
 */
#define PARSE_REASONS(X, dir, prefix)                                          \
	X(dir##_TRUNCATED, prefix "-truncated",                                \
	  "a header ends before it should")                                    \
	X(dir##_NOT_IP, prefix "-not-ip", "neither IPv4 nor IPv6 (ARP, ...)")  \
	X(dir##_VLAN_DEPTH, prefix "-vlan-depth", "more than two VLAN tags")   \
	X(dir##_BAD_IP, prefix "-bad-ip", "IP header with impossible fields")  \
	X(dir##_EXT_HEADERS, prefix "-ext-headers",                            \
	  "more IPv6 extension headers than are followed")                     \
	X(dir##_FRAGMENT, prefix "-fragment", "non-first fragment")

#define COUNTERS(X)                                                            \
	X(DROP_BAN, "dropped-ban", "dropped: the client is banned")            \
	X(DROP_NET, "dropped-net", "dropped: the client's network is banned")  \
	X(PASS_ALLOWED, "passed-allowed", "banned, but allowlisted: passed")   \
	X(PASS_EXPIRED, "passed-expired", "the ban has run out: passed")       \
	PARSE_REASONS(X, IN, "in")                                             \
	X(FAILURE, "failures", "failed logins counted")                        \
	X(FAILURE_ALLOWED, "failures-allowed",                                 \
	  "failed logins of allowlisted clients")                              \
	X(FAILURE_BANNED, "failures-banned",                                   \
	  "failed logins of clients banned already")                           \
	X(SUCCESS, "successes", "replies that earn credit")                    \
	X(TEXT_IGNORED, "ignored-by-text",                                     \
	  "replies that an ignore-text matched")                               \
	X(CROSSED, "thresholds-crossed", "clients that reached the rate")      \
	X(BANS_FULL, "bans-full", "bans NOT written: the map is full")         \
	X(CLIENTS_FULL, "clients-full",                                        \
	  "failures not counted: no room for the client")                      \
	X(STREAMS_FULL, "streams-full", "stream states not kept: no room")     \
	X(EVENT_LOST, "events-lost",                                           \
	  "events not told: the ring buffer was full")                         \
	X(RETRANSMIT, "retransmissions", "segments seen before")               \
	X(STREAM_GAP, "stream-gaps",                                           \
	  "segments after bytes that were not seen")                           \
	X(ENCRYPTED, "encrypted", "packets of TLS streams")                    \
	X(SCAN_LIMIT, "scan-limit", "packets too long to be read to the end")  \
	X(LOAD_ERROR, "load-errors", "payload that could not be read")         \
	PARSE_REASONS(X, OUT, "out")                                           \
	X(OUT_BAD_TCP, "out-bad-tcp", "TCP header with impossible fields")     \
	X(UNATTRIBUTED, "tls-unattributed",                                    \
	  "failed logins inside TLS of which the client is not known")         \
	X(BRAKED, "bans-braked", "bans NOT written: max-bans-per-minute")      \
	X(FUSED, "bans-fused", "bans NOT written: the fuse has blown")         \
	X(REGULARS_FAILING, "regulars-failing",                                \
	  "times that a client which logs in regularly began to fail")         \
	X(CUT, "connections-cut", "open connections of banned clients, ended") \
	X(NET_CROSSED, "nets-crossed", "networks that reached net-rate")       \
	X(UNANSWERED, "failures-unanswered",                                   \
	  "failed logins whose reply the client did not wait for")             \
	X(OUT_OUTGOING, "out-outgoing",                                        \
	  "packets from mail ports of connections that began here: not read")  \
	X(OUT_UNPROVED, "out-unproved",                                        \
	  "packets from mail ports of servers that are not known: not read")   \
	X(FAILURE_REPEATED, "failures-repeated",                               \
	  "failed logins with a password that the client had tried before")    \
	X(FAILURE_MADE_GOOD, "failures-made-good",                             \
	  "failed logins that the same connection made good: not counted")     \
	X(UNEARNED, "throttled-unearned",                                      \
	  "throttle-texts to clients that had not failed: not counted")        \
	X(ELSEWHERE, "tls-elsewhere",                                          \
	  "failed logins inside TLS, of servers that the key tls leaves out")  \
	X(JOURNAL_LOST, "journal-lost",                                        \
	  "messages not told: the journal did not read them")                  \
	X(DROP_PROXIED, "dropped-proxied",                                     \
	  "dropped: a banned client's, by a proxy")                            \
	X(UNNAMED, "failures-unnamed",                                         \
	  "failed logins by a proxy that has not named the client")            \
	X(NO_HEADER, "proxies-nameless",                                       \
	  "connections of proxies without a header that can be read")          \
	X(PASS_SPARED, "passed-spared",                                        \
	  "passed: to port 25, which this client's ban leaves open")           \
	X(ON_EVENT, "on-event", "bans that the program of on-event ran at")    \
	X(ON_EVENT_FAILED, "on-event-failed",                                  \
	  "bans at which the program of on-event failed")                      \
	X(ON_EVENT_SKIPPED, "on-event-skipped",                                \
	  "bans at which the program of on-event did not run: too many")       \
	X(ACCOUNT_CROSSED, "accounts-crossed",                                 \
	  "users that reached account-rate")                                   \
	X(ACCOUNT_FAILURE, "accounts-guarded",                                 \
	  "failed logins as users that are under attack")                      \
	X(ACCOUNT_EVICTED, "accounts-evicted",                                 \
	  "users whose guesses were forgotten for others: no room")            \
	X(ACCOUNT_FULL, "accounts-full",                                       \
	  "guesses not counted for their user: no room")                       \
	X(TRAPPED, "trapped", "failed logins as one of trap-users")            \
	X(FRONTS, "bans-fronts",                                               \
	  "bans NOT written: many accounts log in from there")                 \
	X(AS_CROSSED, "ases-crossed", "AS numbers that reached as-rate")       \
	X(AS_FAILURE, "ases-guarded",                                          \
	  "failed logins from AS numbers that are over as-rate")

enum counter {
#define X(id, name, sentence) COUNTER_##id,
	COUNTERS(X)
#undef X
		COUNTERS_MAX
};

/*
 * Value of map counters, one per CPU. packets counts replies, logins or clients
 * where a counter is of those; bytes is 0 then.
 */
struct counter_value {
	__u64 packets;
	__u64 bytes;
};

#endif
