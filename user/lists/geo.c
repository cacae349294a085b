// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/geo.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file_stat.h"
#include "lists/geo_db.h"
#include "maps/settings_map.h"

/* Copies a file into memory: the library maps the file that it is given. */
static int copy_file(const char *path)
{
	int from = file_open_regular(path), to = -1, err = 0;
	ssize_t n = 1;

	if (from < 0) {
		err = from;
	} else {
		to = memfd_create("geo", MFD_CLOEXEC);
		err = to < 0 ? -errno : 0;
	}
	while (!err && n) {
		n = sendfile(to, from, NULL, 1 << 30);
		if (n < 0)
			err = -errno;
	}
	if (from >= 0)
		close(from);
	if (err && to >= 0)
		close(to);
	return err ? err : to;
}

static int open_one(MMDB_s *db, const char *path, char *err, size_t size)
{
	char name[64];
	int fd = copy_file(path), ret;

	if (fd < 0) {
		snprintf(err, size, "%s: cannot be read: %s", path,
			 strerror(-fd));
		return fd;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ret = MMDB_open(name, MMDB_MODE_MMAP, db);
	close(fd); /* it is mapped by now */
	if (ret == MMDB_SUCCESS)
		return 0;
	snprintf(err, size,
		 "%s: is no database in MaxMind's format (.mmdb): %s", path,
		 MMDB_strerror(ret));
	return ret == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

int geo_open(struct geo **out, char *const *paths, char *err, size_t size)
{
	struct geo *g;
	size_t n = 0;
	int ret = 0;

	*out = NULL;
	while (paths[n])
		n++;
	if (!n)
		return 0;
	g = calloc(1, sizeof(*g) + n * sizeof(*g->db));
	if (!g)
		return -ENOMEM;
	while (g->n < n && !ret) {
		ret = open_one(&g->db[g->n], paths[g->n], err, size);
		g->n += !ret;
	}
	if (ret)
		geo_close(g);
	else
		*out = g;
	return ret;
}

int geo_open_configured(struct geo **g, const struct config *c, char *err,
			size_t size)
{
	char **paths = config_items(c, KEY_GEO_DATABASES);
	int ret = paths ? geo_open(g, paths, err, size) : -ENOMEM;

	config_items_free(paths);
	return ret;
}

struct geo *geo_open_in_force(const struct pins *p)
{
	char why[PATH_MAX + CONFIG_ERROR_SIZE];
	struct geo *g = NULL;
	struct config c;

	if (config_init(&c))
		return NULL;
	if (!settings_load(p, &c))
		geo_open_configured(&g, &c, why, sizeof(why));
	config_free(&c);
	return g;
}

void geo_close(struct geo *g)
{
	for (size_t i = 0; g && i < g->n; i++)
		MMDB_close(&g->db[i]);
	free(g);
}

static void take_string(MMDB_entry_s *e, const char *const *path, char *buf,
			size_t size)
{
	MMDB_entry_data_s d;

	if (MMDB_aget_value(e, &d, path) == MMDB_SUCCESS && d.has_data &&
	    d.type == MMDB_DATA_TYPE_UTF8_STRING)
		snprintf(buf, size, "%.*s", (int)d.data_size, d.utf8_string);
}

/* Adds what this database knows where earlier ones knew nothing. */
void geo_place_of(MMDB_entry_s *e, struct geo_place *at)
{
	static const char *const is_in[] = { "country", "iso_code", NULL };
	static const char *const is_of[] = { "registered_country", "iso_code",
					     NULL };
	static const char *const asn[] = { "autonomous_system_number", NULL };
	static const char *const org[] = { "autonomous_system_organization",
					   NULL };
	MMDB_entry_data_s d;

	if (!*at->country)
		take_string(e, is_in, at->country, sizeof(at->country));
	if (!*at->country)
		take_string(e, is_of, at->country, sizeof(at->country));
	if (!isupper(at->country[0]) || !isupper(at->country[1]))
		*at->country = '\0';
	if (at->asn || MMDB_aget_value(e, &d, asn) != MMDB_SUCCESS ||
	    !d.has_data || d.type != MMDB_DATA_TYPE_UINT32)
		return;
	at->asn = d.uint32;
	take_string(e, org, at->as_name, sizeof(at->as_name));
}

void geo_look(const struct geo *g, const struct net *host, struct geo_place *at)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = net_is_v4(host);
	int err;

	*at = (struct geo_place){};
	memcpy(&v4.sin_addr, &host->addr[12], sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, host->addr, sizeof(v6.sin6_addr));
	for (size_t i = 0; g && i < g->n; i++) {
		MMDB_lookup_result_s r;

		if (!is_v4 && g->db[i].metadata.ip_version == 4)
			continue;
		r = MMDB_lookup_sockaddr(&g->db[i],
					 is_v4 ? (struct sockaddr *)&v4 :
						 (struct sockaddr *)&v6,
					 &err);
		if (err == MMDB_SUCCESS && r.found_entry)
			geo_place_of(&r.entry, at);
	}
}
