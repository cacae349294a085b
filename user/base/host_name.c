// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/host_name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A domain's last label is never a number: what ends so is an address. */
bool is_host_name_like(const char *s)
{
	const char *dot = strrchr(s, '.'), *last = dot ? dot + 1 : s;

	if (strpbrk(s, "/:%"))
		return false;
	return !*last || last[strspn(last, "0123456789")];
}

/* What is wrong with one label, or NULL. */
static const char *label_fault(const char *label, size_t len)
{
	if (!len)
		return "a part between its dots is empty";
	if (len > LABEL_MAX_LEN)
		return "a part between its dots is longer than 63 letters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a part of it begins or ends with a hyphen";
	for (size_t i = 0; i < len; i++) {
		if (!is_letter(label[i]) && !is_digit(label[i]) &&
		    label[i] != '-')
			return "only a to z, digits, hyphens and dots are in "
			       "a host's name; other letters are written as "
			       "punycode (xn--...)";
	}
	return NULL;
}

static const char *name_fault(const char *s)
{
	const char *fault = NULL, *dot;
	size_t len = strlen(s);

	if (len > NAME_MAX_LEN)
		return "it is longer than 253 letters";
	if (len && s[len - 1] == '.')
		return "leave away the dot at its end";
	for (const char *label = s; !fault; label = dot + 1) {
		dot = strchrnul(label, '.');
		fault = label_fault(label, dot - label);
		if (!*dot)
			break;
	}
	if (!fault && !strchr(s, '.'))
		fault = "a name is written with its domain, like "
			"home.example.org";
	return fault;
}

int host_name_parse(const char *s, struct host_name *name, char *err,
		    size_t size)
{
	const char *fault = name_fault(s);
	char shown[64];

	if (fault) {
		snprintf(err, size,
			 "\"%s\" is not an IP address or network, and no host "
			 "name either: %s",
			 escape(s, strlen(s), shown, sizeof(shown)), fault);
		return -EINVAL;
	}
	memset(name, 0, sizeof(*name));
	for (size_t i = 0; s[i]; i++)
		name->text[i] = tolower((unsigned char)s[i]);
	return 0;
}
