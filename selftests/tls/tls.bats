#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Failures inside TLS, on real servers, many clients at once: what we count of
# each address is what the server's own log says, no more and no less.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix sink
	! have_exim || echo exim
	! have_nginx || echo nginx
}

before() {
	# Counted, not banned: so that a test sees all it did.
	conf rate 64/1h slow-rate off
	daemon_up
	: >$LAB/log/postfix
	: >$LAB/log/dovecot
	! have_exim || : >$LAB/exim/log/main
	! have_nginx || : >$LAB/log/nginx-mail
}

after() {
	end served
	hang_up
}

# Which client failed, in the server's own words.
BY_POSTFIX='\[(\S+)\]: SASL \S+ authentication failed'
BY_DOVECOT='auth: (?:Info: )?passwd-file\([^,]*,([0-9a-f.:]+).*(?:Password mismatch|unknown user)'
ONE_PROCESS='process_limit = 1
	client_limit = 100
	service_count = 0'
# 2.4 calls both by other names.
case $(dovecot --version) in
2.[0-3].*) ;;
*)
	BY_DOVECOT='auth\([^,]*,([0-9a-f.:]+).*(?:Password mismatch|unknown user)'
	ONE_PROCESS=${ONE_PROCESS/service_count = 0/restart_request_count = unlimited}
	;;
esac
BY_EXIM='authenticator failed for .*\[([0-9a-f.:]+)\]: 535 Incorrect'
BY_NGINX='client login failed.* client: ([0-9a-f.:]+)'

ONE=198.51.100.31
TWO=198.51.100.32
THREE=198.51.100.33
BAD="$ONE*3,$TWO*2,$THREE*1"
BAD6="2001:db8:bad:1::7*2,2001:db8:bad:1::8*1,2001:db8:bad:2::7*2"

judge() { # LOG EXPRESSION TOTAL
	smtpxdp clients -j | python3 -B $HELPER judge --total "$3" "$1" "$2"
}

# Logs are written behind the server's back.
judged() { # LOG EXPRESSION TOTAL
	until_true 5 judge "$@" || judge "$@"
	same "failures counted" "$(counter failures)" "$3"
}

blind() {
	smtpxdp status -j | jq -c '[.tls.blind[] | .port]'
}

# --- servers ----------------------------------------------------------------

# Both ways to speak TLS, IPv4 and IPv6: 6 and 5 failures a try, for two tries.
postfix_storm() { # HOW PORT
	login_storm attacker --tls $1 --port $2 --tries 2 --bad "$BAD" &
	login_storm attacker --tls $1 --port $2 --tries 2 --bad "$BAD6" \
		--server $POSTFIX6 --seed 2 &
	login_storm honest --tls $1 --port $2 --good "$HONEST*4" &
	wait %1 && wait %2 && wait %3
}

@test "status says where TLS is read" {
	status=$(smtpxdp status -j)
	same "running" "$(jq .tls.running <<<"$status")" true
	same "hook" "$(jq -r .tls.hook <<<"$status")" sock_send_length
	has "$(jq -r '.tls.libraries[]' <<<"$status")" '/libssl\.so\.'
}

@test "Postfix, STARTTLS on 587, IPv4 and IPv6" {
	postfix_storm starttls 587
	judged $LAB/log/postfix "$BY_POSTFIX" 22
	same "successes counted" "$(counter successes)" 4
}

@test "Postfix, TLS from the start on 465, IPv4 and IPv6" {
	postfix_storm implicit 465
	judged $LAB/log/postfix "$BY_POSTFIX" 22
	same "successes counted" "$(counter successes)" 4
}

@test "Postfix, ten AUTHs at once, answered in one write" {
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 \
		--tls starttls --from $ONE
	login_fail attacker 1 --tries 10 --pipeline --timeout 15 \
		--tls implicit --port 465 --from $TWO
	judged $LAB/log/postfix "$BY_POSTFIX" 20
}

