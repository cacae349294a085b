#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who was tried, in the clear and inside TLS, at real servers.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

PASSWORD='tr0ub4dor&3-horse-staple'

servers() {
	echo journald postfix
	! have_exim || echo exim
}

before() {
	# Small maps are quick to search.
	conf rate 64/120s slow-rate off log-failures yes log-users yes max-bans 1024 \
		max-clients 1024
	daemon_up
}

# Whom the journal says was tried, in order; "-" where it is not known.
tried() {
	journal SMTPXDP_EVENT=failure |
		jq -rs 'map(.SMTPXDP_USER // "-") | join(" ")'
}

tried_are() { # [USER...]
	same "tried" "$(tried)" "$*"
}

try() { # USER MECHANISM SERVER [SWAKS OPTION...]
	local user=$1 mech=$2 server=$3
	shift 3
	fails 28 swaks_try attacker "$user" "$PASSWORD" $server --auth $mech "$@"
}

# No eight bytes in a row of any of the texts in what comes by.
lacks() { # TEXT...
	python3 -B -c '
import sys
data = sys.stdin.buffer.read()
bad = [t[i:i + 8] for t in sys.argv[1:] for i in range(len(t) - 7)
       if t[i:i + 8].encode() in data]
sys.exit("found: %s" % bad if bad or not data else 0)' "$@"
}

