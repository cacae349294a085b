// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/config_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "base/output.h"
#include "maps/settings_map.h"
#include "state/state.h"

static int read_live(struct config_session *s)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int err = info ? daemon_read(&s->pins, info) : -ENOMEM;

	if (!err && *info->config_path)
		memcpy(s->path, info->config_path, sizeof(s->path));
	free(info);
	if (!err)
		err = settings_load(&s->pins, &s->c);
	return err ? fail("cannot read the settings in force: %s",
			  strerror(-err)) :
		     0;
}

static int read_file(struct config_session *s)
{
	char why[CONFIG_ERROR_SIZE];
	int err = config_file_read(s->path, &s->c, why, sizeof(why));

	return err && err != -ENOENT ? fail("%s", why) : 0;
}

int config_session_open(struct config_session *s, const struct globals *g,
			bool write)
{
	memset(s, 0, sizeof(*s));
	s->lock = -1;
	strcpy(s->path, CONFIG_DEFAULT_PATH);
	if (config_init(&s->c))
		return fail("out of memory");
	if (!pins_exist(g->pin_dir))
		return read_file(s);
	if (write)
		s->lock = pins_open_locked(&s->pins, g->pin_dir);
	if (write ? s->lock < 0 : pins_open(&s->pins, g->pin_dir))
		return EXIT_FAILURE;
	s->loaded = true;
	return read_live(s);
}

void config_session_close(struct config_session *s)
{
	pins_unlock(s->lock);
	if (s->loaded) {
		state_save_command(&s->pins, true);
		pins_close(&s->pins);
	}
	config_free(&s->c);
}
