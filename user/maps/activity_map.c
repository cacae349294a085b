// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/activity_map.h"

#include "base/clock.h"

enum daemon_state daemon_state(const struct pins *p)
{
	uint64_t beat;

	if (!pins_daemon_alive(p->dir))
		return DAEMON_DEAD;
	beat = __atomic_load_n(&p->activity->beat_usec, __ATOMIC_RELAXED);
	if (!beat)
		return DAEMON_STARTING;
	return beat + HUNG_SEC * 1000000 < clock_monotonic_usec() ?
		       DAEMON_HUNG :
		       DAEMON_SERVES;
}

void activity_begin(struct pins *p)
{
	__atomic_store_n(&p->activity->beat_usec, 0, __ATOMIC_RELAXED);
}

void activity_beat(struct pins *p)
{
	__atomic_store_n(&p->activity->beat_usec, clock_monotonic_usec(),
			 __ATOMIC_RELAXED);
}

void activity_saves(struct pins *p, bool yes)
{
	__atomic_store_n(&p->activity->unsaved, !yes, __ATOMIC_RELAXED);
}

bool activity_is_saved(const struct pins *p)
{
	return !__atomic_load_n(&p->activity->unsaved, __ATOMIC_RELAXED);
}

uint64_t activity_told(const struct pins *p, enum message kind)
{
	return __atomic_load_n(&p->activity->told[kind], __ATOMIC_RELAXED);
}

uint64_t activity_ask_save(struct pins *p)
{
	return __atomic_add_fetch(&p->activity->asked, 1, __ATOMIC_RELEASE);
}

uint64_t activity_asked(const struct pins *p)
{
	return __atomic_load_n(&p->activity->asked, __ATOMIC_ACQUIRE);
}

void activity_set_saved(struct pins *p, uint64_t asked)
{
	__atomic_store_n(&p->activity->saved, asked, __ATOMIC_RELEASE);
}

uint64_t activity_saved(const struct pins *p)
{
	return __atomic_load_n(&p->activity->saved, __ATOMIC_ACQUIRE);
}
