#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# smtpxdp replay: a capture through the same programs says what they would
# have done, by the capture's clock.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
}

before() {
	conf rate 10/120s
}

after() {
	end tcpdump
}

replay() {
	"$BIN" --pin /sys/fs/bpf/none replay "$@"
}

capture() { # [OPTION...]: see capture.py
	python3 -B "$LAB_ROOT"/selftests/lib/capture.py "$@"
}

# What bans there are in a made capture, and when: "NET@SECONDS", from its
# start. Options of replay stand before "--".
bans_of() {
	local options=(--set rate=10/120s --set slow-rate=off)
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	capture "$@" >$LAB/made
	TZ=UTC replay -j "${options[@]}" $LAB/made | jq -r '[.bans[] | .net + "@" +
		(.time | sub("\\+00:00"; "Z") | fromdate - 1600000000 |
			tostring)] | join(" ")'
}

# Begins to capture on the mail host; its packets are in $LAB/taken.
take() { # [OPTION...]
	background tcpdump mail tcpdump -U --immediate-mode -w $LAB/taken "$@"
	until_true 5 grep -q 'listening on' $LAB/log/tcpdump
}

taken() {
	end tcpdump INT
}

@test "a real attack: the capture says what the daemon did" {
	daemon_up
	take -i eth0 -s 0
	login_fail attacker 3
	login_fail attacker 12 --from 198.51.100.8 || true # cut off by the ban
	login_fail attacker 12 --server $POSTFIX6 --from $ATTACKER6 || true
	login_ok honest
	taken
	live=$(banned)
	same "live bans" "$live" "198.51.100.8/32 2001:db8:bad::/64"
	seen=$(replay -j $LAB/taken)
	same "bans" "$(jq -r '[.bans[].net] | sort | join(" ")' <<<"$seen")" "$live"
	same "failures" "$(jq .failures <<<"$seen")" "$(counter failures)"
	same "successes" "$(jq .successes <<<"$seen")" 1
	has "$(jq -r '.bans[0].text' <<<"$seen")" '^535 5\.7\.8 Error: authentication'
}

@test "and by other settings, what it would have done" {
	take -i eth0 -s 0
	login_fail attacker 4
	taken
	same "rate 10" "$(replay -j $LAB/taken | jq '.bans | length')" 0
	same "rate 4" "$(replay -j --set rate=4/60s $LAB/taken |
		jq -r '.bans[] | "\(.net) \(.event) \(.duration)"')" \
		"$ATTACKER/32 ban 3600"
	same "monitor" "$(replay -j --set mode=monitor --set rate=4/60s \
		--set ban-time=7d $LAB/taken |
		jq -r '.bans[] | "\(.net) \(.event) \(.duration)"')" \
		"$ATTACKER/32 would-ban 604800"
	same "allowed" "$(replay -j --set allow=198.51.100.0/24 \
		--set rate=4/60s $LAB/taken | jq '.bans | length')" 0
	conf rate 4/60s
	same "by a file" "$(replay -j -c $CONF $LAB/taken | jq '.bans | length')" 1
	daemon_up
	same "as in force" "$(smtpxdp replay -j $LAB/taken | jq '.bans | length')" 1
	same "nothing was counted for it" "$(counter failures)" 0
	same "nobody is banned for it" "$(banned)" ""
}

@test "cooked captures: -i any" {
	for link in LINUX_SLL LINUX_SLL2; do
		take -i any -y $link -s 0
		login_fail attacker 4
		taken
		same "$link" "$(replay -j --set rate=4/60s $LAB/taken |
			jq -r '.bans[].net')" $ATTACKER/32
	done
}

