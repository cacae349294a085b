// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp run: load, attach, loop, detach. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allowlist.h"
#include "apply.h"
#include "attach.h"
#include "cmd.h"
#include "config_file.h"
#include "event_loop.h"
#include "journal.h"
#include "loader.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"
#include "smtpxdp.skel.h"
#include "tls_sensor.h"
#include "tls_watch.h"

/* Everything between parsing the command line and the loop's end. */
struct run {
	struct daemon d;
	struct smtpxdp *skel;
	bool tls; /* its programs are loaded, */
	int tls_error; /* or why not */
	struct daemon_info info;
	bool ethernet[DAEMON_IFACES_MAX];
	char interfaces[DAEMON_IFACES_MAX * (IF_NAMESIZE + 1)]; /* by -i */
};

static int set_override(struct run *r, enum config_key key, const char *value)
{
	char err[CONFIG_ERROR_SIZE];

	if (!config_set(&r->d.overrides, key, value, ORIGIN_COMMAND_LINE, err,
			sizeof(err)))
		return 0;
	return usage("run: %s", err);
}

static int parse_args(struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "interface", required_argument, NULL, 'i' },
		{ "mode", required_argument, NULL, 'm' },
		{}
	};
	size_t n;
	int c, err = 0;

	r->d.config_path = CONFIG_DEFAULT_PATH;
	while (!err &&
	       (c = getopt_long(argc, argv, "c:i:m:", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			r->d.config_path = optarg;
			r->d.config_required = true;
			break;
		case 'i':
			n = strlen(r->interfaces);
			if (n + strlen(optarg) + 2 > sizeof(r->interfaces))
				return usage("run: more than %d interfaces",
					     DAEMON_IFACES_MAX);
			sprintf(r->interfaces + n, "%s%s", n ? " " : "",
				optarg);
			break;
		case 'm':
			err = set_override(r, KEY_MODE, optarg);
			break;
		default:
			return bad_option(argv);
		}
	}
	if (!err && optind < argc)
		return usage("run: unexpected argument '%s'", argv[optind]);
	if (!err && *r->interfaces)
		err = set_override(r, KEY_INTERFACES, r->interfaces);
	return err;
}

static int add_iface(struct run *r, const char *name)
{
	struct daemon_iface *iface = &r->info.ifaces[r->info.n_ifaces];
	unsigned int ifindex = if_nametoindex(name);
	int ethernet = iface_is_ethernet(name);

	if (!ifindex || ethernet < 0)
		return fail("no interface %s here: see `ip link` for those "
			    "there are",
			    name);
	if (r->info.n_ifaces == DAEMON_IFACES_MAX)
		return fail("more than %d interfaces", DAEMON_IFACES_MAX);
	for (__u32 i = 0; i < r->info.n_ifaces; i++)
		if (r->info.ifaces[i].ifindex == ifindex)
			return 0;
	iface->ifindex = ifindex;
	snprintf(iface->name, sizeof(iface->name), "%s", name);
	r->ethernet[r->info.n_ifaces++] = ethernet;
	return 0;
}

static int add_default_ifaces(struct run *r)
{
	struct netinfo *info = malloc(sizeof(*info));
	char name[IF_NAMESIZE];
	int err = info ? netinfo_read(info) : -ENOMEM;

	if (err)
		err = fail("cannot ask for the routes: %s", strerror(-err));
	else if (!info->n_default)
		err = fail("no default route, and so no default interface: "
			   "name one with -i, or by the key interfaces");
	for (size_t i = 0; !err && i < info->n_default; i++)
		if (if_indextoname(info->default_ifindex[i], name))
			err = add_iface(r, name);
	free(info);
	return err;
}

static int find_ifaces(struct run *r, const struct config *c)
{
	char **names = config_items(c, KEY_INTERFACES);
	int err = 0;

	if (!names)
		return fail("out of memory");
	for (int i = 0; names[i] && !err; i++)
		err = add_iface(r, names[i]);
	if (!err && !names[0])
		err = add_default_ifaces(r);
	config_items_free(names);
	return err;
}

