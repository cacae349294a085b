#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Logins that the server judged, whatever the client does about the answer; and
# connections that ask for none. Dovecot says no after two seconds, its default.

# shellcheck disable=SC2034,SC2086 # DOVECOT_DELAY is the lab's; no spaces in names

load ../lib/common.sh

setup_file() {
	DOVECOT_DELAY='2 secs'
	lab_up journald postfix
	at attacker ip tuntap add dev tun0 mode tun
	at attacker ip link set tun0 up
	at attacker ip route add $RAW dev tun0
	at router ip route replace $RAW via $ATTACKER
	sysctl_at attacker ipv4/ip_forward 1
}

RAW=198.51.100.200

before() {
	conf rate 64/1h slow-rate off log-failures yes log-users yes
	daemon_up
	: >$LAB/log/dovecot
	: >$LAB/log/postfix
}

cut() { # OPTION...
	at attacker python3 -B $HELPER cut --password wrong "$@"
}

# The same of a host whose TCP does as told.
raw_cut() { # OPTION...
	cut --raw --source $RAW "$@"
}

# Passwords that Dovecot has judged; who is tried, it tells at once.
judged() {
	grep -cE '(Password mismatch|unknown user)' $LAB/log/dovecot || true
}

# So many, by Dovecot's log and by ours; so many of them unanswered.
counted_are() { # TOTAL UNANSWERED
	until_true 20 judged_are $1
	until_true 10 failures_are $1 ||
		same "failures counted" "$(counter failures)" $1
	same "unanswered" "$(counter failures-unanswered)" $2
}

judged_are() {
	[ "$(judged)" = $1 ]
}

# Every session of the server's has ended.
all_ended() {
	# Not the connection by which Dovecot relays to Postfix.
	[ -z "$(at mail ss -Htn state connected \
		"( sport = :587 or sport = :465 or sport = :25 ) and not dst 192.0.2.0/24")" ]
}

ended() {
	until_true 20 all_ended
}

@test "clear: reset one second after AUTH" {
	cut --connections 4
	ended
	counted_are 4 4
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_UNANSWERED=yes SMTPXDP_USER=alice
	has "$(smtpxdp -j events)" '"unanswered":true'
	has "$(smtpxdp events)" 'did not wait for the reply'
	smtpxdp status --check
}

@test "... bans" {
	smtpxdp config set rate 3/60s
	cut --connections 3
	ended
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
}

@test "... and is nothing where count-unanswered says so" {
	smtpxdp config set count-unanswered no
	cut --connections 2
	ended
	same "failures counted" "$(counter failures)" 0
}

@test "clear: LOGIN and PLAIN in two steps" {
	cut --say 'AUTH LOGIN|?|YWxpY2U=|?|d3Jvbmc='
	cut --say 'AUTH PLAIN|?|AGFsaWNlAHdyb25n'
	cut --say 'AUTH LOGIN YWxpY2U=|?|d3Jvbmc='
	# Not judged yet.
	cut --say 'AUTH LOGIN|?|YWxpY2U=|?' --patience 0.2
	cut --say 'AUTH LOGIN|?' --patience 0.2
	cut --say 'AUTH LOGIN|?|*' --patience 0.2
	ended
	counted_are 3 3
}

@test "clear: close, which lets the refusal go out" {
	cut --connections 4 --end close
	ended
	counted_are 4 0
}

# The server has read the AUTH when the reset comes, or reads it afterwards; and
# of a FIN it knows nothing while it waits for the password's verdict.
@test "clear: reset at once, and behind a FIN" {
	cut --connections 4 --patience 0
	cut --connections 4 --patience 0.3 --end both
	ended
	counted_are 8 8
}

@test "a window of one to four bytes, cut after each of them" {
	local n=0
	while read -r window cut; do
		same "seen" "$(raw_cut --window $window --cut $cut --patience 5)" $cut
		n=$((n + 1))
	done <<-EOT
		1 1
		1 3
		1 4
		2 2
		3 3
		3 6
		4 4
	EOT
	ended
	counted_are $n $n
}

