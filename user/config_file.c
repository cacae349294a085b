// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_lines.h"

#define FILE_MAX_SIZE (1 << 20)
#define FILE_MODE 0644

static int complain(char *err, size_t size, int error, const char *what,
		    const char *path)
{
	snprintf(err, size, "cannot %s %s: %s", what, path, strerror(-error));
	return error;
}

/* The whole file, NUL-terminated, to be freed. */
static int read_all(const char *path, char **text, char *err, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	*text = NULL;
	if (!f)
		return complain(err, size, -errno, "read", path);
	*text = malloc(FILE_MAX_SIZE + 1);
	n = *text ? fread(*text, 1, FILE_MAX_SIZE + 1, f) : 0;
	if (!*text || ferror(f)) {
		int error = *text ? -errno : -ENOMEM;

		free(*text);
		fclose(f);
		return complain(err, size, error, "read", path);
	}
	fclose(f);
	if (n <= FILE_MAX_SIZE && !memchr(*text, '\0', n)) {
		(*text)[n] = '\0';
		return 0;
	}
	snprintf(err, size, "%s: %s", path,
		 n > FILE_MAX_SIZE ? "larger than 1 MiB, this is no "
				     "configuration" :
				     "holds NUL bytes, this is no text");
	free(*text);
	return -EINVAL;
}

int config_file_read(const char *path, struct config *c, char *err, size_t size)
{
	char *text;
	int ret = read_all(path, &text, err, size);

	if (ret)
		return ret;
	ret = config_parse(c, text, path, ORIGIN_FILE, err, size);
	free(text);
	return ret;
}

/* ---- editing: the new text is put together in memory */

struct edit {
	enum config_key key;
	const char *value; /* NULL: the line goes */
	FILE *out;
};

static void write_setting(const struct edit *e)
{
	fprintf(e->out, "%s = %s\n", config_keys[e->key].name, e->value);
}

/* Keeps what stands behind the value: a comment, the kind of line end. */
static void replace_value(const struct edit *e, const struct config_line *line)
{
	const char *rest = line->value + line->value_len;

	if (!e->value)
		return;
	fwrite(line->start, 1, line->value - line->start, e->out);
	fputs(e->value, e->out);
	fwrite(rest, 1, line->start + line->len - rest, e->out);
}

static bool is_line_of(const struct config_line *line, const char *key)
{
	return line->key && line->value && line->key_len == strlen(key) &&
	       !memcmp(line->key, key, line->key_len);
}

static void end_line(const struct edit *e, const struct config_line *line)
{
	if (line->len && line->start[line->len - 1] != '\n')
		fputc('\n', e->out);
}

/* Is there a line of this key, or one that is commented out? */
static bool has_line(const char *text, const char *key, bool commented)
{
	struct config_line line;

	while (*text) {
		text = config_line(text, &line);
		if (commented ? config_line_is_commented(&line, key) :
				is_line_of(&line, key))
			return true;
	}
	return false;
}

static void edit_text(const char *text, const struct edit *e)
{
	const char *key = config_keys[e->key].name;
	bool replace = has_line(text, key, false);
	bool behind = !replace && has_line(text, key, true);
	bool done = replace || !e->value;
	struct config_line line = {};

	while (*text) {
		text = config_line(text, &line);
		if (is_line_of(&line, key)) {
			replace_value(e, &line);
			continue;
		}
		fwrite(line.start, 1, line.len, e->out);
		if (!done && behind && config_line_is_commented(&line, key)) {
			end_line(e, &line);
			write_setting(e);
			done = true;
		}
	}
	if (!done) {
		end_line(e, &line);
		write_setting(e);
	}
}

static int edited(const char *old, struct edit *e, char **text)
{
	size_t n;

	e->out = open_memstream(text, &n);
	if (!e->out)
		return -errno;
	edit_text(old, e);
	return fclose(e->out) ? -errno : 0;
}

/* ---- and then written beside the old file, and renamed over it */

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0)
			return -errno;
		text += n;
		left -= n;
	}
	return fsync(fd) ? -errno : 0;
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, err;

	snprintf(folder, sizeof(folder), "%.*s",
		 (int)(strrchr(path, '/') - path + 1), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static int replace_file(const char *path, const char *text)
{
	char temp[PATH_MAX + 16];
	struct stat st;
	int fd, err = 0;

	snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (stat(path, &st))
		st = (struct stat){ .st_mode = FILE_MODE,
				    .st_uid = geteuid(),
				    .st_gid = getegid() };
	if (fchown(fd, st.st_uid, st.st_gid) || fchmod(fd, st.st_mode & 07777))
		err = -errno;
	if (!err)
		err = write_all(fd, text);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err) {
		unlink(temp);
		return err;
	}
	return sync_folder(path);
}

/* Absolute and without symlinks; of a file that is to be made, its folder's. */
static int resolve(const char *path, char real[static PATH_MAX])
{
	char folder[PATH_MAX], *slash;
	int n;

	if (realpath(path, real))
		return 0;
	if (errno != ENOENT || strlen(path) >= sizeof(folder))
		return -errno;
	strcpy(folder, path);
	slash = strrchr(folder, '/');
	if (slash) {
		*slash = '\0';
		if (*folder && mkdir(folder, 0755) && errno != EEXIST)
			return -errno;
	}
	if (!realpath(!slash ? "." : *folder ? folder : "/", real))
		return -errno;
	n = strlen(real);
	n += snprintf(real + n, PATH_MAX - n, "/%s", slash ? slash + 1 : path);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Refuses what would not be read back: the old file stays as it is. */
static int check(const char *text, const char *path, char *err, size_t size)
{
	struct config c;
	int ret = config_init(&c);

	if (!ret)
		ret = config_parse(&c, text, path, ORIGIN_FILE, err, size);
	config_free(&c);
	return ret;
}

int config_file_edit(const char *path, enum config_key key, const char *value,
		     char *err, size_t size)
{
	struct edit e = { .key = key, .value = value };
	char real[PATH_MAX], *old = NULL, *text = NULL;
	int ret = resolve(path, real);

	if (ret)
		return complain(err, size, ret, "write", path);
	ret = read_all(real, &old, err, size);
	if (ret == -ENOENT) {
		old = strdup("");
		ret = old && value ? 0 : !value ? 1 : -ENOMEM;
	}
	if (!ret) {
		ret = edited(old, &e, &text);
		if (!ret)
			ret = check(text, real, err, size);
		if (!ret && strcmp(old, text)) {
			ret = replace_file(real, text);
			if (ret)
				complain(err, size, ret, "write", real);
		}
	}
	free(old);
	free(text);
	return ret > 0 ? 0 : ret; /* 1: no file, nothing to remove */
}
