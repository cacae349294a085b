// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Libraries and lines of /proc/PID/maps that anybody may have made
 * (user/tls/tls_library.h, user/sys/proc_maps.h, user/sys/confined.h).
 */
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "sys/confined.h"
#include "sys/proc_maps.h"
#include "tls/tls_library.h"

/* ---- lines of /proc/PID/maps */

static void test_line(void **state)
{
	struct mapping m;

	assert_true(mapping_parse("7f2ad4a00000-7f2ad4a1e000 r-xp 0001e000 "
				  "fe:01 1442            /usr/lib/libssl.so.3",
				  &m));
	assert_int_equal(m.from, 0x7f2ad4a00000);
	assert_int_equal(m.to, 0x7f2ad4a1e000);
	assert_true(m.executable);
	assert_false(m.shared);
	assert_string_equal(m.name, "/usr/lib/libssl.so.3");
	assert_true(
		mapping_parse("00400000-00401000 rw-s 00000000 00:00 0 ", &m));
	assert_false(m.executable);
	assert_true(m.shared);
	assert_string_equal(m.name, "");
	assert_true(mapping_parse("ffffffffff600000-ffffffffff601000 --xp "
				  "00000000 00:00 0  [vsyscall]",
				  &m));
}

static void test_no_line(void **state)
{
	static const char *const lines[] = {
		"",
		"../root/run/fifo r-xp 0 0 0 /libssl.so.3",
		"1-2 r-xp 0 0 0 /libssl.so.3",
		"1-2 r-xp 0 0:0 0/libssl.so.3",
		"1-2 r-xp 0 0:0 0",
		"1-2/../3 r-xp 0 0:0 0 /libssl.so.3",
		"2-1 r-xp 0 0:0 0 /libssl.so.3",
		"1-1 r-xp 0 0:0 0 /libssl.so.3",
		"0x1-0x2 r-xp 0 0:0 0 /libssl.so.3",
		"-1-2 r-xp 0 0:0 0 /libssl.so.3",
		" 1-2 r-xp 0 0:0 0 /libssl.so.3",
		"1-2 rxxp 0 0:0 0 /libssl.so.3",
		"1-2 r-x 0 0:0 0 /libssl.so.3",
		"1-2 r-xpp 0 0:0 0 /libssl.so.3",
		"1-10000000000000000 r-xp 0 0:0 0 /libssl.so.3",
		"1-2 r-xp 0 0:0 1a /libssl.so.3",
		"1-2 r",
	};
	struct mapping m;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (mapping_parse(lines[i], &m))
			fail_msg("taken: '%s'", lines[i]);
}

/* What is left over of a long line is no line. */
static void test_long_line(void **state)
{
	char text[] = "1-2 aaaaaaaaaaaaaaaaaaaaaaaaaa3-4 r-xp 0 0:0 0 /evil\n"
		      "5-6 r-xp 0 0:0 0 /good\n"
		      "7-8 r-xp 0 0:0 0 /without its end";
	FILE *f = fmemopen(text, strlen(text), "r");
	char line[31];

	assert_non_null(f);
	assert_true(mapping_line(f, line, sizeof(line)));
	assert_string_equal(line, "5-6 r-xp 0 0:0 0 /good");
	assert_false(mapping_line(f, line, sizeof(line)));
	fclose(f);
}

/* Ours, as this kernel writes them. */
static void test_own(void **state)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[8192];
	struct mapping m;
	int n = 0, here = 0;

	while (mapping_line(f, line, sizeof(line))) {
		assert_true(mapping_parse(line, &m));
		here += m.executable && m.from <= (uintptr_t)test_own &&
			(uintptr_t)test_own < m.to;
		n++;
	}
	fclose(f);
	assert_true(n > 5);
	assert_int_equal(here, 1);
}

/* ---- libraries */

