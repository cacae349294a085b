#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The units under a real systemd as PID 1: what `make install` installs, started,
# reloaded, hung, killed, restarted, stopped and rebooted. Postfix is the lab's,
# beside the machine in the same network namespace.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh
# shellcheck source=scripts/machine.sh
. "$LAB_ROOT/scripts/machine.sh"

CONF=$MACHINE_ROOT/etc/smtpxdp/smtpxdp.conf
DROP_IN=$MACHINE_ROOT/etc/systemd/system/smtpxdp.service.d/test.conf

setup_file() {
	lab_up journald postfix
	machine_up make -s -C "$LAB_ROOT" install PREFIX=/usr \
		DESTDIR=$MACHINE_ROOT || return 0
	machine journalctl --update-catalog
	machine systemd-sysusers
}

teardown_file() {
	machine_down
	lab_down
}

before() {
	machine_needed
	conf rate 3/60s
}

after() {
	[ ! -e $LAB/no-machine ] || return 0
	machine systemctl stop smtpxdp
	until_true 5 not active smtpxdp-gate
	rm -rf $DROP_IN $MACHINE_ROOT/var/lib/smtpxdp
	machine systemctl daemon-reload
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- its journal:"
		machine journalctl -q -n 30
	}
}

smtpxdp() {
	machine smtpxdp "$@"
}

active() { # UNIT
	machine systemctl -q is-active "$1"
}

main_pid() {
	machine systemctl show -P MainPID smtpxdp
}

# drop_in LINE...: of section [Service].
drop_in() {
	mkdir -p "${DROP_IN%/*}"
	printf '%s\n' '[Service]' "$@" >$DROP_IN
	machine systemctl daemon-reload
}

# What the machine's journal has of the unit since the test began.
told() { # [MATCH...]
	machine journalctl -q -u smtpxdp --since="@$(cat $LAB/since)" "$@"
}

ban_attacker() {
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
}

# Another daemon than PID, and it serves.
served_by_another() { # PID
	[ "$(main_pid)" != "$1" ] && active smtpxdp
}

@test "the units are valid, and expose little" {
	machine systemd-analyze verify smtpxdp.service smtpxdp-gate.service
	# What is left is explained in smtpxdp(8), Under systemd.
	machine systemd-analyze security --no-pager --threshold=23 smtpxdp
	machine systemd-analyze security --no-pager --threshold=8 smtpxdp-gate
}

# Who owns what: USER of each file below the folders, on one line.
owners() { # FOLDER...
	machine find "$@" -printf '%u\n' | sort -u | paste -sd ' '
}

@test "the daemon is a user of its own, with six capabilities, and owns what it writes" {
	machine systemctl start smtpxdp
	same "user" "$(machine ps -o user= -p "$(main_pid)" | tr -d ' ')" smtpxdp
	for set in CapPrm CapEff CapBnd CapAmb; do
		same "$set" "$(machine sed -n "s/^$set:[[:space:]]*//p" \
			/proc/"$(main_pid)"/status)" 000001c000081004
	done
	same "owner" "$(owners /sys/fs/bpf/smtpxdp /var/lib/smtpxdp)" smtpxdp
	same "mode" "$(machine stat -c %a /sys/fs/bpf/smtpxdp /var/lib/smtpxdp |
		paste -sd ' ')" '700 700'
	same "bpffs is not writable for it" "$(machine find /sys/fs/bpf /etc/smtpxdp \
		-maxdepth 0 -user smtpxdp)" ''
}

@test "names of the key allow are looked up, within what the unit permits" {
	rm -f $MACHINE_ROOT/etc/resolv.conf
	echo nameserver 127.0.0.1 >$MACHINE_ROOT/etc/resolv.conf
	dns_up
	dns_zone $ATTACKER
	conf rate 3/60s allow $DNS_NAME
	machine systemctl start smtpxdp
	until_true 5 name_allowed
	end dns
	login_fail attacker 4
	same "ban list" "$(banned)" ''
}

name_allowed() {
	smtpxdp allow list | grep "^$ATTACKER/32 .*$DNS_NAME"
}

