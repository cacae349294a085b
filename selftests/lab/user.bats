#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The daemon as the user of its unit, with the unit's capabilities and no others;
# the commands as root. bpffs belongs to root alone, as systemd mounts it.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

LIST=$LAB/strict.txt

before() {
	chmod 700 /sys/fs/bpf
	conf rate 3/60s log-failures yes
	as_user
}

after() {
	daemon_env
	chmod 1777 /sys/fs/bpf
	rm -f $LIST
}

as_root() {
	daemon_env
}

owners() {
	find "$@" -printf '%u\n' | sort -u | paste -sd ' '
}

saved() { # NETWORK
	has "$(sqlite3 $STATE/smtpxdp.db 'SELECT net FROM bans')" "^$1\$"
}

@test "it has what the unit gives, and no problem" {
	daemon_up
	same "user" "$(stat -c %U /proc/"$(daemon_pid)")" smtpxdp
	same "CapEff and CapBnd" "$(sed -n 's/^Cap\(Eff\|Bnd\):[[:space:]]*//p' \
		/proc/"$(daemon_pid)"/status | uniq | wc -l)" 1
	until_true 5 smtpxdp status --check
	same "owner" "$(owners $PIN $STATE)" smtpxdp
	same "told" "$(grep -v ' watches eth0, mode enforce' $LAB/log/smtpxdp)" ''
}

@test "a ban in the clear, with its name, and the cut of what is open" {
	smtpxdp config set log-users yes
	daemon_up
	background hold attacker python3 -B "$HELPER" hold --from $ATTACKER
	until_true 10 grep -q ^open $LAB/log/hold
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	connects honest
	until_true 5 not running hold
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=$ATTACKER
	same "who told" "$(journal SMTPXDP_EVENT=ban | jq -r ._UID)" "$(id -u smtpxdp)"
	has "$(smtpxdp events)" "banned $ATTACKER/32"
	has "$(smtpxdp events -j)" '"event": *"cut"'
	until_true 5 saved $ATTACKER/32
}

@test "a ban inside TLS, of servers that run as others" {
	daemon_up
	login_fail attacker 3 --tls starttls --from 198.51.100.8
	same "ban list" "$(banned)" 198.51.100.8/32
	login_fail attacker 3 --port 465 --tls implicit --from 198.51.100.9
	same "ban list" "$(banned)" "198.51.100.8/32 198.51.100.9/32"
}

@test "what root sets is in force and in root's file; a list only root may read" {
	daemon_up
	echo $ATTACKER/32 >$LIST
	chmod 600 $LIST
	smtpxdp config set strict-rate 1/60s
	smtpxdp config set strict-nets $LIST
	same "owner" "$(stat -c '%U %a' $CONF)" 'root 644'
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
	echo 198.51.100.8/32 >$LIST.new
	chmod 600 $LIST.new
	mv $LIST.new $LIST
	kill -HUP "$(daemon_pid)"
	until_true 5 journal_has SMTPXDP_EVENT=reloaded
	login_fail attacker 1 --from 198.51.100.8
	until_true 5 banned_are $ATTACKER/32 198.51.100.8/32
	not journal_has SMTPXDP_EVENT=fault
}

@test "an upgrade from a daemon of root, and one of its own, lose nothing" {
	as_root
	rm -r $PIN $STATE
	daemon_up
	same "owner" "$(owners $PIN $STATE)" root
	login_fail attacker 3
	login_fail attacker 2 --from 198.51.100.8
	smtpxdp ban add 198.51.100.70
	smtpxdp allow add 203.0.113.77
	smtpxdp config set --runtime ban-time 7h
	as_user
	for _ in 1 2; do
		daemon_down
		vanished attacker
		daemon_up
		same "owner" "$(owners $PIN $STATE)" smtpxdp
		same "ban list" "$(banned)" "$ATTACKER/32 198.51.100.70/32"
		same "window" "$(in_window 198.51.100.8)" 2
		has "$(smtpxdp allow list)" 203.0.113.77
		vanished attacker
	done
	login_fail attacker 1 --from 198.51.100.8
	same "ban list" "$(banned)" \
		"$ATTACKER/32 198.51.100.70/32 198.51.100.8/32"
	until_true 5 saved 198.51.100.8/32
}

@test "what root's commands and root's daemon write, it can go on with" {
	daemon_up
	smtpxdp ban add 198.51.100.70
	daemon_down KILL
	rm $STATE/*
	smtpxdp ban add 198.51.100.71
	same "owner" "$(owners $STATE)" smtpxdp
	as_root # smtpxdp run, by hand
	rm -f $STATE/*
	daemon_up
	smtpxdp ban add 198.51.100.72
	until_true 5 saved 198.51.100.72/32
	same "owner" "$(owners $STATE)" smtpxdp
	same "owners" "$(owners $PIN)" 'root smtpxdp'
	daemon_down
	as_user
	same "owner" "$(owners $PIN)" smtpxdp
	daemon_up
	same "ban list" "$(banned)" "198.51.100.70/32 198.51.100.71/32 198.51.100.72/32"
	daemon_down
	smtpxdp unload
	prepare
	daemon_up
	same "restored" "$(banned)" \
		"198.51.100.70/32 198.51.100.71/32 198.51.100.72/32"
}

@test "root's daemon follows no link that the user has laid in its state folder" {
	as_root
	mkdir -p $LAB/precious
	echo precious >$LAB/precious/file
	ln -s $LAB/precious/new $STATE/smtpxdp.lock
	ln -s $LAB/precious/other $STATE/smtpxdp.db
	daemon_up
	smtpxdp ban add 198.51.100.70
	same "files" "$(ls $LAB/precious)" file
	until_true 5 journal_has SMTPXDP_EVENT=state-fault
	daemon_down
	# Where the kernel's protected_hardlinks is off.
	rm $STATE/*
	ln $LAB/precious/file $STATE/smtpxdp.lock
	daemon_up
	same "owner" "$(stat -c %U $LAB/precious/file)" root
	same "text" "$(cat $LAB/precious/file)" precious
	rm -r $LAB/precious
}

@test "unload, as root, follows no link that the daemon's user has laid" {
	mkdir -p $LAB/precious
	touch $LAB/precious/file
	rmdir $PIN/links
	setpriv --reuid smtpxdp --regid smtpxdp --clear-groups \
		--inh-caps=+dac_read_search --ambient-caps=+dac_read_search \
		ln -s $LAB/precious $PIN/links
	fails 1 smtpxdp unload
	has "$output" 'Permission denied'
	[ -e $LAB/precious/file ]
	rm -r $PIN $LAB/precious
}

@test "run --prepare takes nobody else's folder, and needs the user" {
	rm -r $PIN
	chmod 1777 /sys/fs/bpf
	setpriv --reuid 65534 --clear-groups mkdir -m 700 $PIN
	fails 1 smtpxdp run --prepare
	has "$output" "$PIN does not belong to root, to the user smtpxdp or to you alone"
	same "owner" "$(stat -c %U $PIN)" nobody
	fails 1 smtpxdp unload
	has "$output" 'does not belong to root'
	rmdir $PIN
	sed -i 's/^smtpxdp:/other:/' /etc/passwd
	fails 1 smtpxdp run --prepare
	sed -i 's/^other:/smtpxdp:/' /etc/passwd
	has "$output" 'no user smtpxdp: make it'
}
