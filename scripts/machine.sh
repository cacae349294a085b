#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Machines in the lab with systemd as PID 1, for tests that need it: a
# systemd-nspawn container in the lab's namespace `mail`. Its root is the host's
# under a layer that is thrown away (overlayfs): the same packages, no services,
# no download. Sourced after scripts/lab.sh.

MACHINE=$LAB/machine
MACHINE_ROOT=$MACHINE/root

# machine_up PREPARE...: makes the machine, runs PREPARE, boots it. 1 if that is
# impossible here: machine_needed then skips tests with the reason.
machine_up() {
	machine_make >"$LAB"/no-machine || return 1
	"$@"
	machine_boot >"$LAB"/no-machine || return 1
	rm "$LAB"/no-machine
}

machine_needed() {
	[ ! -e "$LAB"/no-machine ] || skip "$(tail -n 1 "$LAB"/no-machine)"
}

# Makes root and cgroup; prints the reason on stdout if it cannot.
machine_make() {
	command -v systemd-nspawn >/dev/null || {
		echo "no systemd-nspawn here"
		return 1
	}
	mkdir -p "$MACHINE"/{upper,work,root,cgroup}
	mount -t overlay -o "lowerdir=/,upperdir=$MACHINE/upper,workdir=$MACHINE/work" \
		machine "$MACHINE_ROOT" 2>&1 || return 1
	mount -t cgroup2 cgroup2 "$MACHINE"/cgroup 2>&1 || return 1
	{ mktemp -d "$MACHINE"/cgroup/smtpxdp-lab.XXXXXX \
		>"$MACHINE"/cgroup-path; } 2>&1 || return 1
	# systemd-nspawn reads there which cgroups exist; a chroot may lack it.
	mountpoint -q /sys/fs/cgroup ||
		mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>&1 || return 1
	# No service of the host may run in the machine, not by a generator
	# either.
	rm -rf "$MACHINE_ROOT"/etc/systemd/system/* \
		"$MACHINE_ROOT"/lib/systemd/system-generators/* \
		"$MACHINE_ROOT"/lib/systemd/system/multi-user.target.wants/* \
		"$MACHINE_ROOT"/var/log/journal
	systemd-id128 new >"$MACHINE_ROOT"/etc/machine-id
}

# Boots the machine, waits until it is up, and mounts bpffs, as systemd itself
# does outside of containers. May be called again after machine_off.
machine_boot() {
	: >"$LAB"/log/machine-notify
	background machine-notify mail python3 -B "$HELPER" notify \
		"$MACHINE"/notify
	until_true 5 test -S "$MACHINE"/notify
	(
		echo $BASHPID >"$(cat "$MACHINE"/cgroup-path)/cgroup.procs" &&
			NOTIFY_SOCKET="$MACHINE"/notify \
			SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 \
				exec systemd-nspawn --quiet --boot -M mail \
				-D "$MACHINE_ROOT" --notify-ready=yes \
				--register=no --keep-unit --link-journal=no \
				--network-namespace-path=/run/netns/mail \
				--resolv-conf=off --timezone=off \
				--capability=all \
				--system-call-filter='bpf perf_event_open' \
				--console=pipe
	) >"$LAB"/log/machine 2>&1 </dev/null 3>&- &
	echo $! >"$LAB"/pid/machine
	disown
	until_true 60 machine_settled
	rm -f "$MACHINE"/notify
	end machine-notify
	machine_ready || {
		echo "systemd does not boot: $(tail -n 1 "$LAB"/log/machine)"
		return 1
	}
	machine mount -t bpf bpf /sys/fs/bpf
}

machine_ready() {
	grep -qx READY=1 "$LAB"/log/machine-notify
}

machine_settled() {
	machine_ready || ! running machine
}

# machine COMMAND...: runs it in the machine. -r, for in a chroot the mount
# namespace does not imply the machine's root.
machine() {
	nsenter -m -u -i -p -n -C -r -w \
		-t "$(sed -n 's/^X_NSPAWN_LEADER_PID=//p' "$LAB"/log/machine-notify)" \
		-- "$@"
}

# Shuts the machine down in order; its files are kept for machine_boot.
machine_off() {
	end machine
}

machine_down() {
	local dir
	[ -d "$MACHINE" ] || return 0
	end machine
	dir=$(cat "$MACHINE"/cgroup-path 2>/dev/null) || dir=
	# The last processes leave the cgroup shortly after they have ended.
	[ -z "$dir" ] || until_true 5 machine_forget "$dir" || true
	umount "$MACHINE"/cgroup "$MACHINE_ROOT" 2>/dev/null || true
	rm -rf "$MACHINE"
}

machine_forget() { # CGROUP
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ ! -d "$1" ]
}
