// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where probes cost least in code (user/tls/tls_places.h): pieces of code as
 * compilers write them for OpenSSL and GnuTLS, and such that must not be taken.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fixture.h"
#include "tls/tls_places.h"

#ifdef __x86_64__

/* A function of the text below; what follows is at another line of 64 bytes. */
#define FN(name) ".balign 64, 0xcc\n" #name ": "

/* clang-format off */
__asm__(".pushsection .rodata\n.globl code, code_end\ncode: ret\n"
	/* ssl_write_internal(s, buf, num, &written), of OpenSSL 3.0 */
	FN(inner_ex) "push %r14\n mov %rdi,%r14\n pop %r14\n ret\n"
	FN(inner_ex2) "endbr64\n push %r15\n pop %r15\n ret\n"
	FN(inner_read) "push %r13\n pop %r13\n ret\n"
	FN(inner_dear) "sub $8,%rsp\n add $8,%rsp\n ret\n"
	/* Debian 12's SSL_write(), SSL_write_ex(), SSL_read() */
	FN(write_30) "sub $0x18,%rsp\n mov %fs:0x28,%rax\n mov %rax,8(%rsp)\n"
	"xor %eax,%eax\n test %edx,%edx\n js 1f\n mov %rsp,%rcx\n"
	"movslq %edx,%rdx\n call inner_ex\n2: add $0x18,%rsp\n ret\n"
	"1: call error\n jmp 2b\n"
	FN(write_ex_30) "sub $8,%rsp\n call inner_ex\n xor %edx,%edx\n"
	"test %eax,%eax\n cmovs %edx,%eax\n add $8,%rsp\n ret\n"
	FN(read_30) "sub $0x18,%rsp\n test %edx,%edx\n js 1f\n mov %rsp,%rcx\n"
	"movslq %edx,%rdx\n call inner_read\n1: add $0x18,%rsp\n ret\n"
	/* Debian 13's, where the flags of SSL_write_ex2() stand between */
	FN(write_35) "endbr64\n sub $0x18,%rsp\n test %edx,%edx\n js 1f\n"
	"xor %ecx,%ecx\n movslq %edx,%rdx\n mov %rsp,%r8\n call inner_ex2\n"
	"1: add $0x18,%rsp\n ret\n"
	FN(write_ex_35) "endbr64\n mov %rcx,%r8\n xor %ecx,%ecx\n"
	"jmp inner_ex2\n"
	FN(write_ex2_35) "endbr64\n sub $8,%rsp\n call inner_ex2\n"
	"add $8,%rsp\n ret\n"
	/* gnutls_record_recv(): two ways, a record's type before the buffer */
	FN(recv) "sub $8,%rsp\n cmpb $0,0x6b8(%rdi)\n mov %rdx,%rcx\n je 3f\n"
	"1: testb $1,0x1168(%rdi)\n je 2f\n mov %rsi,%rdx\n mov $0x17,%esi\n"
	"call inner_read\n cltq\n add $8,%rsp\n ret\n"
	"2: mov 0x770(%rdi),%r9d\n mov %rsi,%rdx\n xor %r8d,%r8d\n"
	"mov $0x17,%esi\n add $8,%rsp\n jmp inner_ex\n"
	"3: mov 0x864(%rdi),%eax\n cmp $3,%eax\n je 1b\n add $8,%rsp\n ret\n"
	/* gnutls_record_send() */
	FN(send) "xor %r8d,%r8d\n xor %ecx,%ecx\n jmp inner_ex2\n"
	/* what a linker makes of calls of a library's own functions */
	FN(plt_ex2) "endbr64\n jmp *slot_ex2(%rip)\n"
	FN(plt_send2) "jmp *slot_send2(%rip)\n"
	FN(write_ex_plt) "endbr64\n mov %rcx,%r8\n xor %ecx,%ecx\n"
	"jmp plt_ex2\n"
	FN(send_plt) "xor %r8d,%r8d\n xor %ecx,%ecx\n jmp plt_send2\n"
	FN(send2) "endbr64\n push %r15\n pop %r15\n ret\n"
	FN(slot_ex2) FN(slot_send2)
	FN(free_null) "test %rdi,%rdi\n je 1f\n push %rbx\n pop %rbx\n1: ret\n"
	FN(pushes) "endbr64\n push %rbx\n pop %rbx\n ret\n"
	FN(error) "ret\n"

	/* Such that must stay as they are. */
	FN(changes_object) "mov $1,%edi\n push %rbx\n pop %rbx\n ret\n"
	FN(changes_half) "mov $1,%dil\n push %rbx\n pop %rbx\n ret\n"
	FN(changes_high) "mov $1,%dh\n push %rbx\n pop %rbx\n ret\n"
	FN(loops) "mov (%rdi),%rax\n1: push %rbx\n pop %rbx\n dec %rax\n"
	"jne 1b\n ret\n"
	FN(moves_stack) "sub $8,%rsp\n push %rbx\n pop %rbx\n add $8,%rsp\n ret\n"
	FN(realigns) "and $-16,%rsp\n push %rbx\n ret\n"
	FN(long_one) ".fill 64, 1, 0xf8\n push %rbx\n pop %rbx\n ret\n"
	/* Such of which nothing is behind. */
	FN(swaps) "sub $8,%rsp\n xchg %rdi,%rsi\n call inner_ex\n add $8,%rsp\n"
	"ret\n"
	FN(own_buffer) "sub $8,%rsp\n lea 0x40(%rdi),%rsi\n call inner_ex\n"
	"add $8,%rsp\n ret\n"
	FN(other_length) "sub $8,%rsp\n lea 1(%rdx),%rdx\n call inner_ex\n"
	"add $8,%rsp\n ret\n"
	FN(joins) "sub $8,%rsp\n test %edx,%edx\n je 1f\n lea 8(%rsi),%rsi\n"
	"1: call inner_ex\n add $8,%rsp\n ret\n"
	FN(behind_call) "sub $8,%rsp\n call error\n call inner_ex\n"
	"add $8,%rsp\n ret\n"
	FN(indirect) "sub $8,%rsp\n call *0x18(%rdi)\n add $8,%rsp\n ret\n"
	FN(dear) "sub $8,%rsp\n call inner_dear\n add $8,%rsp\n ret\n"
	FN(goes_on) "sub $8,%rsp\n1: jmp 1b\n"
	".balign 64, 0xcc\ncode_end:\n.popsection\n");