# As in an earlier version, whose unit had no User=.
of_root() {
	drop_in User=root ExecStartPre= \
		'ExecStartPre=+/bin/mkdir -p -m 0700 /sys/fs/bpf/smtpxdp'
}

@test "a daemon of the user takes over what a daemon of root has left" {
	of_root
	machine systemctl start smtpxdp
	same "owner" "$(owners /sys/fs/bpf/smtpxdp /var/lib/smtpxdp)" root
	ban_attacker
	smtpxdp config set ban-time 7h
	smtpxdp allow add 203.0.113.77
	login_fail attacker 2 --from 198.51.100.8
	rm $DROP_IN
	machine systemctl daemon-reload
	background taken attacker python3 -B $HELPER knock --server $POSTFIX
	machine systemctl restart smtpxdp
	end taken
	has "$(cat $LAB/log/taken)" '^answered 0$'
	same "owner" "$(owners /sys/fs/bpf/smtpxdp /var/lib/smtpxdp)" smtpxdp
	same "user" "$(machine ps -o user= -p "$(main_pid)" | tr -d ' ')" smtpxdp
	same "ban list" "$(banned)" $ATTACKER/32
	same "ban-time" "$(smtpxdp config get ban-time)" 7h
	smtpxdp allow list | grep -q 203.0.113.77
	same "window" "$(in_window 198.51.100.8)" 2
	until_true 5 smtpxdp status --check
}

@test "what root's commands write, the daemon can read, also while it is down" {
	drop_in Restart=no
	machine systemctl start smtpxdp
	smtpxdp config set rate 4/60s
	smtpxdp ban add 198.51.100.70
	has "$(cat $CONF)" '^rate = 4/60s'
	same "owner of the file" "$(stat -c %U $CONF)" root
	machine systemctl kill -s KILL smtpxdp
	until_true 5 not active smtpxdp
	machine sh -c 'rm -f /var/lib/smtpxdp/*'
	smtpxdp ban add 198.51.100.71
	same "owner" "$(owners /var/lib/smtpxdp)" smtpxdp
	machine systemctl reset-failed smtpxdp
	machine systemctl start smtpxdp
	same "ban list" "$(banned)" "198.51.100.70/32 198.51.100.71/32"
	smtpxdp ban add 198.51.100.72
	until_true 5 is_saved 198.51.100.72/32
	until_true 5 smtpxdp status --check
	not has_told SMTPXDP_EVENT=state-fault
	# by hand, as root, in the daemon's folders
	machine systemctl kill -s KILL smtpxdp
	until_true 5 not active smtpxdp
	machine sh -c 'rm -f /var/lib/smtpxdp/*'
	machine timeout 5 smtpxdp run -i eth0 || true
	same "owner" "$(owners /var/lib/smtpxdp)" smtpxdp
	same "owners of the pins" "$(owners /sys/fs/bpf/smtpxdp)" "root smtpxdp"
	machine systemctl reset-failed smtpxdp
	machine systemctl start smtpxdp
	same "owner" "$(owners /sys/fs/bpf/smtpxdp /var/lib/smtpxdp)" smtpxdp
	same "ban list" "$(banned)" \
		"198.51.100.70/32 198.51.100.71/32 198.51.100.72/32"
}

is_saved() { # NETWORK
	has "$(sqlite3 $MACHINE_ROOT/var/lib/smtpxdp/smtpxdp.db \
		'SELECT net FROM bans')" "^$1\$"
}

# In the machine, anybody may make folders there: bpffs is sticky.
@test "a folder that somebody else has made is not taken, nor given to the user" {
	machine setpriv --reuid 65534 --clear-groups mkdir -m 700 /sys/fs/bpf/smtpxdp
	machine setpriv --reuid 65534 --clear-groups mkdir -m 700 /sys/fs/bpf/smtpxdp/links
	fails 1 machine systemctl start smtpxdp
	until_true 5 has_told --grep '/sys/fs/bpf/smtpxdp does not belong to root'
	machine systemctl stop smtpxdp
	same "owner" "$(owners /sys/fs/bpf/smtpxdp)" nobody
	machine sh -c 'rm -r /sys/fs/bpf/smtpxdp'
}

