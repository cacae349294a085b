// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files that a process has mapped, and that may be TLS libraries.
 *
 * Fuzzes: user/tls/tls_library.c
 */
#include <elf.h>
#include <errno.h>

#include "fuzz/fuzz.h"
#include "tls/tls_library.h"

static void fuzz(struct input *in)
{
	struct tls_library lib;
	int ret = tls_library_read(file_of(in), &lib);
	bool writes;

	for (int f = 0; f < TLS_FUNCTIONS; f++) {
		must(lib.n[f] <= TLS_OFFSETS_MAX);
		for (size_t i = 0; i < lib.n[f]; i++)
			for (size_t k = 0; k < i; k++)
				must(lib.offset[f][i] != lib.offset[f][k]);
	}
	writes =
		lib.n[TLS_WRITE] || lib.n[TLS_WRITE_EX] || lib.n[TLS_WRITE_EX2];
	must(ret <= 0);
	must(ret || writes);
	must(ret != -ENOENT || !writes);
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
struct tiny64 {
	Elf64_Ehdr head;
	Elf64_Phdr code;
	Elf64_Shdr section[4];
	Elf64_Sym symbol[9];
	char names[sizeof(names)];
	struct note note;
};

struct tiny32 {
	Elf32_Ehdr head;
	Elf32_Phdr code;
	Elf32_Shdr section[4];
	Elf32_Sym symbol[9];
	char names[sizeof(names)];
	struct note note;
};

/* What both classes have in common, but for the sizes of their fields. */
#define FILL(t, class, table, bits)                                            \
	do {                                                                   \
		const char *name = names + 1;                                  \
                                                                               \
		memcpy(t.head.e_ident, ELFMAG, SELFMAG);                       \
		t.head.e_ident[EI_CLASS] = class;                              \
		t.head.e_ident[EI_DATA] = ELFDATA2LSB;                         \
		t.head.e_ident[EI_VERSION] = EV_CURRENT;                       \
		t.head.e_type = ET_DYN;                                        \
		t.head.e_machine = EM_X86_64;                                  \
		t.head.e_version = EV_CURRENT;                                 \
		t.head.e_phoff = offsetof(__typeof__(t), code);                \
		t.head.e_shoff = offsetof(__typeof__(t), section);             \
		t.head.e_ehsize = sizeof(t.head);                              \
		t.head.e_phentsize = sizeof(t.code);                           \
		t.head.e_phnum = 1;                                            \
		t.head.e_shentsize = sizeof(t.section[0]);                     \
		t.head.e_shnum = ARRAY_SIZE(t.section);                        \
		t.code.p_type = PT_LOAD;                                       \
		t.code.p_flags = PF_R | PF_X;                                  \
		t.code.p_vaddr = 0x1000;                                       \
		t.code.p_filesz = t.code.p_memsz = 0x1000;                     \
		t.section[1].sh_type = table;                                  \
		t.section[1].sh_link = 2;                                      \
		t.section[1].sh_offset = offsetof(__typeof__(t), symbol);      \
		t.section[1].sh_size = sizeof(t.symbol);                       \
		t.section[1].sh_entsize = sizeof(t.symbol[0]);                 \
		t.section[2].sh_type = SHT_STRTAB;                             \
		t.section[2].sh_offset = offsetof(__typeof__(t), names);       \
		t.section[2].sh_size = sizeof(t.names);                        \
		t.section[3].sh_type = SHT_NOTE;                               \
		t.section[3].sh_offset = offsetof(__typeof__(t), note);        \
		t.section[3].sh_size = sizeof(t.note);                         \
		memcpy(t.names, names, sizeof(names));                         \
		for (size_t i = 1; i < ARRAY_SIZE(t.symbol); i++) {            \
			t.symbol[i].st_name = name - names;                    \
			t.symbol[i].st_info =                                  \
				ELF##bits##_ST_INFO(STB_GLOBAL, STT_FUNC);     \
			t.symbol[i].st_value = 0x1000 + 16 * i;                \
			name += strlen(name) + 1;                              \
		}                                                              \
		t.note.head.n_namesz = 4;                                      \
		t.note.head.n_descsz = sizeof(t.note.id);                      \
		t.note.head.n_type = NT_GNU_BUILD_ID;                          \
		memcpy(t.note.name, "GNU", 4);                                 \
	} while (0)

static void seeds(void)
{
	static const uint32_t tables[] = { SHT_DYNSYM, SHT_SYMTAB };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct tiny64 t = {};
		struct tiny32 u = {};

		FILL(t, ELFCLASS64, tables[i], 64);
		FILL(u, ELFCLASS32, tables[i], 32);
		seed(&t, sizeof(t));
		seed(&u, sizeof(u));
	}
}
