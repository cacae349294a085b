#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The lab: a mail host, an attacker and an honest client, each in a network
# namespace, joined by a router; real Postfix, Dovecot, Exim and journald; the
# daemon. Sourced by scripts/demo, scripts/test and selftests/.
#
#   attacker 198.51.100.7  2001:db8:bad::7 --.
#                                            router --- mail 192.0.2.25
#   honest   203.0.113.5  2001:db8:900d::5 --'               2001:db8:25::25
#
# All of it runs in private mount and PID namespaces, with a /run and a bpffs of
# their own: when the lab's first process ends, for whatever reason, the kernel
# ends the others and drops every namespace, pin and file.
#
# Run by itself, `scripts/lab.sh` starts everything and opens a shell in it.

# shellcheck disable=SC2034 # much of this is for those who source it
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -euo pipefail
fi

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LAB=/run/lab
BIN=$LAB_ROOT/build/smtpxdp
HELPER=$LAB_ROOT/selftests/lib/helper.py
LAB_EXIM=$LAB_ROOT/build/exim/usr/sbin/exim4

# Addresses of the servers; Dovecot's submission server has its own.
POSTFIX=192.0.2.25
POSTFIX6=2001:db8:25::25
EXIM=192.0.2.26
DOVECOT=192.0.2.27
NGINX=192.0.2.28
# Of Postfix and Dovecot, for connections that begin with a proxy's header.
BEHIND=192.0.2.29
BEHIND6=2001:db8:25::29
DOVECOT_BEHIND=192.0.2.30
# HAProxy, on a host of its own: namespace proxy.
HAPROXY=198.18.0.9
NGINX_FRONT=198.18.0.10 # there, too
HAPROXY6=2001:db8:f::9
GATEWAY=192.0.2.1
# The attacker's namespace has 198.51.100.7 to .60, and ::7 and ::8 in each of
# ten /64 networks.
ATTACKER=198.51.100.7
ATTACKER6=2001:db8:bad::7
HONEST=203.0.113.5
HONEST6=2001:db8:900d::5
SINK=203.0.113.9
USER_OK=alice
PASS_OK=secret

export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C.UTF-8

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# --- the enclave ------------------------------------------------------------

# Process 1 of the machine has another number within.
UNSHARE=(env SMTPXDP_LAB=1 LAB_INIT_TASKS="$(echo /proc/1/task/*)" unshare --mount --pid --fork --kill-child
	--mount-proc)
# In a chroot, / may be no mount point, and cannot be made private: lab_init
# checks.
if mountpoint -q /; then
	UNSHARE+=(--propagation private)
else
	UNSHARE+=(--propagation unchanged)
fi

# lab_enter "$@": runs "$0" again inside private namespaces, and exits with its
# status. The lab dies with this process.
lab_enter() {
	local pid status=0

	[ -z "${SMTPXDP_LAB-}" ] || return 0
	[ "$(id -u)" = 0 ] || die "must run as root: sudo $0"
	setpriv --pdeathsig KILL "${UNSHARE[@]}" "$0" "$@" <&0 &
	pid=$!
	trap 'lab_abort $pid 130' INT
	trap 'lab_abort $pid 143' TERM HUP
	wait $pid || status=$?
	exit $status
}

lab_abort() { # PID STATUS
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
	printf '\ninterrupted: all of the lab is gone\n' >&2
	exit "$2"
}

lab_user() { # NAME NUMBER
	getent passwd "$1" >/dev/null && return
	echo "$1:x:$2:$2::/nonexistent:/bin/false" >>/etc/passwd
	echo "$1:x:$2:" >>/etc/group
}

