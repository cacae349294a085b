#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Kernels that refuse a program: each in turn. It is told, and the rest works.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

VERDICT='R4 invalid zero-sized read: u64=[0,38]'

setup_file() {
	lab_up journald postfix
	other_kernel $LAB/kernel.so "$NAMED"
}

before() {
	conf rate 3/60s log-failures yes log-users yes
	refuse
}

# For the next program of the same test.
anew() {
	daemon_wipe
	journal_mark
	before
}

after() {
	daemon_env
	at mail ip link del tun0 2>/dev/null || true
}

# refuse PROGRAM...: by the next daemons' kernel, with EACCES and VERDICT, or
# with ERRNO and SAID.
refuse() {
	daemon_env LD_PRELOAD=$LAB/kernel.so REFUSED="$*" \
		REFUSED_ERRNO=${ERRNO-13} VERDICT="${SAID-$VERDICT}"
}

# It serves, with whatever it could attach.
serves() {
	[ "$(smtpxdp status -j 2>/dev/null | jq --argjson pid "$(daemon_pid)" \
		'.daemon.pid == $pid and .daemon.serves')" = true ]
}

start() { # [OPTION...]
	: >$LAB/log/smtpxdp
	[ -n "$*" ] || set -- -i eth0
	background smtpxdp mail env "${DAEMON_ENV[@]}" \
		"$BIN" --pin "$PIN" run -c $CONF "$@"
	until_true 20 serves || lab_fail smtpxdp smtpxdp
}

# ends STATUS [OPTION...]: the daemon does not come up.
ends() {
	local want=$1
	shift
	fails $want timeout 60 nsenter --net=/run/netns/mail env \
		"${DAEMON_ENV[@]}" "$BIN" --pin "$PIN" run -c $CONF -i eth0 "$@"
}

# What whoever reports it is asked for: program, cause, kernel, compiler.
told() { # TEXT PROGRAM LOST
	has "$1" "the kernel refuses $2: Permission denied; $3"
	has "$1" "Report this message as a bug of the package smtpxdp"
	has "$1" "Linux $(uname -r | sed 's/[.+]/\\&/g') .* $(uname -m)"
	has "$1" 'compiled by .*[Cc]lang [0-9]+\.[0-9]+'
	has "$1" 'call bpf_skb_load_bytes#26 \| R4 invalid zero-sized read: u64=\[0,38\] \| processed 9 insns'
}

# The journal and the status have it: as a problem.
missing() { # PROGRAM LOST
	until_true 5 journal_has SMTPXDP_EVENT=refused PRIORITY=3
	told "$(journal SMTPXDP_EVENT=refused | jq -r .MESSAGE)" $1 "$2"
	fails 1 smtpxdp status --check
	same "lines" "$(wc -l <<<"$output")" 1
	has "$output" "^$1: the kernel refuses this program \(R4 invalid zero-sized read: .*\): $2.*; report .*journal"
	same "problems" "$(smtpxdp metrics |
		sed -n 's/^smtpxdp_problems{check="programs"} //p')" 1
	has "$(smtpxdp status)" "^refused +$1: R4 invalid"
}

# As a fact that nobody suffers from.
told_but_well() { # PROGRAM
	until_true 5 journal_has SMTPXDP_EVENT=refused
	smtpxdp status --check
	has "$(smtpxdp status)" "^refused +$1: R4 .*nothing needs it here"
	same "refused" "$(smtpxdp status -j |
		jq -r '.refused[] | [.program, .missed] | join(" ")')" "$1 false"
}

@test "clock or fill: nothing works; the exit code says so; what is at work stays" {
	daemon_env
	start
	login_fail attacker 3
	daemon_down
	vanished attacker
	for program in clock fill; do
		refuse $program
		ends 4
		told "$output" $program 'nothing works'
		vanished attacker
	done
	daemon_env
	start
	same "ban list" "$(banned)" $ATTACKER/32
	smtpxdp status --check
}

@test "the gate: it counts, bans, and says that nobody is dropped" {
	refuse drop_ethernet
	start
	missing drop_ethernet 'nobody is dropped'
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	connects attacker
	same "XDP" "$(smtpxdp status -j | jq -r '.interfaces[0].xdp')" none
	has "$(cat $LAB/log/smtpxdp)" 'watches eth0'
	# Nothing is tried again and again.
	same "refusals" "$(journal SMTPXDP_EVENT=refused | wc -l)" 1
}

