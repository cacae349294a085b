#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Clients that end their connections within the answer to a login, at every
# byte, behind every receive window from 0 to 64 (cutter.c): what is counted is
# what the server's log says, client by client, and what it wrote, as strace
# sees it. selftests/lab/cuts.bats tries a part of all cases, full_cuts.bats all.

# shellcheck disable=SC2034,SC2086,SC2119 # the lab's variables and functions

# shellcheck source=selftests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Each case of this many is tried; 1: all.
CUTS_EVERY=${CUTS_EVERY-1}
CUTTER=$LAB/cutter
ENDS=$LAB/ends # tracefs
# One of these, each with its end, the server writes to a client.
REFUSED='(write|writev|sendto|sendmsg)\(.*"53[58][ -]'

BY_POSTFIX='\[(\S+)\]: SASL \S+ authentication failed'
BY_DOVECOT='auth: (?:Info: )?passwd-file\([^,]*,([0-9a-f.:]+).*(?:Password mismatch|unknown user)'
case $(dovecot --version) in
2.[0-3].*) ;;
*) BY_DOVECOT='auth\([^,]*,([0-9a-f.:]+).*(?:Password mismatch|unknown user)' ;;
esac
BY_EXIM='authenticator failed for .*\[([0-9a-f.:]+)\]: 535'

WRONG='AUTH PLAIN AGFsaWNlAHdyb25n' # alice, wrong
RIGHT='AUTH PLAIN AGFsaWNlAHNlY3JldA==' # alice, secret
EHLO='EHLO client.example'

# strace of one server, which slows down no other calls.
strace_to() { # NAME
	STRACE=(strace -f -qq -I 2 --seccomp-bpf -s 8
		-e 'trace=write,writev,sendto,sendmsg' -o "$LAB/log/strace.$1")
}

cuts_up() {
	lab_up journald postfix
	gcc -O2 -Wall -Werror -o $CUTTER $LAB_ROOT/selftests/lib/cutter.c
	at attacker ip tuntap add dev tun0 mode tun
	at attacker ip link set tun0 txqueuelen 10000 up
	at attacker ip route add 10.0.0.0/8 dev tun0
	at router ip route add 10.0.0.0/8 via $ATTACKER
	sysctl_at attacker ipv4/ip_forward 1
	# A client that is silent is given up soon.
	sysctl_at mail ipv4/tcp_retries2 2
	sysctl_at mail ipv4/tcp_orphan_retries 1
	mkdir -p $ENDS
	mount -t tracefs none $ENDS
	cuts_dovecot 0
	! have_exim || exim_up
}

# cuts_dovecot DELAY: Dovecot again, under strace, all logins in one process.
cuts_dovecot() {
	end dovecot.out
	strace_to dovecot
	DOVECOT_UNDER=("${STRACE[@]}")
	DOVECOT_DELAY=$1
	DOVECOT_LOGIN='process_limit = 1
		client_limit = 2000
		service_count = 0'
	[[ $(dovecot --version) == 2.[0-3].* ]] ||
		DOVECOT_LOGIN=${DOVECOT_LOGIN/service_count = 0/restart_request_count = unlimited}
	dovecot_up
}

# cuts_postfix [SETTING...]: Postfix again, under strace.
cuts_postfix() {
	local dir=$LAB/postfix

	at mail postfix -c $dir/etc stop >/dev/null 2>&1 || true
	end traced-postfix
	postconf -c $dir/etc smtpd_timeout=3s default_process_limit=200 \
		smtpd_client_connection_count_limit=0 "$@"
	strace_to postfix
	background traced-postfix mail "${STRACE[@]}" postfix -c $dir/etc start-fg
	until_true 10 listens mail $POSTFIX 587
}

cuts_exim() {
	local dir=$LAB/exim

	end exim
	end traced-exim
	grep -q ^smtp_receive_timeout $dir/exim.conf ||
		sed -i 's/^primary_hostname/smtp_receive_timeout = 3s\nsmtp_accept_max = 300\n&/' $dir/exim.conf
	strace_to exim
	background traced-exim mail "${STRACE[@]}" "$LAB_EXIM" -C $dir/exim.conf \
		-bdf -q1h -oP $dir/exim.pid
	until_true 10 listens mail $EXIM 587
}

# Every cut of an answer of so many bytes, with each window: a larger one than
# the bytes that are wanted is none of its own.
cases() { # BYTES ENDS
	local bytes window end
	for end in $2; do
		echo "0 0 $end"
		for ((bytes = 1; bytes <= $1; bytes++)); do
			for ((window = 1; window <= bytes && window <= 64; window++)); do
				echo "$window $bytes $end"
			done
		done
	done | awk -v n=$CUTS_EVERY '$1 == 0 || (NR * 7919) % n == 0'
}