# Prepares mounts and files; called once, by the lab's first process.
lab_init() {
	[ -n "${SMTPXDP_LAB-}" ] || die "not in the lab: see scripts/lab.sh"
	mountpoint -q /sys || mount -t sysfs sysfs /sys
	mount --make-rprivate /sys
	mount -t tmpfs -o mode=755 smtpxdp-lab /run
	if [ "$(findmnt -no PROPAGATION /run | tail -n 1)" != private ]; then
		umount /run
		die "this chroot shares its mounts with the host: bind it onto" \
			"itself and make that private (mount --bind DIR DIR;" \
			"mount --make-rprivate DIR) before chroot DIR"
	fi
	mount -t bpf bpf /sys/fs/bpf ||
		die "cannot mount bpffs: does this kernel know BPF?"
	# /etc is a layer of the lab's own, without the settings of an installed
	# smtpxdp.
	mkdir -p /run/etc/upper /run/etc/work
	mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work \
		etc /etc
	rm -rf /etc/smtpxdp
	[ ! -d /var/log/journal ] || mount -t tmpfs -o mode=755 tmpfs \
		/var/log/journal
	mkdir -p $LAB/log $LAB/pid /run/netns /run/lock /run/shm
	chmod 755 $LAB
	# No process waits for a name server that cannot be reached from the
	# lab.
	rm -f /etc/resolv.conf
	echo nameserver 127.0.0.1 >/etc/resolv.conf
	cat >/etc/hosts <<-EOF
		127.0.0.1 localhost $(uname -n)
		::1 localhost
	EOF
	# Exim's user, and smtpxdp's: only their packages create them.
	lab_user Debian-exim 64999
	lab_user smtpxdp 64998
}

# at NS COMMAND...: runs it in a network namespace. Not by `ip netns exec`,
# which would hide bpffs.
at() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

# Factor for all timeouts; scripts/vm raises it on emulated machines.
SLOW=${SMTPXDP_SLOW:-1}

# until_true SECONDS COMMAND...: repeats it every 20 ms until it succeeds. 1:
# time is up.
until_true() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * SLOW * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

listens() { # NS ADDRESS PORT
	[ -n "$(at "$1" ss -Hltn "src $2 and sport = :$3")" ]
}

# background NAME NS COMMAND...: output to $LAB/log/NAME, pid to $LAB/pid/NAME.
# COMMAND must be no shell function, or the pid is a shell's. Descriptor 3 is
# closed, for bats waits until no process has it open.
background() {
	local name=$1 ns=$2
	shift 2
	nsenter --net="/run/netns/$ns" -- "$@" >>$LAB/log/"$name" 2>&1 </dev/null 3>&- &
	echo $! >$LAB/pid/"$name"
	disown # else bash tells when it is killed
}

running() { # NAME
	local pid
	pid=$(cat $LAB/pid/"$1" 2>/dev/null) && kill -0 "$pid" 2>/dev/null &&
		[ "$(ps -o stat= -p "$pid" | cut -c1)" != Z ]
}

# end NAME [SIGNAL]: ends a process of background(), and waits for it.
end() {
	local pid
	pid=$(cat $LAB/pid/"$1" 2>/dev/null) || return 0
	kill -"${2-TERM}" "$pid" 2>/dev/null || true
	if ! until_true 10 gone "$pid"; then
		echo "lab: $1 (pid $pid) does not end: killed" >&2
		kill -KILL "$pid" 2>/dev/null || true
		until_true 5 gone "$pid"
	fi
	rm -f $LAB/pid/"$1"
}

gone() { # PID
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

# --- the network ------------------------------------------------------------

sysctl_at() { # NS PATH VALUE
	# shellcheck disable=SC2016 # the inner shell's
	at "$1" sh -c 'echo "$1" >/proc/sys/net/"$0"' "$2" "$3"
}

# Makes a namespace with eth0 and default routes, joined to the router.
net_leg() { # NS ROUTER_V4/LEN ROUTER_V6/LEN ADDRESS/LEN...
	local ns=$1 v4=$2 v6=$3 a
	shift 3
	ip netns add "$ns"
	sysctl_at "$ns" ipv6/conf/all/accept_dad 0
	sysctl_at "$ns" ipv6/conf/default/accept_dad 0
	ip link add eth0 netns "$ns" type veth peer name "to-$ns" netns router
	{
		printf 'addr add %s dev to-%s\n' "$v4" "$ns"
		printf 'addr add %s dev to-%s nodad\n' "$v6" "$ns"
		printf 'link set to-%s up\n' "$ns"
	} | at router ip -batch -
	{
		echo 'link set lo up'
		for a in "$@"; do
			case $a in
			*:*) echo "addr add $a dev eth0 nodad" ;;
			*) echo "addr add $a dev eth0" ;;
			esac
		done
		echo 'link set eth0 up'
		echo "route add default via ${v4%/*}"
		echo "route add ::/0 via ${v6%/*}"
	} | at "$ns" ip -batch -
}

