#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The daemon as a service: signals, its supervisor, the journal, its rivals.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

# What is attached to eth0, as it shows to a bystander (Debian 12's bpftool
# does not know TCX): "xdp tc", one of these, or nothing.
attached() {
	local before
	! at mail ip link show dev eth0 | grep -q 'prog/xdp' || printf xdp
	before=$(counter failures 2>/dev/null || echo 0)
	login_fail attacker 1 --from 198.51.100.60 >/dev/null
	[ "$(counter failures 2>/dev/null || echo 0)" = "$before" ] || printf ' tc'
}

reloads() { # COUNT
	[ "$(journal SMTPXDP_EVENT=reloaded SMTPXDP_EVENT=reload-failed |
		wc -l)" -ge $1 ]
}

reload() {
	local before
	before=$(journal SMTPXDP_EVENT=reloaded SMTPXDP_EVENT=reload-failed | wc -l)
	kill -HUP "$(daemon_pid)"
	until_true 5 reloads $((before + 1))
}

after() {
	! running journald || kill -CONT "$(cat $LAB/pid/journald)"
}

@test "a second daemon is refused, and told who runs" {
	daemon_up
	fails 1 smtpxdp run -c $CONF -i eth0
	has "$output" "\b$(daemon_pid)\b"
	has "$output" --pin
	daemon_serves
	same "attached" "$(attached)" "xdp tc"
}

@test "two daemons with pins and interfaces of their own" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	daemon_up
	background other mail "$BIN" --pin $PIN-two run -i two0 -c $CONF \
		--state $STATE-two
	until_true 5 at mail "$BIN" --pin $PIN-two ban list
	same "the other's" "$(at mail "$BIN" --pin $PIN-two status -j |
		jq -r '.interfaces[0].name')" two0
	smtpxdp ban add 198.51.100.9
	same "the other's bans" "$(at mail "$BIN" --pin $PIN-two ban -j)" '[]'
	end other
	rm -rf $PIN-two
	at mail ip link del two0
	daemon_serves
}

@test "SIGHUP reads the file again" {
	conf rate 5/120s
	daemon_up
	login_fail attacker 2
	conf rate 3/120s
	reload
	same "rate" "$(smtpxdp config get rate)" 3/120s
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "SIGHUP with a broken file keeps the old settings and says why" {
	conf rate 5/120s ban-time 7m
	daemon_up
	printf 'ban-time = 9m\nrate = often\n' >$CONF
	reload
	same "rate" "$(smtpxdp config get rate)" 5/120s
	same "ban-time" "$(smtpxdp config get ban-time)" 7m
	why=$(journal SMTPXDP_EVENT=reload-failed | tail -n 1)
	has "$(jq -r .MESSAGE <<<"$why")" "$CONF:2:.*rate"
	same "priority" "$(jq -r .PRIORITY <<<"$why")" 3
	rm $CONF
	reload
	same "rate" "$(smtpxdp config get rate)" 5/120s
	daemon_serves
	: >$CONF
}

@test "it does not start on a broken file, and leaves nothing attached" {
	echo 'rate = often' >$CONF
	fails 3 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		run -c $CONF -i eth0
	has "$output" "$CONF:1:"
	fails 3 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		run -c $LAB/none -i eth0
	has "$output" "$LAB/none"
	same "attached" "$(attached)" ""
}

@test "without -i: the interfaces with a default route" {
	: >$CONF
	background smtpxdp mail "$BIN" --pin $PIN run -c $CONF
	until_true 5 daemon_serves
	same "interfaces" "$(smtpxdp status -j | jq -c '[.interfaces[].name]')" \
		'["eth0"]'
}

@test "SIGTERM and SIGINT leave protection on; unload ends it" {
	for signal in TERM INT; do
		daemon_up
		smtpxdp ban add 198.51.100.9
		daemon_down $signal
		same "attached" "$(attached)" "xdp tc"
		vanished attacker --from 198.51.100.9
		has "$(smtpxdp status)" 'NOT running'
		has "$(smtpxdp unload)" "unloaded $PIN"
		same "attached" "$(attached)" ""
		connects attacker --from 198.51.100.9
		same "pins left" "$(find $PIN 2>/dev/null)" ""
		fails 1 smtpxdp unload
		has "$output" 'nothing is loaded'
	done
	journal_has SMTPXDP_EVENT=stopped
	has "$(journal SMTPXDP_EVENT=stopped)" 'protection stays on'
}

@test "run --ephemeral: SIGTERM detaches everything and keeps the bans" {
	for signal in TERM INT; do
		daemon_up --ephemeral
		same "attached" "$(attached)" "xdp tc"
		smtpxdp ban add 198.51.100.9
		daemon_down $signal
		same "attached" "$(attached)" ""
		same "interfaces" "$(smtpxdp status -j | jq -c .interfaces)" '[]'
		connects attacker --from 198.51.100.9
		same "ban list" "$(banned)" 198.51.100.9/32
	done
	has "$(journal SMTPXDP_EVENT=stopped)" 'detached'
}

@test "a start that comes to nothing takes down what it attached" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	background other mail "$BIN" --pin $PIN-two run -c /dev/null -i two0 \
		--state $STATE-two
	until_true 5 at mail "$BIN" --pin $PIN-two ban list
	fails 1 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		run -c /dev/null -i two0
	has "$output" 'two0 has another XDP program'
	has "$output" 'nothing could be attached'
	# Its sensor found room, and is gone again.
	same "pins" "$(find $PIN/links -type f)" ''
	same "interfaces" "$(smtpxdp status -j | jq -c .interfaces)" '[]'
	end other
	at mail "$BIN" --pin $PIN-two unload
	at mail ip link del two0
}

