/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the functions of a TLS library in a file. */
#ifndef SMTPXDP_TLS_LIBRARY_H
#define SMTPXDP_TLS_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Each kind of function is probed by programs of its own, which read its
 * arguments: these.
 */
enum tls_function {
	TLS_WRITE, /* (object, buffer, bytes), returns bytes */
	TLS_WRITE_EX, /* (object, buffer, bytes, &written), returns 1 */
	TLS_WRITE_EX2, /* (object, buffer, bytes, flags, &written), likewise */
	TLS_READ, /* (object, buffer, bytes), returns bytes */
	TLS_READ_EX, /* (object, buffer, bytes, &read), returns 1 */
	TLS_FREE, /* (object): ends the object's session */
	/* behind TLS_READ: (object, 23, buffer, bytes), returns bytes */
	TLS_READ_TYPED,
	TLS_FUNCTIONS
};

#define TLS_OFFSETS_MAX 16

#define TLS_BEHIND_MAX 4

/*
 * A function behind exported ones: see tls_places.h. `from` are their places, of
 * each kind a bit for each place.
 */
struct tls_behind {
	uint64_t offset;
	enum tls_function function;
	uint16_t from[TLS_FUNCTIONS];
};

#define TLS_SLOTS_MAX 16

/* Where the linker puts the address of one of these functions, for calls by PLT. */
struct tls_slot {
	uint64_t address; /* in memory */
	uint64_t offset; /* of the function, in the file */
};

struct tls_library {
	uint64_t offset[TLS_FUNCTIONS][TLS_OFFSETS_MAX]; /* in the file */
	size_t n[TLS_FUNCTIONS];
	struct tls_behind behind[TLS_BEHIND_MAX];
	size_t n_behind;
	struct tls_slot slots[TLS_SLOTS_MAX];
	size_t n_slots;
	uint64_t
		bias; /* from offsets of code to addresses; of the slots' use */
	uint64_t id; /* the first 8 bytes of its build-id, or 0 */
};

/*
 * Reads the symbols of an open file of `size` bytes. Anybody may have made it: it is read within
 * bounds, and not mapped, for it may be truncated meanwhile. 0 if it has a
 * function that writes; -ENOENT if it has none; -ENOEXEC if it is no ELF file of
 * this machine's kind; or another -errno.
 */
int tls_library_read(int fd, uint64_t size, struct tls_library *lib);

#endif
