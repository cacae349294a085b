#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The Debian package: built from a copy of the tree, checked by lintian, and
# installed, upgraded, removed and purged in a machine with a real systemd.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh
# shellcheck source=scripts/machine.sh
. "$LAB_ROOT/scripts/machine.sh"

DEB=/run/deb
CONF=$MACHINE_ROOT/etc/smtpxdp/smtpxdp.conf

setup_file() {
	build_package || lab_fail "the package" deb
	lab_up journald postfix
	# In there, services may be started.
	machine_up rm -f $MACHINE_ROOT/usr/sbin/policy-rc.d || true
}

teardown_file() {
	machine_down
	lab_down
	rm -rf $DEB
}

build_package() {
	mkdir -p $DEB/smtpxdp
	tar c -C "$LAB_ROOT" --exclude=./build --exclude=./.git . |
		tar x -C $DEB/smtpxdp
	(cd $DEB/smtpxdp && DEB_BUILD_OPTIONS=noautodbgsym \
		dpkg-buildpackage -us -uc -b -j2) >$LAB/log/deb 2>&1
}

# Where setup() of each test would wipe what the one before has installed.
daemon_wipe() { :; }

smtpxdp() {
	machine smtpxdp "$@"
}

package() { # [VERSION]
	echo $DEB/smtpxdp_${1-[0-9]*}_*.deb
}

install_package() { # [VERSION]
	cp "$(package "$@")" $MACHINE_ROOT/root/smtpxdp.deb
	machine dpkg -i /root/smtpxdp.deb
}

files() { # FOLDER
	(cd "$1" && find . -type f) |
		sed '\|/usr/share/doc/|d; /\/man\//s/\.gz$//' | sort
}

@test "lintian finds no error" {
	lintian --allow-root --fail-on error $DEB/*.changes
}

# /lib/systemd/system in Debian 12, below /usr since.
unitdir() {
	files $DEB/package | sed -n 's/^\.\(.*\)\/smtpxdp\.service$/\1/p'
}

@test "make install installs the same" {
	dpkg-deb -x "$(package)" $DEB/package
	make -s -C $DEB/smtpxdp install PREFIX=/usr DESTDIR=$DEB/install \
		UNITDIR="$(unitdir)"
	diff <(files $DEB/package) <(files $DEB/install)
	for f in /sbin/smtpxdp /share/man/man8/smtpxdp.8 \
		/share/bash-completion/completions/smtpxdp \
		/share/fish/vendor_completions.d/smtpxdp.fish \
		/share/zsh/vendor-completions/_smtpxdp; do
		has "$(files $DEB/package)" "^\./usr$f\$"
	done
}

@test "its version is the program's, its build needs are setup's" {
	same "version" "$(dpkg-deb -f "$(package)" Version)" \
		"$("$BIN" --version | cut -d' ' -f2)"
	diff <(sed -n '/^BUILD=(/,/^)/p' "$LAB_ROOT/scripts/setup" |
		grep -v '[()]' | xargs -n1 | grep -vE '^(make|gcc|libc6-dev)$' | sort) \
		<(sed -n '/^Build-Depends:/,/^$/s/^ \([a-z0-9-]*\).*/\1/p' \
			"$LAB_ROOT/debian/control" | sort)
}

@test "installed, it runs, and will after a reboot; its file is a conffile" {
	machine_needed
	install_package
	until_true 10 machine systemctl -q is-active smtpxdp
	same "at boot" "$(machine systemctl is-enabled smtpxdp)" enabled
	# shellcheck disable=SC2016 # dpkg-query's own variable
	has "$(machine dpkg-query -W -f '${Conffiles}' smtpxdp)" \
		/etc/smtpxdp/smtpxdp.conf
	smtpxdp config set rate 3/60s
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	has "$(machine journalctl -q -x -u smtpxdp)" '^░░ Subject: '
}

@test "an upgrade keeps protection, and what the admin has set" {
	machine_needed
	dpkg-deb -R "$(package)" $DEB/next
	sed -i 's/^Version: .*/Version: 9.0/' $DEB/next/DEBIAN/control
	dpkg-deb -b $DEB/next $DEB/smtpxdp_9.0_next.deb >/dev/null
	pid=$(machine systemctl show -P MainPID smtpxdp)
	background knock attacker python3 -B $HELPER knock --server $POSTFIX
	install_package 9.0
	end knock
	has "$(cat $LAB/log/knock)" '^sent [0-9]{3}'
	has "$(cat $LAB/log/knock)" '^answered 0$'
	machine systemctl -q is-active smtpxdp
	[ "$(machine systemctl show -P MainPID smtpxdp)" != $pid ]
	same "ban list" "$(banned)" $ATTACKER/32
	same "rate" "$(smtpxdp config get rate)" 3/60s
}

@test "removed, it protects no more; purged, it leaves nothing" {
	machine_needed
	vanished attacker
	machine dpkg -r smtpxdp
	connects attacker
	not machine test -e /sys/fs/bpf/smtpxdp
	has "$(cat $CONF)" '^rate = 3/60s'
	[ -d $MACHINE_ROOT/var/lib/smtpxdp ]
	machine dpkg -P smtpxdp
	same "left" "$(machine find /etc /lib/ /usr /var /run -name 'smtpxdp*' \
		-newer /etc/machine-id)" ""
}