@test "unload --if-stopping: asks systemd, which is not here" {
	daemon_up
	daemon_down
	fails 1 smtpxdp unload --if-stopping
	has "$output" 'systemd'
	same "attached" "$(attached)" "xdp tc"
	fails 2 smtpxdp unload now
}

@test "unload takes away what a killed daemon left, but not a live one's" {
	daemon_up
	fails 1 smtpxdp unload
	daemon_down KILL
	# The TLS sensor's pins, whatever they will be.
	bpftool map create $PIN/tls_any type array key 4 value 4 entries 1 name any
	same "attached" "$(attached)" "xdp tc"
	smtpxdp unload
	same "attached" "$(attached)" ""
	same "pins left" "$(find $PIN 2>/dev/null)" ""
}

@test "sd_notify: READY, RELOADING, READY, STOPPING" {
	local notes=$BATS_TEST_TMPDIR/notes
	background notify mail python3 -B $HELPER notify $LAB/notify.sock
	until_true 5 test -S $LAB/notify.sock
	daemon_env NOTIFY_SOCKET=$LAB/notify.sock WATCHDOG_USEC=400000
	daemon_up
	until_true 5 grep -qx READY=1 $LAB/log/notify
	until_true 5 grep -qx WATCHDOG=1 $LAB/log/notify
	reload
	daemon_down
	until_true 5 grep -qx STOPPING=1 $LAB/log/notify
	end notify
	rm -f $LAB/notify.sock
	grep -vx WATCHDOG=1 $LAB/log/notify | grep -E '^[A-Z]+=1$' >$notes
	same "in this order" "$(tr '\n' ' ' <$notes)" \
		"READY=1 RELOADING=1 READY=1 STOPPING=1 "
	has "$(cat $LAB/log/notify)" '^MONOTONIC_USEC=[0-9]+$'
}

