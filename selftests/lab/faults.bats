#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Killed at the Nth system call that changes something lasting: of a start, of
# an upgrade, of a save, of a command. Afterwards all is as before or as after,
# and nothing is left over. A sample, by chance: see FAULTS in faults.sh.

# shellcheck disable=SC2086 # addresses and names hold no spaces
# shellcheck disable=SC2030,SC2031 # tests are subshells

load ../lib/common.sh
# shellcheck source=selftests/lib/faults.sh
. "$LAB_ROOT"/selftests/lib/faults.sh
# shellcheck source=selftests/lib/upgrade.sh
. "$LAB_ROOT"/selftests/lib/upgrade.sh

setup_file() {
	# shellcheck disable=SC2046 # a list
	lab_up $(servers)
	faults_build
	[[ ! $FAULTS =~ ^(all|lasting)$ ]] || other_build
}

after() {
	[ ! -e $LAB/pid/flood ] || end flood
	[ ! -e $LAB/pid/catch ] || end catch
	daemon_env
}

# lifetime [OPTION...]: the calls of a daemon from its start to when it serves.
lifetime() {
	fault_daemon "$@"
	daemon_serves
	daemon_down KILL
	fault_told
	counted
}

# --- starts -----------------------------------------------------------------

# With what the state file has, after a reboot.
restored() {
	daemon_up && as_before && daemon_down TERM && file_has 3
}

# A start that was killed early has loaded nothing.
unloaded() {
	{ [ ! -e $PIN ] || smtpxdp unload; } && nothing_left
}

starts_killed() { # WHAT
	local point lasting all
	daemon_down TERM
	smtpxdp unload
	reboot_state
	cp -a $STATE $FAULT_DIR/template
	lasting=$(lifetime)
	smtpxdp unload
	all=$(lifetime -a)
	smtpxdp unload
	while read -r point; do
		rm -rf "${STATE:?}"
		cp -a $FAULT_DIR/template $STATE
		fault_daemon $point
		daemon_down KILL
		fault_told
		! is_mended || tried "$point" restored || daemon_down KILL
		tried "$point" unloaded || rm -rf ${PIN:?}
	done < <(points $lasting $all)
	rm -rf $FAULT_DIR/template
	sum_up "$1"
}

@test "the first start after a reboot is killed at any call" {
	home
	starts_killed start
}

# --- starts over what another daemon has left -------------------------------

# Every second start replaces the maps: as an upgrade does, or more room.
next_build() {
	if [ -x $OTHER ] && [ $((N_FAULTS % 4)) -lt 2 ]; then
		other_one
	else
		[ $ROOM = 65536 ] && ROOM=70000 || ROOM=65536
		sed -i "s/^\(max-clients\|max-bans\) = .*/\1 = $ROOM/" $CONF
	fi
}

more_room() { # LISTS
	sed -E 's/("max-(clients|bans)",)"[0-9]+"/\1"'$ROOM'"/' <<<"$1"
}

# Commands see the same while there is no daemon, but for what the daemon that
# was killed may have put in force: which of the builds, how much room.
holds_meanwhile() {
	local BIN got
	for BIN in $THIS $OTHER; do
		[ ! -x $BIN ] || ! smtpxdp ban list >/dev/null 2>&1 || break
	done
	got=$(lists)
	alike lists "$(more_room "$got")" "$LISTS"
}

taken_over() {
	daemon_up && as_before && settled && alike windows "$(windows)" "$WINDOWS"
}

@test "a start over what is there is killed at any call" {
	local point lasting all
	home max-clients 65536 max-bans 65536
	daemon_down TERM
	ROOM=65536
	lasting=$(lifetime)
	all=$(lifetime -a)
	daemon_up
	daemon_down TERM
	flood_begins 198.51.100.9 198.51.100.10
	while read -r point; do
		next_build
		LISTS=$(more_room "$LISTS")
		fault_daemon $point
		daemon_down KILL
		fault_told
		tried "$point" holds_meanwhile || true
		is_mended || continue
		tried "$point" taken_over || true
		daemon_down $((N_FAULTS % 2 ? 9 : 15))
	done < <(points $lasting $all)
	flood_ends
	same "of the banned" "$(came 198.51.100.9)" 0
	same "of the innocent" "$(came 198.51.100.10)" "$(sent 198.51.100.10)"
	daemon_up
	login_fail attacker 1 --from 198.51.100.11
	has "$(banned)" 198.51.100.11/32
	sum_up "start over pins"
}