/* The pid that the last daemon on these pins left. */
static __u32 old_pid(const char *dir)
{
	struct daemon_info *info = malloc(sizeof(*info));
	struct pins p;
	__u32 pid = 0;

	if (info && pins_exist(dir) && !pins_open(&p, dir)) {
		if (!daemon_read(&p, info))
			pid = info->pid;
		pins_close(&p);
	}
	free(info);
	return pid;
}

static int load(struct run *r, const struct config *c, const char *dir)
{
	struct loader_options o = {
		.dir = dir,
		.max_clients = config_number(c, KEY_MAX_CLIENTS),
		.max_bans = config_number(c, KEY_MAX_BANS),
		.tls = config_tls(c) != CONFIG_TLS_OFF,
		.netns = config_tls(c) == CONFIG_TLS_AUTO ? netns_inode() : 0,
		.pidns = pidns_inode(),
	};

	for (__u32 i = 0; i < r->info.n_ifaces; i++)
		*(r->ethernet[i] ? &o.ethernet : &o.raw) = true;
	if (loader_load(&o, &r->skel))
		return EXIT_FAILURE;
	r->tls = o.tls;
	r->tls_error = o.tls_error;
	return pins_open(&r->d.pins, dir) ? EXIT_FAILURE : 0;
}

/*
 * What an earlier daemon left attached, and we do not want, goes; that we made
 * a qdisc then is remembered.
 */
static void inherit(struct run *r)
{
	struct daemon_info *old = malloc(sizeof(*old));

	if (!old || daemon_read(&r->d.pins, old)) {
		free(old);
		return;
	}
	for (__u32 i = 0; i < old->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		bool wanted = false;

		if (old->netns != r->info.netns) {
			/* Its indices and filters are another namespace's. */
			detach_links(r->d.pins.dir, &old->ifaces[i]);
			continue;
		}

		for (__u32 k = 0; k < r->info.n_ifaces; k++) {
			if (r->info.ifaces[k].ifindex != old->ifaces[i].ifindex)
				continue;
			wanted = true;
			r->info.ifaces[k].flags |=
				old->ifaces[i].flags & IFACE_QDISC_OURS;
		}
		if (!wanted)
			detach(r->d.pins.dir, &old->ifaces[i]);
	}
	free(old);
}

static void detach_all(struct run *r)
{
	for (__u32 i = 0; i < r->info.n_ifaces; i++) {
		int err = detach(r->d.pins.dir, &r->info.ifaces[i]);

		if (err)
			journal_note(MESSAGE_FAULT, "cannot detach from %s: %s",
				     r->info.ifaces[i].name, strerror(-err));
	}
}

static int attach_all(struct run *r)
{
	char why[512];

	for (__u32 i = 0; i < r->info.n_ifaces; i++) {
		struct daemon_iface *iface = &r->info.ifaces[i];
		struct bpf_program *tc, *xdp;

		tc = r->ethernet[i] ? r->skel->progs.detect_ethernet :
				      r->skel->progs.detect_raw;
		xdp = r->ethernet[i] ? r->skel->progs.drop_ethernet :
				       r->skel->progs.drop_raw;
		if (attach_xdp(r->d.pins.dir, iface, bpf_program__fd(xdp), why,
			       sizeof(why)))
			return fail("%s", why);
		if (iface->flags & IFACE_XDP_GENERIC)
			journal_note(MESSAGE_GENERIC_XDP,
				     "%s: native XDP was refused (%s); generic "
				     "XDP drops later and slower",
				     iface->name, *why ? why : "as before");
		if (attach_tc(r->d.pins.dir, iface, bpf_program__fd(tc), why,
			      sizeof(why)))
			return fail("%s", why);
	}
	return 0;
}

static int put_in_force(struct run *r, const struct config *c)
{
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir);
	int err = lock < 0 ? lock : daemon_write(p, &r->info);

	if (!err)
		err = config_apply(p, c);
	if (!err)
		err = allowlist_sync_host(p);
	pins_unlock(lock);
	return err ? fail("cannot put the configuration in force: %s",
			  strerror(-err)) :
		     0;
}

