/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The client's side of a connection to the mail server, followed to learn which
 * user each AUTH tries, and whether with another password: see bpf/pure/sasl.h.
 * Of a password no byte is kept, but a keyed hash while its line is read, and
 * 16 bits of it.
 */
#ifndef SMTPXDP_DIALOGUE_H
#define SMTPXDP_DIALOGUE_H

#include "tried.h"

/*
 * The self-test's client address, 0.0.0.1, host byte order: no host may have it
 * (RFC 1122, 3.2.1.3).
 */
#define SELF_TEST_CLIENT 0x00000001

/* Latest AUTHs kept: as many can wait for their replies at once. */
#define ATTEMPTS 8

/*
 * How much of a client's text in cleartext is read, for to read costs more than
 * to send; beyond any of these the dialogue is lost.
 * - bytes and commands before the greeting has left: a handshake that is never
 *   completed gets none.
 * - bytes and commands since the last reply. A client that pipelines a thousand
 *   recipients sends so many.
 * - bytes that the server's socket has not taken, of segments that it refuses.
 */
#define EARLY_BYTES 4096
#define EARLY_COMMANDS 64
#define QUIET_BYTES 65536
#define QUIET_COMMANDS 2048
#define AHEAD_BYTES 16384

/* Map name_key: random; a key of its own for each. */
struct name_key {
	__u64 k[2]; /* of names' hashes: the state file has it, too */
	__u64 secret[2]; /* of passwords' hashes: kept with the maps only */
};

/* An unfinished SipHash-2-4: see bpf/pure/siphash.h. */
struct siphash {
	__u64 v[4];
	__u64 m; /* bytes of the unfinished word */
	__u32 len;
	__u32 pad;
};

/* The client's unfinished line. */
struct sasl {
	__u8 mode; /* enum sasl_mode */
	__u8 mech; /* enum sasl_word: mechanism of the latest AUTH */
	/* the next response to that AUTH holds this: enum sasl_want */
	__u8 want;
	__u8 cr; /* 1: within a command, the last byte was a CR */
	__u16 alive; /* a bit for each enum sasl_word that still matches */
	__u8 pos; /* position in the word, or in a field's beginning */
	__u8 naming; /* this line holds the name; no fault so far */
	__u8 field; /* field of the decoded message, from 0 */
	__u8 quad; /* base64 characters of the unfinished group, 0..3 */
	__u8 pads; /* '=' seen at the end */
	__u8 bits; /* decoded bits left over, up to 4 */
	__u8 name_len; /* bytes of the name that are kept */
	__u8 of_auth; /* this line is an AUTH, or a response to its challenge */
	__u8 parts; /* lines with credentials of the latest AUTH so far */
	__u8 cancels; /* this line is "*" (RFC 4954, 4); 1: so far */
	__u64 user; /* hash of the name, once that has ended */
	struct siphash hash; /* of the name so far; then of the password */
};

struct attempt {
	__u32 reply; /* number of the reply that answers this AUTH */
	__u32 end; /* TCP sequence number behind its last line */
	__u32 when; /* tick of the window when that line came */
	__u8 whole; /* 1: all of the AUTH has come */
	__u8 pad[3];
	struct tried tried;
};

struct dialogue {
	/* replies that all commands so far will get, greeting included */
	__u32 commands;
	__u32 responses; /* lines taken for responses to a challenge (334) */
	__u32 n; /* AUTHs so far; the last one is attempt[(n - 1) % 8] */
	__u8 adrift; /* 1: which reply answers which AUTH is not known */
	__u8 pad;
	__u16 read; /* bytes of the line under way that were read one by one */
	struct sasl sasl;
	struct attempt attempt[ATTEMPTS];
};

enum lost {
	LOST_NOT,
	LOST_TEXT, /* any more */
	LOST_FAST, /* from the start: it came with the SYN, and was not read */
};

/* Map dialogues: a dialogue in cleartext, as long as it can be followed. */
struct wire_dialogue {
	__u32 next_seq; /* TCP sequence number of the client's next byte */
	/* sequence number of the server's first byte, as in struct stream */
	__u32 first_seq;
	__u32 messages; /* messages passed over, as in struct stream */
	__u32 lost; /* enum lost: the client's text cannot be followed */
	__u32 replies; /* replies of the server when `quiet` was 0 */
	__u32 quiet; /* bytes heard since then */
	__u32 taken_seq; /* the server's socket has taken all before this */
	__u32 pad;
	struct dialogue d;
};

_Static_assert(sizeof(struct sasl) == 72, "part of map values");
_Static_assert(sizeof(struct dialogue) == 88 + ATTEMPTS * 96,
	       "part of map values");

#endif