@test "the sensor: bans hold, are made by command and by what TLS shows" {
	daemon_env
	start
	login_fail attacker 3
	end_protection
	refuse detect_ethernet
	start
	missing detect_ethernet 'no reply in the clear is read'
	vanished attacker
	smtpxdp ban add 198.51.100.9
	vanished attacker --from 198.51.100.9
	login_fail attacker 3 --from 198.51.100.10
	same "counted" "$(counter failures)" 0
	login_fail attacker 3 --from 198.51.100.11 --tls starttls
	same "counted" "$(counter failures)" 3
	vanished attacker --from 198.51.100.11
	connects honest
}

@test "the sensor of users: all but the names" {
	refuse listen
	start
	missing listen 'who is tried in the clear is not known'
	login_fail attacker 2
	login_fail attacker 1 --tls starttls
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	same "names" "$(journal SMTPXDP_EVENT=failure |
		jq -r '.SMTPXDP_USER // "-"' | sort | uniq -c | wc -l)" 2
	# Who does not want to know misses nothing.
	smtpxdp config set users off
	fails 1 smtpxdp status --check
	smtpxdp config set count-unanswered no
	smtpxdp status --check
}

@test "where sockets close: refusals count, who hangs up before does not" {
	refuse closed
	start
	missing closed 'who hangs up before the refusal is not counted'
	at attacker python3 -B $HELPER cut --password wrong --patience 0.1
	login_fail attacker 3
	same "counted" "$(counter failures)" 3
	vanished attacker
	# Who does not want to know misses nothing.
	smtpxdp config set count-unanswered no
	smtpxdp status --check
}

@test "where replies wait, and where TLS sockets end: refusals count" {
	refuse overdue
	start
	missing overdue 'who holds the refusal back is counted only when'
	login_fail attacker 3
	vanished attacker
	anew
	refuse tls_destroyed
	start
	missing tls_destroyed 'who is not answered inside TLS'
	login_fail attacker 3 --tls starttls || true # may be cut off
	same "counted" "$(counter failures)" 3
	smtpxdp config set count-unanswered no
	smtpxdp status --check
}

@test "what is for interfaces without Ethernet headers: where there is none, no problem" {
	for program in drop_raw detect_raw deliver; do
		refuse $program
		start
		told_but_well $program
		login_fail attacker 3
		vanished attacker
		anew
	done
}

@test "... and where there is one, it is told, and the other interface works" {
	at mail ip tuntap add dev tun0 mode tun ||
		skip "this kernel has no TUN devices"
	at mail ip link set tun0 up
	refuse drop_raw
	start -i eth0 -i tun0
	missing drop_raw 'nobody is dropped on interfaces without Ethernet'
	same "tun0" "$(smtpxdp status -j |
		jq -r '.interfaces[] | select(.name == "tun0") | .xdp')" none
	login_fail attacker 3
	vanished attacker
}

@test "both gates and both sensors: there is no use in the rest" {
	refuse drop_ethernet drop_raw detect_ethernet detect_raw
	ends 4
	told "$output" detect_raw 'no reply in the clear'
	fails 1 smtpxdp status --check
	has "$output" 'nothing is loaded here'
	# The first three were told, too.
	same "refused" "$(grep -o 'refuses [a-z_]*: ' <<<"$output" | wc -l)" 0
}

# The wire goes on.
clear_is_read() {
	login_fail attacker 3 --from 198.51.100.20
	vanished attacker --from 198.51.100.20
}

@test "tls_free: no TLS at all, for another client might be charged" {
	refuse tls_free
	start
	missing tls_free 'nothing inside TLS is read'
	same "running" "$(smtpxdp status -j | jq .tls.running)" false
	login_fail attacker 3 --tls starttls
	same "counted" "$(counter failures)" 0
	clear_is_read
}