@test "Dovecot's submission server, a process for each login" {
	login_storm attacker --server $DOVECOT --tls starttls --tries 2 --bad "$BAD"
	login_storm attacker --server $DOVECOT --tls implicit --port 465 --bad "$BAD"
	login_ok honest --server $DOVECOT --tls starttls
	judged $LAB/log/dovecot "$BY_DOVECOT" 18
	same "successes counted" "$(counter successes)" 1
}

dovecot_again() { # LOGIN-OPTIONS
	# shellcheck disable=SC2034 # the lab's
	DOVECOT_LOGIN=$1
	end dovecot.out
	dovecot_up
}

@test "Dovecot's submission server, all logins in one process" {
	dovecot_again "$ONE_PROCESS"
	: >$LAB/log/dovecot
	login_storm attacker --server $DOVECOT --tls starttls --tries 3 --bad "$BAD" &
	login_storm attacker --server $DOVECOT --tls implicit --port 465 \
		--tries 2 --bad "198.51.100.34*4,198.51.100.35*3" &
	login_storm honest --server $DOVECOT --tls implicit --port 465 \
		--good "$HONEST*3" &
	wait %1 && wait %2 && wait %3
	same "processes" "$(pgrep -fc '^dovecot/submission-login')" 1
	judged $LAB/log/dovecot "$BY_DOVECOT" 32
	dovecot_again ''
}

@test "Exim with GnuTLS" {
	have_exim || skip "no Exim: scripts/setup could not unpack it"
	login_storm attacker --server $EXIM --tls starttls --tries 2 --bad "$BAD" &
	login_storm attacker --server $EXIM --tls implicit --port 465 --bad "$BAD" &
	login_storm honest --server $EXIM --tls starttls --good "$HONEST*2" &
	wait %1 && wait %2 && wait %3
	judged $LAB/exim/log/main "$BY_EXIM" 18
	same "successes counted" "$(counter successes)" 2
}

@test "nginx' mail proxy" {
	have_nginx || skip "no nginx with its mail module"
	login_storm attacker --server $NGINX --tls starttls --bad "$BAD" &
	login_storm attacker --server $NGINX --tls implicit --port 465 --bad "$BAD" &
	login_storm honest --server $NGINX --tls implicit --port 465 \
		--good "$HONEST*2" &
	wait %1 && wait %2 && wait %3
	judged $LAB/log/nginx-mail "$BY_NGINX" 12
}

@test "one listener for IPv4 and IPv6" {
	have_nginx || skip "no nginx with its mail module"
	login_storm attacker --server $NGINX --port 2525 --tls starttls --bad "$BAD" &
	login_storm attacker --server $POSTFIX6 --port 2525 --tls starttls \
		--bad "$BAD6" &
	wait %1 && wait %2
	judged $LAB/log/nginx-mail "$BY_NGINX" 11
}

# --- bans -------------------------------------------------------------------

@test "the tenth failure bans; who is honest goes on" {
	smtpxdp config set rate 10/120s
	login_fail attacker 9 --tls starttls
	same "ban list" "$(banned)" ""
	login_fail attacker 1 --tls starttls || true # may be cut off
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	vanished attacker --port 465 --tls implicit
	login_ok honest --tls starttls
	login_ok honest --tls implicit --port 465
	until_true 5 journal_has SMTPXDP_EVENT=ban
	same "event" "$(smtpxdp events -j | jq -rs 'map(select(.event == "ban")) |
		map([.sensor, .net, .failures, .code] | join(" ")) | .[]')" \
		"tls $ATTACKER/32 10 535"
}

# --- once, and only once ----------------------------------------------------

@test "a session is counted by one sensor: in the clear, or inside TLS" {
	conf rate 64/1h slow-rate off log-failures yes
	daemon_down
	daemon_up
	login_fail attacker 2 --from $ONE
	login_fail attacker 2 --from $TWO --tls starttls
	login_fail attacker 2 --from $THREE --tls implicit --port 465
	judged $LAB/log/postfix "$BY_POSTFIX" 6
}