/* clang-format on */

extern const uint8_t code[], code_end[];

#define AT(name)                                                               \
	({                                                                     \
		extern const uint8_t name[];                                   \
		(uint64_t)(name - code);                                       \
	})

static int fd;
static struct tls_library lib;

static void put(enum tls_function f, uint64_t at)
{
	lib.offset[f][lib.n[f]++] = at;
}

static uint64_t place_of(enum tls_function f, uint64_t at)
{
	lib = (struct tls_library){};
	put(f, at);
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n[f], 1);
	return lib.offset[f][0] - at;
}

static void test_moved(void **state)
{
	assert_int_equal(place_of(TLS_FREE, AT(free_null)), 3);
	assert_int_equal(place_of(TLS_FREE, AT(pushes)), 4);
	assert_int_equal(place_of(TLS_WRITE, AT(pushes)), 4);
	assert_int_equal(place_of(TLS_WRITE, AT(inner_ex)), 0);
	/* GnuTLS' jump to another function, which is within it no more */
	assert_int_equal(place_of(TLS_WRITE, AT(send)), 5);
	/* no return address lies on top there, but none is needed */
	assert_int_equal(place_of(TLS_FREE, AT(moves_stack)), 4);
}

static void test_not_moved(void **state)
{
	assert_int_equal(place_of(TLS_FREE, AT(changes_object)), 0);
	assert_int_equal(place_of(TLS_FREE, AT(changes_half)), 0);
	assert_int_equal(place_of(TLS_WRITE, AT(changes_high)), 0);
	assert_int_equal(place_of(TLS_FREE, AT(loops)), 0);
	assert_int_equal(place_of(TLS_WRITE, AT(moves_stack)), 0);
	assert_int_equal(place_of(TLS_FREE, AT(realigns)), 0);
	assert_int_equal(place_of(TLS_FREE, AT(long_one)), 0);
	/* its fourth argument is gone at the jump */
	assert_int_equal(place_of(TLS_WRITE_EX, AT(send)), 0);
	assert_int_equal(place_of(TLS_WRITE_EX, AT(write_ex_35)), 0);
}