@test "a window of 11, cut within the line and behind it" {
	same "seen" "$(raw_cut --window 11 --cut 11 --patience 5)" 11
	same "seen" "$(raw_cut --window 80 --cut 62 --patience 5)" 62
	ended
	counted_are 2 1
}

@test "a window that is shut" {
	same "seen" "$(raw_cut --window 0 --patience 4)" 0
	same "seen" "$(raw_cut --window 0 --patience 1)" 0
	ended
	counted_are 2 2
}

# Postfix goes on for as long as the client does.
@test "a reply that is held back, and the connection with it: counted in 15 seconds" {
	local start=$SECONDS
	background held attacker python3 -B $HELPER cut --password wrong --raw \
		--source $RAW --window 3 --cut 3 --patience 60 --end silence
	until_true 10 judged_are 1
	until_true 20 counted_is 1
	same "unanswered" "$(counter failures-unanswered)" 1
	[ $((SECONDS - start)) -lt $((25 * SLOW)) ]
	[ -n "$(at mail ss -Htn state established "dst $RAW")" ]
	end held
	# Once: neither another look, nor the end, nor the reply itself counts.
	sleep 6
	at mail ss -K -tn dst $RAW >/dev/null
	ended
	same "failures counted" "$(counter failures)" 1
}

counted_is() {
	[ "$(counter failures)" = $1 ]
}

@test "a reply that is held back, and leaves at last, counts once" {
	background held attacker python3 -B $HELPER cut --password wrong --raw \
		--source $RAW --window 3 --cut 3 --patience 16 --end reopen
	until_true 20 judged_are 1
	until_true 30 counted_is 1
	until_true 30 not running held
	ended
	has "$(cat $LAB/log/held)" 'authentication failed'
	same "failures counted" "$(counter failures)" 1
}

# An answer after half a minute is none that anybody waits for.
@test "a server that hangs: who leaves after 30 seconds is not counted" {
	background mailer mail python3 -B $HELPER serve --server $NGINX \
		--port 2525 --delay 60
	until_true 10 listens mail $NGINX 2525
	cut --server $NGINX --port 2525 --patience 25 --connections 2 &
	cut --server $NGINX --port 2525 --patience 33 --connections 3
	wait
	end mailer
	ended
	same "failures counted" "$(counter failures)" 2
}

postfix_again() {
	at mail postfix -c $LAB/postfix/etc stop >/dev/null 2>&1
	until_true 10 not listens mail $POSTFIX 587
	postfix_start
}

@test "TCP Fast Open: AUTH in the SYN" {
	local was old
	was=$(at mail cat /proc/sys/net/ipv4/tcp_fastopen)
	old=$(at attacker cat /proc/sys/net/ipv4/tcp_fastopen)
	# On all new listeners, without cookies.
	sysctl_at mail ipv4/tcp_fastopen $((0x603))
	sysctl_at attacker ipv4/tcp_fastopen $((0x5))
	postfix_again
	cut --fast --connections 3
	cut --fast --patience 3 --end close
	ended
	sysctl_at mail ipv4/tcp_fastopen $was
	sysctl_at attacker ipv4/tcp_fastopen $old
	postfix_again
	same "data in SYNs" "$(at mail nstat -asz TcpExtTCPFastOpenPassive |
		awk '/Passive/ { print $2 }')" 4
	# The last one is refused in time; its end counts, too, for a dialogue that
	# begins in the SYN is not followed.
	until_true 20 judged_are 4
	until_true 10 failures_are 5
	same "unanswered" "$(counter failures-unanswered)" 4
}