@test "the journal: a ban with all its fields" {
	conf rate 3/60s ban-time 90s
	daemon_up
	login_fail attacker 3 --from 198.51.100.44
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=198.51.100.44
	e=$(journal SMTPXDP_EVENT=ban SMTPXDP_CLIENT=198.51.100.44)
	same "entries" "$(wc -l <<<"$e")" 1
	same "fields" "$(jq -r '[.SMTPXDP_NET, .SMTPXDP_CODE, .SMTPXDP_FAILURES,
		.SMTPXDP_WINDOW_SEC, .SMTPXDP_DURATION_SEC, .SMTPXDP_SENSOR,
		.SMTPXDP_IFACE, .PRIORITY, .MESSAGE_ID] | join(" ")' <<<"$e")" \
		"198.51.100.44/32 535 3 60 90 wire eth0 5 96fb30f4ccad4c408a678463671125cf"
	has "$(jq -r .MESSAGE <<<"$e")" \
		'^banned 198\.51\.100\.44/32 for .*3 failures in 1m.*535 5\.7\.8'
}

@test "the journal: each failure, if log-failures says so" {
	conf log-failures no
	daemon_up
	login_fail attacker 2 --from 198.51.100.45
	smtpxdp config set log-failures yes
	login_fail attacker 1 --from 198.51.100.45
	login_fail attacker 1 --from 198.51.100.45 # after it: two at once see both
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_CLIENT=198.51.100.45 \
		SMTPXDP_FAILURES=4
	e=$(journal SMTPXDP_EVENT=failure SMTPXDP_CLIENT=198.51.100.45)
	same "failures told" "$(jq -s -c '[.[].SMTPXDP_FAILURES]' <<<"$e")" \
		'["3","4"]'
	same "code" "$(jq -s -r '.[0].SMTPXDP_CODE' <<<"$e")" 535
}

@test "the journal: commands that ban, unban and allow" {
	daemon_up
	smtpxdp ban add 198.51.100.46 --for 5m --reason 'by hand'
	smtpxdp ban del 198.51.100.46
	smtpxdp allow add 198.51.100.46
	smtpxdp allow del 198.51.100.46
	until_true 5 journal_has SMTPXDP_EVENT=disallow SMTPXDP_NET=198.51.100.46/32
	same "told" "$(journal SMTPXDP_NET=198.51.100.46/32 |
		jq -s -r 'map(.SMTPXDP_EVENT) | join(" ")')" \
		"ban unban allow disallow"
	same "reason" "$(journal SMTPXDP_NET=198.51.100.46/32 SMTPXDP_EVENT=ban |
		jq -r .SMTPXDP_REASON)" "by hand"
}

@test "the catalogue explains every kind of message" {
	for e in started ban unban expire; do
		has "$(cat "$LAB_ROOT/dist/smtpxdp.catalog")" "Subject: "
	done
	conf rate 2/60s ban-time 1s
	daemon_up
	login_fail attacker 2 --from 198.51.100.47
	until_true 5 journal_has SMTPXDP_EVENT=expire SMTPXDP_NET=198.51.100.47/32
	kill -HUP "$(daemon_pid)"
	daemon_down
	ids=$(journal | jq -r '.MESSAGE_ID // "none"' | sort -u)
	[ "$(wc -l <<<"$ids")" -ge 4 ]
	for id in $ids; do
		has "$(cat "$LAB_ROOT/dist/smtpxdp.catalog")" "^-- $id$"
	done
}

@test "events: the documented shape, a line each; -f follows" {
	conf rate 3/60s ban-time 2s
	daemon_up
	background follow mail "$BIN" --pin $PIN events -f -j -n 0
	login_fail attacker 3 --from 198.51.100.48
	until_true 8 grep -q expire $LAB/log/follow
	end follow
	same "while it happened" "$(jq -s -c 'map(select(
		.net == "198.51.100.48/32")) | map(.event)' $LAB/log/follow)" \
		'["ban","cut","expire"]'
	journalctl --sync
	e=$(smtpxdp events -j | grep 198.51.100.48 | head -n 1)
	same "ban" "$(jq -c '[.event, .client, .net, .code, .failures, .duration,
		.sensor]' <<<"$e")" \
		'["ban","198.51.100.48","198.51.100.48/32",535,3,2,"wire"]'
	has "$(jq -r .time <<<"$e")" '^20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$'
	has "$(smtpxdp events)" 'banned 198\.51\.100\.48/32'
}

