// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files that a process has mapped, and that may be TLS libraries, against a
 * reader that knows offsets only (System V ABI, ELF-64). The first byte says how
 * the file is read: by interrupted reads, piece by piece, or cut off behind the
 * reader's back.
 *
 * Bytes: 2048
 * Fuzzes: user/tls/tls_library.c
 * Seeds: selftests/unit/test_tls_library.c
 */
#include <elf.h>
#include <errno.h>

#include "fuzz/fuzz.h"
#include "tls/tls_library.h"
#include "tls/tls_places.h"

enum {
	HOW_INTERRUPTED = 1,
	HOW_PIECES = 2,
	HOW_FAILS = 4, /* at the end */
};

static struct {
	const uint8_t *byte;
	size_t n, size; /* it has less than its size, if it is cut off */
	uint8_t how;
	bool again; /* it was interrupted, and is tried again */
} file;

/* In libc's place: there is no file, for making one takes the longest. */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	file.again = !file.again;
	if (file.how & HOW_INTERRUPTED && file.again) {
		errno = EINTR;
		return -1;
	}
	if ((size_t)at >= file.n) {
		errno = EIO;
		return file.how & HOW_FAILS ? -1 : 0;
	}
	if (file.how & HOW_PIECES && n > 7)
		n = 7;
	if (n > file.n - at)
		n = file.n - at;
	memcpy(to, file.byte + at, n);
	return n;
}

/* ---- the reader */

READER_BEGINS
static uint64_t left; /* bytes that may still be read of the file: 256 MiB */

static bool lacks(uint64_t at, uint64_t n)
{
	uint64_t there = n ? file.n : file.size; /* nothing is always there */

	if (at > there || n > there - at)
		return true;
	left -= n;
	return false;
}

static uint64_t number(uint64_t at, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | file.byte[at + bytes];
	return v;
}

static const struct {
	const char *names; /* each in commas */
	enum tls_function function;
} wanted[] = {
	{ ",SSL_write,gnutls_record_send,gnutls_record_send2,", TLS_WRITE },
	{ ",SSL_write_ex,", TLS_WRITE_EX },
	{ ",SSL_write_ex2,", TLS_WRITE_EX2 },
	{ ",SSL_read,gnutls_record_recv,", TLS_READ },
	{ ",SSL_read_ex,", TLS_READ_EX },
	{ ",SSL_free,SSL_clear,SSL_set_fd,SSL_set_bio,SSL_set0_wbio,"
	  "gnutls_deinit,gnutls_transport_set_int2,gnutls_transport_set_ptr,"
	  "gnutls_transport_set_ptr2,",
	  TLS_FREE },
};

static void note_function(struct tls_library *lib, const char *name,
			  uint64_t offset)
{
	char sought[40];

	if (strlen(name) > 30 || strchr(name, ',') || !*name)
		return;
	sprintf(sought, ",%s,", name);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		enum tls_function f = wanted[i].function;
		size_t k = 0;

		if (!strstr(wanted[i].names, sought))
			continue;
		while (k < lib->n[f] && lib->offset[f][k] != offset)
			k++;
		if (k == lib->n[f] && k < TLS_OFFSETS_MAX)
			lib->offset[f][lib->n[f]++] = offset;
	}
}

/* A symbol of the table; the first executable segment around it counts. */
static void read_symbol(struct tls_library *lib, uint64_t size, uint64_t at,
			uint64_t names, uint64_t names_size)
{
	uint64_t name = number(at, 4), value = number(at + 8, 8);
	uint64_t segment = number(32, 8), n = number(56, 2), code = 0;
	char text[64] = "";

	if ((file.byte[at + 4] & 15) != 2 || !value || name >= names_size)
		return;
	for (; n--; segment += 56) {
		uint64_t offset = number(segment + 8, 8);
		uint64_t from = number(segment + 16, 8);

		if (number(segment, 4) != 1 || !(number(segment + 4, 4) & 1))
			continue;
		if (code++ == 16)
			return;
		if (value - from >= number(segment + 32, 8) || value < from)
			continue;
		if (offset + value - from >= size)
			return;
		for (size_t i = 0; i < 40 && name + i < names_size; i++)
			text[i] = file.byte[names + name + i];
		note_function(lib, text, offset + value - from);
		return;
	}
}