net_up() {
	local n bad=() bad6=()

	for n in $(seq 7 60); do
		bad+=("198.51.100.$n/24")
	done
	for n in $(seq 1 9); do
		bad6+=("2001:db8:bad:$n::7/64" "2001:db8:bad:$n::8/64")
	done
	ip netns add router
	sysctl_at router ipv6/conf/all/accept_dad 0
	sysctl_at router ipv6/conf/default/accept_dad 0
	sysctl_at router ipv4/ip_forward 1
	sysctl_at router ipv6/conf/all/forwarding 1
	net_leg mail $GATEWAY/24 2001:db8:25::1/64 \
		$POSTFIX/24 $EXIM/24 $DOVECOT/24 $NGINX/24 $BEHIND/24 \
		$DOVECOT_BEHIND/24 $BEHIND6/64 $POSTFIX6/64
	# IPv6 prefers the last address added as source.
	net_leg attacker 198.51.100.1/24 2001:db8:bad::1/64 \
		"${bad[@]}" "${bad6[@]}" 2001:db8:bad::8/64 $ATTACKER6/64
	at router ip -6 route add 2001:db8:bad::/48 dev to-attacker
	net_leg honest 203.0.113.1/24 2001:db8:900d::1/64 \
		$HONEST/24 $SINK/24 $HONEST6/64
}

net_down() {
	local ns pid
	for ns in mail attacker honest proxy router; do
		[ -e /run/netns/$ns ] || continue
		for pid in $(ip netns pids $ns); do
			kill -KILL "$pid" 2>/dev/null || true
		done
		ip netns del $ns
	done
}

# --- the mail servers -------------------------------------------------------

lab_passwords() {
	printf '%s:{PLAIN}%s\n' $USER_OK $PASS_OK bob hunter2 >$LAB/users
	chmod 644 $LAB/users
}

# One certificate for all servers. It is a test key: mode 644 does no harm.
lab_certificate() {
	[ ! -s $LAB/cert.pem ] || return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=mail.example -keyout $LAB/key.pem \
		-out $LAB/cert.pem 2>/dev/null || die "openssl makes no certificate"
	chmod 644 $LAB/key.pem $LAB/cert.pem
}

# The delay of Dovecot's refusals; its own default is 2 s. Set before lab_up.
DOVECOT_DELAY=0

# Lines for Dovecot's service submission-login: tests limit its processes.
DOVECOT_LOGIN=

# The mechanisms that Dovecot offers. Set before lab_up.
DOVECOT_MECHANISMS="plain login"

# 1: the servers' own brakes stay on, as Debian ships them. Set before lab_up.
STOCK=0

# Dovecot delays replies to failures more and more. Off: half a second remains,
# for which it gathers failures.
dovecot_brakes() {
	[ $STOCK = 0 ] || return 0
	cat <<-EOF
		auth_failure_delay = $DOVECOT_DELAY
		service anvil {
		  unix_listener anvil-auth-penalty {
		    mode = 0
		  }
		}
	EOF
}

# Postfix delays replies to a client that fails often, and hangs up.
postfix_brakes() {
	[ $STOCK = 0 ] || return 0
	echo "smtpd_error_sleep_time = 0"
	echo "smtpd_hard_error_limit = 100"
}

# What Dovecot runs under: strace, for instance.
DOVECOT_UNDER=()

# (chroot FOLDER): Postfix, Dovecot and Exim, at $LAB_EXIM in there, are another
# release's. Set before lab_up.
OTHER_ROOT=()

