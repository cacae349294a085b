#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files about Debian's releases share: a whole machine with the
# release's own kernel, systemd, Postfix and Dovecot, and the package that the
# release's own compilers have built. It is the mail host of the lab; attacker
# and honest are on this side of its NIC.

# shellcheck disable=SC2034 # used by those who load this
# shellcheck source=selftests/machines/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

M=$LAB/stock
ARCH=amd64

stock_up() { # RELEASE
	local deb
	deb=$(package "$1-$ARCH")
	net_up
	# The machine has the addresses of this namespace.
	ip -n router link del to-mail
	ip netns del mail
	"$VM" start "$M" "$1-$ARCH" --systemd -f "$deb":/root/smtpxdp.deb --nic \
		"router/to-vm,addr=$POSTFIX/24,addr=$POSTFIX6/64,gw=$GATEWAY$(
		),gw=2001:db8:25::1,host=$GATEWAY/24,host=2001:db8:25::1/64"
	# shellcheck disable=SC2016 # the machine's own
	SMTPXDP_SLOW=$(in_vm 'echo $SMTPXDP_SLOW')
	export SMTPXDP_SLOW
	mail_config | "$VM" exec "$M" -i -- 'bash -e'
}

stock_down() {
	guest_down
	net_down
}

setup_file() {
	stock_up "$RELEASE"
}

teardown_file() {
	stock_down
}

setup() { :; }

# What a test is about, for the table at the end of scripts/test.
FEATURE=

teardown() {
	[ -z "$FEATURE" ] || holds "$RELEASE-$ARCH" \
		"$(compiler_of "$LAB_ROOT/build/for/$RELEASE-$ARCH/smtpxdp/build")" \
		"$FEATURE" "$([ -n "${BATS_TEST_COMPLETED-}" ] ||
			echo "$BATS_TEST_DESCRIPTION: failed")"
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- the machine:"
		in_vm 'smtpxdp ban; smtpxdp clients; smtpxdp status --check
			journalctl -q --no-pager -n 30 -u smtpxdp' || true
	}
}

# A script for the machine. The configuration is Debian's (Postfix' is what the
# package makes for an "Internet Site"), with what each admin adds: submission
# with logins, by the accounts of the system. No delay is taken away.
mail_config() {
	cat <<-EOF
	useradd -m $USER_OK
	echo $USER_OK:$PASS_OK | chpasswd
	cd /etc/postfix
	cat /usr/share/postfix/main.cf.debian /usr/share/postfix/main.cf.tls >main.cf
	postconf -e myhostname=mail.example mydestination='mail.example, localhost' \
		smtpd_relay_restrictions='permit_mynetworks permit_sasl_authenticated defer_unauth_destination' \
		smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem \
		smtpd_tls_key_file=/etc/ssl/private/ssl-cert-snakeoil.key \
		smtpd_tls_security_level=may smtpd_sasl_auth_enable=yes \
		smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth
	postconf -M submission/inet='submission inet n - y - - smtpd' \
		submissions/inet='submissions inet n - y - - smtpd'
	postconf -P submissions/inet/smtpd_tls_wrappermode=yes
	cat >/etc/dovecot/local.conf <<-'END'
	protocols = imap
	auth_mechanisms = plain login
	service auth {
	  unix_listener /var/spool/postfix/private/auth {
	    mode = 0660
	    user = postfix
	    group = postfix
	  }
	}
	END
	systemctl enable --quiet dovecot postfix
	# Postfix makes the folder of Dovecot's socket when it first starts.
	systemctl start postfix && systemctl start dovecot || {
		journalctl -q --no-pager -n 40 -p notice >&2
		exit 1
	}
	EOF
}

# The logins of lab.sh, with the patience that such a machine asks for: Dovecot
# answers a failure after two seconds, Postfix may do so, too.
fail() { # COUNT [OPTION...]
	login_fail attacker "$@" --password stale --timeout $((5 * SLOW))
}

served() { # NS [OPTION...]
	connects "$@" --timeout $((5 * SLOW))
}

