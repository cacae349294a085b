// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The configuration file (user/config/config_file.h), and the one that is shipped. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config_file.h"
#include "lib/fixture.h"

#define SHIPPED "dist/smtpxdp.conf"

static char folder[] = "/tmp/test_config_file.XXXXXX";
static char path[64];
static char err[CONFIG_ERROR_SIZE];
static struct config config;

static int group_setup(void **state)
{
	dice_seed();
	umask(022);
	if (!mkdtemp(folder))
		return -1;
	sprintf(path, "%s/smtpxdp.conf", folder);
	return 0;
}

static void empty_folder(const char *name)
{
	char entry[PATH_MAX];
	DIR *d = opendir(name);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(entry, sizeof(entry), "%s/%s", name, e->d_name);
		if (unlink(entry)) {
			empty_folder(entry);
			rmdir(entry);
		}
	}
	if (d)
		closedir(d);
}

static int group_teardown(void **state)
{
	return rmdir(folder);
}

static int setup(void **state)
{
	err[0] = '\0';
	return config_init(&config);
}

static int teardown(void **state)
{
	config_free(&config);
	empty_folder(folder);
	return 0;
}

/* How many files there are: nothing temporary stays behind. */
static int entries(const char *name)
{
	DIR *d = opendir(name);
	int n = -2; /* . and .. */

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void write_bytes(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const char *text)
{
	write_bytes(path, text, strlen(text));
}

static char *read_text(const char *name)
{
	static char text[1 << 16];
	FILE *f = fopen(name, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static int edit(enum config_key key, const char *value)
{
	return config_file_edit(path, key, value, err, sizeof(err));
}

static void must_edit(enum config_key key, const char *value)
{
	if (edit(key, value))
		fail_msg("%s", err);
}

/* ---- reading */

static void test_read(void **state)
{
	write_text("mode = monitor # so far\nrate = 5/10m");
	if (config_file_read(path, &config, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(config.value[KEY_MODE], "monitor");
	assert_string_equal(config.value[KEY_RATE], "5/10m");
	assert_int_equal(config.origin[KEY_RATE], ORIGIN_FILE);
	write_text("");
	assert_int_equal(config_file_read(path, &config, err, sizeof(err)), 0);
	assert_int_equal(
		config_file_read("/dev/null", &config, err, sizeof(err)), 0);
}

static void refused(int ret, int want, const char *reason)
{
	if (ret != want || !strstr(err, reason))
		fail_msg("%d, '%s'", ret, err);
	for (int k = 0; k < KEYS_MAX; k++)
		assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
}

static void test_read_wrong(void **state)
{
	static const char nul[] = "mode = monitor\nrate = 1/1s\0\nrate = 2/1s";
	char where[100], *huge;

	refused(config_file_read(path, &config, err, sizeof(err)), -ENOENT,
		path);
	write_text("mode = monitor\nrate = 0/1s\n");
	sprintf(where, "%s:2: rate: ", path);
	refused(config_file_read(path, &config, err, sizeof(err)), -EINVAL,
		where);
	write_bytes(path, nul, sizeof(nul) - 1);
	refused(config_file_read(path, &config, err, sizeof(err)), -EINVAL,
		"NUL");
	huge = malloc(2 << 20);
	memset(huge, '\n', 2 << 20);
	write_bytes(path, huge, (1 << 20) + 1);
	refused(config_file_read(path, &config, err, sizeof(err)), -EINVAL,
		"1 MiB");
	write_bytes(path, huge, 1 << 20);
	assert_int_equal(config_file_read(path, &config, err, sizeof(err)), 0);
	free(huge);
	refused(config_file_read("/dev/zero", &config, err, sizeof(err)),
		-EINVAL, "1 MiB");
	refused(config_file_read(folder, &config, err, sizeof(err)), -EISDIR,
		folder);
}

/* ---- editing: what stands there before and after */

static const struct {
	const char *before;
	enum config_key key;
	const char *value;
	const char *after;
} edits[] = {
	/* In its place, with all around it. */
	{ "mode = enforce\nrate = 1/1s\nscope = all\n", KEY_RATE, "5/10m",
	  "mode = enforce\nrate = 5/10m\nscope = all\n" },
	{ "\n# x\n\t rate=1/1s\t # y # z\n\n", KEY_RATE, "5/10m",
	  "\n# x\n\t rate=5/10m\t # y # z\n\n" },
	{ "rate = 1/1s", KEY_RATE, "5/10m", "rate = 5/10m" },
	{ "ports = 25, 587 # ours\n", KEY_PORTS, "465",
	  "ports = 465 # ours\n" },
	{ "rate = 5/10m # y\n", KEY_RATE, "5/10m", "rate = 5/10m # y\n" },
	{ "allow =\n", KEY_ALLOW, "::1", "allow = ::1\n" },
	{ "allow = # none\n", KEY_ALLOW, "::1", "allow = ::1 # none\n" },
	{ "allow=::1 # one\n", KEY_ALLOW, "", "allow= # one\n" },
	{ "count-texts = \"550 # a\" # b\n", KEY_COUNT_TEXTS, "\"550 # c\"",
	  "count-texts = \"550 # c\" # b\n" },
	/* Line ends as they are. */
	{ "mode = enforce\r\nrate = 1/1s\r\n", KEY_RATE, "5/10m",
	  "mode = enforce\r\nrate = 5/10m\r\n" },
	{ "mode = enforce\r\n", KEY_RATE, "5/10m",
	  "mode = enforce\r\nrate = 5/10m\r\n" },
	{ "#rate = 1/1s\r\nmode = enforce\r\n", KEY_RATE, "5/10m",
	  "#rate = 1/1s\r\nrate = 5/10m\r\nmode = enforce\r\n" },
	/* Behind the one that is commented out. */
	{ "# Mode\n#mode = enforce\n# Rate\n#rate = 10/120s\n# end\n", KEY_RATE,
	  "5/10m",
	  "# Mode\n#mode = enforce\n# Rate\n#rate = 10/120s\nrate = 5/10m\n"
	  "# end\n" },
	{ "#rate = 10/120s", KEY_RATE, "5/10m",
	  "#rate = 10/120s\nrate = 5/10m\n" },
	{ "#rate = 10/120s\n\nrate = 1/1s\n", KEY_RATE, "5/10m",
	  "#rate = 10/120s\n\nrate = 5/10m\n" },
	{ "#rates = 1\n#rate-limit = 2\n# rate limits\n", KEY_RATE, "5/10m",
	  "#rates = 1\n#rate-limit = 2\n# rate limits\nrate = 5/10m\n" },
	/* At the end. */
	{ "", KEY_RATE, "5/10m", "rate = 5/10m\n" },
	{ "mode = enforce", KEY_RATE, "5/10m",
	  "mode = enforce\nrate = 5/10m\n" },
	{ "# no line end", KEY_RATE, "5/10m", "# no line end\nrate = 5/10m\n" },
	/* Away. */
	{ "mode = enforce\nrate = 1/1s # x\nscope = all\n", KEY_RATE, NULL,
	  "mode = enforce\nscope = all\n" },
	{ "rate = 1/1s", KEY_RATE, NULL, "" },
	{ "#rate = 1/1s\n", KEY_RATE, NULL, "#rate = 1/1s\n" },
	/* What was wrong may be made right, and only so. */
	{ "rate = wrong # x\n", KEY_RATE, "5/10m", "rate = 5/10m # x\n" },
	{ "rate = wrong\n", KEY_RATE, NULL, "" },
	{ "rate = wrong\n", KEY_MODE, "monitor", NULL },
	{ "no line\n", KEY_MODE, "monitor", NULL },
	{ "rate = 1/1s\nrate = 2/1s\n", KEY_RATE, "5/10m", NULL },
	{ "rate = 1/1s\n", KEY_RATE, "0/1s", NULL },
	{ "rate = 1/1s\n", KEY_RATE, "5/10m\nscope = all", NULL },
	{ "rate = 1/1s\n", KEY_RATE, "5/10m # x", NULL },
	{ "rate = 1/1s\n", KEY_RATE, " 5/10m", NULL },
	{ "count-texts = 550 a\n", KEY_IGNORE_TEXTS, "550 a", NULL },
	{ "count-texts = 550 a\nignore-texts = 550 b\n", KEY_IGNORE_TEXTS,
	  "550 a", NULL },
};

static void test_edits(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		const char *want =
			edits[i].after ? edits[i].after : edits[i].before;
		int ret;

		write_text(edits[i].before);
		ret = edit(edits[i].key, edits[i].value);
		if (ret != (edits[i].after ? 0 : -EINVAL) ||
		    strcmp(read_text(path), want))
			fail_msg("'%s': %d, '%s', now '%s'", edits[i].before,
				 ret, err, read_text(path));
		if (ret)
			assert_non_null(strstr(err, path));
		assert_int_equal(entries(folder), 1);
	}
}

/* Any edit of any file: read back, it is as config_set() would have it. */
static void test_random_edits(void **state)
{
	static const char *const values[KEYS_MAX][3] = {
		[KEY_MODE] = { "monitor", "enforce" },
		[KEY_RATE] = { "1/1s", "64/7d" },
		[KEY_PORTS] = { "25", "25, 26" },
		[KEY_COUNT_TEXTS] = { "\"550 \\\" # a\"", "", "550 b" },
		[KEY_ALLOW] = { "", "::1", "192.0.2.0/24, ::2" },
	};
	static const char *const lines[] = {
		"# mode = monitor\n",
		"#rate = 1/1s\n",
		"\n",
		"#\n",
		"# x",
		"#allow =\n",
		"\t\n",
		"  # \"\n",
		"#ports=1\r\n",
	};
	struct config want, got;
	char text[512];

	for (int round = 0; round < 3000; round++) {
		strcpy(text, "");
		for (int n = dice(5); n; n--)
			strcat(text, lines[dice(ARRAY_SIZE(lines))]);
		write_text(text);
		assert_int_equal(config_init(&want), 0);
		for (int n = dice_range(1, 6); n; n--) {
			enum config_key k = dice(KEYS_MAX);
			const char *v = values[k][dice(3)];

			must_edit(k, v);
			if (v)
				config_set(&want, k, v, ORIGIN_FILE, err,
					   sizeof(err));
			else
				config_reset(&want, k);
		}
		assert_int_equal(config_init(&got), 0);
		if (config_file_read(path, &got, err, sizeof(err)))
			fail_msg("%s: '%s'", err, read_text(path));
		for (int k = 0; k < KEYS_MAX; k++) {
			assert_string_equal(got.value[k], want.value[k]);
			assert_int_equal(got.origin[k], want.origin[k]);
		}
		config_free(&got);
		config_free(&want);
	}
}

/* ---- which file */

static void test_new(void **state)
{
	char deeper[PATH_MAX];
	struct stat st;

	must_edit(KEY_RATE, NULL); /* nothing to remove, and nothing made */
	assert_int_equal(entries(folder), 0);
	must_edit(KEY_RATE, "5/10m");
	assert_string_equal(read_text(path), "rate = 5/10m\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	/* Its folder, too. */
	sprintf(deeper, "%s/new/x.conf", folder);
	assert_int_equal(
		config_file_edit(deeper, KEY_RATE, NULL, err, sizeof(err)), 0);
	assert_int_equal(entries(folder), 1);
	assert_int_equal(config_file_edit(deeper, KEY_RATE, "5/10m", err,
					  sizeof(err)),
			 0);
	assert_string_equal(read_text(deeper), "rate = 5/10m\n");
	sprintf(deeper, "%s/a/b/x.conf", folder);
	assert_int_equal(config_file_edit(deeper, KEY_RATE, "5/10m", err,
					  sizeof(err)),
			 -ENOENT);
	assert_non_null(strstr(err, "/a/b/"));
	/* A bad value makes no file. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(edit(KEY_RATE, "0/1s"), -EINVAL);
	assert_int_equal(access(path, F_OK), -1);
}

/* Everybody at once, each another key: none is lost. */
static void test_together(void **state)
{
	static const struct {
		enum config_key key;
		const char *value;
	} edits[] = {
		{ KEY_RATE, "5/10m" },	   { KEY_BAN_TIME, "2h" },
		{ KEY_MODE, "monitor" },   { KEY_SCOPE, "all" },
		{ KEY_TLS, "off" },	   { KEY_MAX_BANS, "2048" },
		{ KEY_IPV4_PREFIX, "24" }, { KEY_IPV6_PREFIX, "56" },
	};
	struct config c;

	for (int round = 0; round < 10; round++) {
		unlink(path);
		for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
			if (!fork())
				_exit(-edit(edits[i].key, edits[i].value));
		for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
			int status;

			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(config_init(&c), 0);
		assert_int_equal(config_file_read(path, &c, err, sizeof(err)),
				 0);
		for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
			assert_string_equal(c.value[edits[i].key],
					    edits[i].value);
		config_free(&c);
		assert_int_equal(entries(folder), 1);
	}
}

static void test_relative(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	int ret;

	assert_int_equal(chdir(folder), 0);
	ret = config_file_edit("x.conf", KEY_RATE, "5/10m", err, sizeof(err));
	if (!ret)
		ret = config_file_edit("x.conf", KEY_MODE, "monitor", err,
				       sizeof(err));
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_int_equal(ret, 0);
	strcpy(strrchr(path, '/') + 1, "x.conf");
	assert_string_equal(read_text(path), "rate = 5/10m\nmode = monitor\n");
	strcpy(strrchr(path, '/') + 1, "smtpxdp.conf");
}

static void test_mode_and_owner(void **state)
{
	struct stat st, st2;

	write_text("rate = 1/1s\n");
	assert_int_equal(chmod(path, 0640), 0);
	if (!geteuid())
		assert_int_equal(chown(path, 1234, 4321), 0);
	assert_int_equal(stat(path, &st), 0);
	must_edit(KEY_RATE, "5/10m");
	assert_int_equal(stat(path, &st2), 0);
	assert_int_equal(st2.st_mode, st.st_mode);
	assert_int_equal(st2.st_uid, st.st_uid);
	assert_int_equal(st2.st_gid, st.st_gid);
	/* By a new file, so that no reader sees half of it ... */
	assert_int_not_equal(st2.st_ino, st.st_ino);
	/* ... but not where nothing changes. */
	must_edit(KEY_RATE, "5/10m");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st2.st_ino, st.st_ino);
}

static void test_symlink(void **state)
{
	char real[PATH_MAX], sub[PATH_MAX], link[PATH_MAX];
	struct stat st;

	sprintf(sub, "%s/sub", folder);
	sprintf(real, "%s/sub/real.conf", folder);
	assert_int_equal(mkdir(sub, 0755), 0);
	write_bytes(real, "rate = 1/1s\n", 12);
	assert_int_equal(symlink("sub/real.conf", path), 0);
	must_edit(KEY_RATE, "5/10m");
	assert_string_equal(read_text(real), "rate = 5/10m\n");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(entries(sub), 1);
	/* One that leads nowhere stays as it is. */
	assert_int_equal(unlink(real), 0);
	assert_int_equal(edit(KEY_RATE, "5/10m"), -ENOENT);
	assert_non_null(strstr(err, "symbolic link"));
	assert_int_equal(readlink(path, link, sizeof(link)), 13);
	assert_int_equal(entries(sub), 0);
	/* One to itself. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(edit(KEY_RATE, "5/10m"), -ELOOP);
	assert_non_null(strstr(err, path));
}

static void not_replaced(const char *name, mode_t type)
{
	struct stat st;

	assert_int_equal(config_file_edit(name, KEY_RATE, "5/10m", err,
					  sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "not a regular file"));
	assert_non_null(strstr(err, "--runtime"));
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, type);
}

/*
 * `run -c /dev/null` is a daemon without a file: it must not get one there.
 * The devices here are the test's own: were the code wrong, a test as root
 * would take /dev/null away from the whole machine.
 */
static void test_device(void **state)
{
	char other[PATH_MAX];

	sprintf(other, "%s/other", folder);
	not_replaced(folder, S_IFDIR);
	assert_int_equal(mkfifo(other, 0600), 0);
	not_replaced(other, S_IFIFO);
	assert_int_equal(unlink(other), 0);
	if (mknod(other, S_IFCHR | 0666, makedev(1, 3)))
		skip();
	not_replaced(other, S_IFCHR);
	assert_int_equal(symlink(other, path), 0);
	not_replaced(path, S_IFCHR);
}

/* A path that is longer than the room for it. */
static void test_long_path(void **state)
{
	char *name = malloc(2 * PATH_MAX);

	memset(name, 'x', 2 * PATH_MAX);
	for (size_t n = 250; n < 2 * PATH_MAX; n *= 2) {
		int len = sprintf(name, "%s/", folder);

		name[len] = 'x';
		for (size_t i = len; i < n; i++)
			name[i] = i % 100 ? 'x' : '/';
		name[n] = '\0';
		assert_true(config_file_edit(name, KEY_RATE, "5/10m", err,
					     sizeof(err)) < 0);
		assert_true(config_file_read(name, &config, err, sizeof(err)) <
			    0);
	}
	free(name);
}

/* ---- a disk that is full, or not to be written: the old file stays */

static const char old_text[] = "rate = 1/1s # keep me\n";

/* What only a child does, in its own mounts. 0 if all went as it should. */
static int on_tmpfs(const char *options, int (*then)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (unshare(CLONE_NEWNS) ||
		    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", folder, "tmpfs", 0, options))
			_exit(77);
		write_text(old_text);
		_exit(then());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	return WEXITSTATUS(status);
}

/* 1: another error than expected, 2: text, 3: file, 4: something is left. */
static int kept(int ret, int want, const char *reason, int files)
{
	printf("# %d, '%s'\n", ret, err);
	return ret != want			 ? 1 :
	       !strstr(err, reason)		 ? 2 :
	       strcmp(read_text(path), old_text) ? 3 :
	       entries(folder) != files		 ? 4 :
						   0;
}

/* Leaves no block for a second file. */
static int edit_full(void)
{
	char fill[PATH_MAX], page[4096] = "";
	FILE *f;

	sprintf(fill, "%s/fill", folder);
	f = fopen(fill, "w");
	while (f && fwrite(page, sizeof(page), 1, f) == 1 && !fflush(f))
		;
	if (f)
		fclose(f);
	return kept(edit(KEY_RATE, "5/10m"), -ENOSPC, "No space left", 2);
}

static int edit_no_inode(void)
{
	return kept(edit(KEY_RATE, "5/10m"), -ENOSPC, "No space left", 1);
}

static int edit_read_only(void)
{
	if (mount("none", folder, "none", MS_REMOUNT | MS_RDONLY, NULL))
		return 77;
	return kept(edit(KEY_RATE, "5/10m"), -EROFS, "--runtime", 1);
}

/* As somebody else: neither may the file be read nor its folder written. */
static int edit_as_nobody(void)
{
	if (chmod(folder, 0755) || setgid(65534) || setuid(65534))
		return 77;
	return kept(edit(KEY_RATE, "5/10m"), -EACCES, path, 1);
}

static void test_disk_full(void **state)
{
	assert_int_equal(on_tmpfs("size=64k", edit_full), 0);
}

static void test_no_inode(void **state)
{
	/* One for the folder, one for the file. */
	assert_int_equal(on_tmpfs("nr_inodes=2", edit_no_inode), 0);
}

static void test_read_only(void **state)
{
	assert_int_equal(on_tmpfs("size=64k", edit_read_only), 0);
}

static void test_not_allowed(void **state)
{
	assert_int_equal(on_tmpfs("size=64k", edit_as_nobody), 0);
}

/* ---- the file that is shipped */

static void test_shipped(void **state)
{
	char *text = strdup(read_text(SHIPPED)), *line, *rest = text;
	int seen = 0;

	if (config_file_read(SHIPPED, &config, err, sizeof(err)))
		fail_msg("%s", err);
	/* As it is, it says nothing; uncommented, the defaults. */
	for (int k = 0; k < KEYS_MAX; k++)
		assert_int_equal(config.origin[k], ORIGIN_DEFAULT);
	while ((line = strsep(&rest, "\n"))) {
		assert_true(!*line || *line == '#');
		if (*line != '#' || line[1] == ' ' || !line[1])
			continue;
		if (config_parse(&config, line + 1, SHIPPED, ORIGIN_FILE, err,
				 sizeof(err)))
			fail_msg("%s", err);
		seen++;
	}
	assert_int_equal(seen, KEYS_MAX);
	for (int k = 0; k < KEYS_MAX; k++) {
		assert_int_equal(config.origin[k], ORIGIN_FILE);
		assert_string_equal(config.value[k], config_keys[k].initial);
	}
	free(text);
}

/* `config set` puts each key where the shipped file speaks of it. */
static void test_shipped_edits(void **state)
{
	char *text = strdup(read_text(SHIPPED));

	for (int k = 0; k < KEYS_MAX; k++) {
		const char *name = config_keys[k].name, *now, *added;
		char commented[64], line[1024];
		size_t n;

		n = sprintf(line, "%s = %s\n", name, config_keys[k].initial);
		sprintf(commented, "\n#%s =", name);
		write_text(text);
		must_edit(k, config_keys[k].initial);
		now = read_text(path);
		added = strchr(strstr(now, commented) + 1, '\n') + 1;
		assert_memory_equal(now, text, added - now);
		assert_memory_equal(added, line, n);
		assert_string_equal(added + n, text + (added - now));
		must_edit(k, NULL);
		assert_string_equal(read_text(path), text);
	}
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),	  TEST(test_read_wrong),
		TEST(test_edits),	  TEST(test_random_edits),
		TEST(test_new),		  TEST(test_together),
		TEST(test_relative),	  TEST(test_mode_and_owner),
		TEST(test_symlink),	  TEST(test_device),
		TEST(test_long_path),	  TEST(test_disk_full),
		TEST(test_no_inode),	  TEST(test_read_only),
		TEST(test_not_allowed),	  TEST(test_shipped),
		TEST(test_shipped_edits),
	};

	return cmocka_run_group_tests_name("config_file", tests, group_setup,
					   group_teardown);
}