# Starts Dovecot: passwords for Postfix by $LAB/auth, and a submission server.
dovecot_up() {
	local version place=listen dir=$LAB/dovecot

	lab_passwords
	lab_certificate
	mkdir -p $dir
	version=$("${OTHER_ROOT[@]}" dovecot --version)
	[[ $version != 2.[0-3].* ]] || place=address
	{
		case $version in
		2.[0-3].*) cat <<-EOF ;;
			disable_plaintext_auth = no
			ssl_cert = <$LAB/cert.pem
			ssl_key = <$LAB/key.pem
			submission_relay_host = $POSTFIX
			mail_location = maildir:$dir/mail
			passdb {
			  driver = passwd-file
			  args = $LAB/users
			}
			userdb {
			  driver = static
			  args = uid=mail gid=mail home=$dir/home
			}
			EOF
		*) cat <<-EOF ;;
			dovecot_config_version = 2.4.0
			dovecot_storage_version = 2.4.0
			auth_allow_cleartext = yes
			ssl_server_cert_file = $LAB/cert.pem
			ssl_server_key_file = $LAB/key.pem
			submission_relay_host = $POSTFIX
			mail_driver = maildir
			mail_path = $dir/mail
			passdb passwd-file {
			  passwd_file_path = $LAB/users
			}
			userdb static {
			  fields {
			    uid = mail
			    gid = mail
			    home = $dir/home
			  }
			}
			EOF
		esac
		dovecot_brakes
		cat <<-EOF
			base_dir = $dir/run
			state_dir = $dir/state
			log_path = $LAB/log/dovecot
			hostname = mail.example
			protocols = submission
			listen = $DOVECOT
			ssl = yes
			auth_mechanisms = $DOVECOT_MECHANISMS
			first_valid_uid = 1
			auth_verbose = yes
			haproxy_trusted_networks = 198.18.0.0/24 127.0.0.0/8 192.0.2.0/24
			service auth {
			  unix_listener $LAB/auth {
			    mode = 0666
			  }
			}
			service submission-login {
			  inet_listener submission {
			    port = 587
			  }
			  inet_listener submissions {
			    port = 465
			    ssl = yes
			  }
			  inet_listener behind {
			    $place = $DOVECOT_BEHIND
			    port = 587
			    haproxy = yes
			  }
			  inet_listener behinds {
			    $place = $DOVECOT_BEHIND
			    port = 465
			    ssl = yes
			    haproxy = yes
			  }
			  $DOVECOT_LOGIN
			}
		EOF
	} >$dir/dovecot.conf
	# Dovecot reads its version from the first line.
	background dovecot.out mail "${OTHER_ROOT[@]}" "${DOVECOT_UNDER[@]}" \
		dovecot -F -c $dir/dovecot.conf
	{ until_true 10 listens mail $DOVECOT 587 &&
		until_true 10 test -S $LAB/auth; } ||
		lab_fail Dovecot dovecot.out dovecot
}

postfix_up() {
	local dir=$LAB/postfix

	lab_certificate
	mkdir -p $dir/etc $dir/queue $dir/data
	chown postfix $dir/data
	cat >$dir/etc/main.cf <<-EOF
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		maillog_file = $LAB/log/postfix
		maillog_file_prefixes = $LAB/log
		myhostname = mail.example
		mydestination = mail.example
		mynetworks = 127.0.0.0/8
		inet_interfaces = $POSTFIX, $POSTFIX6
		inet_protocols = all
		alias_maps =
		alias_database =
		smtpd_peername_lookup = no
		smtpd_sasl_auth_enable = yes
		smtpd_sasl_type = dovecot
		smtpd_sasl_path = $LAB/auth
		smtpd_tls_auth_only = no
		smtpd_tls_security_level = may
		smtpd_tls_chain_files = $LAB/key.pem, $LAB/cert.pem
		smtpd_authorized_xclient_hosts = 198.18.0.0/24
		smtpd_relay_restrictions = permit_sasl_authenticated, reject
		smtpd_forbid_unauth_pipelining = no
		smtpd_forbid_bare_newline = no
		relayhost = [$SINK]
		disable_dns_lookups = yes
		smtp_tls_security_level = none
	EOF
	postfix_brakes >>$dir/etc/main.cf
	cat >$dir/etc/master.cf <<-EOF
		25        inet  n - n - - smtpd
		587       inet  n - n - - smtpd
		465       inet  n - n - - smtpd -o smtpd_tls_wrappermode=yes
		10025     inet  n - n - - smtpd
		$BEHIND:587 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy
		[$BEHIND6]:587 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy
		127.0.0.1:10587 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy
		127.0.0.1:10465 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy -o smtpd_tls_wrappermode=yes
		$BEHIND:465 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy -o smtpd_tls_wrappermode=yes
		pickup    unix  n - n 60 1 pickup
		cleanup   unix  n - n - 0 cleanup
		qmgr      unix  n - n 300 1 qmgr
		tlsmgr    unix  - - n 1000? 1 tlsmgr
		rewrite   unix  - - n - - trivial-rewrite
		bounce    unix  - - n - 0 bounce
		defer     unix  - - n - 0 bounce
		trace     unix  - - n - 0 bounce
		verify    unix  - - n - 1 verify
		flush     unix  n - n 1000? 0 flush
		proxymap  unix  - - n - - proxymap
		smtp      unix  - - n - - smtp
		relay     unix  - - n - - smtp
		error     unix  - - n - - error
		retry     unix  - - n - - error
		discard   unix  - - n - - discard
		local     unix  - n n - - local
		anvil     unix  - - n - 1 anvil
		scache    unix  - - n - 1 scache
		postlog   unix-dgram n - n - 1 postlogd
	EOF
	postfix_start
}