static uint64_t four(uint64_t n)
{
	return (n + 3) / 4 * 4;
}

static void read_notes(struct tls_library *lib, uint64_t at, uint64_t n)
{
	for (uint64_t end = at + n; at + 12 <= end;) {
		uint64_t name = number(at, 4), data = number(at + 4, 4);
		uint64_t start = at + 12;

		at = start + four(name) + four(data);
		if (at <= end && number(start - 4, 4) == 3 && name == 4 &&
		    !memcmp(file.byte + start, "GNU", 4) &&
		    data >= sizeof(lib->id))
			memcpy(&lib->id, file.byte + start + 4,
			       sizeof(lib->id));
	}
}

static bool read_section(struct tls_library *lib, uint64_t size, uint64_t all,
			 uint64_t at, uint64_t n)
{
	uint64_t type = number(at + 4, 4), from = number(at + 24, 8);
	uint64_t bytes = number(at + 32, 8), link = number(at + 40, 4);
	uint64_t names, names_size;

	if (type == 7) {
		if (bytes > 4096)
			return true;
		if (lacks(from, bytes))
			return false;
		read_notes(lib, from, bytes);
	}
	if ((type != 2 && type != 11) || link >= n || number(at + 56, 8) != 24)
		return true;
	names = number(all + link * 64 + 24, 8);
	names_size = number(all + link * 64 + 32, 8);
	/* what is larger than all that may be read is left out */
	if (bytes > left)
		return true;
	if (lacks(from, bytes))
		return false;
	if (names_size > left)
		return true;
	if (lacks(names, names_size))
		return false;
	for (; bytes >= 24; bytes -= 24, from += 24)
		read_symbol(lib, size, from, names, names_size);
	return true;
}

/* False: it is no such file, or not any more. */
static bool read_elf(struct tls_library *lib, uint64_t size)
{
	uint64_t n, at;

	memset(lib, 0, sizeof(*lib));
	left = 256 << 20;
	if (lacks(0, 64) || memcmp(file.byte, "\177ELF\2\1", 6) ||
	    number(54, 2) != 56 || number(56, 2) > 128)
		return false;
	n = number(60, 2);
	at = number(40, 8);
	if ((n && number(58, 2) != 64) ||
	    lacks(number(32, 8), number(56, 2) * 56) || lacks(at, n * 64))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!read_section(lib, size, at, at + i * 64, n))
			return false;
	return true;
}
READER_ENDS

/* The farthest that a place lies behind an entry: 16 instructions of 15 bytes. */
#define FAR (16 * 15)

/* Places in code that means nothing: near the entries, and within the file. */
static void check_places(const struct tls_library *lib, uint64_t size)
{
	struct tls_library to = *lib, behind;

	tls_places_find(-1, size, &to);
	must(to.n_behind <= TLS_BEHIND_MAX);
	for (size_t i = 0; i < to.n_behind; i++)
		must(to.behind[i].offset < size);
	for (int f = 0; f < TLS_FUNCTIONS; f++) {
		must(to.n[f] == lib->n[f]);
		for (size_t i = 0; i < to.n[f]; i++)
			must(to.offset[f][i] >= lib->offset[f][i] &&
			     to.offset[f][i] - lib->offset[f][i] <= FAR);
	}
	tls_places_behind(&to, &behind);
	for (int f = 0; f < TLS_FUNCTIONS; f++)
		must(behind.n[f] <= TLS_OFFSETS_MAX);
}

static void fuzz(struct input *in)
{
	struct tls_library lib, want;
	uint8_t how = take_byte(in);
	bool whole, writes;
	int ret;

	file.byte = in->at;
	file.n = in->left - in->left * (how / 8) / 128;
	file.size = in->left;
	file.how = how;
	file.again = false;
	ret = tls_library_read(-1, in->left, &lib);
	must(ret <= 0);
	whole = read_elf(&want, in->left);
	must(whole || (ret && ret != -ENOENT));
	if (!whole)
		return;
	writes = want.n[TLS_WRITE] || want.n[TLS_WRITE_EX] ||
		 want.n[TLS_WRITE_EX2];
	must(ret == (writes ? 0 : -ENOENT));
	must(!memcmp(&lib.id, &want.id, sizeof(lib.id)));
	for (int f = 0; f < TLS_FUNCTIONS; f++) {
		must(lib.n[f] == want.n[f]);
		for (size_t i = 0; i < lib.n[f]; i++)
			must(lib.offset[f][i] == want.offset[f][i]);
	}
	check_places(&lib, in->left);
}

