/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys on-event, on-event-rate and on-event-timeout. Pure. */
#ifndef SMTPXDP_CONFIG_COMMAND_H
#define SMTPXDP_CONFIG_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config_values.h"

struct config;

#define COMMAND_WORDS_MAX 16

/* What is run at a ban: its path and its arguments, split at blanks. */
struct command {
	char *words[COMMAND_WORDS_MAX + 1]; /* the last one is NULL */
	char *text; /* where the words are; NULL: nothing is run */
	uint32_t runs, sec; /* so often within so much time */
	uint32_t timeout; /* seconds */
};

int check_command(const char *value, const struct why *why);
int check_runs(const char *value, const struct why *why);
int check_timeout(const char *value, const struct why *why);

/* Splits a value of on-event. False: it is empty, or there is no memory. */
bool command_split(const char *value, struct command *cmd);
/* The same of a whole configuration, with rate and timeout. */
bool command_read(const struct config *c, struct command *cmd);
void command_free(struct command *cmd);

#endif