@test "no journal: the daemon tells stderr, with -j in JSON lines" {
	end journald
	rm -rf /run/systemd/journal
	conf rate 3/60s
	: >$LAB/log/smtpxdp
	background smtpxdp mail "$BIN" --pin $PIN -j run -c $CONF -i eth0
	until_true 5 daemon_serves
	login_fail attacker 3
	until_true 5 grep -q '"ban"' $LAB/log/smtpxdp
	jq -e -s 'any(.[]; .event == "ban" and .net == "198.51.100.7/32" and
		.failures == 3 and .code == 535)' $LAB/log/smtpxdp
	fails 1 smtpxdp events
	has "$output" journal
	daemon_down
	journald_up
}

# So many messages: the journal's, those lost, and the one that "ban add" lost.
all_told() {
	local sent
	sent=$(smtpxdp metrics | awk '/^smtpxdp_events_total/ { n += $2 } END { print n }')
	same "told, and lost" $(($(journal | wc -l) + $(counter journal-lost) + 1)) \
		"$sent"
}

has_lost() { # COUNT
	[ "$(counter journal-lost)" -ge $1 ]
}

reason_is() { # ADDRESS REASON
	[ "$(why $1 .ban.reason)" = "$2" ]
}

@test "a journal that does not read stops nothing; what it was not told is counted" {
	local journald
	journald=$(cat $LAB/pid/journald)
	conf rate 20/60s log-failures yes
	daemon_env JOURNAL_STREAM="$(stat -c %d:%i $LAB/log/smtpxdp)"
	daemon_up
	daemon_env
	kill -STOP $journald
	login_fail attacker 20 --from 198.51.100.44 || true # may be cut off
	login_fail attacker 15 --from 198.51.100.45
	until_true 10 reason_is 198.51.100.44 "20 failures in 1m"
	daemon_serves
	output=$(timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		ban add 198.51.100.46 2>&1)
	has "$output" 'journal does not read'
	same "ban list" "$(banned)" "198.51.100.44/32 198.51.100.46/32"
	until_true 5 has_lost 5
	kill -CONT $journald
	until_true 5 journal_has SMTPXDP_EVENT=journal-lost
	has "$(journal SMTPXDP_EVENT=journal-lost | jq -r .MESSAGE)" \
		'^[0-9]+ messages were lost: the journal did not read'
	login_fail attacker 1 --from 198.51.100.47
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_CLIENT=198.51.100.47
	until_true 5 all_told || all_told
}

failures_told() { # COUNT
	[ "$(journal SMTPXDP_EVENT=failure | wc -l)" = $1 ]
}

@test "a pipe that nobody reads stops nothing, either" {
	conf rate 64/60s slow-rate off log-failures yes
	mkfifo $LAB/pipe
	exec 4<>$LAB/pipe
	python3 -c 'import fcntl; fcntl.fcntl(4, 1031, 4096)' # F_SETPIPE_SZ
	# shellcheck disable=SC2016 # the inner shell's
	background smtpxdp mail bash -c 'exec 4<&- && exec "$@" 2>'$LAB/pipe - \
		"$BIN" --pin $PIN run -c $CONF -i eth0
	until_true 10 daemon_serves
	login_fail attacker 50
	until_true 5 failures_told 50
	daemon_serves
	daemon_down
	exec 4<&-
	rm $LAB/pipe
}

@test "bpffs is mounted where it is not" {
	: >$CONF
	unshare --mount --propagation unchanged bash -c '
		while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
		timeout 2 "$@" || [ $? = 124 ]
		mountpoint /sys/fs/bpf' - nsenter --net=/run/netns/mail \
		"$BIN" --pin /sys/fs/bpf/smtpxdp-mounted run -c $CONF -i eth0
}

@test "pins outside of a bpffs are refused, with the reason" {
	: >$CONF
	mkdir $BATS_TEST_TMPDIR/here
	fails 1 timeout 5 nsenter --net=/run/netns/mail "$BIN" \
		--pin $BATS_TEST_TMPDIR/here run -c $CONF -i eth0
	has "$output" bpf
}