postfix_start() {
	local dir=$LAB/postfix

	at mail "${OTHER_ROOT[@]}" postfix -c $dir/etc start >>$LAB/log/postfix.out 2>&1 3>&- ||
		lab_fail Postfix postfix.out postfix
	{ until_true 10 listens mail $POSTFIX 587 &&
		until_true 10 listens mail "[$POSTFIX6]" 587; } ||
		lab_fail Postfix postfix.out postfix
	tr -d ' ' <$dir/queue/pid/master.pid >$LAB/pid/postfix
}

have_exim() {
	"${OTHER_ROOT[@]}" test -x "$LAB_EXIM"
}

exim_up() {
	local dir=$LAB/exim

	lab_certificate
	mkdir -p $dir/spool $dir/log
	chown Debian-exim $dir/spool $dir/log
	# shellcheck disable=SC2016 # Exim's own variables
	{
		cat <<-EOF
			exim_path = $LAB_EXIM
			exim_user = Debian-exim
			exim_group = Debian-exim
			spool_directory = $dir/spool
			log_file_path = $dir/log/%s
			local_interfaces = $EXIM
			tls_certificate = $LAB/cert.pem
			tls_privatekey = $LAB/key.pem
		EOF
		cat <<-'EOF'
			daemon_smtp_ports = 25 : 587 : 465
			tls_on_connect_ports = 465
			primary_hostname = exim.example
			auth_advertise_hosts = *
			tls_advertise_hosts = *
			host_lookup =
			rfc1413_hosts =
			keep_environment =
			acl_smtp_rcpt = accept
			begin acl
			begin routers
			all:
			  driver = redirect
			  data = :blackhole:
			begin authenticators
			plain:
			  driver = plaintext
			  public_name = PLAIN
			  server_prompts = :
			  server_condition = ${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
			  server_set_id = $auth2
			login:
			  driver = plaintext
			  public_name = LOGIN
			  server_prompts = <| Username: | Password:
			  server_condition = ${if and{{eq{$auth1}{alice}}{eq{$auth2}{secret}}}}
			  server_set_id = $auth1
		EOF
	} >$dir/exim.conf
	chmod 644 $dir/exim.conf
	background exim mail "${OTHER_ROOT[@]}" "$LAB_EXIM" -C $dir/exim.conf -bdf -q1h \
		-oP $dir/exim.pid
	until_true 10 listens mail $EXIM 587 || lab_fail Exim exim
}

have_nginx() {
	command -v nginx >/dev/null &&
		[ -e /usr/lib/nginx/modules/ngx_mail_module.so ]
}

# Starts nginx as a mail proxy before Postfix. It answers failed logins itself.
# Port 2525 is a single listener for IPv4 and IPv6.
nginx_up() {
	local dir=$LAB/nginx

	lab_certificate
	mkdir -p $dir
	cat >$dir/nginx.conf <<-EOF
		load_module /usr/lib/nginx/modules/ngx_mail_module.so;
		daemon off;
		user nobody nogroup;
		pid $dir/pid;
		error_log $LAB/log/nginx-mail info;
		worker_processes 2;
		events {
		}
		mail {
		  server_name nginx.example;
		  auth_http 127.0.0.1:8025/auth;
		  proxy_pass_error_message off;
		  smtp_auth plain login;
		  xclient off;
		  smtp_capabilities PIPELINING;
		  ssl_certificate $LAB/cert.pem;
		  ssl_certificate_key $LAB/key.pem;
		  server {
		    protocol smtp;
		    listen $NGINX:465 ssl;
		  }
		  server {
		    protocol smtp;
		    listen $NGINX:587;
		    listen [::]:2525 ipv6only=off;
		    starttls on;
		  }
		}
	EOF
	background auth_http mail python3 -B "$HELPER" auth_http
	background nginx mail nginx -c $dir/nginx.conf -e $LAB/log/nginx
	{ until_true 10 listens mail $NGINX 587 &&
		until_true 10 listens mail 127.0.0.1 8025; } ||
		lab_fail nginx nginx nginx-mail
}

# The namespace proxy: a host before the mail servers.
proxy_leg() {
	[ -e /run/netns/proxy ] ||
		net_leg proxy 198.18.0.1/24 2001:db8:f::1/64 $HAPROXY/24 \
			$NGINX_FRONT/24 $HAPROXY6/64
}

# nginx there, before Postfix: port 587 tells the client by XCLIENT. Postfix
# judges the logins.
nginx_front_up() {
	local dir=$LAB/nginx-front

	proxy_leg
	at proxy ip link set lo up
	mkdir -p $dir
	cat >$dir/nginx.conf <<-EOF
		load_module /usr/lib/nginx/modules/ngx_mail_module.so;
		daemon off;
		user nobody nogroup;
		pid $dir/pid;
		error_log $LAB/log/nginx-front-mail info;
		events {
		}
		mail {
		  server_name nginx.example;
		  auth_http 127.0.0.1:8025/auth;
		  smtp_auth plain login;
		  proxy_smtp_auth on;
		  proxy_pass_error_message on;
		  smtp_capabilities PIPELINING;
		  server {
		    protocol smtp;
		    listen $NGINX_FRONT:587;
		    xclient on;
		  }
		}
	EOF
	background auth_http_front proxy python3 -B "$HELPER" auth_http --trusting
	background nginx_front proxy nginx -c $dir/nginx.conf -e $LAB/log/nginx-front
	{ until_true 10 listens proxy $NGINX_FRONT 587 &&
		until_true 10 listens proxy 127.0.0.1 8025; } ||
		lab_fail nginx nginx-front nginx-front-mail
}

have_haproxy() {
	command -v haproxy >/dev/null
}

# haproxy_front PORT SERVER OPTION...: a port of HAProxy's, and what is behind.
haproxy_front() {
	local port=$1 server=$2
	shift 2
	cat <<-EOF
		listen at$port
		  bind $HAPROXY:$port
		  bind $HAPROXY6:$port
		  server behind $server $*
	EOF
}

haproxy_head() {
	cat <<-EOF
		global
		  log stderr format raw local0
		defaults
		  mode tcp
		  timeout connect 10s
		  timeout client 60s
		  timeout server 60s
		  unique-id-format %{+X}o%ci-%cp
	EOF
}

# HAProxy on the mail host itself: ports 587 and 465 of $NGINX lead to Postfix
# by loopback.
haproxy_here_up() {
	local dir=$LAB/haproxy-here

	mkdir -p $dir
	{
		haproxy_head
		cat <<-EOF
			listen plain
			  bind $NGINX:587
			  server behind 127.0.0.1:10587 send-proxy
			listen tls
			  bind $NGINX:465
			  server behind 127.0.0.1:10465 send-proxy-v2
		EOF
	} >$dir/haproxy.cfg
	background haproxy_here mail haproxy -db -f $dir/haproxy.cfg
	until_true 10 listens mail $NGINX 465 || lab_fail HAProxy haproxy_here
}

# Starts HAProxy on its host. Ports: 587 and 465 Postfix by version 1, 588 and
# 466 by version 2 with TLVs; 1587, 1588, 1465 Dovecot; 2587 Postfix without any
# header; 3587 Postfix over IPv6.
haproxy_up() {
	local dir=$LAB/haproxy

	proxy_leg
	mkdir -p $dir
	{
		haproxy_head
		haproxy_front 587 $BEHIND:587 send-proxy
		haproxy_front 465 $BEHIND:465 send-proxy
		haproxy_front 588 $BEHIND:587 send-proxy-v2 proxy-v2-options \
			crc32c,unique-id
		haproxy_front 466 $BEHIND:465 send-proxy-v2
		haproxy_front 1587 $DOVECOT_BEHIND:587 send-proxy
		haproxy_front 1588 $DOVECOT_BEHIND:587 send-proxy-v2
		haproxy_front 1465 $DOVECOT_BEHIND:465 send-proxy-v2
		haproxy_front 2587 $POSTFIX:587
		haproxy_front 3587 "[$BEHIND6]:587" send-proxy-v2
	} >$dir/haproxy.cfg
	background haproxy proxy haproxy -db -f $dir/haproxy.cfg
	until_true 10 listens proxy $HAPROXY 3587 ||
		lab_fail HAProxy haproxy
}

# The name that dns_up()'s server has addresses of, and another name of it.
DNS_NAME=home.example.test
DNS_ALIAS=alias.example.test

# Starts a DNS server on the mail host's loopback, where resolv.conf points. It
# says a TTL of a second.
dns_up() {
	touch $LAB/zone
	background dns mail dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--user=root --listen-address=127.0.0.1 --bind-interfaces \
		--no-hosts --no-resolv --local=/example.test/ \
		--addn-hosts=$LAB/zone --local-ttl=1 --cname=$DNS_ALIAS,$DNS_NAME \
		--pid-file
	until_true 10 listens mail 127.0.0.1 53 || lab_fail dnsmasq dns
}

# dns_zone [ADDRESS...]: the addresses of $DNS_NAME, for whoever asks from now
# on; without, there is no such name.
dns_zone() {
	if [ $# -gt 0 ]; then
		printf "%s $DNS_NAME\n" "$@"
	fi >$LAB/zone
	kill -HUP "$(cat $LAB/pid/dns)"
	until_true 5 dns_says $#
}

dns_says() { # COUNT
	[ "$(at mail getent ahosts $DNS_NAME | grep -c STREAM)" = "$1" ]
}

# Starts a server that takes any mail, in the honest client's network.
sink_up() {
	mkdir -p $LAB/sink
	chown postfix $LAB/sink
	background sink honest sh -c \
		"cd $LAB/sink && exec smtp-sink -u postfix -d %s. $SINK:25 100"
	until_true 10 listens honest $SINK 25 || lab_fail smtp-sink sink
}

lab_fail() { # SERVER LOG...
	local log
	echo "lab: $1 did not start; its log:" >&2
	shift
	for log in "$@"; do
		[ ! -e $LAB/log/"$log" ] || tail -n 20 $LAB/log/"$log" >&2
	done
	return 1
}

# --- the journal ------------------------------------------------------------

journald_up() {
	mkdir -p /run/systemd/journald.conf.d /run/log/journal
	printf '[Journal]\n%s\n' 'Storage=volatile
ReadKMsg=no
Audit=no
RateLimitIntervalSec=0
ForwardToSyslog=no' >/run/systemd/journald.conf.d/lab.conf
	background journald mail /lib/systemd/systemd-journald
	until_true 10 test -S /run/systemd/journal/io.systemd.journal ||
		lab_fail journald journald
}

# smtpxdp's journal messages since journal_mark, a JSON line each. Not by
# --after-cursor, which may skip an entry if there is a match, too.
journal() { # [MATCH...]
	local since=()
	[ ! -s $LAB/since ] || since=(--since="@$(cat $LAB/since)")
	journalctl --sync 2>/dev/null || true
	journalctl -o json --no-pager -q "${since[@]}" \
		SYSLOG_IDENTIFIER=smtpxdp "$@"
}

journal_mark() {
	echo "${EPOCHREALTIME/,/.}" >$LAB/since
}

# --- everything -------------------------------------------------------------

# lab_up SERVER...: the namespaces, and the servers named: postfix (with
# dovecot), exim, dovecot, nginx, nginx_front, haproxy, dns, sink, journald.
lab_up() {
	local s
	net_up
	for s in "$@"; do
		case $s in
		postfix) dovecot_up && postfix_up ;;
		*) "${s}_up" ;;
		esac || return 1
	done
}