# The daemon's user may lay links in its own folder.
@test "unload, as root, removes nothing but what the daemon's user may remove" {
	mkdir -p $MACHINE_ROOT/opt/precious
	touch $MACHINE_ROOT/opt/precious/file
	machine mkdir -p /sys/fs/bpf/smtpxdp
	machine chown smtpxdp: /sys/fs/bpf/smtpxdp
	machine setpriv --reuid smtpxdp --clear-groups ln -s /opt/precious \
		/sys/fs/bpf/smtpxdp/links
	fails 1 smtpxdp unload
	[ -e $MACHINE_ROOT/opt/precious/file ]
	machine rm -r /sys/fs/bpf/smtpxdp
}

@test "start: it serves when systemctl returns; bans; tells the machine's journal" {
	machine systemctl start smtpxdp
	ban_attacker
	vanished attacker
	connects honest
	until_true 5 has_told SMTPXDP_EVENT=ban SMTPXDP_CLIENT=$ATTACKER
	same "pid" "$(told -o json SMTPXDP_EVENT=ban | jq -r ._PID)" "$(main_pid)"
	has "$(smtpxdp events)" "banned $ATTACKER/32"
	# Explained, by the catalogue that was installed.
	has "$(told -x SMTPXDP_EVENT=ban)" '^░░ Subject: '
	has "$(machine systemctl status smtpxdp)" 'Status: "'
	[ -d $MACHINE_ROOT/var/lib/smtpxdp ]
}

