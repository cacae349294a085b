// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_watch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "maps/settings_map.h"
#include "tell/journal.h"
#include "tls/tls_sensor.h"

/*
 * A handshake takes some sends before a reply is written. A process with a
 * probed library may send many without a write: scanners often want no more
 * than the certificate.
 */
#define BLIND_SENDS 5
#define BLIND_SENDS_KNOWN 1000
#define TOLD_MAX 64

bool tls_is_blind(const struct mail_proc *proc)
{
	return !proc->writes &&
	       proc->blind >= (proc->known ? BLIND_SENDS_KNOWN : BLIND_SENDS);
}

int tls_publish(struct pins *p, const struct tls_sensor *t)
{
	struct daemon_info *info = malloc(sizeof(*info));
	int lock = pins_lock_writer(p->dir), err;
	enum tls_way way;
	const char *path;

	err = info ? daemon_read(p, info) : -ENOMEM;
	if (!err) {
		size_t n = 0;

		info->tls_running = t != NULL;
		info->n_tls_files = 0;
		while (t && n < DAEMON_TLS_FILES_MAX &&
		       (path = tls_sensor_file(t, n, &way))) {
			snprintf(info->tls_files[n], DAEMON_TLS_PATH_SIZE, "%s",
				 path);
			info->tls_ways[n] = way;
			info->n_tls_files = ++n;
		}
		snprintf(info->tls_hook, sizeof(info->tls_hook), "%s",
			 t ? tls_sensor_hook(t) : "");
		info->tls_perf = t && tls_sensor_is_perf(t);
		info->tls_error = t ? -tls_sensor_error(t) : 0;
		if (t && tls_sensor_full(t))
			info->tls_error = ENOSPC;
		err = daemon_write(p, info);
	}
	pins_unlock(lock);
	free(info);
	return err;
}

void tls_look(struct pins *p, struct tls_sensor *t, pid_t pid)
{
	int fd = p->map[MAP_MAIL_PROCS];
	struct mail_proc proc;
	int error = tls_sensor_error(t);
	bool full = tls_sensor_full(t), known;
	__u32 key = pid;

	if (tls_sensor_look(t, pid, &known) > 0 ||
	    tls_sensor_error(t) != error || tls_sensor_full(t) != full)
		tls_publish(p, t);
	if (!bpf_map_lookup_elem(fd, &key, &proc) && proc.known != known) {
		proc.known = known;
		bpf_map_update_elem(fd, &key, &proc, BPF_EXIST);
	}
}

void tls_end(struct pins *p, struct tls_sensor *t)
{
	if (tls_sensor_ended(t))
		tls_publish(p, t);
}

void tls_forget(struct pins *p)
{
	__u32 pid;

	while (!bpf_map_get_next_key(p->map[MAP_MAIL_PROCS], NULL, &pid) &&
	       !bpf_map_delete_elem(p->map[MAP_MAIL_PROCS], &pid))
		;
}

/*
 * Has this program been warned of on this port? It may have a process for each
 * client.
 */
static bool told(const struct mail_proc *proc)
{
	static struct mail_proc before[TOLD_MAX];
	static unsigned int next;

	for (unsigned int i = 0; i < TOLD_MAX; i++)
		if (before[i].port == proc->port &&
		    !memcmp(before[i].name, proc->name, sizeof(proc->name)))
			return true;
	before[next++ % TOLD_MAX] = *proc;
	return false;
}

static void warn_blind(const struct tls_sensor *t, __u32 pid,
		       const struct mail_proc *proc)
{
	static const char unknown[] =
		"none of the libraries that are known to it writes it; name "
		"its library with tls-libraries";
	static const char full[] =
		"there is no room to probe its library: as many as can be are "
		"probed, and servers have all of them mapped; restart the "
		"servers that still run with libraries that were replaced";
	char name[ESCAPED_SIZE(sizeof(proc->name))];

	if (told(proc))
		return;
	escape(proc->name, strnlen(proc->name, sizeof(proc->name)), name,
	       sizeof(name));
	journal_note(MESSAGE_BLIND,
		     "blind on port %u: pid %u (%s) sends TLS, but %s",
		     proc->port, pid, name,
		     tls_sensor_full(t) ? full : unknown);
}

void tls_watch(struct pins *p, struct tls_sensor *t)
{
	int fd = p->map[MAP_MAIL_PROCS];
	__u32 pid, next, *prev = NULL;
	struct mail_proc proc;
	int more = !bpf_map_get_next_key(fd, NULL, &next);

	if (tls_sensor_tick(t) > 0)
		tls_publish(p, t);
	while (more) {
		pid = next;
		prev = &pid;
		more = !bpf_map_get_next_key(fd, prev, &next);
		if (kill(pid, 0) && errno == ESRCH) {
			if (!bpf_map_lookup_elem(fd, &pid, &proc) &&
			    tls_is_blind(&proc))
				warn_blind(t, pid, &proc);
			bpf_map_delete_elem(fd, &pid);
			continue;
		}
		if (bpf_map_lookup_elem(fd, &pid, &proc) || proc.writes ||
		    !proc.blind)
			continue;
		if (!proc.known)
			tls_look(p, t, pid); /* it may have loaded one since */
		if (!bpf_map_lookup_elem(fd, &pid, &proc) &&
		    tls_is_blind(&proc))
			warn_blind(t, pid, &proc);
	}
}
