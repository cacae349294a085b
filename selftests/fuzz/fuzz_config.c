// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The configuration: a file's text, and behind a byte of zero a key (its number)
 * and a value that is set in that file.
 *
 * Fuzzes: user/config/config.c user/config/config_compile.c
 * Fuzzes: user/config/config_file.c user/config/config_keys.c
 * Fuzzes: user/config/config_lines.c user/config/config_lists.c
 * Fuzzes: user/config/config_parse.c user/config/config_replies.c
 * Fuzzes: user/config/config_values.c
 * Seeds: selftests/unit/test_config.c selftests/unit/test_config_file.c
 */
#include <errno.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/config_file.h"
#include "daemon.h"
#include "fuzz/fuzz.h"

#define HZ 250

static char why[CONFIG_ERROR_SIZE + 4096];

static void must_be_same(const struct config *a, const struct config *b,
			 enum config_key but)
{
	for (enum config_key k = 0; k < KEYS_MAX; k++)
		must(k == but || !strcmp(a->value[k], b->value[k]));
}

/* A text that is taken holds: as a dump, compiled, value by value. */
static void check_config(const struct config *c)
{
	char dump[DAEMON_CONFIG_SIZE];
	struct listen_address at;
	struct settings s, t;
	struct config again;
	struct net *nets;

	must(!config_init(&again));
	must(!config_dump(c, dump, sizeof(dump)));
	must(!config_load(&again, dump));
	must_be_same(c, &again, KEYS_MAX);
	memset(&s, 0, sizeof(s));
	memset(&t, 0, sizeof(t));
	config_compile(c, HZ, &s);
	config_compile(&again, HZ, &t);
	must(!memcmp(&s, &t, sizeof(s)));
	must(s.n_texts <= TEXTS_MAX);
	for (uint32_t i = 1; i < s.n_texts; i++)
		must(s.texts[i - 1].len >= s.texts[i].len);
	for (int i = 0; i < POLICIES_MAX; i++)
		must(s.policy[i].rate.failures <= RATE_MAX);
	config_allow(c, &nets);
	free(nets);
	config_metrics_listen(c, &at);
	config_tls(c);
	config_free(&again);
}

/* The folder of this process, which scripts/fuzz removes. */
static const char *file_path_of(void)
{
	static char path[64];
	const char *tmp = getenv("TMPDIR");

	if (!*path) {
		snprintf(path, sizeof(path), "%s/config.XXXXXX",
			 tmp ? tmp : "/tmp");
		must(mkdtemp(path));
		strcat(path, "/conf");
	}
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	must(f && fputs(text, f) >= 0 && !fclose(f));
}

/*
 * An edit gives the key its value and leaves the others, or says why not and
 * leaves the file.
 */
static void edit(const char *text, enum config_key key, const char *value)
{
	const char *path = file_path_of();
	struct config before, after;
	struct stat was, is;
	int ret, readable;

	write_file(path, text);
	must(!stat(path, &was));
	must(!config_init(&before) && !config_init(&after));
	readable = !config_file_read(path, &before, why, sizeof(why));
	*why = '\0';
	ret = config_file_edit(path, key, value, why, sizeof(why));
	must(!ret == !*why);
	must(!stat(path, &is));
	if (ret) {
		must(was.st_ino == is.st_ino);
	} else {
		must(!config_file_read(path, &after, why, sizeof(why)));
		must(!strcmp(after.value[key],
			     value ? value : config_keys[key].initial));
		if (readable)
			must_be_same(&before, &after, key);
	}
	config_free(&before);
	config_free(&after);
}

static void fuzz(struct input *in)
{
	char *text = take_string(in), *value;
	struct config c;
	uint8_t key;
	int ret;

	must(!config_init(&c));
	*why = '\0';
	ret = config_parse(&c, text, "conf", ORIGIN_FILE, why, sizeof(why));
	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*why);
	must(strlen(why) < sizeof(why));
	if (!ret)
		check_config(&c);
	if (in->left) {
		key = take_byte(in);
		value = take_string(in);
		if (!config_set(&c, key % KEYS_MAX, value, ORIGIN_RUNTIME, why,
				sizeof(why)))
			check_config(&c);
		edit(text, key % KEYS_MAX, key & 0x80 ? NULL : value);
		free(value);
	}
	config_free(&c);
	free(text);
}

/* Every key with its default; and an edit of each. */
static void seeds(void)
{
	for (enum config_key k = 0; k < KEYS_MAX; k++) {
		char text[4096];
		int n = snprintf(text, sizeof(text), "# a comment\n%s = %s\n",
				 config_keys[k].name, config_keys[k].initial);

		seed(text, n);
		n += 1 + sprintf(text + n + 1, "%c%s", (char)k + KEYS_MAX,
				 config_keys[k].initial);
		seed(text, n);
	}
}