# --- saves ------------------------------------------------------------------

# save_and_end CLIENT: a ban, its save, and the end of the daemon, until it is
# killed.
save_and_end() {
	touch $FAULT_DIR/now
	login_fail attacker 3 --from $1 >/dev/null || true # may be cut off
	until_true 5 saved_or_dead $1 || true
	daemon_down TERM
	rm $FAULT_DIR/now
	fault_told
}

saved_or_dead() {
	[ "$(db "SELECT count(*) FROM bans WHERE net = '$1/32'")" = 1 ] ||
		! running smtpxdp
}

# The file has what it had, and what was under way or not.
file_is_sound() { # CLIENT
	same integrity "$(db 'PRAGMA integrity_check')" ok
	has "$(db 'SELECT count(*) FROM bans') $(db "SELECT count(*) FROM bans
		WHERE net = '$1/32'")" '^(3 0|4 1)$'
}

# The client is banned, for a first offence; then all is as if he had never come.
banned_once() { # CLIENT
	until_true 5 file_has 4
	same ban "$(smtpxdp ban -j | jq -c ".[] | select(.net == \"$1/32\") |
		[.reason, .failures, .offences]")" '["3 failures in 1d",3,1]' &&
		smtpxdp ban del --forgive $1 &&
		file_has 3 && as_before
}

@test "the save of a ban, and the daemon's end, are killed at any call" {
	local point n=() how client=198.51.100.12
	home
	daemon_down TERM
	for how in '' -a; do
		fault_daemon $how -w $FAULT_DIR/now
		save_and_end $client
		n+=("$(counted)")
		daemon_up
		banned_once $client
		daemon_down TERM
	done
	while read -r point; do
		fault_daemon -w $FAULT_DIR/now $point
		save_and_end $client
		tried "$point" file_is_sound $client || true
		daemon_up
		tried "$point" banned_once $client || true
		daemon_down TERM
	done < <(points "${n[@]}")
	sum_up "save and end"
}

# --- disks that fail ----------------------------------------------------------

# A ban in spite of the fault is saved when the disk is well again, at the latest
# with the next daemon; a daemon that does not start says why.
outlived() { # CLIENT
	if running smtpxdp; then
		login_fail attacker 3 --from $1 >/dev/null || true # may be cut off
		until_true 5 is_banned $1 && until_true 20 saved_or_dead $1 &&
			running smtpxdp
	else
		has "$(cat $LAB/log/smtpxdp)" 'smtpxdp: .*(Input/output|No space|Read-only)'
	fi
}

is_banned() {
	[ -n "$(smtpxdp ban -j | jq ".[] | select(.net == \"$1/32\")")" ]
}

well_again() { # CLIENT
	daemon_up
	if is_banned $1; then
		banned_once $1
	else
		file_has 3 && as_before
	fi
}

@test "a write to a file fails, with EIO, ENOSPC, EROFS: told, and made good" {
	local point all error client=198.51.100.12
	home
	daemon_down TERM
	fault_daemon -f
	daemon_down TERM
	fault_told
	all=$(counted)
	while read -r point; do
		for error in 5 28 30; do
			fault_daemon -f -e $error $point
			tried "$point" outlived $client || true
			daemon_down TERM
			fault_told
			tried "$point" well_again $client || true
			daemon_down TERM
		done
	done < <(points $all 0)
	same integrity "$(db 'PRAGMA integrity_check')" ok
	sum_up "failing writes"
}

# --- commands ---------------------------------------------------------------

# fault_command OPTIONS COMMAND...
fault_command() {
	local options=$1
	shift
	rm -f $FAULT_DIR/status
	at mail $FAULT_AT $options -s $FAULT_DIR/status "$BIN" --pin "$PIN" "$@" \
		>/dev/null 2>&1 || true
	fault_told
}

before_or_after() { # BEFORE AFTER
	local now
	now=$(lists)
	[ "$now" = "$1" ] || alike lists "$now" "$2"
}

# killed_and_done BEFORE AFTER COMMAND...: killed, it has done all or nothing;
# once more, it does the rest.
killed_and_done() {
	local before=$1 after=$2
	shift 2
	before_or_after "$before" "$after" || return
	smtpxdp "$@" || true # it may be done already
	alike lists "$(lists)" "$after" && no_strangers &&
		same saved "$(db 'SELECT net FROM bans ORDER BY net')" \
			"$(banned | tr ' ' '\n')"
}

# There and back again.
commands_killed() { # COMMAND BACK
	local before after lasting all point
	before=$(lists)
	fault_command '' $1
	lasting=$(counted)
	after=$(lists)
	[ "$after" != "$before" ]
	smtpxdp $2
	alike lists "$(lists)" "$before"
	fault_command -a $1
	all=$(counted)
	smtpxdp $2
	while read -r point; do
		fault_command "$point" $1
		tried "$point" killed_and_done "$before" "$after" $1 || true
		fault_command "$point" $2
		tried "$point" killed_and_done "$after" "$before" $2 || true
	done < <(points $lasting $all)
}

@test "commands are killed at any call: they have done all or nothing" {
	home
	[[ $FAULTS =~ ^(all|lasting)$ ]] || FAULTS=$(((FAULTS + 1) / 2))
	for _ in with-daemon without; do
		commands_killed "ban add 198.51.100.12" "ban del --forgive 198.51.100.12"
		commands_killed "ban add 198.51.100.96/28" "ban del 198.51.100.96/28"
		commands_killed "allow add 198.51.100.41" "allow del 198.51.100.41"
		commands_killed "config set rate 4/1d" "config set rate 3/1d"
		daemon_down TERM
	done
	daemon_up
	as_before
	sum_up commands
}

@test "unload is killed at any call: the next one does the rest, a start mends" {
	local point lasting odd=0
	home
	daemon_down TERM
	fault_command '' unload
	lasting=$(counted)
	daemon_up
	daemon_down TERM
	while read -r point; do
		fault_command "$point" unload
		if [ $((odd++ % 2)) = 0 ]; then
			tried "$point" restored || daemon_down KILL
		fi
		tried "$point" unloaded || true
		daemon_up
		daemon_down TERM
	done < <(points $lasting 20)
	sum_up unload
}

# --- kernels before 6.6 -----------------------------------------------------

older() {
	other_kernel $LAB/older.so "nr == SYS_bpf && a[0] == BPF_LINK_CREATE &&
		(attr->link_create.attach_type == 46 ||
		attr->link_create.attach_type == 47 ||
		attr->link_create.attach_type == 48)"
	daemon_env LD_PRELOAD=$LAB/older.so
}

@test "without TCX and uprobe.multi: starts are killed at any call" {
	older
	home
	has "$(hooks)" clsact
	starts_killed "start without TCX"
}

# Where the daemon has made the qdisc, and has not noted it yet.
@test "without TCX: killed behind the filters, unload removes the qdisc, too" {
	local point behind=0
	conf rate 3/1h
	older
	fault_daemon -l $FAULT_DIR/list
	daemon_down KILL
	smtpxdp unload
	N_FAULTS=0 BROKEN=0
	# from the gate's link to the first probe
	while read -r point; do
		rm -rf "${STATE:?}" # so that calls have the same numbers
		fault_daemon -n $point
		daemon_down KILL
		fault_told
		[ -z "$(hooks)" ] || behind=$((behind + 1))
		tried "$point" unloaded || true
	done < <(awk '/bpf 28/ { gate = 1 } /perf_event_open/ { exit }
		gate && $3 == "sendto" { print $1 }' $FAULT_DIR/list)
	[ $behind -gt 0 ]
	sum_up "start behind filters"
}
