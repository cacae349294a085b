#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The state file: what comes back after a reboot, a crash, and disks that fail.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

after() {
	while mountpoint -q $STATE; do
		umount $STATE
	done
	rm -rf $STATE
}

db() { # SQL
	sqlite3 -cmd '.timeout 5000' $STATE/smtpxdp.db "$1"
}

# The networks whose bans are in the file, on one line.
saved() {
	db 'SELECT net FROM bans ORDER BY net' | paste -sd ' '
}

saves() { # NETWORK...
	[ "$(saved)" = "$*" ]
}

told() { # EVENT
	journal SMTPXDP_EVENT="$1" | wc -l
}

tells() { # COUNT EVENT
	[ "$(told "$2")" = "$1" ]
}

# As if the machine had been off for so many seconds: no pins, another boot,
# and all times are longer ago. At least as long as it is up by now.
DAYS=86400
reboot() { # SECONDS [SIGNAL]
	AGO=$(($1 + $(cut -d. -f1 /proc/uptime)))
	daemon_down "${2-TERM}"
	until_true 5 smtpxdp unload
	db "UPDATE moment SET boot_id = 'another boot', wall = wall - $AGO;
		UPDATE bans SET since = since - $AGO, expires = expires - $AGO;
		UPDATE history SET until = until - $AGO"
}

# left NETWORK SECONDS: or up to a minute less.
left() {
	local s
	s=$(smtpxdp ban list -j | jq --arg net "$1" \
		'.[] | select(.net == $net).expires_in')
	if [ "${s:-0}" -lt $(($2 - 60)) ] || [ "${s:-0}" -gt $(($2 + 2)) ]; then
		echo "$1: $s seconds left, not $2"
		return 1
	fi
}

@test "reboot: bans with the time that was left, offences, allowlist" {
	conf rate 3/60s ban-time 365d
	daemon_up
	login_fail attacker 3
	smtpxdp ban add 198.51.100.32/28 --for 500d --reason "it's \"me\""
	smtpxdp ban add 2001:db8:bad::7 --for 36500d
	smtpxdp allow add 198.51.100.40
	until_true 5 saves 198.51.100.32/28 $ATTACKER/32 2001:db8:bad::/64
	[ "$(stat -c %a $STATE) $(stat -c %a $STATE/smtpxdp.db)" = '700 600' ]
	# Without a chance to say goodbye.
	reboot 600 KILL
	connects attacker

	daemon_up
	vanished attacker
	vanished attacker --from 198.51.100.33
	vanished attacker --from 2001:db8:bad::8 --server $POSTFIX6
	connects attacker --from 198.51.100.40
	left $ATTACKER/32 $((365 * DAYS - AGO))
	left 198.51.100.32/28 $((500 * DAYS - AGO))
	left 2001:db8:bad::/64 $((36500 * DAYS - AGO))
	row=$(smtpxdp ban list -j | jq '.[] | select(.net == "198.51.100.32/28")')
	same "reason" "$(jq -r .reason <<<"$row")" "it's \"me\""
	row=$(smtpxdp ban list -j | jq '.[] | select(.net == "198.51.100.7/32")')
	same "fields" "$(jq -c '[.reason, .failures, .offences]' <<<"$row")" \
		'["3 failures in 1m",3,1]'
	ago=$(($(date +%s) - $(date +%s -d "$(jq -r .banned_at <<<"$row")")))
	[ $ago -ge $AGO ] && [ $ago -le $((AGO + 60)) ]
	same "origin" "$(smtpxdp allow list -j | jq -r \
		'.[] | select(.net == "198.51.100.40/32").origin')" command
	has "$(journal SMTPXDP_EVENT=restored | jq -r .MESSAGE)" '3 bans'
	# It goes on from there.
	smtpxdp ban del $ATTACKER
	login_fail attacker 3
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_OFFENCE=2
}

@test "what ran out while the machine was off stays out, but is not forgotten" {
	conf rate 3/60s ban-time 1h ban-forget 300d
	daemon_up
	login_fail attacker 3
	until_true 5 saves $ATTACKER/32
	reboot 4000
	daemon_up
	same "ban list" "$(banned)" ''
	connects attacker
	same "offences" "$(why $ATTACKER .history.offences)" 1
	until_true 5 saves ''
	reboot $((300 * DAYS))
	daemon_up
	same "history" "$(why $ATTACKER .history)" null
}

