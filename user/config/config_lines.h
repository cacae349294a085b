/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Splits lines of a configuration file, for its reader and its editor. */
#ifndef SMTPXDP_CONFIG_LINES_H
#define SMTPXDP_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct config_line {
	const char *start; /* of the line */
	size_t len; /* of all of it, its line end included */
	const char *key; /* NULL: blank, or a comment */
	size_t key_len;
	const char *value; /* NULL: there is no '=' */
	size_t value_len; /* without white space around and the comment */
};

/* Splits the line at `text` (which is not empty); returns the next one. */
const char *config_line(const char *text, struct config_line *line);

/* Is this "# KEY = ...", a setting that is commented out? */
bool config_line_is_commented(const struct config_line *line, const char *key);

/* Would this value be read back unchanged, if a line had it? */
bool config_value_fits_line(const char *value);

#endif
