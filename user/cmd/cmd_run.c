// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp run: parses the command line, takes the lock, loads the programs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "maps/activity_map.h"
#include "cmd/cmd.h"
#include "config/config_file.h"
#include "load/loader.h"
#include "maps/pins_owner.h"
#include "sys/daemon_user.h"
#include "sys/netinfo.h"
#include "base/output.h"
#include "daemon/run.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"
#include "state/state_keeper.h"
#include "sys/systemd_job.h"
#include "load/programs.h"

#define RUN_PAUSE_MIN_SEC 4
#define RUN_PAUSE_MAX_SEC 300
/* Longer than a pause and a start together; event_loop() shortens it again. */
#define RUN_WATCHDOG_USEC 1200000000ULL

static int set_override(struct run *r, enum config_key key, const char *value)
{
	char err[CONFIG_ERROR_SIZE];

	if (!config_set(&r->d.overrides, key, value, ORIGIN_COMMAND_LINE, err,
			sizeof(err)))
		return 0;
	return usage("run: %s", err);
}

/* The path becomes absolute: commands are called in other folders. */
static int set_state_dir(struct run *r, const char *dir)
{
	char cwd[PATH_MAX] = "";
	size_t n;

	if (*dir != '/' && !getcwd(cwd, sizeof(cwd)))
		return fail("--state %s: cannot tell the current folder: %s",
			    dir, strerror(errno));
	n = snprintf(r->state_dir, sizeof(r->state_dir), "%s%s%s", cwd,
		     *cwd ? "/" : "", dir);
	return !*dir || n >= sizeof(r->state_dir) ?
		       usage("--state needs a folder, of at most %d bytes",
			     PATH_MAX - 1) :
		       0;
}

/* systemd sets STATE_DIRECTORY to the folders of StateDirectory=: take the
 * first. */
static int default_state_dir(struct run *r)
{
	const char *dir = getenv("STATE_DIRECTORY");
	char first[PATH_MAX];

	if (!dir || *dir != '/' || strlen(dir) >= sizeof(first))
		return set_state_dir(r, STATE_DEFAULT_DIR);
	strcpy(first, dir);
	first[strcspn(first, ":")] = '\0';
	return set_state_dir(r, first);
}

static const struct cmd_option options[] = {
	{ 'c', true, "config", "FILE", false,
	  "the configuration, instead of " CONFIG_DEFAULT_PATH },
	{ 'i', true, "interface", "IFACE", true,
	  "attach there, instead of to those of the key interfaces; any number "
	  "of times" },
	{ 'm', true, "mode", "enforce|monitor", false,
	  "instead of the key mode" },
	{ 's', false, "state", "DIR", false,
	  "the folder of the state file, instead of $STATE_DIRECTORY or " STATE_DEFAULT_DIR },
	{ 'e', false, "ephemeral", NULL, false,
	  "SIGTERM and SIGINT end protection, too" },
	{ 'p', false, "prepare", NULL, false,
	  "only give the folder of the pins to the user " DAEMON_USER
	  ", for ExecStartPre=" },
	{}
};

static int add_interface(struct run *r, const char *name)
{
	size_t n = strlen(r->interfaces);

	if (n + strlen(name) + 2 > sizeof(r->interfaces))
		return usage("run: more than %d interfaces", DAEMON_IFACES_MAX);
	sprintf(r->interfaces + n, "%s%s", n ? " " : "", name);
	return 0;
}

static int take_option(struct run *r, int c)
{
	switch (c) {
	case 'c':
		r->d.config_path = optarg;
		r->d.config_required = true;
		return 0;
	case 'e':
		r->ephemeral = true;
		return 0;
	case 'i':
		return add_interface(r, optarg);
	case 'p':
		r->prepare = true;
		return 0;
	case 's':
		return set_state_dir(r, optarg);
	default:
		return set_override(r, KEY_MODE, optarg);
	}
}

static int parse(const struct globals *g, int argc, char **argv, struct run *r)
{
	int c, err = 0;

	r->d.config_path = CONFIG_DEFAULT_PATH;
	while (!err && (c = cmd_option(g, argc, argv)) > 0)
		err = take_option(r, c);
	if (!err && c < 0)
		err = EXIT_USAGE;
	if (!err && !*r->state_dir)
		err = default_state_dir(r);
	if (!err && *r->interfaces)
		err = set_override(r, KEY_INTERFACES, r->interfaces);
	return err;
}

/* The pid that the last daemon on these pins has written into map daemon. */
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

/* Clears what the last daemon has told of itself. */
static void note_start(const char *dir)
{
	struct pins p;

	if (pins_try_open(&p, dir))
		return;
	activity_begin(&p);
	pins_close(&p);
}

/* The parts that the configuration asks for and this kernel can hook. */
static uint32_t parts_wanted(const struct config *c)
{
	uint32_t parts = PART_BIT(PART_CONTROL) | PARTS_WIRE |
			 PART_BIT(PART_ACCEPT) | PART_BIT(PART_CLOSE) |
			 PART_BIT(PART_OVERDUE) | PART_BIT(PART_SELF_TEST);
	uint32_t hook =
		config_tls(c) == CONFIG_TLS_OFF ? 0 : programs_tls_hook();

	return hook ? parts | (PARTS_TLS & ~PARTS_HOOK) | hook : parts;
}

