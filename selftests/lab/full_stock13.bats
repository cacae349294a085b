#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# As stock.bats, with Postfix 3.10, Dovecot 2.4 and Exim 4.98 as Debian 13 ships
# them: they run in a root of Debian 13, in which only /run, /proc, /dev, /tmp and the users are
# the lab's. Debian 13's kernel is in selftests/machines/vm_trixie.bats.
#
# full: five minutes and a root of Debian 13, for servers like those of stock.bats
# vm: root trixie-amd64

# shellcheck disable=SC2086 # addresses and options hold no spaces

load ../lib/common.sh
load ../lib/stock.sh

export STOCK=1
export DOVECOT_MECHANISMS="plain login cram-md5"
# scripts/vm.d/root.sh puts it there.
export LAB_EXIM=/opt/exim/usr/sbin/exim4

ROOT=/run/trixie
FROM=${SMTPXDP_VM_CACHE:-$LAB_ROOT/build/vm}/roots/trixie-amd64

setup_file() {
	local place
	mkdir -p $ROOT
	mount --bind "$FROM" $ROOT
	mount -o remount,bind,ro $ROOT
	for place in /run /proc /dev /tmp /etc/passwd /etc/group; do
		mount --bind $place "$ROOT$place"
	done
	# shellcheck disable=SC2034 # for lab.sh
	OTHER_ROOT=(chroot "$ROOT")
	lab_up journald postfix exim
}

teardown_file() {
	lab_down
	until_true 10 umount -R $ROOT # a child of Exim's may end later
}

@test "Debian 13's servers: whoever guesses is banned, a device is not" {
	local n guessers=()
	has "$(chroot $ROOT dovecot --version)" '^2\.4'
	has "$(chroot $ROOT postconf -d mail_version)" ' 3\.10'
	has "$(chroot $ROOT $LAB_EXIM -bV)" '^Exim version 4\.98'
	for n in 30 31 32 33 34 35 36 37; do
		guessers+=("198.51.100.$n/32")
	done
	daemon_up
	rhythm device 198.51.100.20 100 --password old
	rhythm device-tls 198.51.100.21 100 --password old --tls starttls
	rhythm device-dovecot 198.51.100.22 100 --password old --server $DOVECOT
	rhythm device-dovecot-tls 198.51.100.23 100 --password old \
		--server $DOVECOT --tls starttls
	rhythm device-exim 198.51.100.24 100 --password old --server $EXIM
	rhythm device-exim-tls 198.51.100.25 100 --password old --server $EXIM \
		--tls starttls
	rhythm one 198.51.100.30 290 --until-banned
	rhythm many 198.51.100.31 290 --until-banned --per 20
	rhythm four 198.51.100.32 290 --until-banned --connections 4
	rhythm tls 198.51.100.33 290 --until-banned --tls starttls
	rhythm dovecot 198.51.100.34 290 --until-banned --server $DOVECOT
	rhythm dovecot-tls 198.51.100.35 290 --until-banned --server $DOVECOT \
		--tls starttls
	rhythm exim 198.51.100.36 290 --until-banned --server $EXIM
	rhythm exim-tls 198.51.100.37 290 --until-banned --server $EXIM \
		--tls starttls
	until_true 300 banned_are "${guessers[@]}"
	until_true 200 ended device device-tls device-dovecot device-dovecot-tls \
		device-exim device-exim-tls
	banned_are "${guessers[@]}"
	for n in 20 21 22 23 24 25; do
		same "guesses of 198.51.100.$n" \
			"$(why 198.51.100.$n .client.in_window)" 1
		[ "$(why 198.51.100.$n .client.repeats)" -gt 3 ]
	done
}

@test "Debian 13's servers: an office of twelve, in the clear and inside TLS" {
	daemon_up
	# No process had that library before: whom its first session tries, is not
	# known.
	login_ok honest --tls starttls
	offices
}
