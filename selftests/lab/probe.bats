#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# smtpxdp probe: what real servers say to a wrong password, and whether the
# settings would count it. What it says must be what then happens.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
	! have_exim || echo exim
}

before() {
	conf rate 64/1h slow-rate off
}

after() {
	end served
	end nginx
	end auth_http
}

# From the honest client's host, with its own settings: nothing is loaded.
probe() {
	at honest "$BIN" --pin /sys/fs/bpf/none probe "$@"
}

# A server on port 2525 that says anything we like.
serve() { # [OPTION...]
	background served mail python3 -B $HELPER serve --server $POSTFIX "$@"
	until_true 5 listens mail $POSTFIX 2525
}

field() { # JSON FILTER WANTED
	same "$2" "$(jq -r "$2" <<<"$1")" "$3"
}

@test "Postfix, inside STARTTLS" {
	daemon_up
	seen=$(probe -j --insecure $POSTFIX)
	field "$seen" .port 587
	field "$seen" .tls true
	field "$seen" .code 535
	field "$seen" .counted true
	field "$seen" .sensor tls
	field "$seen" '.advice | length' 0
	has "$seen" '"text": ?"535 5.7.8 Error: authentication failed'
	same "failures counted" "$(counter failures)" 1
}

@test "Postfix, in the clear, IPv6 and a port in brackets" {
	daemon_up
	for at in $POSTFIX $POSTFIX6 "[$POSTFIX6]:25"; do
		seen=$(probe -j --tls none "$at")
		field "$seen" .tls false
		field "$seen" .sensor wire
		field "$seen" .counted true
	done
	same "failures counted" "$(counter failures)" 3
}

@test "one attempt per call, by the mechanism that was asked for" {
	: >$LAB/log/postfix
	seen=$(probe -j --tls none --mechanism LOGIN $POSTFIX)
	field "$seen" .mechanism LOGIN
	field "$seen" .mechanisms "PLAIN LOGIN"
	until_true 5 grep -q 'SASL LOGIN authentication failed' $LAB/log/postfix
	same "attempts" "$(grep -c 'SASL .* authentication failed' $LAB/log/postfix)" 1
}

@test "port 465 is implicit TLS, and implicit TLS is port 465" {
	for args in "$POSTFIX:465" "--tls implicit $POSTFIX" "$DOVECOT:465"; do
		seen=$(probe -j --insecure $args)
		field "$seen" .port 465
		field "$seen" .tls true
		field "$seen" .counted true
	done
}

@test "Exim and nginx say it in their own words" {
	have_exim || skip "no Exim here"
	have_nginx || skip "no nginx mail module here"
	nginx_up # only here: it takes port 2525 of every address
	seen=$(probe -j --insecure $EXIM)
	field "$seen" .text "535 Incorrect authentication data"
	field "$seen" .counted true
	seen=$(probe -j --insecure $NGINX)
	field "$seen" .counted true
}

@test "the text form tells the same" {
	seen=$(probe --insecure $POSTFIX)
	has "$seen" '^said +535 5\.7\.8 Error: authentication failed'
	has "$seen" '^asked +by PLAIN, inside TLS; offered: PLAIN LOGIN$'
	has "$seen" '^counted +yes, by the tls sensor'
}

@test "a reply that does not count: the printed command makes it count" {
	serve --refusal '550 5.7.1 Login of smtpxdp-probe refused'
	seen=$(probe -j --tls none $POSTFIX:2525)
	field "$seen" .counted false
	field "$seen" '.advice | length' 1
	command=$(jq -r '.advice[0]' <<<"$seen")
	# It is a line for a shell: let one run it.
	daemon_up
	eval "$command"
	login_fail attacker 3 --port 2525 --expect 550
	same "failures counted" "$(counter failures)" 3
	field "$(smtpxdp -j probe --tls none $POSTFIX:2525)" .counted true
	has "$(probe --tls none $POSTFIX:2525)" '^    smtpxdp config set count-texts'
}

@test "settings in force: a code, a port, a text, TLS switched off" {
	serve --refusal '535 no'
	conf codes 538 ports 25
	daemon_up
	seen=$(smtpxdp -j probe --tls none $POSTFIX:2525)
	field "$seen" '.advice | join(";")' \
		"smtpxdp config set codes '538, 535';smtpxdp config set ports '25, 2525'"
	daemon_down
	conf ignore-texts '"535 no"' tls off
	daemon_up
	seen=$(smtpxdp -j probe --tls none $POSTFIX:2525)
	field "$seen" .counted false
	has "$seen" '"why": ?"one of ignore-texts matches it"'
	seen=$(smtpxdp -j probe --insecure $POSTFIX)
	field "$seen" '.advice | join(";")' "smtpxdp config set tls 'auto'"
}

