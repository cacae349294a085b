# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Whole machines: what they boot from, and those that stay for several commands
# and boots. These have a folder that the caller names.

# prepare DIR: what the settings name, made if need be.
prepare() {
	[ "$kind" = whole ] || return 0
	root "$root"
	kernel_image "$kernel"
	[ -z "$tree" ] || tree_image "$tree" "$1"/tree.ext4
	[ -z "$keep" ] || [ -e "$1"/disk.qcow2 ] ||
		qemu-img create -q -f qcow2 -F raw -b "$(root_image "$root")" \
			"$1"/disk.qcow2 >&2
}

# The project: as git has it (with changes), or with everything that was built.
tree_image() { # git|work FILE
	local stage status=0
	stage=$(mktemp -d)
	case $1 in
	git) git -c safe.directory='*' -C "$VM_ROOT" ls-files -z |
		tar -C "$VM_ROOT" --null -T - --ignore-failed-read -c |
		tar -C "$stage" -x ;;
	work) tar -C "$VM_ROOT" --exclude=./.git --exclude=./build/vm -c . |
		tar -C "$stage" -x ;;
	*) usage_error "--tree is git or work" ;;
	esac || status=$?
	[ $status != 0 ] || ext4_of "$stage" "$2" \
		$(($(du -sm "$stage" | cut -f 1) * 5 / 4 + 512))M || status=$?
	rm -rf "$stage"
	[ $status = 0 ] || die "cannot pack the tree"
}

# For systemd in the machine: the agent, and the network.
systemd_units() { # FOLDER
	mkdir -p "$1"/system/sysinit.target.wants
	nic_units "$1"/network
	cat >"$1"/system/vm-agent.service <<-'EOT'
	[Unit]
	Description=Commands of scripts/vm
	DefaultDependencies=no
	After=systemd-remount-fs.service systemd-journald.socket
	Conflicts=shutdown.target
	Before=shutdown.target
	[Service]
	Environment=HOME=/root TERM=dumb LANG=C.UTF-8 VM_SHELL=bash
	Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	ExecStart=/bin/bash /run/vm/agent.sh
	TasksMax=infinity
	SendSIGHUP=yes
	EOT
	ln -s ../vm-agent.service "$1"/system/sysinit.target.wants/
}

# machine_start DIR OPTION...
machine_start() {
	local dir=$1 rest
	shift
	default_settings whole
	read_options "$@"
	mkdir -p "$dir"
	dir=$(realpath "$dir")
	[ -z "$(machine_pid "$dir")" ] || die "the machine in $dir runs already"
	rm -rf "${dir:?}"/*
	keep=1
	prepare "$dir"
	machine_up "$dir"
	: >"$dir"/booted
}

# machine_boot DIR OPTION...: one that has ended, as it was but for the options.
machine_boot() {
	local dir rest=()
	dir=$(machine_folder "$1")
	shift
	[ -z "$(machine_pid "$dir")" ] || die "the machine in $dir runs already"
	load_settings "$dir"/settings
	files=()
	if [ $# -gt 0 ]; then
		[[ $1 != -* ]] || set -- "$kernel" "$@"
		kernel=
		read_options "$@"
	fi
	prepare "$dir"
	machine_up "$dir"
}

machine_up() { # DIR
	save_settings "$1"/settings
	boot "$1" || {
		power_cut "$1"
		exit $EXIT_MACHINE
	}
}

machine_folder() { # DIR
	[ -e "$1"/settings ] || die "there is no machine in $1"
	realpath "$1"
}

# machine_exec DIR OPTION... -- COMMAND
machine_exec() {
	local dir options=() limit=600 status=0 lock
	dir=$(machine_folder "$1")
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-t | --timeout) limit=$2; shift ;;
		-i | --stdin) options+=(--stdin) ;;
		--) shift; break ;;
		*) break ;;
		esac
		shift
	done
	[ -n "$(machine_pid "$dir")" ] || die "the machine in $dir does not run"
	exec {lock}>"$dir"/lock
	flock "$lock"
	talk "${options[@]}" "$limit" "$dir" "$(command_text "$@")" || status=$?
	exit $status
}

# In order: what is written stays written.
machine_end() { # DIR poweroff|reboot
	local dir pid how
	dir=$(machine_folder "$1")
	pid=$(machine_pid "$dir") || return 0
	load_settings "$dir"/settings
	how="sync; setsid sh -c 'sleep 0.2; $2 -f' >/dev/null 2>&1 &"
	[ -z "$systemd" ] || how="systemctl --no-block $2"
	talk 60 "$dir" "$how" 2>/dev/null || true
	until_true "$boot_limit" gone "$pid" || {
		say "the machine does not end by $2: power off"
		power_cut "$dir"
		return $EXIT_MACHINE
	}
}