@test "with the unit's few capabilities the daemon can tell that all is well" {
	conf rate 3/60s metrics-listen 127.0.0.1:9735
	machine systemctl start smtpxdp
	got=$(at mail curl -sS http://127.0.0.1:9735/metrics)
	has "$got" '^smtpxdp_up 1$'
	has "$got" '^smtpxdp_problems\{check="gate"\} 0$'
	same "problems" "$(grep '^smtpxdp_problems' <<<"$got" | grep -v ' 0$' || true)" ''
	# It is no vain word: the same daemon sees what is taken away.
	machine sh -c 'rm /sys/fs/bpf/smtpxdp/links/xdp-*'
	until_true 10 sees_no_gate
}

sees_no_gate() {
	at mail curl -sS http://127.0.0.1:9735/metrics |
		grep -qxF 'smtpxdp_problems{check="xdp"} 1'
}

has_told() { # MATCH...
	[ -n "$(told "$@")" ]
}

# A second offence.
offends_twice() {
	ban_attacker
	smtpxdp ban del $ATTACKER
	ban_attacker
}

@test "on-event: in the unit's sandbox its program can post, and a stop is its end" {
	background receiver honest python3 -B "$LAB_ROOT/selftests/lib/receiver.py" \
		$HONEST 8080 200
	until_true 10 listens honest $HONEST 8080
	machine sh -c "echo http://$HONEST:8080/ >/etc/smtpxdp/hook.url
		chgrp smtpxdp /etc/smtpxdp/hook.url; chmod 640 /etc/smtpxdp/hook.url"
	machine systemctl start smtpxdp
	smtpxdp config set on-event \
		"/usr/share/smtpxdp/on-event/webhook /etc/smtpxdp/hook.url"
	offends_twice
	until_true 10 test -s $LAB/log/receiver
	has "$(jq -r .body $LAB/log/receiver)" '"SMTPXDP_OFFENCE":"2"'
	end receiver
	same "failed" "$(counter on-event-failed)" 0
	machine sh -c "printf '%s\\n' '#!/bin/sh' \"trap '' TERM\" \
		'touch /var/lib/smtpxdp/here; touch /etc/here' 'sleep 98763' \
		>/usr/local/bin/hangs; chmod 755 /usr/local/bin/hangs"
	smtpxdp config set on-event /usr/local/bin/hangs
	smtpxdp ban del $ATTACKER
	ban_attacker
	until_true 5 machine pgrep -f 'sleep 98763'
	start=$SECONDS
	machine systemctl restart smtpxdp
	[ $((SECONDS - start)) -lt $((30 * SLOW)) ]
	not machine pgrep -f 'sleep 98763'
	machine test -e /var/lib/smtpxdp/here
	not machine test -e /etc/here
}

@test "reload takes the file; a broken one is refused before, and told" {
	machine systemctl start smtpxdp
	pid=$(main_pid)
	conf rate 5/60s
	machine systemctl reload smtpxdp
	until_true 5 has_told SMTPXDP_EVENT=reloaded
	same "rate" "$(smtpxdp config get rate)" 5/60s
	echo 'rate = often' >$CONF
	fails 1 machine systemctl reload smtpxdp
	has "$(told)" '/etc/smtpxdp/smtpxdp.conf:1: .*rate'
	same "rate" "$(smtpxdp config get rate)" 5/60s
	same "daemon" "$(main_pid)" $pid
}

@test "the watchdog ends a daemon that hangs, and starts another" {
	drop_in WatchdogSec=1s
	machine systemctl start smtpxdp
	pid=$(main_pid)
	ban_attacker
	machine kill -STOP $pid
	vanished attacker
	until_true 20 served_by_another $pid
	has "$(told)" '[Ww]atchdog timeout'
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
}

@test "killed, it is started again; bans hold all the time" {
	machine systemctl start smtpxdp
	pid=$(main_pid)
	ban_attacker
	machine systemctl kill -s KILL smtpxdp
	vanished attacker
	until_true 10 served_by_another $pid
	vanished attacker
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "restart opens no gap: not one of a flood of SYNs is answered" {
	machine systemctl start smtpxdp
	ban_attacker
	background knock attacker python3 -B $HELPER knock --server $POSTFIX
	for _ in 1 2 3; do
		pid=$(main_pid)
		machine systemctl restart smtpxdp
		served_by_another $pid
	done
	machine systemctl try-restart smtpxdp
	machine systemctl reload-or-restart smtpxdp
	end knock
	sent=$(sed -n 's/^sent //p' $LAB/log/knock)
	[ $sent -gt 100 ]
	same "answered" "$(sed -n 's/^answered //p' $LAB/log/knock)" 0
	[ "$(counter dropped-ban)" -ge $sent ]
}

@test "stop ends protection, when systemctl returns" {
	machine systemctl start smtpxdp
	ban_attacker
	vanished attacker
	machine systemctl stop smtpxdp
	connects attacker
	same "state" "$(machine systemctl is-failed smtpxdp)" inactive
	until_true 5 not machine test -e /sys/fs/bpf/smtpxdp
	# And the ban is not forgotten.
	machine systemctl start smtpxdp
	vanished attacker
	same "state" "$(sqlite3 $MACHINE_ROOT/var/lib/smtpxdp/smtpxdp.db \
		'SELECT net FROM bans')" $ATTACKER/32
}

@test "stop, and start before it is done: protection stays" {
	machine systemctl start smtpxdp
	ban_attacker
	machine systemctl stop --no-block smtpxdp
	machine systemctl start smtpxdp
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
}

# Where systemd runs no ExecStopPost=.
@test "stop ends protection of a daemon that cannot start again, too" {
	machine systemctl start smtpxdp
	ban_attacker
	echo 'rate = often' >$CONF
	machine systemctl kill -s KILL smtpxdp
	until_true 10 has_told --grep 'smtpxdp.conf:1:'
	until_true 5 ended 3
	until_true 5 has_told --grep 'protection stays on'
	vanished attacker
	machine systemctl stop smtpxdp
	until_true 5 not active smtpxdp-gate
	connects attacker
	not machine test -e /sys/fs/bpf/smtpxdp
}

# It has failed, and systemd leaves it at that.
ended() { # EXIT-CODE
	[ "$(machine systemctl show -P SubState smtpxdp)" = failed ] &&
		[ "$(machine systemctl show -P ExecMainStatus smtpxdp)" = "$1" ]
}

@test "a kernel that refuses the programs ends it, and it claims no protection" {
	mkdir -p $MACHINE_ROOT/opt/lab
	other_kernel $MACHINE_ROOT/opt/lab/kernel.so "$NAMED"
	drop_in Environment=LD_PRELOAD=/opt/lab/kernel.so \
		Environment=REFUSED=clock Environment=REFUSED_ERRNO=13 \
		'Environment="VERDICT=R4 is bad"'
	fails 1 machine systemctl start smtpxdp
	until_true 5 ended 4
	same "restarts" "$(machine systemctl show -P NRestarts smtpxdp)" 0
	until_true 5 has_told --grep 'the kernel refuses clock:.*R4 is bad'
	until_true 5 has_told --grep 'no gate is attached'
	not has_told --grep 'protection stays on'
	machine systemctl reset-failed
}

@test "what may pass: it tries again by itself, ever more seldom; on a reload, at once" {
	background holder mail "$BIN" --pin $PIN-two run -i eth0 -c $CONF \
		--state $STATE-two
	until_true 10 at mail "$BIN" --pin $PIN-two status --check
	fails 1 machine systemctl start smtpxdp
	until_true 20 has_told --grep 'tries again in 4 seconds'
	until_true 5 active smtpxdp # and no boot waits for it
	has "$(machine systemctl status smtpxdp)" 'Status: "NOT running'
	until_true 30 has_told --grep 'tries again in 8 seconds'
	until_true 30 has_told --grep 'tries again in 16 seconds'
	same "restarts" "$(machine systemctl show -P NRestarts smtpxdp)" 1
	end holder
	at mail "$BIN" --pin $PIN-two unload
	rm -rf $PIN-two
	machine systemctl reload smtpxdp
	until_true 10 smtpxdp status --check
	has "$(machine systemctl status smtpxdp)" 'Status: "watching'
	ban_attacker
	vanished attacker
}

@test "enabled, it starts with the machine; a reboot loses no ban" {
	machine systemctl enable --now smtpxdp
	ban_attacker
	machine_off
	connects attacker
	machine_boot
	until_true 10 active smtpxdp
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	login_fail attacker 3 --from 198.51.100.9
	vanished attacker --from 198.51.100.9
	machine systemctl disable smtpxdp
}

# A server of another user, whose TLS library is replaced while it runs.
mailer() {
	local lib
	lib=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*=> //p' | head -n 1)
	lab_certificate
	mkdir -p $MACHINE_ROOT/opt/lab
	cp "$lib" $HELPER $LAB/cert.pem $LAB/key.pem $MACHINE_ROOT/opt/lab/
	machine systemd-run -q --unit=mailer -p User=daemon \
		-E LD_LIBRARY_PATH=/opt/lab /usr/bin/python3 -B \
		/opt/lab/helper.py serve --server $NGINX --port 2525 \
		--certificate /opt/lab/cert.pem --key /opt/lab/key.pem
	until_true 10 listens mail $NGINX 2525
	rm $MACHINE_ROOT/opt/lab/libssl.so.3
}

# Starts it, and counts failures in the clear and inside TLS.
serves() {
	machine systemctl start smtpxdp || return 1
	login_fail attacker 1
	login_fail attacker 1 --server $NGINX --port 2525 --tls starttls \
		--from 198.51.100.8
	# In the clear, and inside TLS.
	[ "$(in_window $ATTACKER)" = 1 ] && [ "$(in_window 198.51.100.8)" = 1 ]
}

@test "no capability too many: without each, something fails" {
	mailer
	drop_in Restart=no
	serves
	machine systemctl stop smtpxdp
	set=$(machine systemctl show -P CapabilityBoundingSet smtpxdp)
	# Kernels before Linux 6.6 need CAP_SYS_ADMIN, too: see vm_bookworm.bats.
	same "capabilities" "$(wc -w <<<"$set")" 6
	for cap in $set; do
		drop_in Restart=no "CapabilityBoundingSet=~${cap^^}" \
			"AmbientCapabilities=~${cap^^}"
		not serves || { echo "works without $cap"; false; }
		machine systemctl stop smtpxdp
		machine systemctl reset-failed
	done
	machine systemctl stop mailer
}