@test "refusals that say nothing of a password are no advice" {
	for reply in '454 4.7.0 Temporary authentication failure' \
		'504 5.5.4 Unrecognized authentication type' \
		'530 5.7.1 Authentication required' \
		'421 4.7.0 too many errors' '235 2.7.0 welcome'; do
		serve --refusal "$reply"
		seen=$(probe -j --tls none $POSTFIX:2525)
		field "$seen" .counted false
		field "$seen" .code "${reply%% *}"
		field "$seen" '.advice | length' 0
		not field "$seen" .why null
		end served
	done
}

@test "several lines, and what a terminal must not see" {
	serve --refusal '535-5.7.8 \x1b[31mfirst\r\n535 5.7.8 "la'"'"'st"\xff'
	seen=$(probe --tls none $POSTFIX:2525)
	has "$seen" '535-5.7.8 \\x1b\[31mfirst\\x0d\\x0a535'
	lacks "$seen" $'\x1b'
	end served
	# shellcheck disable=SC2016 # not run: that is the point
	serve --refusal '550 5.7.1 "la'"'"'st" $(touch /run/lab/owned)'
	daemon_up
	command=$(probe -j --tls none $POSTFIX:2525 | jq -r '.advice[0]')
	eval "$command"
	[ ! -e $LAB/owned ]
	login_fail attacker 1 --port 2525 --expect 550
	same "failures counted" "$(counter failures)" 1
}

@test "no login offered, no TLS, a certificate: each is told" {
	serve --offer 'SIZE 1000'
	has "$(probe --tls none $POSTFIX:2525)" \
		'^asked +by PLAIN, without TLS; no login \(AUTH\) is offered; '
	fails 1 probe --tls none --mechanism LOGIN $POSTFIX:2525
	has "$output" "192.0.2.25 port 2525: it offers no login \(AUTH\); it may want TLS first: --tls starttls"
	end served
	serve --offer 'AUTH X-UNHEARD-OF'
	fails 1 probe --tls none $POSTFIX:2525
	has "$output" "offers no mechanism that is known here"
	fails 1 probe --tls starttls $DOVECOT
	has "$output" "certificate.*--insecure goes on"
	fails 1 probe --tls starttls --insecure $POSTFIX:465 --timeout 2
	fails 1 probe --tls implicit --insecure $POSTFIX:587 --timeout 5
	has "$output" "--tls implicit is for port 465"
	fails 1 probe $POSTFIX:2526
	has "$output" "port 2526: .*(refused|connect).*is the port right"
	fails 1 probe -j nowhere.invalid
	has "$output" '"error": ?"nowhere.invalid port 587'
}

@test "what the server says is read by a process without rights" {
	background silent mail python3 -B -c '
import socket, sys, time
s = socket.create_server((sys.argv[1], 2525))
c, _ = s.accept()
time.sleep(60)' $POSTFIX
	until_true 5 listens mail $POSTFIX 2525
	background probing honest "$BIN" --pin /sys/fs/bpf/none probe \
		--tls none --timeout 30 $POSTFIX:2525
	until_true 5 reader
	same "user" "$(stat -c %U /proc/"$(reader)")" nobody
	same "capabilities" "$(sed -n 's/^Cap\(Prm\|Eff\|Inh\|Amb\):[[:space:]]*//p' \
		/proc/"$(reader)"/status | sort -u)" 0000000000000000
	kill -SEGV "$(reader)"
	until_true 5 not running probing
	has "$(cat $LAB/log/probing)" 'the process that talks to the server: it died'
	end silent
}

reader() {
	pgrep -u nobody -P "$(cat $LAB/pid/probing)"
}

@test "a wrong command line" {
	fails 2 probe
	fails 2 probe one two
	fails 2 probe $POSTFIX:0
	fails 2 probe $POSTFIX:99999
	fails 2 probe "[$POSTFIX6"
	fails 2 probe --tls maybe $POSTFIX
	fails 2 probe --timeout 0 $POSTFIX
	fails 2 probe --wrong $POSTFIX
	fails 0 probe --help
}