@test "what cannot be followed is no way past" {
	local way n=0
	for way in TWICE DECOY DISORDER; do
		raw_cut --say $way
		n=$((n + 1))
	done
	# Lines that a server may not answer, and a response that comes early.
	cut --say 'EMPTY|AUTH'
	cut --say 'PROXY UNKNOWN|?|AUTH'
	cut --say 'AUTH PLAIN|AGFsaWNlAHdyb25n'
	ended
	counted_are $((n + 3)) $((n + 3))
	# A retransmission of what the server took leaves the name known; so does a
	# response that the challenge was quick enough for. No other name is told.
	until_true 5 journal_has SMTPXDP_UNANSWERED=yes SMTPXDP_USER=alice
	same "names" "$(journal SMTPXDP_EVENT=failure | jq -r '.SMTPXDP_USER // "-"' |
		sort -u | xargs)" '- alice'
}

# Postfix takes all of C's isspace() for blanks, also in front of a command.
@test "an AUTH with blanks that only Postfix takes for such" {
	local secret=AGFsaWNlAHdyb25n n=0 line
	for line in ' AUTH PLAIN ' '\tAUTH PLAIN ' '\x0bAUTH PLAIN ' '\rAUTH PLAIN ' \
		'AUTH\x0bPLAIN ' 'AUTH PLAIN\x0c' 'AUTH\rPLAIN ' 'AUTH PLAIN\r'; do
		cut --say "$line$secret" --patience 0.2
		n=$((n + 1))
	done
	cut --say "$(printf '%1100s' '')AUTH PLAIN $secret" --patience 0.2
	n=$((n + 1))
	ended
	counted_are $n $n
	# A CR may end a line for others, and so much is not read.
	same "names" "$(journal SMTPXDP_EVENT=failure |
		jq -r '.SMTPXDP_USER // "-"' | sort | uniq -c | xargs)" '4 - 5 alice'
}

# The server holds the challenge back while there is more to read.
@test "a response in one piece with its AUTH" {
	local tls
	for tls in '' '--tls starttls'; do
		cut $tls --say 'AUTH PLAIN\r\nAGFsaWNlAHdyb25n'
		cut $tls --say 'AUTH LOGIN\r\nYWxpY2U=\r\nd3Jvbmc='
	done
	ended
	# Inside TLS, Postfix hands the refusals to OpenSSL all the same.
	counted_are 4 2
}

# Postfix keeps its replies until it has done with all that came.
@test "several logins in one piece" {
	local auth='AUTH PLAIN AGFsaWNlAHdyb25n' tls
	for tls in '' '--tls starttls'; do
		cut $tls --say "$auth\\r\\n$auth\\r\\n$auth" --patience 5
		cut $tls --say "NOOP\\r\\n$auth"
	done
	cut --no-ehlo --say "EHLO client.example\\r\\n$auth"
	ended
	# In the clear all that was read; inside TLS Postfix hands the refusals over.
	counted_are 9 5
}

# ... so it does not hang. What it had not come to counts, too.
@test "... and half a minute later" {
	local auth='AUTH PLAIN AGFsaWNlAHdyb25n' all=NOOP i
	for i in {1..20}; do
		all+="\\r\\n$auth"
	done
	cut --say "$all" --patience 33
	cut --say "$all|EMPTY" --patience 1
	until_true 60 all_ended || ended
	[ "$(judged)" -ge 14 ]
	same "failures counted" "$(counter failures)" 40
	# Postfix goes on to ask Dovecot, whose log the next test reads.
	until_true 90 postfix_left 2
}

postfix_left() { # CONNECTIONS
	[ "$(grep -c 'disconnect from' $LAB/log/postfix)" = $1 ]
}

@test "STARTTLS and 465: reset one second after AUTH" {
	cut --tls starttls --connections 3
	cut --tls implicit --port 465 --connections 3
	ended
	# Postfix hands the refusal to OpenSSL, though nobody is there any more.
	counted_are 6 0
}