@test "a daemon after another counts once" {
	login_fail attacker 2 --tls starttls
	daemon_down
	daemon_up
	login_fail attacker 2 --tls starttls
	daemon_down KILL
	daemon_up
	login_fail attacker 2 --tls starttls
	judged $LAB/log/postfix "$BY_POSTFIX" 6
}

@test "the daemon is killed: inside TLS, counting and banning goes on" {
	smtpxdp config set rate 10/120s
	login_fail attacker 3 --tls starttls
	daemon_down KILL
	has "$(smtpxdp status || true)" 'tls +/.*libssl'
	login_fail attacker 6 --tls implicit --port 465
	same "ban list" "$(banned)" ""
	login_fail attacker 1 --tls starttls || true # may be cut off
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker --port 465 --tls implicit
	daemon_up
	same "failures counted" "$(counter failures)" 10
	daemon_down
	smtpxdp unload
	not ls $PIN/links
}

@test "daemon after daemon, while clients fail: no gap, and nothing twice" {
	postfix_storm starttls 587 &
	login_storm attacker --tls implicit --port 465 --tries 18 --bad "$BAD" &
	for signal in TERM KILL TERM KILL; do
		daemon_down $signal
		daemon_up
	done
	wait %1 && wait %2
	judged $LAB/log/postfix "$BY_POSTFIX" 130
	same "pins of daemons that are gone" "$(find $PIN/links -name 'tls-*' \
		-not -name "tls-$(generation)-*" \
		-not -name "tls-destroy-$(generation)")" ""
}

generation() {
	basename "$(readlink $PIN/current)" | tr -dc 0-9
}

# A daemon that stops where it is about to remove the probes of the one before.
stops_between() { # LIBRARY
	gcc -shared -fPIC -Wall -Werror -D_GNU_SOURCE -o "$1" -xc - -ldl <<-'EOF'
		#include <ctype.h>
		#include <dlfcn.h>
		#include <signal.h>
		#include <string.h>
		int unlinkat(int dir, const char *name, int flags)
		{
			int (*real)(int, const char *, int) =
				dlsym(RTLD_NEXT, "unlinkat");
			static int stopped;

			if (!strncmp(name, "tls-", 4) && isdigit(name[4]) &&
			    !stopped++)
				raise(SIGSTOP);
			return real(dir, name, flags);
		}
	EOF
}

is_stopped() {
	grep -q '^State:.*T' "/proc/$(daemon_pid)/status"
}

@test "two daemons' probes at once: sessions that end meanwhile count once" {
	stops_between $LAB/shim.so
	login_storm attacker --tls starttls --tries 18 --bad "$BAD" &
	until_true 10 failures_exceed 6
	daemon_down KILL
	: >$LAB/log/smtpxdp
	background smtpxdp mail env LD_PRELOAD=$LAB/shim.so \
		"$BIN" --pin "$PIN" run -c $CONF -i eth0
	until_true 10 is_stopped
	wait %1
	kill -CONT "$(daemon_pid)"
	until_true 10 daemon_serves
	judged $LAB/log/postfix "$BY_POSTFIX" 108
	same "logins without an answer" "$(counter failures-unanswered)" 0
}

@test "clients that come through the loopback are not counted" {
	for address in 127.0.0.1 $POSTFIX; do
		login_fail mail 2 --from $address --tls starttls
	done
	same "seen, and allowed" "$(counter failures-allowed)" 4
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
}

@test "a mail full of 535s, sent over TLS and relayed over TLS, counts nothing" {
	rm -f $LAB/served
	background served honest python3 -B $HELPER serve --server $SINK --port 26
	until_true 5 listens honest $SINK 26
	postconf -c $LAB/postfix/etc "relayhost = [$SINK]:26" \
		smtp_tls_security_level=encrypt
	at mail postfix -c $LAB/postfix/etc reload >/dev/null 2>&1
	for _ in {1..200}; do
		printf '535 5.7.8 Error: authentication failed:\n535 x\n'
	done >$BATS_TEST_TMPDIR/body
	{
		printf 'Subject: 535 5.7.8 Error\n\n'
		cat $BATS_TEST_TMPDIR/body
	} | at honest python3 -B $HELPER send --tls starttls
	until_true 10 served_all || served_all
	postconf -c $LAB/postfix/etc "relayhost = [$SINK]" smtp_tls_security_level=none
	at mail postfix -c $LAB/postfix/etc reload >/dev/null 2>&1
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
}