# By swaks. Whoever is banned with it may get no answer any more.
fail_last() { # ADDRESS [OPTION...]
	swaks_try attacker $USER_OK stale $POSTFIX --local-interface "$@" || true
}

# The attacker is at his last try, and nobody is banned for it.
not_yet() { # ADDRESS FAILURES [OPTION...]
	same "failures in the window" "$(in_window "$1")" "$2"
	same "ban" "$(why "$1" '.ban // "none"')" none
	served attacker --from "$1" "${@:3}"
}

# Dropped before the stack (native XDP: in the driver), and counted.
gone() { # ADDRESS NETWORK [OPTION...]
	local before
	until_true 1 has_ban "$2"
	before=$(counter dropped-ban)
	vanished attacker --from "$1" "${@:3}"
	[ "$(counter dropped-ban)" -gt "$before" ]
}

has_ban() { # NETWORK
	has "$(smtpxdp ban list -j | jq -r '.[].net')" "^$1\$"
}

# One field of the event that told of a client's ban.
told() { # ADDRESS FIELD
	smtpxdp -j events | jq -rs --arg a "$1" \
		"map(select(.event == \"ban\" and .client == \$a)) | last.$2"
}

# The types of the BPF links that there are, on one line.
links() {
	in_vm bpftool -j link | jq -r '[.[].type] | unique | join(" ")'
}

# --- what each release has to show ---

installs() {
	in_vm 'DEBIAN_FRONTEND=noninteractive apt-get install -q -y /root/smtpxdp.deb'
	in_vm systemctl is-active smtpxdp
	same "pid 1" "$(in_vm cat /proc/1/comm)" systemd
	same "restarts" "$(in_vm systemctl show -P NRestarts smtpxdp)" 0
	has "$(in_vm systemctl status --no-pager smtpxdp)" 'Status: "watching"'
	has "$(smtpxdp status)" '^protection +on$'
	same "rate" "$(smtpxdp config get rate)" 10/10m
	# Nothing is to be lost on a machine so slow, and names are wanted.
	smtpxdp config set rate 10/1h
	# For new passwords Dovecot keeps a client waiting until Postfix says 454. One
	# password has no such penalty; stock.bats is about the guessers of new ones.
	smtpxdp config set compare-passwords no
	# An emulated Dovecot may be too slow for Postfix all the same.
	smtpxdp config set throttle-texts ''
	smtpxdp config set log-users yes
}

# native_on QUEUES
native_on() {
	has "$(in_vm ethtool -l eth0)" "^Combined:[[:space:]]*$1\$"
	same "XDP" "$(smtpxdp status -j | jq -r '.interfaces[].xdp')" native
	has "$(in_vm ip -d link show eth0)" 'prog/xdp id [0-9]+ name drop_ethernet'
}

# ways KERNEL TC HOOK ADMIN LINK...: has the daemon CAP_SYS_ADMIN (0, 1)?
ways() {
	local status type caps
	has "$(in_vm uname -r)" "^$1\\."
	status=$(smtpxdp status -j)
	same "tc" "$(jq -r '.interfaces[] | [.tc, .tc_in] | join(" ")' <<<"$status")" \
		"$2 $2"
	same "TLS" "$(jq -r .tls.hook <<<"$status")" "$3"
	has "$(jq -r '.tls.libraries[]' <<<"$status")" 'libssl\.so\.3$'
	# shellcheck disable=SC2016 # the machine's own
	same "user" "$(in_vm 'stat -c %U /proc/$(systemctl show -P MainPID smtpxdp)')" \
		smtpxdp
	# shellcheck disable=SC2016
	caps=$(in_vm 'sed -n "s/^CapPrm:[[:space:]]*//p" \
		/proc/$(systemctl show -P MainPID smtpxdp)/status')
	same "CAP_SYS_ADMIN" $((0x$caps >> 21 & 1)) "$4"
	for type in "${@:5}"; do
		has " $(links) " " $type "
	done
}