static int load(struct run *r, const struct config *c, const char *dir)
{
	struct loader_options o = {
		.dir = dir,
		.max_clients = config_number(c, KEY_MAX_CLIENTS),
		.max_bans = config_number(c, KEY_MAX_BANS),
		.parts = parts_wanted(c),
		.netns = config_tls(c) == CONFIG_TLS_OWN ? netns_inode() : 0,
		.home = netns_inode(),
		.pidns = pidns_inode(),
	};
	int err = loader_load(&o, &r->skel);

	if (err)
		return err;
	r->parts = o.parts;
	r->info.n_refused = o.n_refused;
	memcpy(r->info.refused, o.refused, sizeof(o.refused));
	return pins_open_generation(&r->d.pins, dir, o.generation) ?
		       EXIT_FAILURE :
		       0;
}

static int run_locked(struct run *r, const struct config *c, const char *dir)
{
	struct ifaces *f = &r->d.ifaces;
	int err = ifaces_find(f, c);

	if (err)
		err = fail("cannot ask for the interfaces: %s", strerror(-err));
	else
		err = load(r, c, dir);
	if (!err) {
		f->pins = &r->d.pins;
		f->skel = r->skel;
		err = run_protect(r, c);
		pins_close(&r->d.pins);
	}
	ifaces_free(f);
	smtpxdp__destroy(r->skel);
	return err;
}

static int run_configured(struct run *r, const struct config *c,
			  const char *dir)
{
	int lock, err;

	if (pins_make_dir(dir))
		return EXIT_FAILURE;
	if (r->prepare)
		return pins_give(dir) ? EXIT_FAILURE : 0;
	lock = pins_lock_daemon(dir);
	if (lock == -EWOULDBLOCK)
		return fail("a daemon runs on %s already: pid %u. Stop it, or "
			    "give this one its own folder with --pin",
			    dir, old_pid(dir));
	if (lock < 0)
		return fail("cannot lock %s: %s", dir, strerror(-lock));
	r->state = state_keeper_new(r->state_dir);
	if (r->state)
		note_start(dir);
	err = r->state ? run_locked(r, c, dir) : EXIT_FAILURE;
	state_keeper_free(r->state);
	pins_unlock(lock);
	return err;
}

/* Signals stay pending until the loop reads them, when all is attached. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* the reader of stderr may close it */
}

/*
 * Waits this long, or until SIGHUP, a reload. Returns false if the daemon is
 * asked to end. Tells systemd READY before, so that the boot does not wait.
 */
static bool run_pause(unsigned int sec)
{
	struct timespec time = { .tv_sec = sec };
	sigset_t set;
	int sig;

	warn("the daemon does not run; it tries again in %u seconds, or at "
	     "once when it is told to reload",
	     sec);
	sd_notifyf(
		0,
		"READY=1\nWATCHDOG_USEC=%llu\nSTATUS=NOT running: tries "
		"again every %u seconds; the journal says what is in the way",
		RUN_WATCHDOG_USEC, sec);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sig = sigtimedwait(&set, NULL, &time);
	return sig < 0 || sig == SIGHUP;
}

/* Returns an exit code; *served says whether the daemon came to serve. */
static int run_once(const struct globals *g, int argc, char **argv,
		    bool *served)
{
	struct run *r = calloc(1, sizeof(*r));
	char why[CONFIG_ERROR_SIZE] = "";
	struct config c = {};
	int err;

	if (!r || config_init(&r->d.overrides)) {
		free(r);
		return fail("out of memory");
	}
	err = parse(g, argc, argv, r);
	if (!err && daemon_configure(&r->d, &c, why, sizeof(why))) {
		err = fail("%s", *why ? why : "out of memory");
		if (*why)
			err = EXIT_CONFIG;
	} else if (!err) {
		err = run_configured(r, &c, g->pin_dir);
	}
	*served = r->served;
	config_free(&c);
	config_free(&r->d.overrides);
	free(r);
	return err;
}

/*
 * Tries again after failures that may pass. The first failure ends the daemon,
 * so that `systemctl start` fails. systemd then restarts it, always at the same
 * pace, though each start costs seconds of verification: so a restarted daemon
 * stays and waits by itself, longer each time.
 */
static int run(const struct globals *g, int argc, char **argv)
{
	unsigned int pause = RUN_PAUSE_MIN_SEC;
	bool served = false;
	int err;

	block_signals();
	err = run_once(g, argc, argv, &served);
	while (err == EXIT_FAILURE && !served && systemd_has_restarted()) {
		if (!run_pause(pause))
			return 0;
		pause = pause * 2 > RUN_PAUSE_MAX_SEC ? RUN_PAUSE_MAX_SEC :
							pause * 2;
		optind = 0; /* getopt_long() begins anew */
		err = run_once(g, argc, argv, &served);
	}
	return err;
}

const struct cmd cmd_run = {
	.name = "run",
	.fn = run,
	.args = "",
	.help = "the daemon, in the foreground",
	.options = options,
};
