/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between the maps and the state file. While the maps exist, they are the
 * truth and the file mirrors them; when they are new, after a reboot or an
 * unload, the file is. Which of the two holds, the file itself knows: it names
 * the boot and the map that it mirrors.
 */
#ifndef SMTPXDP_STATE_H
#define SMTPXDP_STATE_H

#include "maps/pins.h"
#include "state/store.h"

/* What a restoration did: rows of the file. */
struct restored {
	size_t bans, over; /* that hold again; that had run out meanwhile */
	size_t full; /* bans for which there was no room */
	size_t allow, history;
	size_t odd; /* that make no sense */
};

/* Does the file mirror these maps? Then there is nothing to restore. */
bool state_is_mirror(const struct pins *p, struct store *s);

/* From now on, it mirrors these. What it had was restored before. */
int state_adopt(struct pins *p, struct store *s);

/*
 * Brings into the file what was changed, or everything, in one transaction.
 * -ESTALE: it mirrors other maps.
 */
int state_save(struct pins *p, struct store *s, const struct change_list *c);

/*
 * Brings the file's content into the maps; what holds there already stays.
 * The caller holds the writers' lock. `progress` is called with the bans
 * done, often. -errno of the file: the rest was restored.
 */
int state_restore(struct pins *p, struct store *s, struct restored *r,
		  void (*progress)(size_t bans));

/*
 * For a command, when it has changed the lists, and before it says so: what it
 * changed is saved where the daemon keeps its state, and on the disk. If it is
 * much, the daemon does that, and `wait` says whether it is waited for. Warns
 * if it cannot be saved.
 */
void state_save_command(struct pins *p, bool wait);

#endif
