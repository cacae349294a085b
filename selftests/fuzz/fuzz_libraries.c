// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files that a process has mapped, and that may be TLS libraries. The first byte
 * cuts the file off, behind the reader's back.
 *
 * Fuzzes: user/tls/tls_library.c
 * Seeds: selftests/unit/test_tls_library.c
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>

#include "fuzz/fuzz.h"
#include "tls/tls_library.h"

static void fuzz(struct input *in)
{
	uint8_t cut = take_byte(in);
	uint64_t size = in->left;
	struct tls_library lib;
	bool writes;
	int fd, ret;

	in->left -= in->left * cut / 1024;
	fd = open(file_of(in), O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	ret = tls_library_read(fd, size, &lib);
	close(fd);
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