lab_down() {
	local f
	for f in "$LAB"/pid/*; do
		[ ! -e "$f" ] || end "${f##*/}"
	done
	net_down
	rm -rf $LAB /run/log/journal/*
	mkdir -p $LAB/log $LAB/pid
}

# --- the daemon -------------------------------------------------------------

PIN=/sys/fs/bpf/smtpxdp
CONF=$LAB/smtpxdp.conf
# The lab's daemons keep away from the host's state file; --state overrides it.
STATE=$LAB/state
export STATE_DIRECTORY=$STATE

# smtpxdp ARGUMENT...: the command line, on the mail host.
smtpxdp() {
	at mail "$BIN" --pin "$PIN" "$@"
}

# conf KEY VALUE...: writes the daemon's configuration file.
conf() {
	while [ $# -gt 0 ]; do
		printf '%s = %s\n' "$1" "$2"
		shift 2
	done >$CONF
}

# daemon_up [OPTION...]: starts the daemon, by default on eth0, and waits until
# it serves.
daemon_up() {
	local args=("$@")
	[ -e $CONF ] || : >$CONF
	[[ " $* " == *" -i "* ]] || args+=(-i eth0)
	: >$LAB/log/smtpxdp
	background smtpxdp mail env "${DAEMON_ENV[@]}" \
		"$BIN" --pin "$PIN" run -c $CONF "${args[@]}"
	until_true 10 daemon_settled
	daemon_serves || lab_fail smtpxdp smtpxdp
}
DAEMON_ENV=()

# daemon_env NAME=VALUE...: sets the environment of the next daemons.
daemon_env() {
	DAEMON_ENV=("$@")
}

daemon_pid() {
	cat $LAB/pid/smtpxdp
}

# Does the daemon run, with everything attached?
daemon_serves() {
	[ "$(smtpxdp status -j 2>/dev/null | jq --argjson pid "$(daemon_pid)" '
		.daemon.pid == $pid and .daemon.serves and (.interfaces | length > 0) and
		all(.interfaces[]; .xdp != "none" and .tc != "none")')" = true ]
}

daemon_settled() {
	daemon_serves || ! running smtpxdp
}

# daemon_down [SIGNAL]: ends the daemon; its maps stay, as on a real host.
daemon_down() {
	end smtpxdp "${1-TERM}"
}

# Kills all TCP connections of the mail host: a banned client acknowledges
# nothing, and the last reply to it would be sent again and again.
hang_up() {
	at mail ss -K -tn state connected >/dev/null 2>&1 || true
}

# Removes everything of smtpxdp, for the next test.
daemon_wipe() {
	daemon_down TERM
	smtpxdp unload >/dev/null 2>&1 || true
	hang_up
	rm -rf "${PIN:?}" $CONF $STATE*
}

# --- clients ----------------------------------------------------------------

# swaks_try NS USER PASSWORD SERVER [SWAKS OPTION...]: tries one login. 0:
# accepted; 28: refused; 2: no connection within three seconds. Password "wrong" is
# a new one each time.
swaks_try() {
	local ns=$1 user=$2 pass=$3 server=$4
	shift 4
	[ "$pass" != wrong ] || pass=wrong-$RANDOM$RANDOM
	at "$ns" swaks --server "$server" --port 587 --timeout $((3 * SLOW)) \
		--ehlo client.example --to bob@mail.example --auth PLAIN \
		--auth-user "$user" --auth-password "$pass" \
		--quit-after AUTH "$@"
}

# login_fail NS COUNT [OPTION...], login_ok NS [OPTION...]: logins by a client
# quicker than swaks, all at once, each on a connection of its own. See
# `helper.py auth --help`.
login_fail() {
	local ns=$1 n=$2
	shift 2
	at "$ns" python3 -B "$HELPER" auth --connections "$n" \
		--password wrong --expect 535 "$@"
}

login_ok() {
	local ns=$1
	shift
	at "$ns" python3 -B "$HELPER" auth --expect 235 "$@"
}

# login_storm NS [OPTION...]: logins from many addresses at once. See `helper.py
# storm --help`.
login_storm() {
	local ns=$1
	shift
	at "$ns" python3 -B "$HELPER" storm "$@"
}

# connects NS [OPTION...]: does the mail server greet?
connects() {
	local ns=$1
	shift
	at "$ns" python3 -B "$HELPER" connect "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	if [ -z "${SMTPXDP_LAB-}" ]; then
		[ "$(id -u)" = 0 ] || die "must run as root: sudo $0"
		exec "${UNSHARE[@]}" "$0"
	fi
	lab_init
	lab_up journald postfix sink
	! have_exim || exim_up
	trap '' INT
	echo "Namespaces: mail attacker honest router; 'at NS COMMAND' runs there."
	echo "'daemon_up' starts smtpxdp, 'smtpxdp ...' talks to it."
	bash --rcfile <(printf '. %q; PS1="lab# "\n' "${BASH_SOURCE[0]}") -i || true
fi