@test "what a thread says to others in TLS is not charged to its client" {
	background served honest python3 -B $HELPER serve --server $SINK --port 26 \
		--tls implicit
	until_true 5 listens honest $SINK 26
	background relay mail python3 -B $HELPER relay --server $NGINX --port 25
	until_true 5 listens mail $NGINX 25
	same "replies of the relay" "$(at attacker bash -c "exec 3<>/dev/tcp/$NGINX/25
		while read -r -t 2 line <&3; do echo \$line; echo ok >&3; done" |
		grep -c '^220 relay')" 5
	end relay
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
}

served_all() {
	[ "$(grep -c '^535 5.7.8 Error' $LAB/served)" = 200 ]
}

@test "tls = off counts nothing inside TLS, and says so" {
	daemon_down
	conf rate 64/1h slow-rate off tls off
	daemon_up
	same "running" "$(smtpxdp status -j | jq .tls.running)" false
	has "$(smtpxdp status)" 'tls +not read'
	login_fail attacker 2 --from $ONE --tls starttls
	login_fail attacker 2 --from $TWO
	same "of the one inside TLS" "$(in_window $ONE)" 0
	same "of the one in the clear" "$(in_window $TWO)" 2
}

# --- never the wrong client ---------------------------------------------------

# In three rounds. What the server had not come to judge may be counted.
judged_or_tried() { # LOG EXPRESSION TRIES
	local seen
	seen=$(smtpxdp clients -j | python3 -B $HELPER judge --tried $((3 * $3)) \
		"$1" "$2") || {
		echo "$seen"
		return 1
	}
	has "$(grep ^logged <<<"$seen")" '198\.51\.100\.(3[5-9]|4[0-9]|50)/32'
}

