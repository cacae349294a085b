#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The life of one mail host, with a disk that is kept: the package of an earlier
# commit is upgraded under a flood, the kernel goes from 6.12 to 6.1 and back, the
# power is cut within a second of a ban, the package goes. The tests go on from
# each other.
#
# full: the machine boots eight times
# vm: kernel bookworm-amd64 bookworm-backports-amd64
# vm: root bookworm-amd64
# vm: build bookworm-amd64 deb
# vm: build bookworm-amd64@e30c307 deb

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces

load guest.sh

M=$LAB/host
# The last one before it was made to load on other kernels than its own.
EARLIER=e30c307

setup_file() {
	local old new
	new=$(package bookworm-amd64)
	old=$(package bookworm-amd64@$EARLIER)
	net_up
	# The machine has the addresses of this namespace.
	ip -n router link del to-mail
	ip netns del mail
	"$VM" start "$M" bookworm-backports-amd64 --systemd --tree git \
		-f "$old":/root/old.deb -f "$new":/root/new.deb --nic \
		"router/to-vm,addr=$POSTFIX/24,gw=$GATEWAY,host=$GATEWAY/24"
	server_unit | "$VM" exec "$M" -i -- 'cat >/etc/systemd/system/serve.service
		systemctl enable --now serve'
	SMTPXDP_SLOW=$(in_vm 'echo $SMTPXDP_SLOW')
	export SMTPXDP_SLOW
	inventory >$BATS_FILE_TMPDIR/before
}

teardown_file() {
	guest_down
	net_down
}

setup() { :; }

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- the machine:"
		in_vm 'smtpxdp ban; smtpxdp clients; smtpxdp status --check
			journalctl -q --no-pager -n 30 -u smtpxdp' || true
	}
}

# A mail server that refuses every login.
server_unit() {
	cat <<-'END'
	[Unit]
	After=network-online.target
	[Service]
	ExecStart=/usr/bin/python3 -B /src/smtpxdp/selftests/lib/helper.py serve --server 0.0.0.0 --port 587
	ExecStartPre=/bin/sh -c 'mkdir -p /run/lab; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mail.example -keyout /run/lab/key.pem -out /run/lab/cert.pem'
	Restart=always
	RestartSec=1
	[Install]
	WantedBy=multi-user.target
	END
}

apt_install() { # DEB
	in_vm "DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--reinstall --allow-downgrades $1 2>&1"
}

fail() { # COUNT ADDRESS [OPTION...]
	login_fail attacker 1 --tries $1 --from $2 --timeout $((5 * SLOW)) "${@:3}"
}

served() { # ADDRESS
	connects attacker --from $1 --timeout $((5 * SLOW))
}

has_ban() { # NETWORK...
	local net bans
	bans=$(smtpxdp ban list -j | jq -r '.[].net')
	for net in "$@"; do
		has "$bans" "^$net\$"
	done
}

is_in_force() { # ADDRESS
	has_ban $1/32
	vanished attacker --from $1
}

# In the state file, by its own word: a reader sees what is on the disk.
saved() { # NETWORK
	has "$(in_vm "sqlite3 -readonly /var/lib/smtpxdp/smtpxdp.db 'SELECT net FROM bans'")" \
		"^$1\$"
}

on() { # KERNEL TC
	has "$(in_vm uname -r)" "^$1\\."
	until_true 5 smtpxdp status --check
	same "tc" "$(smtpxdp status -j | jq -r '.interfaces[0].tc')" $2
	same "XDP" "$(smtpxdp status -j | jq -r '.interfaces[0].xdp')" native
}

