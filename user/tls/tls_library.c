// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_library.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

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

/* Symbols have the address in memory; uprobes take the offset in the file. */
static int file_offset(Elf *elf, uint64_t addr, uint64_t *offset)
{
	size_t n;

	if (elf_getphdrnum(elf, &n))
		return -ENOEXEC;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, i, &ph) || ph.p_type != PT_LOAD ||
		    !(ph.p_flags & PF_X) || addr < ph.p_vaddr ||
		    addr >= ph.p_vaddr + ph.p_filesz)
			continue;
		*offset = addr - ph.p_vaddr + ph.p_offset;
		return 0;
	}
	return -ENOENT;
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

static void take_symbol(Elf *elf, const char *name, const GElf_Sym *sym,
			struct tls_library *lib)
{
	uint64_t offset;

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_value)
		return;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(name, functions[i].name) &&
		    !file_offset(elf, sym->st_value, &offset))
			add(lib, functions[i].function, offset);
}

static void read_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh,
			 struct tls_library *lib)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;

	for (size_t i = 0; i < n; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, i, &sym))
			return;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (name)
			take_symbol(elf, name, &sym, lib);
	}
}

/* Copies of one build have the same build-id, other builds another. */
static void read_build_id(Elf *elf, Elf_Scn *scn, struct tls_library *lib)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type == NT_GNU_BUILD_ID &&
		    note.n_namesz == sizeof("GNU") &&
		    !memcmp((char *)data->d_buf + name, "GNU", sizeof("GNU")) &&
		    note.n_descsz >= sizeof(lib->id))
			memcpy(&lib->id, (char *)data->d_buf + desc,
			       sizeof(lib->id));
	}
}

static int read_elf(Elf *elf, struct tls_library *lib)
{
	Elf_Scn *scn = NULL;

	if (elf_kind(elf) != ELF_K_ELF)
		return -ENOEXEC;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			continue;
		/* A program with the library built in has it in .symtab. */
		if (sh.sh_type == SHT_DYNSYM || sh.sh_type == SHT_SYMTAB)
			read_symbols(elf, scn, &sh, lib);
		else if (sh.sh_type == SHT_NOTE)
			read_build_id(elf, scn, lib);
	}
	return lib->n[TLS_WRITE] || lib->n[TLS_WRITE_EX] ||
			       lib->n[TLS_WRITE_EX2] ?
		       0 :
		       -ENOENT;
}

int tls_library_read(const char *path, struct tls_library *lib)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	Elf *elf;

	memset(lib, 0, sizeof(*lib));
	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	err = elf ? read_elf(elf, lib) : -ENOEXEC;
	elf_end(elf);
	close(fd);
	return err;
}
