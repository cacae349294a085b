#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Exactness on real servers and real TCP: what counts, once, and what never.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix sink
	! have_exim || echo exim
}

before() {
	# Counted, not banned: so that a test sees all it did.
	conf rate 64/120s slow-rate off
	daemon_up
}

after() {
	at mail ip link set dev eth0 gso_max_segs 65535
}

# A host behind a TUN device of the attacker's, whose TCP does as told:
# offers a window of eight bytes, or acknowledges late. Prints what it saw.
RAW=198.51.100.200
raw() { # [OPTION...]
	at attacker ip tuntap add dev tun0 mode tun
	at attacker ip link set tun0 up
	at attacker ip route add $RAW dev tun0
	at router ip route replace $RAW via $ATTACKER
	sysctl_at attacker ipv4/ip_forward 1
	local status=0
	at attacker python3 -B $HELPER raw --source $RAW --password wrong \
		--expect 535 "$@" || status=$?
	at attacker ip tuntap del dev tun0 mode tun
	return $status
}

one_packet_per_segment() {
	at mail ip link set dev eth0 gso_max_segs 1
}

@test "ten AUTHs in one segment, answered in one, are ten failures" {
	login_fail attacker 1 --tries 10 --pipeline --timeout 15
	same "failures counted" "$(counter failures)" 10
	same "in the window" "$(in_window $ATTACKER)" 10
}

@test "and they ban: the tenth reply of a segment is the last" {
	smtpxdp config set rate 10/120s
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 || true # may be cut off
	same "failures counted" "$(counter failures)" 10
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
}

@test "a tiny MSS, replies as one GSO packet" {
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 --mss 88
	same "failures counted" "$(counter failures)" 10
}

@test "a tiny MSS, replies split over segments" {
	one_packet_per_segment
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 --mss 88
	same "failures counted" "$(counter failures)" 10
}

@test "a tiny MSS over IPv6" {
	one_packet_per_segment
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 --mss 88 \
		--server $POSTFIX6 --from $ATTACKER6
	same "failures counted" "$(counter failures)" 10
}

@test "segments of 48 bytes: every reply is split" {
	one_packet_per_segment
	seen=$(raw --mss 48 --tries 10 --pipeline --timeout 15)
	[ "$(jq '.segments | max' <<<"$seen")" -le 48 ]
	same "failures counted" "$(counter failures)" 10
}

@test "a window of eight bytes: replies dribble out" {
	seen=$(raw --window 8 --tries 2)
	same "longest segment" "$(jq '.segments | max' <<<"$seen")" 8
	[ "$(jq '.segments | length' <<<"$seen")" -ge 14 ]
	same "failures counted" "$(counter failures)" 2
}

@test "retransmissions count once" {
	seen=$(raw --hold 4)
	same "segments" "$(jq -c .segments <<<"$seen")" '[62,62,62,62,62]'
	same "failures counted" "$(counter failures)" 1
	same "retransmissions" "$(counter retransmissions)" 4
}

@test "a retransmission from the middle of a reply counts once" {
	seen=$(raw --hold 2 --partial 20)
	same "segments" "$(jq -c .segments <<<"$seen")" '[62,62,42]'
	same "failures counted" "$(counter failures)" 1
}

@test "retransmissions of small segments, cut anew, count once" {
	one_packet_per_segment
	seen=$(raw --mss 48 --tries 10 --pipeline --hold 12 --partial 7 --timeout 15)
	[ "$(jq '.segments | add' <<<"$seen")" -gt 640 ]
	same "failures counted" "$(counter failures)" 10
}

@test "successful logins do not count as failures" {
	login_ok honest --connections 5
	login_ok honest --server $POSTFIX6
	same "failures counted" "$(counter failures)" 0
	same "successes counted" "$(counter successes)" 6
	same "clients" "$(smtpxdp clients -j)" '[]'
}

@test "a mail that is full of 535s, sent and relayed, counts nothing" {
	for _ in {1..40}; do
		printf '535 5.7.8 Error: authentication failed:\n535 x\n'
	done >$BATS_TEST_TMPDIR/body
	{
		printf 'Subject: 535 5.7.8 Error\n\n'
		cat $BATS_TEST_TMPDIR/body
	} | at honest python3 -B $HELPER send
	until_true 10 relayed
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
}

relayed() {
	grep -q 'status=sent' $LAB/log/postfix &&
		[ "$(cat $LAB/sink/* | grep -c '^535 5.7.8 Error')" -ge 40 ]
}

@test "a password database that is down bans nobody" {
	local out
	smtpxdp config set rate 3/120s
	# (A Postfix process that never had the database hangs up instead.)
	login_fail attacker 1
	end dovecot.out KILL
	for pid in $(pgrep -f '^dovecot/(auth|anvil|log|config)'); do
		kill -KILL $pid
	done
	out=$(at attacker python3 -B $HELPER auth --tries 3 --password wrong \
		--timeout 8 --expect 454)
	dovecot_up
	echo "$out"
	same "temporary failures" "$(grep -c '^454 4\.7\.0' <<<"$out")" 3
	same "failures counted" "$(counter failures)" 1
	# The next guess can be judged, and counts.
	login_fail attacker 1
	same "failures counted" "$(counter failures)" 2
	same "ban list" "$(banned)" ''
}

@test "the texts to ignore are not counted" {
	smtpxdp config set ignore-texts \
		'"535 5.7.8 Error: authentication failed: (reason unavailable)"'
	login_fail attacker 3
	same "failures counted" "$(counter failures)" 0
	same "ignored" "$(counter ignored-by-text)" 3
	smtpxdp config reset ignore-texts
	login_fail attacker 3
	same "failures counted" "$(counter failures)" 3
}

# Many clients, several ways, good and bad; the server's own log is the judge.
storm() { # SERVER
	login_fail attacker 3 --server $1 --from 198.51.100.31
	login_fail attacker 1 --server $1 --from 198.51.100.32 --tries 2
	login_ok honest --server $1
	login_fail attacker 2 --server $1 --from 198.51.100.33 --user nobody
	for auth in LOGIN PLAIN; do
		swaks_try attacker $USER_OK wrong $1 --auth $auth \
			--local-interface 198.51.100.34 && return 1
	done
	swaks_try honest $USER_OK $PASS_OK $1 --auth LOGIN
}

judged() { # LOG PATTERN
	same "failures in the server's log" "$(grep -cE "$2" "$1")" 9
	same "failures counted" "$(counter failures)" 9
	same "successes counted" "$(counter successes)" 2
	for i in 31:3 32:2 33:2 34:2; do
		same "of client ${i%:*}" "$(in_window 198.51.100.${i%:*})" ${i#*:}
	done
}

@test "Postfix: we count what its log says" {
	: >$LAB/log/postfix
	storm $POSTFIX
	judged $LAB/log/postfix 'SASL (PLAIN|LOGIN) authentication failed'
}

@test "Dovecot's submission server: we count what its log says" {
	: >$LAB/log/dovecot
	storm $DOVECOT
	judged $LAB/log/dovecot '(Password mismatch|unknown user)'
}

@test "Exim: we count what its log says" {
	have_exim || skip "no Exim: scripts/setup could not unpack it"
	: >$LAB/exim/log/main
	storm $EXIM
	judged $LAB/exim/log/main 'authenticator failed .* 535 Incorrect'
}