# What a package may leave behind: files, users, what is attached and loaded.
inventory() {
	in_vm 'find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp \
			-o -path /root -o -path /src -o -path /dev \) -prune -o -iname "*smtpxdp*" -print
		find /sys/fs/bpf /run -iname "*smtpxdp*"
		grep -rl --exclude="*-" smtpxdp /etc 2>/dev/null # backups of passwd(5)
		getent passwd; getent group
		tc qdisc show dev eth0 | sed "s/ [0-9a-f]*: / /; s/parent .*//"
		tc filter show dev eth0 egress; tc filter show dev eth0 ingress
		ip -d link show eth0 | grep -o "prog/xdp.*"
		bpftool link | grep -cE "xdp|tcx|perf_event|uprobe_multi|tracing"
		bpftool prog | grep -cE "detect_|drop_|tls_|listen"
		systemctl list-unit-files --no-legend | grep smtpxdp
		journalctl --list-catalog | grep -i smtpxdp
		dpkg -l | grep smtpxdp
		true'
}

@test "6.12, the earlier build: installed, it bans and counts" {
	apt_install /root/old.deb
	until_true 5 smtpxdp status --check
	smtpxdp config set rate 3/6h
	fail 3 198.51.100.7
	fail 2 198.51.100.8
	smtpxdp ban add 198.51.100.9 --for 7d --reason 'an old one'
	is_in_force 198.51.100.7
	is_in_force 198.51.100.9
}

@test "upgraded under a flood: nothing gets through, nothing is forgotten" {
	local pid
	pid=$(in_vm systemctl show -P MainPID smtpxdp)
	background knock attacker python3 -B $HELPER knock --server $POSTFIX
	apt_install /root/new.deb
	end knock
	has "$(cat $LAB/log/knock)" '^sent [0-9]{3}'
	has "$(cat $LAB/log/knock)" '^answered 0$'
	[ "$(in_vm systemctl show -P MainPID smtpxdp)" != "$pid" ]
	on 6.12 tcx
	same "rate" "$(smtpxdp config get rate)" 3/6h
	is_in_force 198.51.100.7
	is_in_force 198.51.100.9
	# Two failures before, the third now.
	served 198.51.100.8
	fail 1 198.51.100.8
	until_true 5 is_in_force 198.51.100.8
	same "programs" "$(in_vm 'bpftool prog | grep -c "name drop_ethernet"')" 1
}

@test "from 6.12 to 6.1: bans hold, and clsact takes TCX' place" {
	"$VM" stop "$M"
	"$VM" boot "$M" bookworm-amd64
	on 6.1 clsact
	for a in 198.51.100.{7,8,9}; do
		is_in_force $a
	done
	served 198.51.100.10
}

# Nothing is written any more, and what is not on the disk is lost.
cut_now='echo b >/proc/sysrq-trigger'

@test "power cut as soon as ban add has returned: the ban holds" {
	fails 125 in_vm "smtpxdp ban add 198.51.100.20 --for 7d >/dev/null && $cut_now"
	"$VM" boot "$M"
	on 6.1 clsact
	is_in_force 198.51.100.20
	is_in_force 198.51.100.9
}

@test "power cut as soon as ban load has returned: all of 70,000 hold" {
	in_vm "smtpxdp config set max-bans 200000; systemctl restart smtpxdp; sync"
	fails 125 in_vm "seq 0 69999 | awk '{ printf \"10.%d.%d.%d\n\", \$1 / 65536,
		\$1 / 256 % 256, \$1 % 256 }' | smtpxdp ban load - --private --for 7d >/dev/null && $cut_now"
	"$VM" boot "$M"
	on 6.1 clsact
	[ "$(smtpxdp status -j | jq .bans)" -ge 70000 ]
	is_in_force 198.51.100.20
	smtpxdp ban flush
	smtpxdp ban add 198.51.100.9 --for 7d
	smtpxdp ban add 198.51.100.20
}