# (TIME-WAIT is no socket of the server's any more.)
all_gone() {
	! at mail ss -Htn state all "sport = :587" | grep -qvE 'LISTEN|TIME-WAIT'
}

# Each batch has clients that no other had: their sockets may still be there.
batch() {
	local n
	n=$(($(cat $LAB/batch 2>/dev/null || echo 0) + 1))
	echo $n >$LAB/batch
	echo 10.$n.0.1
}

# The kernel of a virtual machine may run no program while process 1 is the current
# one (Firecracker's init, which is not the guest's): the end of a connection by
# a timer that interrupts it goes unseen. ends_begin and ends_of_init tell whose
# ends these are; on other machines none is missed, and none excused.
ends_begin() {
	local of=$ENDS/instances/smtpxdp-cuts
	mkdir -p $of
	echo 'sport == 587 && newstate == 7' >$of/events/sock/inet_sock_set_state/filter
	echo 4096 >$of/buffer_size_kb
	: >$of/trace
	echo 1 >$of/events/sock/inet_sock_set_state/enable
}

ends_of_init() {
	local tasks=${LAB_INIT_TASKS//'/proc/1/task/'/}
	grep -E -- "-(${tasks// /|}) +\[" $ENDS/instances/smtpxdp-cuts/trace |
		sed -n 's/.* daddr=\([0-9.]*\) .*/\1/p'
}

after() {
	[ ! -d $ENDS/instances/smtpxdp-cuts ] || rmdir $ENDS/instances/smtpxdp-cuts
}

# cuts SERVER LOG EXPRESSION CODE ENDS LINE...: then $tried, $unseen (of which
# the client saw nothing), $counted, $logged, $written and $excused say how many.
cuts() {
	local server=$1 log=$2 expression=$3 code=$4 ends=$5 bytes f
	shift 5
	bytes=$(at attacker python3 -B $HELPER say --server $server --timeout 10 \
		"$@" 2>$LAB/said)
	has "$(cat $LAB/said)" "^$code"
	daemon_wipe
	conf rate 64/1h slow-rate off
	daemon_up
	: >$log
	for f in "$LAB"/log/strace.*; do : >$f; done
	ends_begin
	cases $bytes "$ends" >$LAB/cases
	tried=$(wc -l <$LAB/cases)
	unseen=$(grep -c '^0 ' $LAB/cases)
	at attacker $CUTTER tun0 $server 587 "$(batch)" ${CUTS_PARALLEL-150} "$@" \
		<$LAB/cases >$LAB/cut.out || {
		tail $LAB/cut.out
		return 1
	}
	until_true 60 all_gone || all_gone
	until_true 10 agree "$expression" $log || agree "$expression" $log || true
	counted=$(counter failures)
	written=$(cat $LAB/log/strace.* | grep -cE "$REFUSED" || true)
	logged=$(sed -n 's/^total: //p' $LAB/judged)
	excused=$(sed -n 's/^excused: //p' $LAB/judged)
	echo "# $BATS_TEST_DESCRIPTION: $bytes bytes, $tried connections, $logged refused by the" \
		"log, $written by strace, $counted counted, $excused excused" |
		tee -a $LAB/figures >&3
}

# Is each client's count what the log says?
agree() { # EXPRESSION LOG
	# shellcheck disable=SC2046 # addresses
	smtpxdp clients -j | python3 -B $HELPER judge "$2" "$1" $(ends_of_init) \
		>$LAB/judged
}

# refused SERVER LOG EXPRESSION CODE LINE...: every login is refused, and that is
# logged, written and counted.
refused() {
	cuts $1 $2 "$3" $4 'r f s' "${@:5}"
	agree "$3" $2 || {
		cut -c1-300 $LAB/judged
		return 1
	}
	same logged $logged $tried
	same written $written $tried
	same counted $counted $((tried - excused))
}

# not_refused SERVER CODE UNSEEN LINE...: the answer is no refusal; whoever sees
# nothing of it is counted all the same, if UNSEEN is 1.
not_refused() {
	cuts $1 $LAB/log/postfix "$BY_POSTFIX" $2 'r f s' "${@:4}"
	same logged $logged 0
	same written $written 0
	local missed=$((unseen * $3 - counted))
	[ $missed = 0 ] || [ $missed -le "$(ends_of_init | wc -l)" ]
	[ $missed -ge 0 ]
}
