// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_lines.h"
#include "base/file.h"

#define FILE_MAX_SIZE (1 << 20)

static int complain(char *err, size_t size, int error, const char *what,
		    const char *path)
{
	snprintf(err, size, "cannot %s %s: %s", what, path, strerror(-error));
	return error;
}

/* The message names --runtime, which needs no file. */
static int complain_unwritten(char *err, size_t size, int error,
			      const char *path)
{
	snprintf(err, size,
		 "cannot write %s: %s; it is as before (--runtime changes what "
		 "is in force without the file)",
		 path, strerror(-error));
	return error;
}

/* Sets *text to the whole file, NUL-terminated, to be freed. */
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
		*text = NULL;
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
	*text = NULL;
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

/* ---- editing: the new text is made in memory */

struct edit {
	enum config_key key;
	const char *value; /* NULL: the line goes */
	const char *line_end;
	FILE *out;
};

static void write_setting(const struct edit *e)
{
	fprintf(e->out, "%s = %s%s", config_keys[e->key].name, e->value,
		e->line_end);
}

/* Keeps the rest of the line: a comment, and LF or CR LF. */
static void replace_value(const struct edit *e, const struct config_line *line)
{
	const char *rest = line->value + line->value_len;

	if (!e->value)
		return;
	fwrite(line->start, 1, line->value - line->start, e->out);
	if (!line->value_len) /* "KEY =" ends at the '=' */
		fputc(' ', e->out);
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
		fputs(e->line_end, e->out);
}

/* Does the text have a line of this key, or (commented) "# KEY = ..."? */
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

	e->line_end = strstr(old, "\r\n") ? "\r\n" : "\n";
	e->out = open_memstream(text, &n);
	if (!e->out)
		return -errno;
	edit_text(old, e);
	return fclose(e->out) ? -errno : 0;
}

/* ---- writing: beside the old file, then renamed over it */

/* Writes the new names of files to the disk. */
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

/* Makes the folder of a missing file; `real` is the file's absolute path. */
static int resolve_new(const char *path, char real[static PATH_MAX], char *err,
		       size_t size)
{
	char folder[PATH_MAX], *slash;
	struct stat st;
	int n;

	/* A regular file may have been made since: the edit will read it. */
	if (!lstat(path, &st) && S_ISLNK(st.st_mode)) {
		snprintf(err, size,
			 "%s is a symbolic link to a file that is not there: "
			 "make that file, or remove the link",
			 path);
		return -ENOENT;
	}
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[1] = '\0';
	else
		strcpy(folder, ".");
	if ((mkdir(folder, 0755) && errno != EEXIST) || !realpath(folder, real))
		return complain(err, size, -errno, "make the folder", folder);
	n = strlen(real);
	n += snprintf(real + n, PATH_MAX - n, "/%s",
		      path + (slash ? slash + 1 - folder : 0));
	return n < PATH_MAX ?
		       0 :
		       complain_unwritten(err, size, -ENAMETOOLONG, path);
}

/*
 * Makes the path absolute and follows symlinks. Devices are refused: a daemon
 * may run with -c /dev/null, and an edit would replace that.
 */
static int resolve(const char *path, char real[static PATH_MAX], char *err,
		   size_t size)
{
	struct stat st;

	if (!realpath(path, real))
		return errno == ENOENT ?
			       resolve_new(path, real, err, size) :
			       complain_unwritten(err, size, -errno, path);
	if (stat(real, &st))
		return complain_unwritten(err, size, -errno, real);
	if (S_ISREG(st.st_mode))
		return 0;
	snprintf(err, size,
		 "%s is not a regular file and stays as it is (--runtime "
		 "changes what is in force without a file)",
		 real);
	return -EINVAL;
}

/* Refuses a text that would not be read back; the old file stays as it is. */
static int check(const char *text, const char *path, const struct edit *e,
		 char *err, size_t size)
{
	struct config c;
	int ret;

	if (config_init(&c))
		return complain_unwritten(err, size, -ENOMEM, path);
	ret = config_parse(&c, text, path, ORIGIN_FILE, err, size);
	if (!ret && e->value && strcmp(c.value[e->key], e->value)) {
		snprintf(err, size, "%s: in %s, only '%s' of it would be read",
			 config_keys[e->key].name, path, c.value[e->key]);
		ret = -EINVAL;
	}
	config_free(&c);
	return ret;
}

static int edit_file(const struct file_edit *f, const char *old, struct edit *e,
		     char *err, size_t size)
{
	const char *path = f->path;
	char *text = NULL;
	int ret = edited(old, e, &text);

	if (ret)
		complain_unwritten(err, size, ret, path);
	else
		ret = check(text, path, e, err, size);
	if (!ret && strcmp(old, text)) {
		ret = file_replace(f, text);
		if (ret)
			complain_unwritten(err, size, ret, path);
		else if ((ret = sync_folder(path)))
			complain(err, size, ret, "sync the folder of", path);
	}
	free(text);
	return ret;
}

int config_file_edit(const char *path, enum config_key key, const char *value,
		     char *err, size_t size)
{
	struct edit e = { .key = key, .value = value };
	char real[PATH_MAX], *old;
	struct file_edit f;
	int ret;

	if (!value && access(path, F_OK) && errno == ENOENT)
		return 0; /* no file, nothing to remove */
	ret = resolve(path, real, err, size);
	if (ret)
		return ret;
	ret = file_edit_begin(&f, real);
	if (ret)
		return complain_unwritten(err, size, ret, path);
	ret = read_all(real, &old, err, size);
	if (!ret || ret == -ENOENT)
		ret = edit_file(&f, old ? old : "", &e, err, size);
	file_edit_end(&f);
	free(old);
	return ret;
}
