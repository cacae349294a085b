// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_library.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Bytes that are read of one file: the symbols and names of a large program
 * with debugging symbols are 100 MB. What passes it is left out.
 */
#define BYTES_MAX (256ULL << 20)
#define SEGMENTS_MAX 128 /* linkers make a dozen */
#define CODE_MAX 16 /* executable ones among them */
#define NOTES_SIZE 4096

static const struct {
	const char *name;
	enum tls_function function;
} functions[] = {
	{ "SSL_write", TLS_WRITE },
	{ "gnutls_record_send", TLS_WRITE },
	{ "gnutls_record_send2", TLS_WRITE },
	{ "SSL_write_ex", TLS_WRITE_EX },
	{ "SSL_write_ex2", TLS_WRITE_EX2 }, /* SSL_write_ex may call it */
	{ "SSL_read", TLS_READ },
	{ "gnutls_record_recv", TLS_READ },
	{ "SSL_read_ex", TLS_READ_EX },
	{ "SSL_free", TLS_FREE },
	{ "SSL_clear", TLS_FREE },
	{ "SSL_set_fd", TLS_FREE },
	{ "SSL_set_bio", TLS_FREE },
	{ "SSL_set0_wbio", TLS_FREE },
	{ "gnutls_deinit", TLS_FREE },
	{ "gnutls_transport_set_int2", TLS_FREE },
	{ "gnutls_transport_set_ptr", TLS_FREE },
	{ "gnutls_transport_set_ptr2", TLS_FREE },
};

struct reader {
	int fd;
	uint64_t size; /* of the file */
	uint64_t left; /* bytes that may still be read of it */
	Elf64_Ehdr head;
	Elf64_Phdr code[CODE_MAX];
	size_t n_code;
	struct tls_library *lib;
};

/* Reads bytes of the file. -ENOEXEC: it does not have them, or not any more. */
static int take(struct reader *r, void *buf, uint64_t at, uint64_t n)
{
	char *to = buf;

	if (at > r->size || n > r->size - at)
		return -ENOEXEC;
	if (n > r->left)
		return -EFBIG;
	r->left -= n;
	while (n) {
		ssize_t got = pread(r->fd, to, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENOEXEC;
		to += got;
		at += got;
		n -= got;
	}
	return 0;
}

/* Reads bytes into memory, to be freed, with a NUL behind them. */
static int load(struct reader *r, uint64_t at, uint64_t n, void *to)
{
	char *buf;
	int err;

	if (n > r->left)
		return -EFBIG;
	buf = malloc(n + 1);
	if (!buf)
		return -ENOMEM;
	err = take(r, buf, at, n);
	buf[n] = '\0';
	if (err)
		free(buf);
	else
		*(char **)to = buf;
	return err;
}

/* Symbols have the address in memory; uprobes take the offset in the file. */
static bool file_offset(const struct reader *r, uint64_t addr, uint64_t *offset)
{
	for (size_t i = 0; i < r->n_code; i++) {
		const Elf64_Phdr *ph = &r->code[i];

		if (addr < ph->p_vaddr || addr - ph->p_vaddr >= ph->p_filesz)
			continue;
		*offset = addr - ph->p_vaddr + ph->p_offset;
		return *offset < r->size;
	}
	return false;
}

/*
 * Adds an offset once: two names may be aliases, and each call is to be seen
 * once.
 */
static void add(struct tls_library *lib, enum tls_function f, uint64_t offset)
{
	for (size_t i = 0; i < lib->n[f]; i++)
		if (lib->offset[f][i] == offset)
			return;
	if (lib->n[f] < TLS_OFFSETS_MAX)
		lib->offset[f][lib->n[f]++] = offset;
}

/* Symbols, and their names. */
struct symbols {
	Elf64_Sym *list;
	char *names;
	size_t n, names_size;
};

static void symbols_free(struct symbols *s)
{
	free(s->list);
	free(s->names);
}

/* To be freed, also after an error. */
static int symbols_load(struct reader *r, const Elf64_Shdr *table,
			const Elf64_Shdr *strings, struct symbols *s)
{
	int err = load(r, table->sh_offset, table->sh_size, &s->list);

	if (!err)
		err = load(r, strings->sh_offset, strings->sh_size, &s->names);
	s->n = table->sh_size / sizeof(*s->list);
	s->names_size = strings->sh_size;
	return err;
}

/* Which of the functions the k-th symbol is, and its offset; or -1. */
static int function_of(const struct reader *r, const struct symbols *s,
		       size_t k, uint64_t *offset)
{
	const Elf64_Sym *sym = &s->list[k];
	const char *name;

	if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_value ||
	    sym->st_name >= s->names_size)
		return -1;
	name = s->names + sym->st_name;
	if (*name != 'S' && *name != 'g') /* most names are others */
		return -1;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(name, functions[i].name))
			return file_offset(r, sym->st_value, offset) ? (int)i :
								       -1;
	return -1;
}

static int read_symbols(struct reader *r, const Elf64_Shdr *table,
			const Elf64_Shdr *strings)
{
	struct symbols s = {};
	uint64_t offset;
	int err;

	if (table->sh_entsize != sizeof(*s.list))
		return 0;
	err = symbols_load(r, table, strings, &s);
	for (size_t k = 0; !err && k < s.n; k++) {
		int i = function_of(r, &s, k, &offset);

		if (i >= 0)
			add(r->lib, functions[i].function, offset);
	}
	symbols_free(&s);
	/* another table may be smaller, and have what is wanted */
	return err == -EFBIG ? 0 : err;
}