# Clients that reset their connections with replies under way: each is charged
# with what the server judged, and nobody with more than his own.
rude() { # LOG EXPRESSION TRIES OPTION...
	local log=$1 expression=$2 tries=$3 others i
	shift 3
	others=$(seq -s, -f 198.51.100.%g 35 50)
	at attacker python3 -B $HELPER rude --password wrong --bad "$others" \
		--tries "$tries" "$@"
	login_storm attacker --tries "$tries" --bad "$BAD" "$@"
	until_true 10 judged_or_tried "$log" "$expression" "$tries" ||
		judged_or_tried "$log" "$expression" "$tries"
	for i in $ONE:3 $TWO:2 $THREE:1; do
		same "of ${i%:*}" "$(in_window ${i%:*})" $((${i#*:} * tries))
	done
}

@test "clients that hang up in the middle: never the wrong one, Postfix" {
	rude $LAB/log/postfix "$BY_POSTFIX" 3 --tls starttls
}

@test "clients that hang up in the middle: never the wrong one, Dovecot" {
	dovecot_again "$ONE_PROCESS"
	: >$LAB/log/dovecot
	rude $LAB/log/dovecot "$BY_DOVECOT" 2 --server $DOVECOT --tls implicit --port 465
	dovecot_again ''
}

@test "clients that hang up in the middle: never the wrong one, nginx" {
	have_nginx || skip "no nginx with its mail module"
	rude $LAB/log/nginx-mail "$BY_NGINX" 1 --server $NGINX --tls implicit --port 465
}

@test "clients that hang up in the middle: never the wrong one, threads" {
	serve served
	login_storm attacker --server $NGINX --port 25 --tls starttls --tries 20 \
		--bad "$BAD" &
	at attacker python3 -B $HELPER rude --password wrong --tries 5 --rounds 8 \
		--bad "$(seq -s, -f 198.51.100.%g 35 50)" --server $NGINX --port 25 \
		--tls starttls &
	wait %1 && wait %2
	for i in $ONE:60 $TWO:40 $THREE:20; do
		same "of ${i%:*}" "$(why ${i%:*} .client.failures)" ${i#*:}
	done
	# Each of the others was answered at most five times a connection.
	smtpxdp clients -j >$BATS_TEST_TMPDIR/clients
	same "charged with too many" "$(jq -c '[.[] | select(.failures > 40) |
		.net]' $BATS_TEST_TMPDIR/clients)" "[\"$ONE/32\"]"
}

# --- libraries that come and go ---------------------------------------------

# A copy of libssl in a folder of its own; prints where that is.
private_libssl() { # [NAME]
	local from dir=$LAB/lib name
	from=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*=> //p' | head -n 1)
	name=${from##*/}
	mkdir -p $dir
	cp "$from" $dir/"${1-$name}"
	[ -z "${1-}" ] || ln -sf "$1" $dir/"$name"
	echo $dir
}

serve() { # NAME COMMAND...
	local name=$1
	shift
	background $name mail "$@" /usr/bin/python3 -B $HELPER serve \
		--server $NGINX --port 25
	until_true 10 listens mail $NGINX 25
}

@test "a library that is replaced while servers run: old and new count" {
	dir=$(private_libssl)
	serve served env LD_LIBRARY_PATH=$dir
	login_fail attacker 1 --server $NGINX --port 25 --tls starttls --tries 3
	cp $dir/libssl.so.3 $dir/new
	mv $dir/new $dir/libssl.so.3
	login_fail attacker 1 --server $NGINX --port 25 --tls starttls --tries 2
	same "of the old library" "$(in_window $ATTACKER)" 5
	end served
	serve served env LD_LIBRARY_PATH=$dir
	login_fail attacker 2 --server $NGINX --port 25 --tls starttls --tries 3
	same "of both" "$(in_window $ATTACKER)" 11
	daemon_down # the next one knows no process, and finds it again
	rm $dir/libssl.so.3
	daemon_up
	login_fail attacker 2 --server $NGINX --port 25 --tls starttls --tries 3
	same "after a restart" "$(in_window $ATTACKER)" 17
	rm -r $dir
}

@test "a library replaced under Postfix, restarted: we count what its log says" {
	dir=$(private_libssl)
	postconf -c $LAB/postfix/etc "import_environment = $(postconf -dh \
		import_environment) LD_LIBRARY_PATH=$dir"
	postfix_again
	login_storm attacker --tls starttls --bad "$BAD"
	cp $dir/libssl.so.3 $dir/new
	mv $dir/new $dir/libssl.so.3
	postfix_again
	login_storm attacker --tls implicit --port 465 --bad "$BAD"
	has "$(cat /proc/$(pgrep -n smtpd)/maps)" "$dir/libssl"
	postconf -c $LAB/postfix/etc -X import_environment
	postfix_again
	login_storm attacker --tls starttls --bad "$BAD"
	judged $LAB/log/postfix "$BY_POSTFIX" 18
	rm -r $dir
}

postfix_again() {
	at mail postfix -c $LAB/postfix/etc stop >/dev/null 2>&1
	until_true 10 not listens mail $POSTFIX 587
	postfix_start
}

@test "a server in another mount namespace" {
	dir=$(private_libssl)
	serve served unshare -m sh -c "mount -t tmpfs tmpfs /mnt &&
		cp $dir/libssl.so.3 /mnt/ && exec env LD_LIBRARY_PATH=/mnt \"\$@\"" sh
	login_fail attacker 3 --server $NGINX --port 25 --tls starttls --tries 2
	same "failures counted" "$(in_window $ATTACKER)" 6
	# (In a chroot, the path has its folder in front.)
	has "$(smtpxdp status -j | jq -r '.tls.libraries[]')" '^(/.*)?/mnt/libssl'
	rm -r $dir
}

@test "a server whose library is unknown: the alarm says so; named, it counts" {
	dir=$(private_libssl libhidden.so)
	serve served env LD_LIBRARY_PATH=$dir
	login_fail attacker 2 --server $NGINX --port 25 --tls starttls --tries 5
	same "failures counted" "$(counter failures)" 0
	until_true 20 journal_has SMTPXDP_EVENT=blind || true
	has "$(journal | jq -r .MESSAGE)" 'blind on port 25: pid [0-9]+ \(python3'
	same "in status" "$(blind)" '[25]'
	fails 1 smtpxdp status --check
	has "$output" '^port 25: pid [0-9]+ \(python3.*tls-libraries'
	daemon_down
	conf rate 64/1h slow-rate off tls-libraries $dir/libhidden.so
	daemon_up
	login_fail attacker 2 --server $NGINX --port 25 --tls starttls --tries 5
	same "failures counted" "$(in_window $ATTACKER)" 10
	rm -r $dir
}

@test "nobody cries blind without need" {
	# Scanners, who go after the handshake: their server writes nothing.
	for _ in {1..10}; do
		has "$(at attacker timeout 5 openssl s_client -starttls smtp \
			-connect $POSTFIX:587 </dev/null 2>&1)" 'handshake has read [1-9]'
	done
	login_fail attacker 3 --tls starttls --tries 3
	login_fail attacker 3 --server $DOVECOT --tls implicit --port 465
	login_fail attacker 2
	sleep 3
	same "in status" "$(blind)" '[]'
	not journal_has SMTPXDP_EVENT=blind
}

# --- older kernels ----------------------------------------------------------

# An uprobe.multi.
MULTI='nr == SYS_bpf && a[0] == BPF_LINK_CREATE &&
	attr->link_create.attach_type == 48'

@test "without uprobe.multi: by perf events, the same" {
	by_multi
	daemon_down
	other_kernel $LAB/shim.so "$MULTI"
	daemon_env LD_PRELOAD=$LAB/shim.so
	daemon_up
	daemon_env
	postfix_storm starttls 587
	judged $LAB/log/postfix "$BY_POSTFIX" 22
	not by_multi
	daemon_down KILL
	login_fail attacker 1 --tls starttls
	same "without the daemon" "$(counter failures)" 23
	links=("$PIN"/links/tls-*)
	[ ${#links[@]} -gt 10 ] # one for each place
}

by_multi() {
	local fd
	for fd in "/proc/$(daemon_pid)/fdinfo/"*; do
		! grep -q 'link_type:.*uprobe_multi' "$fd" || return 0
	done
	return 1
}

@test "no library can be probed: status does not say that all is well" {
	daemon_down
	other_kernel $LAB/shim.so "nr == SYS_perf_event_open || ($MULTI)"
	daemon_env LD_PRELOAD=$LAB/shim.so
	daemon_up
	daemon_env
	fails 1 smtpxdp status --check
	has "$output" '^tls: a TLS library cannot be probed \(Invalid argument\): '
}

@test "a kernel that takes no probes at all: blind for TLS, told; the rest works" {
	daemon_down
	other_kernel $LAB/shim.so 'nr == SYS_bpf && a[0] == BPF_PROG_LOAD &&
		attr->prog_type == BPF_PROG_TYPE_KPROBE'
	conf rate 3/60s
	daemon_env LD_PRELOAD=$LAB/shim.so
	daemon_up
	daemon_env
	until_true 5 journal_has SMTPXDP_EVENT=blind PRIORITY=4
	has "$(journal | jq -r .MESSAGE)" 'blind for all TLS: its programs'
	same "running" "$(smtpxdp status -j | jq .tls.running)" false
	fails 1 smtpxdp status --check
	has "$output" '^tls_[a-z_]+: the kernel refuses this program \(Invalid argument\): '
	lacks "$output" 'restart the daemon'
	login_fail attacker 2 --tls starttls
	same "failures counted" "$(counter failures)" 0
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
}
