/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saves the maps in the state file, and restores them from it. While the maps
 * exist, they are the truth and the file mirrors them; when they are new, after
 * a reboot or an unload, the file is the truth. Its stamp tells the two cases
 * apart: it names the boot and the map that the file mirrors.
 */
#ifndef SMTPXDP_STATE_H
#define SMTPXDP_STATE_H

#include "maps/pins.h"
#include "state/store.h"

/* The rows of the file, counted by what a restoration did with them. */
struct restored {
	size_t bans; /* hold again */
	size_t over; /* bans that had run out, or that the allowlist forbids */
	size_t full; /* bans that found no room */
	size_t allow, history, logins; /* are in their maps again */
	size_t odd; /* make no sense */
};

/* Does the file mirror these maps? Then there is nothing to restore. */
bool state_is_mirror(const struct pins *p, struct store *s);

/* Stamps the file as the mirror of these maps, after its rows were restored. */
int state_adopt(struct pins *p, struct store *s);

/*
 * Writes the listed changes into the file, or everything, in one transaction.
 * -ESTALE: the file mirrors other maps.
 */
int state_save(struct pins *p, struct store *s, const struct change_list *c);

/*
 * Writes the file's rows into the maps; entries there that hold longer, or
 * count more, stay. Calls `progress` often, with the number of bans done. The
 * caller holds the writers' lock. -errno of the file: all rows before the error
 * were restored.
 */
int state_restore(struct pins *p, struct store *s, struct restored *r,
		  void (*progress)(size_t bans));

/*
 * A command that has changed the lists calls this before it reports success: it
 * saves the changes in the daemon's state file, down to the disk. Where the
 * changes are too many, the daemon saves them, and the command waits for it if
 * `wait`. Warns if they cannot be saved.
 */
void state_save_command(struct pins *p, bool wait);

#endif
