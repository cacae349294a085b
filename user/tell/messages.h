/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every kind of journal message, once: SMTPXDP_EVENT, MESSAGE_ID (explained in
 * dist/smtpxdp.catalog) and priority. Append only: map activity counts messages
 * by their place in this list.
 */
#ifndef SMTPXDP_MESSAGES_H
#define SMTPXDP_MESSAGES_H

#include <syslog.h>

#define MESSAGES(X)                                                            \
	X(FAILURE, "failure", "8f06e85f6db64d8f9b8a28c5ad3b3172", LOG_INFO)    \
	X(BAN, "ban", "96fb30f4ccad4c408a678463671125cf", LOG_NOTICE)          \
	X(WOULD_BAN, "would-ban", "b07cc03f689f4d419dc8335e5f798801",          \
	  LOG_NOTICE)                                                          \
	X(UNBAN, "unban", "f60a127ee25a4d3985b8bbac9c744e13", LOG_NOTICE)      \
	X(EXPIRE, "expire", "4e458193cf29402fa9ef9a40e24e1360", LOG_INFO)      \
	X(ALLOW, "allow", "51929947dc594d6ab688e554babaff26", LOG_NOTICE)      \
	X(DISALLOW, "disallow", "f9faa58097bf4504b6b06e2c40743567",            \
	  LOG_NOTICE)                                                          \
	X(STARTED, "started", "9462da4837ee4298823576b8beba304e", LOG_INFO)    \
	X(STOPPED, "stopped", "c4eb3f7eb8954b2f98de2fe36df5a6df", LOG_INFO)    \
	X(RELOADED, "reloaded", "74af2cbf7a4b4c428464b55cbb6b92ef", LOG_INFO)  \
	X(RELOAD_FAILED, "reload-failed", "1ec15c29a4df446283e3d02f4e6ccc61",  \
	  LOG_ERR)                                                             \
	X(CONFIG_CHANGED, "config-changed",                                    \
	  "eccae98124dc4966bea96d609da1b9e4", LOG_NOTICE)                      \
	X(GENERIC_XDP, "generic-xdp", "8614ec9eaa40450ead9c8359748271ca",      \
	  LOG_WARNING)                                                         \
	X(BANS_FULL, "bans-full", "d41fd14bd31b4b8b939142c398cfba70", LOG_ERR) \
	X(EVENTS_LOST, "events-lost", "e4ceb324ef014e5ba917537a02f9ece7",      \
	  LOG_WARNING)                                                         \
	X(BLIND, "blind", "081c6bd82713432aa72b7e3fca629fe4", LOG_WARNING)     \
	X(ATTACHED, "attached", "6f198d566a044dd2b9170f79368f0c10",            \
	  LOG_NOTICE)                                                          \
	X(WAITING, "waiting", "c87c4473fa3e4c88958bb19b635ab2d3", LOG_WARNING) \
	X(RENAMED, "renamed", "c1b3da5a66e64e70b1551315d1ed268e", LOG_NOTICE)  \
	X(CUT, "cut", "45b81b65ddd74b82a97331006261cba4", LOG_NOTICE)          \
	X(FAULT, "fault", "7fbcec7030734926aabe39cb20293436", LOG_ERR)         \
	X(FORGIVE, "forgive", "3df4d0b1cfa8494c85c1e6fb0c6c5a27", LOG_NOTICE)  \
	X(FUSE_BLOWN, "fuse-blown", "bdda56b55b4947c7ae6e64ba761fbbd7",        \
	  LOG_CRIT)                                                            \
	X(FUSE_CLOSED, "fuse-closed", "a255dcccd33349e191f31181718fc71f",      \
	  LOG_NOTICE)                                                          \
	X(CARRIED, "carried", "8b7f410a82874df2992d19e68d600883", LOG_NOTICE)  \
	X(NOT_CARRIED, "not-carried", "f6089d49373e4ede9f840c41d011516a",      \
	  LOG_WARNING)                                                         \
	X(METRICS_OPEN, "metrics-open", "23a0ab8fe151421b892206acfa47d342",    \
	  LOG_WARNING)                                                         \
	X(RESTORED, "restored", "9d1c53f0a7c24a0e8b3f6f0f5f1de2c4", LOG_INFO)  \
	X(STATE_FAULT, "state-fault", "c0a8f6a4f5d84e0f9c52b7be0c3a6d19",      \
	  LOG_ERR)                                                             \
	X(STATE_KEPT, "state-kept", "52e1d7a3b9f64c7c8fd0a6c9f3b2e871",        \
	  LOG_NOTICE)                                                          \
	X(STATE_ASIDE, "state-set-aside", "e7b0c4d29f1a4b6d8a35c1f7d60e9b82",  \
	  LOG_ERR)                                                             \
	X(LOADED, "loaded", "7c1d2f6f5e0c4bb39c6d5b0a4e0f8a31", LOG_NOTICE)    \
	X(GROUPS, "groups", "3b8d6a52c1f04e7fa9e27d1c0b64f385", LOG_INFO)      \
	X(GROUPS_KEPT, "groups-kept", "a41c7e9d05b2468c93f8d6e1b7502ca4",      \
	  LOG_WARNING)                                                         \
	X(REFUSED, "refused", "189987c9287c4dc8852ff70fc5e2eea0", LOG_ERR)     \
	X(ALARM, "alarm", "0847a7d139934389bc02795d0904ee76", LOG_ERR)         \
	X(ALARM_ENDED, "alarm-ended", "fd4c82180594435d975c7a2edffb9b90",      \
	  LOG_NOTICE)                                                          \
	X(JOURNAL_LOST, "journal-lost", "50925f78b862484c96f4b7f12ad846dd",    \
	  LOG_WARNING)                                                         \
	X(DEFAULT_CHANGED, "default-changed",                                  \
	  "4818ea0e20964f61bde57c9eb18b1213", LOG_NOTICE)                      \
	X(WIDENED, "widened", "7791d092a42c498b9af3c7b95273d6d8", LOG_NOTICE)  \
	X(ON_EVENT, "on-event", "0bb9e5e726954a86b21cc03a61384940", LOG_INFO)  \
	X(ON_EVENT_FAILED, "on-event-failed",                                  \
	  "515e55068ef74ed8b0b122d579d9c755", LOG_WARNING)                     \
	X(NAME_FAULT, "name-fault", "34c7c12d6e284530a24d33c4c8fa7842",        \
	  LOG_WARNING)                                                         \
	X(NAME_ANSWERED, "name-answered", "e0ccf8a4da72474d9f4661bddf98fed3",  \
	  LOG_NOTICE)                                                          \
	X(ACCOUNT, "user-attacked", "d69bcc8af43e4af89676e5f60f71e518",        \
	  LOG_WARNING)                                                         \
	X(AS, "as-attacked", "f4b99779a73b461d92d57e73b510f26f", LOG_WARNING)  \
	X(FLUSHED, "flushed", "37dde07b5a2245c3a8eb9516976bc8ea", LOG_NOTICE)

enum message {
#define X(id, name, uuid, priority) MESSAGE_##id,
	MESSAGES(X)
#undef X
		MESSAGES_MAX
};

#endif
