/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks of values that are lists of names: is each item such a name? They
 * return 0, or -EINVAL with the reason in why. Whether the things exist is not
 * asked: an interface may appear later.
 */
#ifndef SMTPXDP_CONFIG_LISTS_H
#define SMTPXDP_CONFIG_LISTS_H

#include "config/config_values.h"

int check_interfaces(const char *value, const struct why *why);
int check_allow(const char *value, const struct why *why);
/* Absolute paths. */
int check_files(const char *value, const struct why *why);
/* Absolute paths of lists of networks, which map groups keeps. */
int check_lists(const char *value, const struct why *why);
int check_proxies(const char *value, const struct why *why);
int check_countries(const char *value, const struct why *why);
int check_asns(const char *value, const struct why *why);

#endif
