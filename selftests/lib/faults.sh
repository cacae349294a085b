#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Kills and failures at the Nth system call: see faults.bats. Sourced after
# common.sh.

# shellcheck disable=SC2034,SC2086,SC2153 # for those who source it; names hold no spaces

FAULT_AT=$LAB/fault_at
BPF_LEFT=$LAB/bpf_left
FAULT_DIR=$LAB/faults

# FAULTS=all: at every call that changes something lasting, and at one in twenty
# of all. FAULTS=lasting: without the latter. Else at so many, chosen by chance.
FAULTS=${FAULTS:-4}
FAULT_SEED=${FAULT_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}

faults_build() {
	gcc -Wall -Werror -O1 -o $FAULT_AT "$LAB_ROOT"/selftests/lib/fault_at.c
	gcc -Wall -Werror -O1 -o $BPF_LEFT "$LAB_ROOT"/selftests/lib/bpf_left.c \
		-lbpf
	mkdir -p $FAULT_DIR
}

# points LASTING ALL: where to kill, as options for fault_at, a line each.
points() {
	if [[ $FAULTS = all || $FAULTS = lasting ]]; then
		seq -f '-n %g' $1
		[ $FAULTS != all ] || some $2 $(($2 / 20)) '-a -n'
	else
		some $1 $((FAULTS * 3 / 4)) -n
		some $2 $((FAULTS / 4)) '-a -n'
	fi
}

some() { # OF COUNT OPTION
	[ $1 -gt 0 ] || return 0
	shuf -i 1-$1 -n $2 --random-source=<(dice) | sed "s/^/$3 /"
}

# In a sample, each fault is followed by a start that must mend it; in a whole
# run, every fifth, which takes less time and lets damage add up.
is_mended() {
	[[ ! $FAULTS =~ ^(all|lasting)$ ]] || [ $((N_FAULTS % 5)) = 0 ]
}

# Endless bytes that depend on the seed alone.
dice() {
	openssl enc -aes-256-ctr -pass pass:$FAULT_SEED -nosalt </dev/zero \
		2>/dev/null
}

# How many calls were counted?
counted() {
	cut -d' ' -f2 $FAULT_DIR/status
}

# fault_daemon [OPTION...]: starts the daemon with a fault; waits until it
# serves or is dead.
fault_daemon() {
	rm -f $FAULT_DIR/status
	: >$LAB/log/smtpxdp
	background smtpxdp mail env "${DAEMON_ENV[@]}" $FAULT_AT "$@" \
		-s $FAULT_DIR/status "$BIN" --pin "$PIN" run -c $CONF -i eth0
	until_true 20 daemon_settled
}

# The daemon is gone; what does fault_at say of it?
fault_told() {
	until_true 15 test -s $FAULT_DIR/status
	not grep left $FAULT_DIR/status
	WHERE=$(head -n 1 $FAULT_DIR/status)
	case $WHERE in
	killed* | failed*) N_FAULTS=$((N_FAULTS + 1)) ;;
	esac
}

# alike WHAT GOT WANTED: of many lines, shows those that differ.
alike() {
	[ "$2" = "$3" ] || {
		printf '%s: lines got (>), and wanted (<):\n' "$1"
		diff <(echo "$3") <(echo "$2")
		return 1
	}
}

# All BPF objects that daemons of this lab have made and that still exist.
objects() {
	$BPF_LEFT | sort | uniq -c
}

objects_are() { # TEXT
	alike objects "$(objects)" "$1"
}

# What is pinned, without the numbers of generations; the same for each start.
pins() {
	find $PIN -printf '%P\n' | sed -E 's/gen-[0-9]+/gen/; s/^(links\/[a-z-]+)-[0-9]+/\1/' |
		sort
}

# What is attached to eth0 as the kernel's tools tell.
hooks() {
	at mail ip link show dev eth0 | grep -o 'xdp[a-z]*' || true
	at mail tc qdisc show dev eth0 | grep -o 'clsact' || true
	at mail tc filter show dev eth0 ingress
	at mail tc filter show dev eth0 egress
}