static int temporary(const void *bytes, size_t n)
{
	int fd = memfd_create("library", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	return fd;
}

/* The system's OpenSSL, as a copy in memory. */
static uint8_t *real_library(size_t *n)
{
	glob_t found;
	struct stat st;
	uint8_t *bytes;
	int fd;

	if (glob("/usr/lib/*/libssl.so.3", 0, NULL, &found) &&
	    glob("/usr/lib*/libssl.so.3", 0, NULL, &found))
		skip();
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	assert_int_equal(fstat(fd, &st), 0);
	*n = st.st_size;
	bytes = malloc(*n);
	assert_int_equal(read(fd, bytes, *n), *n);
	close(fd);
	return bytes;
}

static void test_real(void **state)
{
	struct tls_library lib;
	size_t n;
	uint8_t *bytes = real_library(&n);
	int fd = temporary(bytes, n);

	assert_int_equal(tls_library_read(fd, n, &lib), 0);
	assert_int_equal(lib.n[TLS_WRITE], 1);
	assert_int_equal(lib.n[TLS_WRITE_EX], 1);
	assert_int_equal(lib.n[TLS_READ], 1);
	assert_int_equal(lib.n[TLS_READ_EX], 1);
	assert_true(lib.n[TLS_FREE] > 3);
	assert_true(lib.id);
	close(fd);
	free(bytes);
}

static void sane(const struct tls_library *lib, size_t size)
{
	for (int f = 0; f < TLS_FUNCTIONS; f++) {
		assert_true(lib->n[f] <= TLS_OFFSETS_MAX);
		for (size_t i = 0; i < lib->n[f]; i++)
			assert_true(lib->offset[f][i] < size);
	}
}

/* Shorter than the size that was read a moment ago, wherever it ends. */
static void test_truncated(void **state)
{
	struct tls_library lib;
	size_t n;
	uint8_t *bytes = real_library(&n);
	int fd = temporary(bytes, n);

	for (int i = 0; i < 300; i++) {
		size_t to = n * (300 - i) / 301;

		assert_int_equal(ftruncate(fd, to), 0);
		assert_int_equal(tls_library_read(fd, n, &lib), -ENOEXEC);
		assert_int_not_equal(tls_library_read(fd, to, &lib), 0);
	}
	close(fd);
	free(bytes);
}

/* Where the headers, the sections' headers and the tables are. */
static size_t somewhere(const uint8_t *bytes, size_t n)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)bytes;

	switch (dice(4)) {
	case 0:
		return dice(sizeof(*h));
	case 1:
		return h->e_phoff + dice(h->e_phnum * sizeof(Elf64_Phdr));
	case 2:
		return h->e_shoff + dice(h->e_shnum * sizeof(Elf64_Shdr));
	default:
		return dice(n);
	}
}

static void test_damaged(void **state)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct tls_library lib;
	size_t n, at[8];
	uint8_t *bytes = real_library(&n);
	int fd = temporary(bytes, n), taken = 0;

	dice_seed();
	for (int i = 0; i < 3000; i++) {
		int k = 1 + dice(ARRAY_SIZE(at));

		for (int j = 0; j < k; j++) {
			uint8_t b = dice(2) ? odd[dice(ARRAY_SIZE(odd))] :
					      dice(256);

			at[j] = somewhere(bytes, n);
			assert_int_equal(pwrite(fd, &b, 1, at[j]), 1);
		}
		taken += !tls_library_read(fd, n, &lib);
		sane(&lib, n);
		for (int j = 0; j < k; j++)
			assert_int_equal(pwrite(fd, bytes + at[j], 1, at[j]),
					 1);
	}
	assert_in_range(taken, 1, 2999);
	close(fd);
	free(bytes);
}

/* ---- in a child */

static int read_library(int fd, uint64_t size, void *lib)
{
	return tls_library_read(fd, size, lib);
}

static void test_child(void **state)
{
	struct tls_library lib, here;
	uint8_t *bytes;
	size_t n;
	int fd;

#ifdef __SANITIZE_ADDRESS__
	print_message("# SKIP ASan takes more memory than the child may\n");
	skip();
#endif
	bytes = real_library(&n);
	fd = temporary(bytes, n);
	assert_int_equal(tls_library_read(fd, n, &here), 0);
	assert_int_equal(
		confined_read(fd, read_library, &lib, sizeof(lib), 10000), 0);
	assert_memory_equal(&lib, &here, sizeof(lib));
	close(fd);
	free(bytes);
}

