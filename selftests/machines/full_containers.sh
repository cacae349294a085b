#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that have mail servers in containers of Docker and of
# Podman, as $RELEASE of Debian has these, in a machine of its kernel. The image is
# made of what the machine has: no registry is asked.

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces
# shellcheck source=selftests/machines/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

M=$LAB/host

setup_file() {
	local deb
	deb=$(package $RELEASE-amd64)
	net_up
	# The machine has the addresses of this namespace.
	ip -n router link del to-mail
	ip netns del mail
	"$VM" start "$M" $RELEASE-amd64 --root $RELEASE-amd64-containers --systemd \
		--tree git --memory 3072 -f "$deb":/root/smtpxdp.deb --nic \
		"router/to-vm,addr=$POSTFIX/24,addr=$POSTFIX6/64,gw=$GATEWAY$(
		),gw=2001:db8:25::1,host=$GATEWAY/24,host=2001:db8:25::1/64"
	SMTPXDP_SLOW=$(in_vm 'echo $SMTPXDP_SLOW')
	export SMTPXDP_SLOW
	image | "$VM" exec "$M" -i -t 900 -- 'bash -e' || {
		in_vm tail -n 20 /root/setup.log
		return 1
	}
}

# A script for the machine: Python, its libraries, and what it serves.
image() {
	cat <<-'END'
	exec >/root/setup.log 2>&1 || exit
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y /root/smtpxdp.deb
	smtpxdp config set rate 6/1h
	smtpxdp config set compare-passwords no
	mkdir -p /run/lab
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=mail.example -keyout /run/lab/key.pem \
		-out /run/lab/cert.pem
	lib=/usr/lib/$(readlink /usr/bin/python3)
	mkdir /root/image
	cp -rL --parents /usr/bin/python3 $lib $(ldd /usr/bin/python3 \
		$lib/lib-dynload/_{ssl,ctypes}.*.so |
		sed -n 's/^[^/]*[[:space:]]\(\/lib[^ ]*\) .*/\1/p' | sort -u) \
		/root/image
	tar -C /root/image -cf /root/image.tar .
	systemctl start docker
	docker import /root/image.tar mail
	podman import -q /root/image.tar mail
	END
}

teardown_file() {
	guest_down
	net_down
}

setup() {
	smtpxdp ban flush >/dev/null
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- the machine:"
		in_vm 'docker ps -a; podman ps -a; ss -Hltnp
			smtpxdp ban; smtpxdp clients; smtpxdp status --check
			journalctl -q --no-pager -n 30 -u smtpxdp' || true
	}
	in_vm 'docker rm -f box; podman rm -f -t 0 box
		! command -v pod || pod rm -f -t 0 box' >/dev/null 2>&1
}

# The server by Docker or Podman, its port published.
box_up() { # docker|podman [ADDRESS]
	in_vm "$1 run -d --name box -p 587:587 \
		-v /src/smtpxdp/selftests/lib:/lab:ro -v /run/lab:/run/lab:ro \
		mail /usr/bin/python3 -B /lab/helper.py serve --server ${2-0.0.0.0} \
		--port 587 --tls starttls"
	until_true 3 connects honest --timeout 10 || served honest
}

served() { # NS [OPTION...]
	connects "$@" --timeout $((5 * SLOW))
}

fail() { # COUNT [OPTION...]
	login_fail attacker "$@" --timeout $((5 * SLOW))
}

failures_of() { # ADDRESS COUNT
	[ "$(why $1 .client.failures)" = $2 ]
}

charged() { # ADDRESS COUNT
	until_true 5 failures_of $1 $2 || same "failures of $1" \
		"$(why $1 .client.failures)" $2
}

# From the first session on: in the clear, inside TLS, until the ban.
is_protected() { # ADDRESS NETWORK [OPTION...]
	local a=$1 net=$2
	shift 2
	fail 2 --from $a "$@" --tls starttls
	charged $a 2
	fail 3 --from $a "$@"
	charged $a 5
	at attacker python3 -B "$HELPER" hold --source $a --timeout 600 "$@" \
		>$LAB/held 3>&- &
	until_true 60 grep -q open $LAB/held
	fail 1 --from $a "$@" --tls starttls || true
	until_true 10 banned_are $net
	vanished attacker --from $a "$@"
	until_true 60 grep -qE 'closed|Reset' $LAB/held || cat $LAB/held
	served honest "$@"
}

# Podman of an ordinary user, who may listen on 587. AppArmor lets pasta into the
# usual folder only.
users_podman_up() {
	in_vm 'useradd -m -u 1000 pod
		sysctl net.ipv4.ip_unprivileged_port_start=587
		mkdir -p /run/user/1000
		chown pod /run/user/1000
		chmod a+r /run/lab/key.pem
		printf "%s\n" "#!/bin/sh" "cd /" "exec runuser -u pod -- env $(
		)HOME=/home/pod XDG_RUNTIME_DIR=/run/user/1000 $(
		)podman --cgroup-manager=cgroupfs \"\$@\"" >/usr/local/bin/pod
		chmod 755 /usr/local/bin/pod
		pod import -q - mail </root/image.tar'
}

told() { # PATTERN
	smtpxdp status --check | grep -qE "$1"
}

seen_inside_tls() { # COUNT
	login_fail honest 1 --tls starttls --timeout $((5 * SLOW))
	[ "$(why $HONEST .client.failures)" = "$1" ]
}

# His server is not believed, which is told; once it is, its library is found when
# it first sends. Then all is as with others.
users_box_is_protected() { # SERVERS
	box_up pod
	fail 1
	fail 1 --tls starttls
	until_true 10 told "^$POSTFIX port 587: .*ordinary user.*add $POSTFIX to"
	same "failures" "$(why $ATTACKER .client.failures)" null
	smtpxdp config set servers "$1"
	until_true 60 seen_inside_tls 1
	is_protected $ATTACKER $ATTACKER/32
	no_problem
	in_vm 'pod rm -f -t 0 box'
}