@test "STARTTLS and 465: close" {
	cut --tls starttls --connections 3 --end close
	cut --tls implicit --port 465 --connections 3 --end close
	ended
	until_true 10 judged_are 6
	same "failures counted" "$(counter failures)" 6
}

# Nobody who tries no password.
@test "who does not log in may hang up anywhere" {
	for port in 25 587; do
		for end in reset close; do
			try="--port $port --end $end --patience 0.05"
			cut $try --no-ehlo --say ''
			cut $try --no-ehlo --say '|'
			cut $try --say ''
			cut $try --say QUIT
			cut $try --say RSET
			cut $try --say 'NOOP|?|QUIT'
			cut $try --say 'STARTTLS'
			cut $try --say 'STARTTLS|?'
			cut $try --say 'GET / HTTP/1.0|'
			cut $try --say 'MAIL FROM:<a@b.example>|?|RCPT TO:<x@nowhere.example>'
			cut $try --say 'MAIL FROM:<a@b.example>|RCPT TO:<x@nowhere.example>|DATA|QUIT'
			cut $try --tls starttls --say ''
			cut $try --tls starttls --say QUIT
		done
	done
	cut --tls implicit --port 465 --no-ehlo --patience 0.05 --say ''
	ended
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
}

@test "after a login that succeeded, nothing" {
	for tls in '' '--tls starttls'; do
		cut --password secret $tls --say 'AUTH|?|AUTH' --patience 0.2
		cut --password secret $tls --say 'AUTH|?|MAIL FROM:<a@b.example>' \
			--patience 0.05
	done
	ended
	same "failures counted" "$(counter failures)" 0
}

# Servers say 503 (RFC 4954, 4), and judge nothing.
@test "another AUTH after a login that succeeded" {
	local server tls
	for server in $POSTFIX $DOVECOT; do
		for tls in '' '--tls starttls'; do
			for end in reset close; do
				cut --password secret --server $server $tls --end $end \
					--say 'AUTH|?|AUTH PLAIN AGFsaWNlAHdyb25n' --patience 0
			done
		done
	done
	ended
	same "judged" "$(judged)" 0
	same "failures counted" "$(counter failures)" 0
}

# --- who is believed

# frame PORT USER [OPTION...]: somebody at the mail host connects out from PORT.
frame() {
	local user=$1
	shift
	at mail setpriv --reuid $user --regid $user --clear-groups \
		/usr/bin/python3 -B - frame --server $HONEST --port 80 \
		--tries 10 "$@" <$HELPER # which that user may not be able to read
}

innocent() {
	same "failures counted" "$(counter failures)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
	same "ban list" "$(banned)" ''
}

@test "a local user who writes 535 to a stranger from a mail port frames nobody" {
	smtpxdp config set rate 3/60s
	background sink honest python3 -B $HELPER sink
	until_true 10 listens honest $HONEST 80
	same "port" "$(frame 65534 --source $NGINX --source-port 2525)" 2525
	innocent
	[ "$(counter out-outgoing)" -ge 10 ]
	# Whom the kernel lets have it.
	same "port" "$(frame 0 --source $NGINX --source-port 587)" 587
	innocent
	# A port that the kernel chose.
	range=$(at mail cat /proc/sys/net/ipv4/ip_local_port_range)
	sysctl_at mail ipv4/ip_local_port_range '2524 2527'
	smtpxdp config set ports '25, 465, 587, 2524, 2525, 2526, 2527'
	port=$(frame 65534)
	sysctl_at mail ipv4/ip_local_port_range "$range"
	has "$port" '^252[4-7]$'
	innocent
	end sink
}

@test "... and a server that listens on 2525 is believed" {
	background mailer mail python3 -B $HELPER serve --server $NGINX --port 2525
	until_true 10 listens mail $NGINX 2525
	login_fail attacker 3 --server $NGINX --port 2525
	end mailer
	same "failures counted" "$(counter failures)" 3
}