static void is_behind(size_t i, uint64_t offset, enum tls_function function,
		      enum tls_function f, unsigned int bits)
{
	assert_true(i < lib.n_behind);
	assert_int_equal(lib.behind[i].offset, offset);
	assert_int_equal(lib.behind[i].function, function);
	assert_int_equal(lib.behind[i].from[f], bits);
}

static void test_openssl_30(void **state)
{
	struct tls_library to;

	lib = (struct tls_library){};
	put(TLS_WRITE, AT(write_30));
	put(TLS_WRITE_EX, AT(write_ex_30));
	put(TLS_READ, AT(read_30));
	put(TLS_FREE, AT(pushes));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 2);
	is_behind(0, AT(inner_ex), TLS_WRITE_EX, TLS_WRITE, 1);
	is_behind(0, AT(inner_ex), TLS_WRITE_EX, TLS_WRITE_EX, 1);
	is_behind(1, AT(inner_read), TLS_READ_EX, TLS_READ, 1);
	tls_places_behind(&lib, &to);
	assert_int_equal(to.n[TLS_WRITE], 0);
	assert_int_equal(to.n[TLS_READ], 0);
	assert_int_equal(to.n[TLS_WRITE_EX], 1);
	assert_int_equal(to.offset[TLS_WRITE_EX][0], AT(inner_ex));
	assert_int_equal(to.n[TLS_READ_EX], 1);
	assert_int_equal(to.n[TLS_FREE], 1);
	assert_int_equal(to.offset[TLS_FREE][0], AT(pushes) + 4);
}

static void test_openssl_35(void **state)
{
	lib = (struct tls_library){};
	put(TLS_WRITE, AT(write_35));
	put(TLS_WRITE_EX, AT(write_ex_35));
	put(TLS_WRITE_EX2, AT(write_ex2_35));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 1);
	for (int f = TLS_WRITE; f <= TLS_WRITE_EX2; f++)
		is_behind(0, AT(inner_ex2) + 4, TLS_WRITE_EX2, f, 1);
}

static void test_gnutls(void **state)
{
	lib = (struct tls_library){};
	put(TLS_READ, AT(recv));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(lib.behind[i].function, TLS_READ_TYPED);
	assert_int_equal(lib.behind[0].offset + lib.behind[1].offset,
			 AT(inner_ex) + AT(inner_read));
}

static void put_slot(uint64_t slot, uint64_t offset)
{
	lib.slots[lib.n_slots++] = (struct tls_slot){ slot + 0x1000, offset };
	lib.bias = 0x1000;
}

/* Debian 13's SSL_write_ex() calls SSL_write_ex2() by the PLT. */
static void test_plt(void **state)
{
	lib = (struct tls_library){};
	put(TLS_WRITE_EX, AT(write_ex_plt));
	put(TLS_WRITE_EX2, AT(write_ex2_35));
	put_slot(AT(slot_ex2), AT(write_ex2_35));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 1);
	is_behind(0, AT(inner_ex2) + 4, TLS_WRITE_EX2, TLS_WRITE_EX, 1);
	is_behind(0, AT(inner_ex2) + 4, TLS_WRITE_EX2, TLS_WRITE_EX2, 1);
}