@test "one side of a way to write: the other way is read" {
	for program in tls_enter tls_leave; do
		refuse $program
		start
		missing $program 'replies inside TLS are not read where'
		same "running" "$(smtpxdp status -j | jq .tls.running)" true
		login_fail attacker 1 --tls starttls # Postfix: SSL_write
		same "counted" "$(counter failures)" 0
		by_write_ex 1
		clear_is_read
		anew
	done
	for program in tls_enter_ex tls_enter_ex2 tls_leave_ex; do
		refuse $program
		start
		missing $program 'replies inside TLS are not read where'
		login_fail attacker 1 --tls starttls
		same "counted" "$(counter failures)" 1
		by_write_ex 1
		anew
	done
}

# Failures at a server that calls SSL_write_ex(), as Python does: so many are
# counted in all.
by_write_ex() {
	background mailer mail python3 -B $HELPER serve --server $NGINX \
		--port 2525 --certificate $LAB/cert.pem --key $LAB/key.pem
	until_true 10 listens mail $NGINX 2525
	login_fail attacker 1 --server $NGINX --port 2525 --tls starttls \
		--from 198.51.100.8
	same "counted" "$(counter failures)" $1
	end mailer
}

@test "both ways to write: nothing inside TLS is read" {
	refuse tls_enter tls_leave_ex
	start
	until_true 5 journal_has SMTPXDP_EVENT=blind
	fails 1 smtpxdp status --check
	same "running" "$(smtpxdp status -j | jq .tls.running)" false
	clear_is_read
}

@test "what reads: failures count, names are not known" {
	for program in tls_read_enter tls_read_leave; do
		refuse $program
		start
		missing $program 'who is tried inside TLS is not known'
		login_fail attacker 3 --tls starttls
		vanished attacker
		same "names" "$(journal SMTPXDP_EVENT=failure |
			jq -r '.SMTPXDP_USER // "-"' | sort -u)" -
		anew
	done
	for program in tls_read_enter_ex tls_read_leave_ex; do
		# By its first 15 bytes, its name is not the other one's.
		refuse $program
		start
		missing $program 'who is tried inside TLS is not known'
		login_fail attacker 3 --tls starttls
		vanished attacker
		anew
	done
}

@test "the newest way to see sends: an older one, if this kernel has it" {
	refuse tls_sent
	start
	until_true 5 journal_has SMTPXDP_EVENT=refused
	login_fail attacker 3 --tls starttls
	if [ "$(smtpxdp status -j | jq .tls.running)" = true ]; then
		same "counted" "$(counter failures)" 3
		smtpxdp status --check
		has "$(smtpxdp status)" '^older ways +tls: by (fexit|kprobe) inet_sendmsg instead of sock_send_length \(Linux 6.3\)'
	else
		missing tls_sent 'nothing inside TLS is read'
		same "counted" "$(counter failures)" 0
	fi
	clear_is_read
}

@test "a program that is too large is refused like any other" {
	SAID='BPF program is too large. Processed 1000001 insn' ERRNO=7 \
		refuse tls_leave
	start
	until_true 5 journal_has SMTPXDP_EVENT=refused
	has "$(journal SMTPXDP_EVENT=refused | jq -r .MESSAGE)" \
		'refuses tls_leave: Argument list too long;.*too large\. Processed 1000001'
	fails 1 smtpxdp status --check
	has "$output" 'tls_leave: .*BPF program is too large'
}

@test "no memory is no refusal: it may be tried again" {
	ERRNO=12 refuse detect_ethernet
	ends 1
	has "$output" 'not enough memory'
	not journal_has SMTPXDP_EVENT=refused
}

@test "exit codes: wrong usage 2, a wrong configuration 3" {
	daemon_env
	ends 2 --nonsense
	ends 2 -m nonsense
	echo 'rate = often' >$CONF
	ends 3
	has "$output" 'smtpxdp.conf:1: '
	rm $CONF
	ends 3
}

@test "replay: a refusal ends it with the same code and words" {
	# A capture of no packets: it is not refused for that.
	printf '\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' \
		>$LAB/empty.pcap
	fails 4 env LD_PRELOAD=$LAB/kernel.so REFUSED=detect_ethernet \
		REFUSED_ERRNO=13 VERDICT="$VERDICT" "$BIN" replay $LAB/empty.pcap
	told "$output" detect_ethernet 'no reply in the clear'
}