@test "the window is the capture's: its tenth failure within 120 seconds" {
	same "12.9 s apart" "$(bans_of -- --every 12.9 --count 12)" \
		"$ATTACKER/32@116"
	same "13.4 s apart" "$(bans_of -- --every 13.4 --count 100)" ""
	same "ban over after 59 s, the next one after 118" \
		"$(bans_of --set ban-time=59s --set rate=3/10s -- \
			--every 3 --count 70)" \
		"$ATTACKER/32@6 $ATTACKER/32@72 $ATTACKER/32@198"
}

@test "the slow rate: exact over a day, and beside the quick one" {
	local day=24h
	same "off" "$(bans_of -- --every 2400 --count 100)" ""
	same "the 30th within 24 hours" \
		"$(bans_of --set slow-rate=30/$day -- --every 2400 --count 36)" \
		"$ATTACKER/32@69600"
	# 29 gaps of 2980 s are 24 h and 20 s.
	same "never quite" \
		"$(bans_of --set slow-rate=30/$day -- --every 2980 --count 100)" ""
	# The quick one comes first; what led to that ban is not counted again.
	same "both" "$(bans_of --set slow-rate=12/1h --set rate=10/2m \
		--set ban-time=59s -- --every 10 --count 26)" \
		"$ATTACKER/32@90 $ATTACKER/32@240"
	has "$(capture --every 600 --count 5 | replay -j --set slow-rate=5/2h -)" \
		'"failures": ?5,.*"offence": ?1'
}

letters() { # LETTERS COUNT
	printf -- "$1%.0s" $(seq $2)
}

# Each guess is a new password where it cannot be read, as here.
@test "the shipped file, for guessers who take their time: banned, all of them" {
	for row in "12 108" "14 126" "60 540" "600 35400"; do
		read -r every at <<<"$row"
		same "a try per $every s" "$(TZ=UTC replay -j -c "$LAB_ROOT"/dist/smtpxdp.conf \
			<(capture --every $every --count 70) |
			jq -r '.bans[0] | .net + "@" + (.time |
				sub("\\+00:00"; "Z") | fromdate - 1600000000 | tostring)')" \
			"$ATTACKER/32@$at"
	done
}

@test "a success clears the window, once in the time of the rate" {
	local f9 f10
	f9=$(letters F 9) f10=$(letters F 10)
	same "nine, success, nine" "$(bans_of -- --script ${f9}S$f9)" ""
	same "the tenth behind the success" \
		"$(bans_of -- --script ${f9}S$f10)" "$ATTACKER/32@19"
	same "a second success within 120 s clears nothing" \
		"$(bans_of -- --script ${f9}S${f9}S$f10)" "$ATTACKER/32@20"
	same "successes alone, then ten" \
		"$(bans_of -- --script SSS$f10)" "$ATTACKER/32@12"
	# One success in 131 seconds, with nine failures before and behind it.
	local period=${f9}S$f9
	period+=$(letters . 112)
	local hours=$period$period$period$period
	same "for ever, at less than twice the rate" \
		"$(bans_of -- --script $hours)" ""
	same "but not past the slow rate" \
		"$(bans_of --set slow-rate=30/24h -- --script $hours)" \
		"$ATTACKER/32@143"
	same "off" "$(bans_of --set success-credit=off -- \
		--script ${f9}S$f9)" "$ATTACKER/32@10"
}

@test "by ratio, failures must outnumber the successes of the window" {
	local s4 s16 f9 f20 f70
	s4=$(letters S 4) s16=$(letters S 16)
	f9=$(letters F 9) f20=$(letters F 20) f70=$(letters F 70)
	by_ratio() { # RATIO SCRIPT [SECONDS]
		bans_of --set success-credit=ratio --set success-ratio="$1" -- \
			--script "$2" --every "${3-1}"
	}
	same "none" "$(by_ratio 3 $f9${f9::1})" "$ATTACKER/32@9"
	# Four successes let twelve failures pass, the thirteenth bans.
	same "four" "$(by_ratio 3 $s4$f20)" \
		"$ATTACKER/32@16"
	same "two let six pass, but the rate has not come to ten" \
		"$(by_ratio 3 SS$f9)" ""
	same "successes outside of the window do not help" \
		"$(by_ratio 3 $s4$f20 12)" "$ATTACKER/32@156"
	same "16 successes and more count as 16: 48 failures pass" \
		"$(by_ratio 3 $s16$s4$f70)" "$ATTACKER/32@68"
	same "64 failures are too many, whatever succeeded" \
		"$(by_ratio 64 $s16$f70)" "$ATTACKER/32@79"
}