in_the_clear() {
	FEATURE='main path'
	fail 3 --tries 3 --from $ATTACKER
	not_yet $ATTACKER 9
	fail_last $ATTACKER
	gone $ATTACKER $ATTACKER/32
	same "failures" "$(told $ATTACKER failures)" 10
	same "sensor" "$(told $ATTACKER sensor)" wire
	same "user" "$(told $ATTACKER user)" $USER_OK
	# The innocent never noticed.
	swaks_try honest $USER_OK $PASS_OK $POSTFIX
}

by_starttls() {
	FEATURE='TLS'
	local a=198.51.100.8
	smtpxdp config set rate 3/1h
	fail 2 --from $a --tls starttls
	not_yet $a 2
	fail_last $a --tls
	gone $a $a/32
	same "sensor" "$(told $a sensor)" tls
	same "user" "$(told $a user)" $USER_OK
	swaks_try honest $USER_OK $PASS_OK $POSTFIX --tls
}

inside_tls_by_ipv6() {
	FEATURE='TLS'
	local other=2001:db8:bad:1::7
	local to=(--server "$POSTFIX6" --port 465 --tls implicit)
	fail 2 --from $ATTACKER6 "${to[@]}"
	not_yet $ATTACKER6 2 "${to[@]}"
	fail 1 --from $ATTACKER6 "${to[@]}"
	gone $ATTACKER6 2001:db8:bad::/64 "${to[@]}"
	same "sensor" "$(told $ATTACKER6 sensor)" tls
	same "user" "$(told $ATTACKER6 user)" $USER_OK
	served attacker --from $other "${to[@]}"
	login_ok honest "${to[@]}" --timeout $((5 * SLOW))
}

# Postfix' patience with Dovecot is short for an emulated machine (454): once more.
try_user() { # ADDRESS USER
	local args=(1 --from "$1" --user "$2" --tls implicit --port 465)
	fail "${args[@]}" || fail "${args[@]}"
}

# Who tries many users needs fewer failures. Dovecot keeps a client waiting longer
# with each of them, and Postfix, which waits 10 s for it, says 454 to the third.
two_users() {
	FEATURE='users'
	local a=198.51.100.9
	smtpxdp config set rate 10/1h
	smtpxdp config set attack-users 2
	try_user $a carol
	not_yet $a 1
	try_user $a dave
	gone $a $a/32
	same "kind" "$(told $a kind)" attack
	same "users" "$(told $a users)" 2
	same "user" "$(told $a user)" dave
}

survives_a_restart() {
	local before after
	before=$(in_vm systemctl show -P MainPID smtpxdp)
	in_vm systemctl restart smtpxdp
	after=$(in_vm systemctl show -P MainPID smtpxdp)
	[ "$before" != "$after" ]
	smtpxdp status --check
	gone $ATTACKER $ATTACKER/32
	# What was probed and attached is so once, not twice.
	smtpxdp config set rate 3/1h
	smtpxdp config set attack-users off
	fail 1 --from 198.51.100.10
	fail 1 --from 198.51.100.10 --tls starttls
	not_yet 198.51.100.10 2
}

stops() {
	in_vm systemctl stop smtpxdp
	served attacker
	not has "$(in_vm ip -d link show eth0)" prog/xdp
	not has "$(in_vm 'tc qdisc show dev eth0
		tc filter show dev eth0 egress; tc filter show dev eth0 ingress')" \
		'clsact|bpf'
	not has " $(links) " ' (xdp|tcx|perf_event|uprobe_multi) '
	until_true 1 in_vm '! test -e /sys/fs/bpf/smtpxdp'
	in_vm systemctl start smtpxdp
	gone $ATTACKER $ATTACKER/32
}

survives_a_reboot() {
	"$VM" reboot "$M"
	in_vm systemctl is-active smtpxdp
	smtpxdp status --check
	for net in $ATTACKER/32 198.51.100.8/32 2001:db8:bad::/64; do
		has_ban "$net"
	done
	gone $ATTACKER $ATTACKER/32
	fail 3 --from 198.51.100.11
	gone 198.51.100.11 198.51.100.11/32
	served honest
}