everything() { # all that is pinned, as bytes
	local map
	for map in "$PIN"/*/*; do
		bpftool -j map dump pinned "$map" 2>/dev/null || true
	done | cat - <(tls_maps) | python3 -B -c '
import json, re, sys
hexes = re.findall(r"0x([0-9a-f]{2})\b", sys.stdin.read())
sys.stdout.buffer.write(bytes(int(h, 16) for h in hexes))'
}

tls_maps() { # which are not pinned
	local id
	for id in $(bpftool -j map list | jq '.[] |
		select(.name == "tls_dialogues") | .id'); do
		bpftool -j map dump id $id 2>/dev/null || true
	done
}

memory() { # PID: what it can write to
	python3 -B - "$1" <<-'PY'
		import re, sys
		with open("/proc/%s/maps" % sys.argv[1]) as maps, \
		        open("/proc/%s/mem" % sys.argv[1], "rb") as mem:
		    for line in maps:
		        m = re.match(r"(\w+)-(\w+) rw", line)
		        if not m:
		            continue
		        start, end = (int(x, 16) for x in m.groups())
		        try:
		            mem.seek(start)
		            sys.stdout.buffer.write(mem.read(end - start))
		        except (OSError, OverflowError):
		            pass
	PY
}

@test "swaks, PLAIN and LOGIN, at Postfix: the journal names the user" {
	try Bob@mail.example PLAIN $POSTFIX
	try carol LOGIN $POSTFIX
	try 'od"d\name' PLAIN $POSTFIX --port 25
	until_true 5 tried_are Bob@mail.example carol 'od"d\\name'
	has "$(smtpxdp -j events)" '"user":"carol"'
}

@test "swaks, PLAIN and LOGIN, at Exim" {
	have_exim || skip "no Exim with AUTH"
	try Bob@mail.example PLAIN $EXIM
	try carol LOGIN $EXIM
	until_true 5 tried_are Bob@mail.example carol
}

@test "three in one segment, and segments of a few bytes" {
	login_fail attacker 1 --tries 3 --pipeline --user dave
	login_fail attacker 1 --mss 88 --user a-name-that-does-not-fit-into-one-segment-of-some-eighty-bytes
	until_true 5 tried_are dave dave dave \
		a-name-that-does-not-fit-into-one-segment-of-some-eighty-bytes
}

@test "inside TLS at Postfix: STARTTLS, port 465, three in one segment" {
	try erin LOGIN $POSTFIX --tls
	try erin PLAIN $POSTFIX --tls-on-connect --port 465
	login_fail attacker 1 --tls starttls --tries 3 --pipeline --user dave
	until_true 5 tried_are erin erin dave dave dave
}

@test "inside TLS at Exim (GnuTLS)" {
	have_exim || skip "no Exim with AUTH"
	try erin PLAIN $EXIM --tls
	try erin LOGIN $EXIM --tls
	until_true 5 tried_are erin erin
}

@test "users wire: inside TLS, counted, and not known who" {
	smtpxdp config set users wire
	login_fail attacker 1 --tls starttls --user erin
	until_true 5 tried_are -
	same "in window" "$(in_window $ATTACKER)" 1
	login_fail attacker 1 --user erin
	until_true 5 tried_are - erin
}

@test "users off: counted, and not known who; on again: known" {
	smtpxdp config set users off
	login_fail attacker 1 --user frank
	until_true 5 tried_are -
	smtpxdp config set users auto
	login_fail attacker 1 --user frank
	until_true 5 tried_are - frank
}

@test "without log-users no name is anywhere, and users are told apart" {
	smtpxdp config set log-users no
	try a-user-with-a-long-name PLAIN $POSTFIX
	try a-user-with-a-long-name LOGIN $POSTFIX
	try another-user-altogether PLAIN $POSTFIX
	until_true 5 tried_are - - -
	same "users" "$(why $ATTACKER .client.users)" 2
	everything | lacks a-user-with-a-long-name
	journal | lacks a-user-with-a-long-name
}

@test "a user is the same one after a crash and a restart" {
	try Gina PLAIN $POSTFIX
	daemon_down KILL
	try gina PLAIN $POSTFIX
	daemon_up
	try GINA LOGIN $POSTFIX
	same "users" "$(why $ATTACKER .client.users)" 1
	end_protection
	daemon_up
	try gina PLAIN $POSTFIX
	same "users" "$(why $ATTACKER .client.users)" 1
}

@test "many users are banned at once, one is not" {
	smtpxdp config set attack-users 3
	for user in a b c; do
		same "ban list" "$(banned)" ''
		try $user PLAIN $POSTFIX
	done
	until_true 5 banned_are $ATTACKER/32
	for _ in 1 2 3 4; do
		login_fail honest 1 --user heidi
	done
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "the password is in no map, no journal, nor in the daemon" {
	local texts pid
	pid=$(smtpxdp status -j | jq .daemon.pid)
	try Bob@mail.example PLAIN $POSTFIX
	try Bob@mail.example LOGIN $POSTFIX
	login_fail attacker 1 --tries 3 --pipeline --password "$PASSWORD"
	try alice PLAIN $POSTFIX --tls
	try alice LOGIN $POSTFIX --tls
	until_true 5 tried_are Bob@mail.example Bob@mail.example alice alice alice \
		alice alice
	texts=("$PASSWORD" "$(base64 -w0 <<<"$PASSWORD" | cut -c-32)"
		"$(printf '\0Bob@mail.example\0%s' "$PASSWORD" | base64 -w0)"
		"$(printf '\0alice\0%s' "$PASSWORD" | base64 -w0)")
	everything >$LAB/everything
	lacks "${texts[@]}" <$LAB/everything
	# So it would have been found, had it been there.
	not lacks alice-or-so Bob@mail.example <$LAB/everything
	journal | lacks "${texts[@]}"
	memory $pid | lacks "${texts[@]}"
	has "$(smtpxdp -j events)" '"user":"alice"'
}

# What of the program leaves the kernel, and what a bug report is made of.
told() {
	local what
	for what in status clients ban 'config list' report metrics events \
		"why $ATTACKER"; do
		# shellcheck disable=SC2086 # words
		smtpxdp $what || true
		smtpxdp -j $what || true
	done
	journal
}

@test "names' key is in the state file, passwords' is not; no command tells one" {
	login_fail attacker 2
	login_fail attacker 1 --password old
	daemon_down TERM # it writes the state file
	told >$LAB/told
	cat $STATE/* >$LAB/saved
	bpftool -j map dump pinned $PIN/current/name_key >$LAB/key
	python3 -B - $LAB/key $LAB/told $LAB/saved <<-'PY'
		import re, sys
		dump = open(sys.argv[1]).read()
		def key(name):
		    return [int(n) for n in re.search(
		        r'"%s":\[(\d+),(\d+)\]' % name, dump).groups()]
		def forms(k):
		    assert k > 1 << 32, k
		    raw = k.to_bytes(8, "little")
		    return (raw, raw[::-1], b"%d" % k, b"%x" % k, b"%X" % k,
		            raw.hex().encode(), raw.hex(" ").encode())
		told, state = (open(f, "rb").read() for f in sys.argv[2:])
		assert b"198.51.100.7" in told and b"SQLite" in state, len(told)
		for k in key("k") + key("secret"):
		    for form in forms(k):
		        assert form not in told, form
		for k in key("secret"):
		    for form in forms(k):
		        assert form not in state, form
		for k in key("k"): # so the others would have been found
		    assert k.to_bytes(8, "big") in state
	PY
}
