/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lines of a configuration file, as the reader and the editor see them. */
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

/* Takes the line at text (not at its end), and returns what follows it. */
const char *config_line(const char *text, struct config_line *line);

/* A line "# KEY = ...": a setting that is commented out. */
bool config_line_is_commented(const struct config_line *line, const char *key);

/* Would this value, written into a line, be read back as it is? */
bool config_value_fits_line(const char *value);

#endif