# (The kernel detaches behind the back of who removes a pin.)
no_hooks() {
	alike hooks "$(hooks)" ''
}

# What there is besides the daemon: processes of its program, and temporary files
# beside its own.
strangers() {
	pgrep -x smtpxdp | grep -vx "$(daemon_pid 2>/dev/null || echo none)" |
		sed 's/^/process /' || true
	find $STATE -mindepth 1 -printf '%f\n' 2>/dev/null |
		grep -vxE 'smtpxdp\.(db|db-wal|db-shm|lock)' || true
	find "$(dirname $CONF)" -maxdepth 1 -name "${CONF##*/}?*" -printf '%f\n'
}

# Told once, then forgotten.
no_strangers() {
	alike strangers "$(strangers)" '' || {
		rm -f $CONF?*
		return 1
	}
}

# Bans, allowlist, configuration: as all commands see it.
lists() {
	{
		smtpxdp ban -j
		smtpxdp allow -j
		smtpxdp config -j
	} | jq -s -c '(.[0] | sort_by(.net)[] | ["ban", .net, .reason, .failures, .offences]),
		(.[1] | sort_by(.net)[] | select(.origin == "command") | ["allow", .net]),
		(.[2][] | [.key, .value])'
}

# Windows and totals.
windows() {
	{
		smtpxdp clients -j
		smtpxdp status -j
	} | jq -s -c '(.[0] | sort_by(.net)[] | [.net, .failures, .in_window]),
		.[1].counters.failures.packets'
}

# --- what must survive ------------------------------------------------------

# Bans of all kinds, an allowlist, a changed configuration, a regular client, a
# window with two failures of three; all of it saved.
home() {
	conf rate 3/1d scope all ban-time 7d "$@"
	daemon_up
	smtpxdp ban add 198.51.100.9 --reason flood
	smtpxdp ban add 198.51.100.64/28 --for 300d
	smtpxdp allow add 198.51.100.40
	login_fail attacker 3 --from 198.51.100.20 || true # may be cut off
	login_ok honest
	smtpxdp config set ban-time 9d
	until_true 10 file_has 3
	login_fail attacker 2 --from 198.51.100.11
	LISTS=$(lists) WINDOWS=$(windows) PINS=$(pins) OBJECTS=$(objects)
	N_FAULTS=0 BROKEN=0
}

db() { # SQL
	sqlite3 -cmd '.timeout 5000' $STATE/smtpxdp.db "$1"
}

file_has() { # COUNT
	[ "$(db 'SELECT count(*) FROM bans')" = $1 ]
}

# As if there had been a reboot.
reboot_state() {
	db "UPDATE moment SET boot_id = 'another boot'"
}

# The daemon serves: all is as it was, and nothing is there twice.
as_before() {
	alike lists "$(lists)" "$LISTS" &&
		alike pins "$(pins)" "$PINS" &&
		{ until_true 10 objects_are "$OBJECTS" || objects_are "$OBJECTS"; } &&
		no_strangers
}

# Nothing of smtpxdp is left, but its state file.
nothing_left() {
	alike pins "$(find $PIN 2>/dev/null)" '' &&
		{ until_true 10 no_hooks || no_hooks; } &&
		{ until_true 10 objects_are '' || objects_are ''; } &&
		no_strangers
}

# tried POINT COMMAND...: after a fault, COMMAND says whether all is well; what
# is not well is printed at once, and the sweep goes on.
tried() {
	local point=$1 out
	shift
	out=$("$@" 2>&1) && return 0
	BROKEN=$((BROKEN + 1))
	{
		echo "--- at '$point' ($WHERE): ${*//$'\n'*\n/ ... }" | head -c 200
		echo
		echo "$out"
		tail -n 5 $LAB/log/smtpxdp
	} | sed 's/^/# /' >&3
	return 1
}

sum_up() { # WHAT
	echo "# $1: $N_FAULTS faults (FAULTS=$FAULTS FAULT_SEED=$FAULT_SEED)," \
		"$BROKEN with damage" >&3
	same "faults with damage" $BROKEN 0
	[ $N_FAULTS -gt 0 ]
}
