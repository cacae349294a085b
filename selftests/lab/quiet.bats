#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where nothing is wrong, no alarm: neither status --check nor the journal says
# anything. (alarms.bats has what must be told.)

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

after() {
	at attacker tc qdisc del dev eth0 root 2>/dev/null || true
}

# Of a week that goes by in a minute; more: HONEST_DAILY=500.
DAILY=${HONEST_DAILY-60}

# One day: 54 clients, of whom some mistype, in the clear and inside TLS; a phone
# with an old password; a webmail whose users mistype; a scanner that looks at
# the certificate, a monitor that greets; mail from strangers.
day() { # NUMBER
	at attacker python3 -B $HELPER honest --tries $DAILY --seed $1 \
		--user 'user{}' --source "$(seq -s, -f 198.51.100.%g 7 60)" \
		>$LAB/broken
	same "broken" "$(cat $LAB/broken)" '{}'
	login_fail attacker 3 --source $ATTACKER6 --server $POSTFIX6 \
		--password old
	login_fail honest 3
	login_storm honest --good "$HONEST*4"
	login_ok honest --user bob --password hunter2 --tls starttls \
		--server $DOVECOT
	at attacker timeout 2 openssl s_client -starttls smtp \
		-connect $POSTFIX:587 </dev/null >/dev/null 2>&1 || true
	connects honest --port 25
	at honest python3 -B $HELPER say --port 25 "EHLO far.example" \
		"MAIL FROM:<>" "RCPT TO:<bob@mail.example>" QUIT
}

@test "a week of honest traffic in a minute, under the default limits: no alarm" {
	local n
	for n in $(seq 0 53); do
		echo "user$n:{PLAIN}secret" >>$LAB/users
	done
	until_true 5 login_ok honest --user user53
	conf allow $HONEST
	daemon_up
	for n in 1 2 3 4 5 6 7; do
		day $n
		case $n in
		3) # an update
			daemon_down
			daemon_up
			;;
		5) at mail postfix -c $LAB/postfix/etc reload ;;
		6) smtpxdp config set ban-time 2h ;;
		esac
		silent
	done
	same "ban list" "$(banned)" ''
	[ "$(counter successes)" -gt $((6 * DAILY)) ]
	[ "$(counter failures)" -gt $((DAILY / 10)) ]
	[ "$(counter failures-allowed)" = 21 ]
	# An alarm may come late.
	sleep 6
	silent
}

# What the attacker sends waits in his network, ever longer: passwords on
# connections that are open, and the beginnings of others.
late_attack() {
	at attacker python3 -B - $POSTFIX <<-'END'
		import base64, os, socket, subprocess, sys, time
		def opened():
		    s = socket.create_connection((sys.argv[1], 587), 10)
		    s.recv(1000)
		    s.sendall(b"EHLO x\r\n")
		    s.recv(1000)
		    return s
		old, new = [opened() for _ in range(30)], []
		subprocess.run("tc qdisc add dev eth0 root tbf rate 3kbit burst 1600 "
		               "limit 100000".split(), check=True)
		for s in old:
		    secret = b"\0alice\0" + os.urandom(6).hex().encode()
		    s.sendall(b"AUTH PLAIN " + base64.b64encode(secret) + b"\r\n")
		    new.append(socket.socket())
		    new[-1].setblocking(False)
		    new[-1].connect_ex((sys.argv[1], 587))
		time.sleep(12)
	END
}

@test "packets still in flight five seconds after a ban: no alarm" {
	local dropped
	conf rate 5/60s
	daemon_up
	late_attack 3>&- &
	until_true 10 banned_are $ATTACKER/32
	sleep 6 # an alarm needs a ban of five seconds
	dropped=$(counter dropped-ban)
	until_true 5 drops_more $((dropped + 5))
	silent
	wait $!
	silent
}

drops_more() { # THAN
	[ "$(counter dropped-ban)" -gt $1 ]
}
