// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The configuration: a file's text, against a reader of its own; and behind a
 * byte of zero a key (its number) and a value that is set, now and then in
 * a file.
 *
 * Bytes: 1024
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
#include "lib/config_reader.h"

#define HZ 250
#define EDIT_EVERY 64 /* they take the longest: files, synced */

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
	static struct settings s, t;
	static struct config again;
	struct listen_address at;
	struct net *nets;

	must(again.value[0] || !config_init(&again));
	must(!config_dump(c, dump, sizeof(dump)));
	must(!config_load(&again, dump));
	must_be_same(c, &again, KEYS_MAX);
	must(!config_reset(&again, KEY_LOG_USERS));
	must(!config_load(&again, dump));
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
	for (enum config_key k = KEY_ALLOW; k <= KEY_TLS_LIBRARIES; k++) {
		char **items = config_items(c, k);

		must(items &&
		     !*items == !c->value[k][strspn(c->value[k], SEPARATORS)]);
		config_items_free(items);
	}
	must(config_number(c, KEY_MAX_BANS) >= 1024);
	config_allow(c, &nets);
	free(nets);
	config_metrics_listen(c, &at);
	config_tls(c);
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

/* Files that are none, or not there: read or not, edited or not, and why not. */
static void edit_odd(enum config_key key, const char *value)
{
	static const char *const paths[] = { "/dev/null",
					     "/proc/self/mem",
					     "/nowhere/x/conf",
					     "/proc/conf",
					     "/",
					     "" };
	char link[96], missing[96];
	struct config c;
	int ret;

	must(!config_init(&c));
	snprintf(link, sizeof(link), "%s.link", file_path_of());
	snprintf(missing, sizeof(missing), "%s.missing", file_path_of());
	unlink(link);
	unlink(missing);
	must(!symlink(missing, link));
	for (size_t i = 0; i < ARRAY_SIZE(paths) + 2; i++) {
		const char *path = i < ARRAY_SIZE(paths)  ? paths[i] :
				   i == ARRAY_SIZE(paths) ? link :
							    missing;

		*why = '\0';
		ret = config_file_read(path, &c, why, sizeof(why));
		must(!ret == !*why);
		*why = '\0';
		ret = config_file_edit(path, key, value, why, sizeof(why));
		must(!ret || *why);
		must(i >= ARRAY_SIZE(paths) || !value || ret);
	}
	if (value && !access(missing, F_OK)) { /* it was made */
		must(!config_file_read(missing, &c, why, sizeof(why)));
		must(!strcmp(c.value[key], value));
	}
	truncate(missing, 3 << 20); /* zeros, and too large */
	*why = '\0';
	must(config_file_read(missing, &c, why, sizeof(why)) && *why);
	config_free(&c);
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

/* ---- a text, as lib/config_reader.h reads it */

/* The values that the text gives, by key; NULL: none. */
struct given {
	char *value[KEYS_MAX];
	unsigned int faulty; /* the first line that is wrong; 0: none */
};

static bool is_value(enum config_key key, const char *value)
{
	static struct conf_value meant;
	const struct why nowhere = {};

	return conf_keys[key].kind == CONF_ANY ?
		       !config_check_value(key, value, &nowhere) :
		       conf_value(key, value, &meant);
}

static bool take_line(struct given *g, const char *text,
		      const struct conf_line *l)
{
	enum config_key key = 0;

	if (l->from == l->to)
		return true;
	if (l->size > CONF_LINE_MAX || !l->equals)
		return false;
	while (key < KEYS_MAX &&
	       (strlen(config_keys[key].name) != l->key_to - l->from ||
		memcmp(config_keys[key].name, text + l->from,
		       l->key_to - l->from)))
		key++;
	if (key == KEYS_MAX || g->value[key])
		return false;
	g->value[key] = strndup(text + l->value_from, l->to - l->value_from);
	must(g->value[key]);
	return is_value(key, g->value[key]);
}

static void read_text(const char *text, struct given *g)
{
	struct conf_line l;

	memset(g, 0, sizeof(*g));
	for (unsigned int n = 1; *text && !g->faulty; text += l.size, n++) {
		l = conf_line(text, 0);
		if (!take_line(g, text, &l))
			g->faulty = n;
	}
}

static const char *value_of(const struct given *g, enum config_key key)
{
	return g->value[key] ? g->value[key] : config_keys[key].initial;
}

/* Texts may be in one of the two lists; countries need a database. */
static bool agree(const struct given *g)
{
	static struct conf_value texts;

	texts.n_texts = 0;
	return conf_texts(value_of(g, KEY_COUNT_TEXTS), &texts) &&
	       conf_texts(value_of(g, KEY_IGNORE_TEXTS), &texts) &&
	       (*value_of(g, KEY_GEO_DATABASES) ||
		(!*value_of(g, KEY_STRICT_COUNTRIES) &&
		 !*value_of(g, KEY_LENIENT_COUNTRIES) &&
		 !*value_of(g, KEY_STRICT_ASNS) &&
		 !*value_of(g, KEY_RATED_ASNS)));
}

static const struct limit *limit_of(enum config_key key,
				    const struct settings *s)
{
	return key == KEY_RATE	       ? &s->policy[POLICY_PLAIN].rate :
	       key == KEY_SLOW_RATE    ? &s->slow :
	       key == KEY_STALE_RATE   ? &s->policy[POLICY_STALE].rate :
	       key == KEY_STRICT_RATE  ? &s->policy[POLICY_STRICT].rate :
	       key == KEY_LENIENT_RATE ? &s->policy[POLICY_LENIENT].rate :
	       key == KEY_NET_RATE     ? &s->net[0] :
					 &s->net[1];
}

/* What a number, a word or a time becomes; `other` where it is not there. */
static uint64_t number_of(enum config_key key, const struct settings *s,
			  uint64_t other)
{
	switch (key) {
	case KEY_MODE:
		return s->mode;
	case KEY_SCOPE:
		return s->scope;
	case KEY_SUCCESS_CREDIT:
		return s->credit;
	case KEY_SUCCESS_RATIO:
		return s->credit_ratio;
	case KEY_ATTACK_USERS:
		return s->attack_users;
	case KEY_USERS:
		return s->users;
	case KEY_BAN_TIME:
		return s->policy[POLICY_PLAIN].ban_sec;
	case KEY_STALE_BAN_TIME:
		return s->policy[POLICY_STALE].ban_jiffies / HZ;
	case KEY_STRICT_BAN_TIME:
		return s->policy[POLICY_STRICT].ban_sec;
	case KEY_LENIENT_BAN_TIME:
		return s->policy[POLICY_LENIENT].ban_jiffies / HZ;
	case KEY_BAN_FACTOR:
		return s->ban_factor;
	case KEY_BAN_MAX:
		return s->ban_max_sec;
	case KEY_BAN_FORGET:
		return s->ban_forget_sec;
	case KEY_CUT_SESSIONS:
		return s->cut_sessions;
	case KEY_IPV4_PREFIX:
		return s->client_len[0] - 96;
	case KEY_IPV6_PREFIX:
		return s->client_len[1];
	case KEY_MAX_BANS_PER_MINUTE:
		return s->brake.failures;
	case KEY_FUSE_CLIENTS:
		return s->fuse_clients;
	case KEY_COUNT_UNANSWERED:
		return s->unanswered;
	case KEY_LOG_FAILURES:
		return s->log_failures;
	case KEY_LOG_USERS:
		return s->log_users;
	default:
		return other;
	}
}

/* Texts that begin with a code mark it: not compared. */
static void must_mean_codes(const struct conf_value *v,
			    const struct settings *s)
{
	for (size_t i = 200; i < CODE_MAX; i++)
		must((s->codes[i] & ~CODE_HAS_TEXT) ==
		     (v->action[i] ? v->action[i] - 1 : ACTION_IGNORE));
}

static void must_mean_texts(const struct conf_value *v, enum action action,
			    const struct settings *s)
{
	for (size_t i = 0; i < v->n_texts; i++) {
		uint32_t at = 0;

		while (at < s->n_texts &&
		       (s->texts[at].len != v->text[i].len ||
			s->texts[at].action != action ||
			memcmp(s->texts[at].bytes, v->text[i].bytes,
			       v->text[i].len)))
			at++;
		must(at < s->n_texts);
	}
}

static void must_mean(enum config_key key, const char *value,
		      const struct settings *s)
{
	static struct conf_value v;

	must(conf_value(key, value, &v));
	switch (conf_keys[key].kind) {
	case CONF_LIMIT:
		if (!strcmp(value, "auto"))
			return;
		must(limit_of(key, s)->failures == v.n);
		must(!v.n || limit_of(key, s)->sec == v.sec);
		must(!v.n || limit_of(key, s)->ticks == (v.sec * HZ + 2) / 4);
		return;
	case CONF_PORTS:
		must(key == KEY_PORTS || s->spares == !strcmp(value, "auto"));
		for (uint32_t p = 0; p < 65536; p++)
			must((key == KEY_PORTS ? port_is_mail(s, p) :
						 port_is_closed(s, p)) ==
			     (key == KEY_PORTS || !s->spares ?
				      v.port[p] :
				      port_is_mail(s, p)));
		return;
	case CONF_CODES:
		must_mean_codes(&v, s);
		return;
	case CONF_TEXTS:
		must_mean_texts(&v,
				key == KEY_COUNT_TEXTS ? ACTION_COUNT :
							 ACTION_IGNORE,
				s);
		return;
	default:
		must(number_of(key, s, v.n) == v.n);
	}
}

static void check_text(const char *text, const struct config *c, int ret)
{
	static struct settings s;
	struct given g;
	char where[32];

	read_text(text, &g);
	if (g.faulty) {
		must(ret == -EINVAL);
		snprintf(where, sizeof(where), "conf:%u: ", g.faulty);
		must(!strncmp(why, where, strlen(where)));
	} else {
		must((ret == 0) == agree(&g));
	}
	if (!ret)
		config_compile(c, HZ, &s);
	for (enum config_key k = 0; k < KEYS_MAX; k++) {
		if (!ret)
			must(!strcmp(c->value[k], value_of(&g, k)));
		if (!ret && g.value[k] && conf_keys[k].kind != CONF_ANY)
			must_mean(k, g.value[k], &s);
		free(g.value[k]);
	}
}

static void fuzz(struct input *in)
{
	static struct config c; /* the defaults, until something is taken */
	char *text = take_string(in), *value;
	uint8_t key;
	int ret;

	must(c.value[0] || !config_init(&c));
	*why = '\0';
	ret = config_parse(&c, text, "conf", ORIGIN_FILE, why, sizeof(why));
	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*why);
	must(strlen(why) < sizeof(why));
	check_text(text, &c, ret);
	if (in->left) {
		static unsigned int count, odd;

		key = take_byte(in);
		value = take_string(in);
		if (!config_set(&c, key % KEYS_MAX, value, ORIGIN_RUNTIME, why,
				sizeof(why))) {
			check_config(&c);
			ret = 0;
		}
		if (now_and_then(&count, EDIT_EVERY))
			edit(text, key % KEYS_MAX, key & 0x80 ? NULL : value);
		if (now_and_then(&odd, 16 * EDIT_EVERY))
			edit_odd(key % KEYS_MAX, key & 0x80 ? NULL : value);
		free(value);
	}
	if (!ret)
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