/*
 * Reads by which slots the library calls its own functions. What is wrong with
 * these tables is left out: they only make probes cheaper.
 */
static int read_slots(struct reader *r, const Elf64_Shdr *table,
		      const Elf64_Shdr *symbols, const Elf64_Shdr *strings)
{
	size_t n = table->sh_size / sizeof(Elf64_Rela);
	struct tls_library *lib = r->lib;
	Elf64_Rela *rela = NULL;
	struct symbols s = {};
	int err = load(r, table->sh_offset, table->sh_size, &rela);

	if (!err)
		err = symbols_load(r, symbols, strings, &s);
	for (size_t i = 0; !err && i < n && lib->n_slots < TLS_SLOTS_MAX; i++) {
		struct tls_slot *slot = &lib->slots[lib->n_slots];
		size_t k = ELF64_R_SYM(rela[i].r_info);

		slot->address = rela[i].r_offset;
		lib->n_slots +=
			k < s.n && function_of(r, &s, k, &slot->offset) >= 0;
	}
	free(rela);
	symbols_free(&s);
	return err == -ENOMEM ? err : 0;
}

static uint64_t padded(uint64_t n)
{
	return (n + 3) & ~3ULL;
}

/* Copies of one build have the same build-id, other builds another. */
static int read_build_id(struct reader *r, const Elf64_Shdr *sh)
{
	static const char gnu[] = "GNU";
	char notes[NOTES_SIZE];
	uint64_t at = 0, n = sh->sh_size;
	int err;

	if (n > sizeof(notes))
		return 0;
	err = take(r, notes, sh->sh_offset, n);
	while (!err && at + sizeof(Elf64_Nhdr) <= n) {
		uint64_t name = at + sizeof(Elf64_Nhdr), desc;
		Elf64_Nhdr note;

		memcpy(&note, notes + at, sizeof(note));
		desc = name + padded(note.n_namesz);
		at = desc + padded(note.n_descsz);
		if (at <= n && note.n_type == NT_GNU_BUILD_ID &&
		    note.n_namesz == sizeof(gnu) &&
		    !memcmp(notes + name, gnu, sizeof(gnu)) &&
		    note.n_descsz >= sizeof(r->lib->id))
			memcpy(&r->lib->id, notes + desc, sizeof(r->lib->id));
	}
	return err;
}

static int read_head(struct reader *r)
{
	const unsigned char order =
		BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	const Elf64_Ehdr *h = &r->head;
	int err = take(r, &r->head, 0, sizeof(r->head));

	if (err)
		return err;
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != order ||
	    h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum > SEGMENTS_MAX ||
	    (h->e_shnum && h->e_shentsize != sizeof(Elf64_Shdr)))
		return -ENOEXEC;
	return 0;
}

static int read_segments(struct reader *r)
{
	Elf64_Phdr *all;
	int err =
		load(r, r->head.e_phoff, r->head.e_phnum * sizeof(*all), &all);

	if (err)
		return err;
	for (size_t i = 0; i < r->head.e_phnum && r->n_code < CODE_MAX; i++)
		if (all[i].p_type == PT_LOAD && all[i].p_flags & PF_X)
			r->code[r->n_code++] = all[i];
	free(all);
	/* with several, an offset has several addresses */
	if (r->n_code == 1)
		r->lib->bias = r->code->p_vaddr - r->code->p_offset;
	return 0;
}

static int read_sections(struct reader *r)
{
	size_t n = r->head.e_shnum;
	Elf64_Shdr *all;
	int err = load(r, r->head.e_shoff, n * sizeof(*all), &all);

	if (err)
		return err;
	for (size_t i = 0; i < n && !err; i++) {
		const Elf64_Shdr *sh = &all[i];

		/* A program with the library built in has it in .symtab. */
		if ((sh->sh_type == SHT_DYNSYM || sh->sh_type == SHT_SYMTAB) &&
		    sh->sh_link < n)
			err = read_symbols(r, sh, &all[sh->sh_link]);
		else if (sh->sh_type == SHT_NOTE)
			err = read_build_id(r, sh);
		else if (sh->sh_type == SHT_RELA && sh->sh_link < n &&
			 all[sh->sh_link].sh_type == SHT_DYNSYM &&
			 all[sh->sh_link].sh_link < n)
			err = read_slots(r, sh, &all[sh->sh_link],
					 &all[all[sh->sh_link].sh_link]);
	}
	free(all);
	return err;
}

int tls_library_read(int fd, uint64_t size, struct tls_library *lib)
{
	struct reader r = {
		.fd = fd, .size = size, .left = BYTES_MAX, .lib = lib
	};
	int err;

	memset(lib, 0, sizeof(*lib));
	err = read_head(&r);
	if (!err)
		err = read_segments(&r);
	if (!err)
		err = read_sections(&r);
	if (err)
		return err;
	return lib->n[TLS_WRITE] || lib->n[TLS_WRITE_EX] ||
			       lib->n[TLS_WRITE_EX2] ?
		       0 :
		       -ENOENT;
}