/* The flags of the interfaces, once they are known, for the command line. */
static int publish_ifaces(struct run *r)
{
	struct daemon_info *info = malloc(sizeof(*info));
	struct pins *p = &r->d.pins;
	int lock = pins_lock_writer(p->dir), err;

	err = info ? daemon_read(p, info) : -ENOMEM;
	if (!err) {
		info->n_ifaces = r->info.n_ifaces;
		memcpy(info->ifaces, r->info.ifaces, sizeof(info->ifaces));
		err = daemon_write(p, info);
	}
	pins_unlock(lock);
	free(info);
	return err;
}

/* Without it, all the rest goes on. */
static void start_tls(struct run *r, const struct config *c)
{
	char **paths = config_items(c, KEY_TLS_LIBRARIES), why[256] = "";

	tls_forget(&r->d.pins);
	if (r->tls && paths)
		r->d.tls = tls_sensor_start(r->skel, paths, why, sizeof(why));
	else if (r->tls_error)
		snprintf(why, sizeof(why), "its programs cannot be loaded: %s",
			 strerror(-r->tls_error));
	if (*why)
		journal_note(MESSAGE_BLIND, "%s TLS: %s",
			     r->d.tls ? "not all is seen of" : "blind for all",
			     why);
	if (tls_publish(&r->d.pins, r->d.tls))
		journal_note(MESSAGE_FAULT, "cannot write map daemon");
	config_items_free(paths);
}

static int protect(struct run *r, const struct config *c)
{
	bool started = false;
	int err;

	r->info.pid = getpid();
	r->info.netns = netns_inode();
	inherit(r);
	/* Absolute: commands edit it from wherever they are called. */
	if (!realpath(r->d.config_path, r->info.config_path))
		snprintf(r->info.config_path, sizeof(r->info.config_path), "%s",
			 r->d.config_path);
	err = put_in_force(r, c);
	if (!err)
		err = attach_all(r);
	if (!err)
		err = publish_ifaces(r);
	if (!err)
		start_tls(r, c);
	if (!err) {
		journal_note(MESSAGE_STARTED,
			     "smtpxdp " VERSION
			     " watches %s%s, mode %s, rate %s",
			     r->info.ifaces[0].name,
			     r->info.n_ifaces > 1 ? " and more" : "",
			     c->value[KEY_MODE], c->value[KEY_RATE]);
		err = event_loop(&r->d);
		started = true;
	}
	tls_sensor_stop(r->d.tls);
	tls_publish(&r->d.pins, NULL);
	detach_all(r);
	r->info.n_ifaces = 0;
	publish_ifaces(r);
	if (started)
		journal_note(MESSAGE_STOPPED,
			     "smtpxdp has detached; bans are kept");
	return err ? EXIT_FAILURE : 0;
}

static int run_locked(struct run *r, const struct config *c, const char *dir)
{
	int err = find_ifaces(r, c);

	if (!err)
		err = load(r, c, dir);
	if (!err) {
		err = protect(r, c);
		pins_close(&r->d.pins);
	}
	smtpxdp__destroy(r->skel);
	return err;
}

static int run_configured(struct run *r, const struct config *c,
			  const char *dir)
{
	int lock, err;

	if (pins_make_dir(dir))
		return EXIT_FAILURE;
	lock = pins_lock_daemon(dir);
	if (lock == -EWOULDBLOCK)
		return fail("a daemon runs on %s already: pid %u. Stop it, or "
			    "give this one its own folder with --pin",
			    dir, old_pid(dir));
	if (lock < 0)
		return fail("cannot lock %s: %s", dir, strerror(-lock));
	err = run_locked(r, c, dir);
	pins_unlock(lock);
	return err;
}

/* Signals wait from here on: the loop takes them when all is attached. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* whoever reads stderr may go */
}

int cmd_run(const struct globals *g, int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	char why[CONFIG_ERROR_SIZE] = "";
	struct config c = {};
	int err;

	if (!r || config_init(&r->d.overrides))
		return fail("out of memory");
	block_signals();
	err = parse_args(r, argc, argv);
	if (!err && daemon_configure(&r->d, &c, why, sizeof(why)))
		err = fail("%s", *why ? why : "out of memory");
	else if (!err)
		err = run_configured(r, &c, g->pin_dir);
	config_free(&c);
	config_free(&r->d.overrides);
	free(r);
	return err;
}