static void test_no_file(void **state)
{
	char dir[] = "/tmp/test_tls_library.XXXXXX", path[64];
	struct tls_library lib;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = confined_path(path);
	assert_true(fd >= 0);
	assert_int_equal(confined_read(fd, read_library, &lib, sizeof(lib),
				       10000),
			 -EINVAL);
	close(fd);
	unlink(path);
	rmdir(dir);
	fd = confined_path("/dev/zero");
	assert_int_equal(confined_read(fd, read_library, &lib, sizeof(lib),
				       10000),
			 -EINVAL);
	close(fd);
	assert_int_equal(confined_path(path), -ENOENT);
}

static int hang(int fd, uint64_t size, void *result)
{
	while (*(volatile int *)result != 1)
		;
	return 0;
}

static int die(int fd, uint64_t size, void *result)
{
	__builtin_trap();
}

/* Which of what it must not do succeeds? */
static int misbehave(int fd, uint64_t size, void *result)
{
	int *done = result;

	*done = (open("/etc/passwd", O_RDONLY) >= 0) | (fork() >= 0) << 1 |
		(write(1, "", 0) >= 0) << 2 | (kill(getppid(), 0) == 0) << 3 |
		(syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM) << 4;
	return 0;
}

static void test_limits(void **state)
{
	int fd = confined_path("/proc/self/exe"), done = -1;
	uint64_t start = clock_monotonic_usec();

	assert_int_equal(confined_read(fd, hang, &done, sizeof(done), 200),
			 -ETIMEDOUT);
	assert_true(clock_monotonic_usec() - start < 5000000);
	assert_int_equal(confined_read(fd, die, &done, sizeof(done), 10000),
			 -EPROTO);
	assert_int_equal(
		confined_read(fd, misbehave, &done, sizeof(done), 10000), 0);
	assert_int_equal(done, 0);
	close(fd);
}

static int greedy(int fd, uint64_t size, void *result)
{
	void *small = malloc(1 << 20), *large = malloc(600 << 20);

	*(int *)result = (small != NULL) + 2 * (large != NULL);
	return 0;
}

static void test_memory(void **state)
{
	int fd = confined_path("/proc/self/exe"), got = -1;

#ifdef __SANITIZE_ADDRESS__
	print_message("# SKIP ASan takes more memory than the child may\n");
	skip();
#endif
	assert_int_equal(confined_read(fd, greedy, &got, sizeof(got), 10000),
			 0);
	assert_int_equal(got, 1);
	close(fd);
}

static void *hang_long(void *fd)
{
	int none = 0;

	confined_read(*(int *)fd, hang, &none, sizeof(none), 2000);
	return NULL;
}

/* Is it a child of this process, without capabilities, and without stdout? */
static bool is_confined(const char *pid)
{
	unsigned long long caps, sum = 0;
	char path[300], line[256];
	int parent = 0, lines = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "PPid: %d", &parent);
		if (sscanf(line, "Cap%*[^B:]: %llx", &caps) == 1) {
			sum |= caps;
			lines++;
		}
	}
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%s/fd/1", pid);
	return parent == getpid() && lines == 4 && !sum && access(path, F_OK);
}

static bool confined_child_runs(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (!found && (entry = readdir(proc)))
		found = isdigit((unsigned char)*entry->d_name) &&
			is_confined(entry->d_name);
	closedir(proc);
	return found;
}

/* Asked from outside: the child itself cannot. */
static void test_rights(void **state)
{
	int fd = confined_path("/proc/self/exe");
	bool found = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, hang_long, &fd), 0);
	for (int i = 0; i < 1000 && !found; i++) {
		usleep(1000);
		found = confined_child_runs();
	}
	assert_true(found);
	pthread_join(thread, NULL);
	close(fd);
}

static volatile int *shared;

static int write_shared(int fd, uint64_t size, void *result)
{
	*shared = 2;
	return 0;
}

/* Maps of the kernel's are such memory: a parser must not write to them. */
static void test_shared_memory(void **state)
{
	int fd = confined_path("/proc/self/exe"), none;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	*shared = 1;
	assert_int_equal(confined_read(fd, write_shared, &none, sizeof(none),
				       10000),
			 -EPROTO);
	assert_int_equal(*shared, 1);
	munmap((void *)shared, 4096);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_no_line),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_shared_memory),
	};

	return cmocka_run_group_tests_name("tls_library", tests, NULL, NULL);
}