static const char names[] = "\0SSL_write\0SSL_write_ex\0SSL_write_ex2\0"
			    "SSL_read\0SSL_read_ex\0SSL_free\0"
			    "gnutls_record_send\0gnutls_deinit";

struct note {
	Elf64_Nhdr head;
	char name[4];
	uint8_t id[20];
};

/* A library of nothing but a table of symbols and a build-id. */
struct tiny {
	uint8_t cut;
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr code;
		Elf64_Shdr section[4];
		Elf64_Sym symbol[25];
		char names[sizeof(names)];
		struct note note;
	} f __attribute__((packed));
} __attribute__((packed));

#define AT(field) (offsetof(struct tiny, f.field) - offsetof(struct tiny, f))

static void fill_sections(struct tiny *t, uint32_t table)
{
	t->f.section[1] = (Elf64_Shdr){ .sh_type = table,
					.sh_link = 2,
					.sh_offset = AT(symbol),
					.sh_size = sizeof(t->f.symbol),
					.sh_entsize = sizeof(Elf64_Sym) };
	t->f.section[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					.sh_offset = AT(names),
					.sh_size = sizeof(names) };
	t->f.section[3] = (Elf64_Shdr){ .sh_type = SHT_NOTE,
					.sh_offset = AT(note),
					.sh_size = sizeof(t->f.note) };
}

/* All names in turn, or one of them again and again. */
static void fill(struct tiny *t, uint16_t machine, uint32_t table, bool one)
{
	const char *name = names + 1;

	t->f.head = (Elf64_Ehdr){ .e_ident = ELFMAG,
				  .e_type = ET_DYN,
				  .e_machine = machine,
				  .e_version = EV_CURRENT,
				  .e_phoff = AT(code),
				  .e_shoff = AT(section),
				  .e_ehsize = sizeof(Elf64_Ehdr),
				  .e_phentsize = sizeof(Elf64_Phdr),
				  .e_phnum = 1,
				  .e_shentsize = sizeof(Elf64_Shdr),
				  .e_shnum = ARRAY_SIZE(t->f.section) };
	t->f.head.e_ident[EI_CLASS] = ELFCLASS64;
	t->f.head.e_ident[EI_DATA] = ELFDATA2LSB;
	t->f.head.e_ident[EI_VERSION] = EV_CURRENT;
	t->f.code = (Elf64_Phdr){ .p_type = PT_LOAD,
				  .p_flags = PF_R | PF_X,
				  .p_vaddr = 0x1000,
				  .p_filesz = 0x1000,
				  .p_memsz = 0x1000 };
	fill_sections(t, table);
	memcpy(t->f.names, names, sizeof(names));
	for (size_t i = 1; i < ARRAY_SIZE(t->f.symbol); i++) {
		t->f.symbol[i] = (Elf64_Sym){
			.st_name = name - names,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_value = 0x1000 + 16 * i,
			.st_shndx = 1,
			.st_size = 16,
		};
		if (!one)
			name += strlen(name) + 1;
		if (name == names + sizeof(names))
			name = names + 1;
	}
	t->f.note = (struct note){
		.head = { 4, sizeof(t->f.note.id), NT_GNU_BUILD_ID },
		.name = "GNU",
		.id = { 1, 2, 3 },
	};
}

static void seeds(void)
{
	static const uint16_t machines[] = { EM_X86_64, EM_AARCH64 };

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct tiny t = {};

		fill(&t, machines[i], SHT_DYNSYM, false);
		seed(&t, sizeof(t));
		fill(&t, machines[i], SHT_DYNSYM, true);
		seed(&t, sizeof(t));
		fill(&t, machines[i], SHT_SYMTAB, false);
		t.cut = 7;
		seed(&t, sizeof(t));
	}
}