@test "pcapng, raw IP, cooked, VLAN and IPv6 are the same to it" {
	for args in '--ng' '--link raw' '--link sll' '--link sll2' '--vlan' \
		'--link sll2 --ng'; do
		same "$args" "$(bans_of -- $args)" "$ATTACKER/32@9"
	done
	same "IPv6" "$(bans_of -- --link raw --server $POSTFIX6 \
		--client $ATTACKER6)" "2001:db8:bad::/64@9"
}

@test "large packets of a sending host, with more replies than the kernel runs" {
	same "failures" "$(capture --count 2 --batch 4000 |
		replay -j --set mode=monitor - |
		jq '.counters.failures + .counters["failures-banned"]')" 8000
	same "the ban" "$(bans_of -- --count 1 --batch 4000)" "$ATTACKER/32@0"
}

@test "what came in is no reply of ours, nor what another server says" {
	same "incoming" "$(bans_of -- --link sll --incoming)" ""
	same "other server" "$(bans_of --server 192.0.2.26 --)" ""
	same "this server" "$(bans_of --server 192.0.2.0/24 --)" "$ATTACKER/32@9"
}

@test "half a million packets, from a pipe" {
	seen=$(capture --count 500000 --every 0.001 --reply '250 2.0.0 ok\r\n' |
		replay -j -)
	same "packets" "$(jq .packets <<<"$seen")" 500001
	same "failures" "$(jq .failures <<<"$seen")" 0
}

@test "broken files are told, and what was read before is shown" {
	fails 1 replay $LAB/none
	has "$output" 'cannot replay .*none: .*No such file'
	fails 1 replay /etc/passwd
	has "$output" 'cannot replay /etc/passwd: '
	capture --link wifi >$LAB/made
	fails 1 replay $LAB/made
	has "$output" 'link of type IEEE802_11: Ethernet, raw IP and Linux cooked'
	capture | head -c 870 >$LAB/made
	fails 1 replay $LAB/made
	has "$output" 'broken behind packet 10: '
	has "$output" '^10 packets of 8s, .* 9 failed logins'
	capture --snap 60 >$LAB/made
	fails 0 replay $LAB/made
	has "$output" 'packets of the mail server were cut short'
	fails 0 replay - </dev/null || fails 1 replay - </dev/null
	fails 2 replay
	fails 2 replay --set rate $LAB/made
	fails 2 replay --set rate=many $LAB/made
	fails 2 replay --set rat=1/1s $LAB/made
	has "$output" 'rate'
	fails 2 replay --server x $LAB/made
	fails 1 replay -c $LAB/none $LAB/made
}

@test "bytes that are no packets: nothing breaks" {
	for seed in 1 2 3; do
		python3 -c "
import random, struct, sys
random.seed($seed)
out = sys.stdout.buffer
out.write(struct.pack('<IHHiIII', 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
for i in range(3000):
    n = random.choice((0, 1, 13, 14, 20, 34, 54, 60, 200, 5000))
    data = bytearray(random.randbytes(n))
    if n > 40:
        data[12:15] = random.choice((b'\\x08\\0E', b'\\x86\\xdd\\x60', b'\\x81\\0\\0'))
        data[23] = 6
        data[34:36] = struct.pack('!H', 25)
    out.write(struct.pack('<IIII', i, 0, n, n) + data)
" >$LAB/made
		same "packets" "$(replay -j $LAB/made 2>/dev/null | jq .packets)" 3000
	done
}
