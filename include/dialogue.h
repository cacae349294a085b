/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The client's side of a connection to the mail server, as far as it tells who
 * was tried: see bpf/pure/sasl.h. Of a password nothing is ever in here.
 */
#ifndef SMTPXDP_DIALOGUE_H
#define SMTPXDP_DIALOGUE_H

#include "tried.h"

/*
 * The client of a connection that is the self-test's: 0.0.0.1, which nobody can
 * have (RFC 1122, 3.2.1.3).
 */
#define SELF_TEST_CLIENT 0x00000001

/* Of so many AUTHs at once, the latest, the answers may be outstanding. */
#define ATTEMPTS 8

/* What names are hashed with: random, the same until the maps are removed. */
struct name_key {
	__u64 k[2];
};

/* SipHash-2-4 in the making. */
struct siphash {
	__u64 v[4];
	__u64 m; /* bytes that do not make a word yet */
	__u32 len;
	__u32 pad;
};

/* The client's line in the making. */
struct sasl {
	__u8 mode; /* enum sasl_mode */
	__u8 mech; /* enum sasl_word: of the latest AUTH */
	__u8 want; /* its next response holds the name */
	__u8 alive; /* the words that this one may become: a bit each */
	__u8 pos; /* in the word, or in a field's beginning */
	__u8 naming; /* this line holds the name, and no fault was found */
	__u8 field; /* of the message that base64 wraps */
	__u8 quad; /* characters of four that make three bytes */
	__u8 pads; /* '=' at its end */
	__u8 bits; /* that do not make a byte yet; none of a password */
	__u8 name_len; /* as far as kept */
	__u8 of_auth; /* this line is an AUTH, or answers a challenge */
	__u8 parts; /* of what AUTH asks for: an initial response, responses */
	__u8 cancels; /* this line is "*" (RFC 4954, 4) */
	__u8 pad[2];
	struct siphash hash; /* of the name */
};

struct attempt {
	__u32 reply; /* the number of the reply that answers it */
	__u32 end; /* the sequence number behind its last line, */
	__u32 when; /* and when that came, in ticks */
	__u8 whole; /* nothing of it is missing */
	__u8 pad[3];
	struct tried tried;
};

struct dialogue {
	__u32 commands;	 /* how many replies there will be to all so far */
	__u32 responses; /* lines that answered a challenge (334) */
	__u32 n;	 /* AUTHs so far; the last is attempt[(n - 1) % 8] */
	__u8 adrift;	 /* no telling which reply answers what */
	__u8 pad[3];
	struct sasl sasl;
	struct attempt attempt[ATTEMPTS];
};

/* On the wire: map dialogues, until it is known to be of no use. */
struct wire_dialogue {
	__u32 next_seq; /* of the client's first byte that was not read yet */
	__u32 first_seq; /* of the server's first byte: see struct stream */
	__u32 messages; /* that were passed over: see struct stream */
	__u32 lost; /* what the client says cannot be followed any more */
	struct dialogue d;
};

_Static_assert(sizeof(struct sasl) == 64, "part of map values");
_Static_assert(sizeof(struct dialogue) == 80 + ATTEMPTS * 88,
	       "part of map values");

#endif
