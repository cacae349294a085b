// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/overdue.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "smtpxdp.skel.h"

/* Every five seconds, at 1 % of one CPU at most. */
#define PASS_USEC 5000000ULL
#define PASS_SHARE 100

int overdue_attach(struct overdue *o, const struct smtpxdp *skel)
{
	union bpf_iter_link_info of = {
		.map.map_fd = bpf_map__fd(skel->maps.ended_elsewhere),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &of,
		    .link_info_len = sizeof(of));

	if (!bpf_program__autoload(skel->progs.overdue))
		return 0;
	o->held = bpf_program__attach_iter(skel->progs.overdue, NULL);
	if (!o->held)
		return -errno;
	o->ended = bpf_program__attach_iter(skel->progs.ended, &opts);
	return o->ended ? 0 : -errno;
}

/* Runs an iterator once. It prints nothing: a read does all. */
static void pass(const struct bpf_link *link)
{
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	char nothing[64];

	if (fd < 0)
		return;
	while (read(fd, nothing, sizeof(nothing)) < 0 &&
	       (errno == EINTR || errno == EAGAIN))
		;
	close(fd);
}

static int on_pass(sd_event_source *s, uint64_t usec, void *ctx)
{
	uint64_t start = clock_monotonic_usec(), wait;
	const struct overdue *o = ctx;

	pass(o->held);
	pass(o->ended);
	wait = (clock_monotonic_usec() - start) * PASS_SHARE;
	return sd_event_source_set_time_relative(
		s, wait > PASS_USEC ? wait : PASS_USEC);
}

int overdue_start(struct overdue *o, sd_event *e)
{
	sd_event_source *s;
	int err = 0;

	if (o->held)
		err = sd_event_add_time_relative(e, &s, CLOCK_MONOTONIC,
						 PASS_USEC, 0, on_pass, o);
	if (err >= 0 && o->held)
		err = sd_event_source_set_enabled(s, SD_EVENT_ON);
	return err;
}

void overdue_free(struct overdue *o)
{
	bpf_link__destroy(o->held);
	bpf_link__destroy(o->ended);
	*o = (struct overdue){};
}
