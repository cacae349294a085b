/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks up the names of the key `allow`, each when it is due. */
#ifndef SMTPXDP_NAMES_WATCH_H
#define SMTPXDP_NAMES_WATCH_H

#include <systemd/sd-event.h>

#include "base/dns_answer.h"
#include "maps/pins.h"

/* A lookup under way, or one whose answer waits for the writers' lock. */
struct name_lookup {
	struct names_watch *watch;
	struct host_name name; /* "": none */
	int fd;
	sd_event_source *io; /* NULL: `answer` is there */
	struct dns_answer answer;
};

struct names_watch {
	struct pins *pins;
	sd_event *event;
	struct name_lookup lookup[ALLOW_NAMES_MAX];
};

void names_watch_start(struct names_watch *w, sd_event *e, struct pins *p);

/* Starts what is due. Call it every second. */
void names_watch(struct names_watch *w);
void names_watch_free(struct names_watch *w);

#endif