@test "the clock starts in 1970: nobody goes free, nobody stays for ever" {
	conf rate 3/60s
	daemon_up
	smtpxdp ban add $ATTACKER --for 300d
	# Against the file's time, ours is fifty years back: what is known is
	# that the machine is up.
	reboot $((-50 * 365 * DAYS))
	daemon_up
	vanished attacker
	left $ATTACKER/32 $((300 * DAYS - $(cut -d. -f1 /proc/uptime)))
	# And when the clock is set right, in the middle of a boot.
	db "UPDATE moment SET wall = wall - 1000000"
	before=$(db 'SELECT expires FROM bans')
	smtpxdp ban add 198.51.100.9
	moved=$(($(db "SELECT expires FROM bans
		WHERE net = '198.51.100.7/32'") - before))
	[ $moved -ge 999999 ] && [ $moved -le 1000001 ]
	left $ATTACKER/32 $((300 * DAYS - $(cut -d. -f1 /proc/uptime)))
}

@test "unload and run again: the bans come back" {
	daemon_up
	smtpxdp ban add $ATTACKER --for 1h
	daemon_down
	smtpxdp unload
	connects attacker
	daemon_up
	vanished attacker
	left $ATTACKER/32 3600
}

@test "what ban load has banned comes back, too: by itself, or by the daemon" {
	conf max-bans 100000 ban-time 365d
	daemon_up
	echo 198.51.100.9 | smtpxdp ban load -
	same "saved" "$(saved)" 198.51.100.9/32
	# So many that the daemon saves them; and it is told to stop at once.
	awk 'BEGIN { for (i = 0; i < 70000; i++)
		printf "10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256 }' |
		smtpxdp ban load - --private --for 500d --reason weekly
	reboot 600
	same "saved" "$(db 'SELECT count(*) FROM bans')" 70001
	daemon_up
	same "bans" "$(smtpxdp status -j | jq .bans)" 70001
	vanished attacker --from 198.51.100.9
	left 10.1.17.111/32 $((500 * DAYS - AGO))
	# And what is gone is gone in the file.
	smtpxdp ban flush
	until_true 10 saves ''
}

@test "while the maps are there, they are the truth" {
	daemon_up
	smtpxdp ban add $ATTACKER --for 1h
	smtpxdp ban add 198.51.100.9 --for 1h
	daemon_down
	# Nobody tells the file; so it shall be corrected.
	db "DELETE FROM bans WHERE net = '198.51.100.7/32';
		INSERT INTO bans SELECT '198.51.100.10/32', since, expires, 1,
		535, 0, '' FROM bans"
	daemon_up
	until_true 5 saves 198.51.100.7/32 198.51.100.9/32
	same "ban list" "$(banned)" "198.51.100.7/32 198.51.100.9/32"
}

@test "commands save by themselves while the daemon is dead" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 3
	until_true 5 saves $ATTACKER/32
	daemon_down KILL
	smtpxdp ban add 198.51.100.9
	same "saved" "$(saved)" "198.51.100.7/32 198.51.100.9/32"
	smtpxdp ban del $ATTACKER
	same "saved" "$(saved)" 198.51.100.9/32
	same "offences" "$(db 'SELECT net, offences FROM history')" \
		'198.51.100.7/32|1'
	smtpxdp ban del --forgive $ATTACKER
	same "offences" "$(db 'SELECT net FROM history')" ''
	smtpxdp allow add 198.51.100.0/28
	same "saved" "$(saved)" ''
	same "allowed" "$(db 'SELECT net FROM allow')" 198.51.100.0/28
	smtpxdp ban add 198.51.100.20
	smtpxdp config set allow 198.51.100.20
	same "lifted by the key allow" "$(saved)" ''
	smtpxdp allow del 198.51.100.0/28
	same "allowed" "$(db 'SELECT net FROM allow')" ''
	smtpxdp ban add $ATTACKER
	smtpxdp ban flush
	reboot 1
	daemon_up
	same "ban list" "$(banned)" ''
}

@test "a ban that runs out leaves the file, too" {
	daemon_up
	smtpxdp ban add $ATTACKER --for 1s
	same "saved" "$(saved)" $ATTACKER/32
	until_true 8 saves ''
}

@test "killed at any moment: no ban is lost, the file is sound" {
	local want='' i
	conf rate 3/60s ban-time 365d
	for i in $(seq 11 17); do
		daemon_up
		login_fail attacker 3 --from 198.51.100.$i
		sleep 0.$((RANDOM % 5))
		daemon_down KILL
		want+="${want:+ }198.51.100.$i/32"
	done
	same "ban list" "$(banned)" "$want"
	same "integrity" "$(db 'PRAGMA integrity_check')" ok
	daemon_up
	until_true 5 saves $want
	same "with an offence each" \
		"$(db 'SELECT count(*) FROM history WHERE offences = 1')" 7
	reboot 10 KILL
	daemon_up
	same "ban list" "$(banned)" "$want"
}

@test "a corrupt file is set aside under a name that is told" {
	local aside
	mkdir -p $STATE
	head -c 20000 /dev/urandom >$STATE/smtpxdp.db
	cp $STATE/smtpxdp.db $BATS_TEST_TMPDIR/garbage
	daemon_up
	aside=$(ls $STATE/smtpxdp.db.corrupt-*)
	cmp $aside $BATS_TEST_TMPDIR/garbage
	e=$(journal SMTPXDP_EVENT=state-set-aside)
	has "$(jq -r .MESSAGE <<<"$e")" "$aside"
	same "priority" "$(jq -r .PRIORITY <<<"$e")" 3
	same "faults" "$(told state-fault)" 0
	smtpxdp ban add $ATTACKER --for 300d
	vanished attacker
	same "saved" "$(saved)" $ATTACKER/32
	reboot 1
	daemon_up
	vanished attacker
}

@test "a file that turns corrupt while it is used is made anew from the maps" {
	conf rate 3/60s
	daemon_up
	smtpxdp ban add $ATTACKER
	daemon_down
	# Its pages, but not its header: it opens.
	dd if=/dev/urandom of=$STATE/smtpxdp.db bs=4096 seek=1 count=8 \
		conv=notrunc status=none
	daemon_up
	until_true 5 journal_has SMTPXDP_EVENT=state-set-aside
	until_true 5 saves $ATTACKER/32
	vanished attacker
}

@test "a file that somebody removed is made anew" {
	conf rate 3/60s
	daemon_up
	smtpxdp ban add 198.51.100.9
	rm -r $STATE
	login_fail attacker 3
	until_true 5 saves 198.51.100.7/32 198.51.100.9/32
	smtpxdp ban del 198.51.100.9
	same "saved" "$(saved)" $ATTACKER/32
}

@test "a newer version's file is left alone; all works, and is told once" {
	local sum
	conf rate 3/60s
	daemon_up
	smtpxdp ban add 198.51.100.9
	daemon_down
	db 'PRAGMA user_version = 7'
	sum=$(sha256sum $STATE/smtpxdp.db)
	daemon_up
	login_fail attacker 3
	vanished attacker
	vanished attacker --from 198.51.100.9
	output=$(smtpxdp ban add 198.51.100.10 2>&1)
	has "$output" 'not saved.*newer smtpxdp'
	sleep 1
	same "file" "$(sha256sum $STATE/smtpxdp.db)" "$sum"
	same "faults" "$(told state-fault)" 1
	has "$(journal SMTPXDP_EVENT=state-fault | jq -r .MESSAGE)" \
		"$STATE/smtpxdp.db: a newer smtpxdp"
	# Out of its way, it starts anew, with all that holds.
	mv $STATE/smtpxdp.db $STATE/old
	until_true 15 tells 1 state-kept
	same "saved" "$(saved)" "198.51.100.10/32 198.51.100.7/32 198.51.100.9/32"
}

@test "a full disk: bans hold; told once, and once when there is room" {
	conf rate 3/60s
	mkdir -p $STATE
	mount -t tmpfs -o size=64k,mode=700 tmpfs $STATE
	daemon_up
	login_fail attacker 3
	for i in $(seq 11 30); do
		smtpxdp ban add 198.51.100.$i 2>>$BATS_TEST_TMPDIR/warnings
	done
	until_true 5 tells 1 state-fault
	has "$(journal SMTPXDP_EVENT=state-fault | jq -r .MESSAGE)" \
		'No space left.*make room'
	fails 1 smtpxdp status --check
	has "$output" "^$STATE: bans hold, but are not saved.*journal"
	has "$(cat $BATS_TEST_TMPDIR/warnings)" 'in force, but not saved'
	vanished attacker
	vanished attacker --from 198.51.100.30
	mount -o remount,size=4m $STATE
	until_true 15 tells 1 state-kept
	smtpxdp status --check
	same "faults" "$(told state-fault)" 1
	same "saved" "$(saved)" "$(banned)"
	same "how many" "$(banned | wc -w)" 21
}

@test "a read-only file system: bans hold, and come back from it" {
	conf rate 3/60s
	mkdir -p $STATE
	mount -t tmpfs -o size=4m,mode=700 tmpfs $STATE
	daemon_up
	smtpxdp ban add 198.51.100.9 --for 300d
	reboot 60
	mount -o remount,ro $STATE
	daemon_up
	left 198.51.100.9/32 $((300 * DAYS - AGO))
	vanished attacker --from 198.51.100.9
	login_fail attacker 3
	vanished attacker
	until_true 5 tells 1 state-fault
	has "$(journal SMTPXDP_EVENT=state-fault | jq -r .MESSAGE)" \
		'Read-only file system.*writable'
	# Lifted while it could not be written: that stays so.
	smtpxdp ban del 198.51.100.9
	mount -o remount,rw $STATE
	until_true 15 tells 1 state-kept
	same "saved" "$(saved)" $ATTACKER/32
	same "ban list" "$(banned)" $ATTACKER/32
	same "faults" "$(told state-fault)" 1
}

@test "one folder, one daemon; --state gives another" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	daemon_up
	fails 1 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN-two \
		run -i two0 -c $CONF
	has "$output" "$STATE: .*--state"
	fails 2 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $PIN-two \
		run -i two0 -c $CONF --state ''
	(cd $BATS_TEST_TMPDIR && background other mail "$BIN" --pin $PIN-two \
		run -i two0 -c $CONF --state other)
	until_true 15 at mail "$BIN" --pin $PIN-two ban list
	at mail "$BIN" --pin $PIN-two ban add 198.51.100.9
	same "its bans" "$(sqlite3 $BATS_TEST_TMPDIR/other/smtpxdp.db \
		'SELECT net FROM bans')" 198.51.100.9/32
	same "ours" "$(saved)" ''
	end other
	at mail "$BIN" --pin $PIN-two unload
	at mail ip link del two0
}

@test "an upgrade tells once which defaults are others, but of keys that are set" {
	conf rate 5/1h
	daemon_up
	daemon_down TERM
	same "at first" "$(told default-changed)" 0
	# As versions before 2026-11-30 left it.
	sqlite3 $STATE/smtpxdp.db 'DROP TABLE defaults'
	daemon_up
	until_true 5 tells 5 default-changed
	has "$(journal SMTPXDP_EVENT=default-changed | jq -r .MESSAGE)" \
		'^the default of slow-rate is "60/1d" now, and was "off": .*slow-rate .off.'
	daemon_down TERM
	daemon_up
	same "again" "$(told default-changed)" 5
	same "in force" "$(smtpxdp config get rate) $(smtpxdp config get slow-rate)" \
		'5/1h 60/1d'
}

@test "an upgrade tells once which keys are new and ban whom nobody banned before" {
	conf ipv6-net-rate off ports '25, 26'
	daemon_up
	daemon_down TERM
	same "at first" "$(told default-changed)" 0
	sqlite3 $STATE/smtpxdp.db "DELETE FROM defaults WHERE key IN
		('account-rate', 'ipv6-net-rate', 'trap-users', 'net-rate', 'drop-ports')"
	daemon_up
	until_true 5 tells 2 default-changed
	same "told" "$(journal SMTPXDP_EVENT=default-changed | jq -r .MESSAGE)" \
		"the key drop-ports is new, and its default is \"auto\": smtpxdp config set drop-ports '25, 26' makes it as before
the key account-rate is new, and its default is \"30/1d\": smtpxdp config set account-rate 'off' makes it as before"
	daemon_down TERM
	daemon_up
	same "again" "$(told default-changed)" 2
}