/* gnutls_record_send() calls gnutls_record_send2(), which is exported, too. */
static void test_alike(void **state)
{
	struct tls_library to;

	lib = (struct tls_library){};
	put(TLS_WRITE, AT(send2));
	put(TLS_WRITE, AT(send_plt));
	put_slot(AT(slot_send2), AT(send2));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 1);
	is_behind(0, AT(send2) + 4, TLS_WRITE, TLS_WRITE, 2);
	tls_places_behind(&lib, &to);
	assert_int_equal(to.n[TLS_WRITE], 1);
	assert_int_equal(to.offset[TLS_WRITE][0], AT(send2) + 4);
	/* another function that is called so may want none of it */
	lib = (struct tls_library){};
	put(TLS_WRITE, AT(send_plt));
	put_slot(AT(slot_send2), AT(send2));
	tls_places_find(fd, code_end - code, &lib);
	assert_int_equal(lib.n_behind, 0);
}

/* What has an exported function of its own stays, and what is dear. */
static void test_nothing_behind(void **state)
{
	const uint64_t none[] = { AT(swaps), AT(own_buffer),  AT(other_length),
				  AT(joins), AT(behind_call), AT(indirect),
				  AT(dear),  AT(goes_on) };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		place_of(TLS_WRITE_EX, none[i]);
		assert_int_equal(lib.n_behind, 0);
	}
	/* SSL_write() must store the bytes written on its own stack */
	place_of(TLS_WRITE, AT(write_ex_30));
	assert_int_equal(lib.n_behind, 0);
	/* a file that ends within the code */
	lib = (struct tls_library){};
	put(TLS_WRITE, AT(write_30));
	tls_places_find(fd, AT(write_30) + 20, &lib);
	assert_int_equal(lib.n_behind, 0);
}

/* What every Debian has: all its places are such as cost little. */
static void test_real(void **state)
{
	static const char *const paths[] = {
		"/usr/lib/x86_64-linux-gnu/libssl.so.3",
		"/usr/lib/x86_64-linux-gnu/libgnutls.so.30",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int file = open(paths[i], O_RDONLY);
		struct stat st;

		if (file < 0)
			continue;
		fstat(file, &st);
		assert_int_equal(tls_library_read(file, st.st_size, &lib), 0);
		tls_places_find(file, st.st_size, &lib);
		close(file);
		assert_true(lib.n_behind >= 2);
	}
}

/* Code that means nothing: it ends, and no place is out of the file. */
static void test_random(void **state)
{
	static uint8_t bytes[4096];
	int file = memfd_create("random", 0);

	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = dice(4) ? dice(256) :
					     code[dice(code_end - code)];
		assert_int_equal(pwrite(file, bytes, sizeof(bytes), 0),
				 sizeof(bytes));
		lib = (struct tls_library){};
		for (int f = 0; f < TLS_FUNCTIONS; f++)
			for (int i = 0; i < 4; i++)
				put(f, dice(sizeof(bytes)));
		tls_places_find(file, sizeof(bytes), &lib);
		for (int f = 0; f < TLS_FUNCTIONS; f++)
			for (int i = 0; i < 4; i++)
				assert_true(lib.offset[f][i] < sizeof(bytes));
		for (size_t i = 0; i < lib.n_behind; i++)
			assert_true(lib.behind[i].offset < sizeof(bytes));
	}
	close(file);
}

static int setup(void **state)
{
	size_t n = code_end - code;

	dice_seed();
	fd = memfd_create("code", 0);
	return fd < 0 || pwrite(fd, code, n, 0) != (ssize_t)n;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_not_moved),
		cmocka_unit_test(test_openssl_30),
		cmocka_unit_test(test_openssl_35),
		cmocka_unit_test(test_gnutls),
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_nothing_behind),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("tls_places", tests, setup, NULL);
}

#else

int main(void)
{
	return 0; /* other machines' code is not decoded */
}

#endif