@test "power cut after a ban by the kernel: a second is enough for it" {
	local began
	fail 3 198.51.100.21
	began=${EPOCHREALTIME/[.,]/}
	until_true 1 saved 198.51.100.21/32
	echo "# saved $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms later" >&3
	# And of this one, whatever becomes of it, nothing is broken.
	fail 3 198.51.100.22
	"$VM" cut "$M"
	"$VM" boot "$M"
	on 6.1 clsact
	is_in_force 198.51.100.20
	is_in_force 198.51.100.21
	lacks "$(in_vm 'journalctl -b -q -u smtpxdp')" 'corrupt'
	# One who is not banned yet is, once it fails again.
	smtpxdp ban list -j | jq -e 'any(.net == "198.51.100.22/32")' ||
		fail 3 198.51.100.22
	until_true 5 is_in_force 198.51.100.22
}

# As after the running kernel's package was removed. (Its BTF is in /sys.)
modules_gone() {
	local pid
	pid=$(in_vm systemctl show -P MainPID smtpxdp)
	in_vm '! mountpoint -q /usr/lib/modules || umount -l /usr/lib/modules
		! test -e /lib/modules/$(uname -r)'
	in_vm systemctl restart smtpxdp
	[ "$(in_vm systemctl show -P MainPID smtpxdp)" != "$pid" ]
}

@test "6.1: with no modules on the disk it starts again" {
	modules_gone
	on 6.1 clsact
	is_in_force 198.51.100.9
}

@test "6.1: removed, it leaves nothing attached; purged, nothing at all" {
	in_vm 'dpkg -r smtpxdp 2>&1'
	served 198.51.100.9
	in_vm 'test -e /etc/smtpxdp/smtpxdp.conf && test -e /var/lib/smtpxdp/smtpxdp.db'
	not has "$(in_vm 'tc qdisc show dev eth0
		tc filter show dev eth0 egress; tc filter show dev eth0 ingress')" \
		'clsact|bpf'
	same "pins" "$(in_vm 'ls /sys/fs/bpf')" ''
	apt_install /root/new.deb
	on 6.1 clsact
	is_in_force 198.51.100.9
	in_vm 'dpkg -P smtpxdp 2>&1'
	diff $BATS_FILE_TMPDIR/before <(inventory)
}

@test "from 6.1 to 6.12, locked down for integrity: bans hold, all works" {
	apt_install /root/new.deb
	smtpxdp config set rate 3/6h
	smtpxdp ban add 198.51.100.30 --for 7d
	fail 3 198.51.100.31
	until_true 5 has_ban 198.51.100.31/32
	"$VM" stop "$M"
	"$VM" boot "$M" bookworm-backports-amd64 --append lockdown=integrity
	has "$(in_vm cat /sys/kernel/security/lockdown)" '\[integrity\]'
	on 6.12 tcx
	is_in_force 198.51.100.30
	is_in_force 198.51.100.31
	fail 3 198.51.100.32
	until_true 5 is_in_force 198.51.100.32
	fail 3 198.51.100.33 --tls starttls
	until_true 5 is_in_force 198.51.100.33
}

@test "6.12: with no modules on the disk it starts again" {
	modules_gone
	on 6.12 tcx
	is_in_force 198.51.100.30
}

@test "6.12, locked down for confidentiality: blind inside TLS, and says why" {
	"$VM" stop "$M"
	"$VM" boot "$M" --append lockdown=confidentiality
	has "$(in_vm cat /sys/kernel/security/lockdown)" '\[confidentiality\]'
	until_true 10 in_vm systemctl is-active smtpxdp
	fails 1 smtpxdp status --check
	not has "$(grep -v 'locked down for confidentiality.*lockdown=integrity' \
		<<<"$output")" .
	is_in_force 198.51.100.30
	fail 3 198.51.100.34
	until_true 5 is_in_force 198.51.100.34
	fail 3 198.51.100.35 --tls starttls
	served 198.51.100.35
	smtpxdp config set tls off
	in_vm systemctl restart smtpxdp
	on 6.12 tcx
}

@test "6.12: purged, it leaves nothing" {
	in_vm 'DEBIAN_FRONTEND=noninteractive apt-get purge -q -y smtpxdp 2>&1'
	served 198.51.100.30
	diff $BATS_FILE_TMPDIR/before <(inventory)
}
