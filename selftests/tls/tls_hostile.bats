#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A local user without rights serves port 2525, and has mapped what the TLS
# sensor is to trip over. Nobody looks at it, unless the key servers says that he
# is believed: the daemon goes on all the same.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load tls_common.sh

HOSTILE=$LAB_ROOT/selftests/tls/tls_hostile.py
DIR=$LAB/hostile

before() {
	conf rate 64/1h slow-rate off servers $NGINX
	lab_certificate
	mkdir -p "$DIR"
	daemon_up
}

after() {
	end served
	end one
	rm -rf "$DIR" $LAB/secret
}


# Serves with files mapped, until the daemon has heard of the process.
serve_hostile() { # serve|shrink FILE...
	chown -R 65534:65534 "$DIR"
	background served mail setpriv --reuid 65534 --regid 65534 \
		--clear-groups /usr/bin/python3 -B $HOSTILE $1 $NGINX 2525 "${@:2}"
	until_true 10 listens mail $NGINX 2525
	connects attacker --server $NGINX --port 2525
}

# The loop turns: what it is told now, it does now.
turns() {
	kill -HUP "$(daemon_pid)"
	until_true 8 journal_has SMTPXDP_EVENT=reloaded
}

starts_again() {
	daemon_down KILL
	daemon_up
}

opened() {
	smtpxdp status -j | jq -c --arg dir "$DIR/" \
		'[.tls.libraries[] | select(startswith($dir))] | length'
}

opened_are() { # NUMBER
	same "libraries of his" "$(opened)" $1
}

@test "the libraries of who is not believed are not opened" {
	local from
	from=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*=> //p' | head -n 1)
	cp "$from" "$DIR/"
	smtpxdp config set servers ''
	serve_hostile serve "$DIR"/libssl.so.3
	for _ in 1 2 3; do
		connects attacker --server $NGINX --port 2525
		turns
		journal_mark
	done
	opened_are 0
	smtpxdp config set servers $NGINX
	connects attacker --server $NGINX --port 2525
	until_true 10 opened_are 1
}

# Whoever makes a network namespace may listen on any port there.
@test "... nor of who serves port 25 in a network namespace of his own" {
	local from
	from=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*=> //p' | head -n 1)
	cp "$from" "$DIR/"
	chown -R 65534:65534 "$DIR"
	# shellcheck disable=SC2016 # the inner shell expands
	background served mail setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare --user --map-root-user --net sh -c 'ip link set lo up
			ip addr add "$2/32" dev lo
			exec /usr/bin/python3 -B -c "$1" serve "$2" 25 "$3"' \
		sh "$(cat $HOSTILE)" $NGINX "$DIR/libssl.so.3"
	until_true 10 serves_there
	starts_again
	turns
	opened_are 0
}

serves_there() {
	[ -n "$(nsenter --target "$(cat $LAB/pid/served)" --net -- \
		ss -Hltn "sport = :25")" ]
}

@test "a library that is truncated while it is read" {
	hostile_library 2400000000
	serve_hostile shrink "$DIR"/libssl.so.3
	turns
	starts_again
}

hostile_library() { # BYTES
	/usr/bin/python3 -B $HOSTILE library "$DIR"/libssl.so.3 "$1"
}

@test "a library with 40 GiB of symbols, a hole" {
	hostile_library 40000000008
	serve_hostile serve "$DIR"/libssl.so.3
	turns
	starts_again
}

# The line in /proc/PID/maps begins with 73 bytes that are not its name; read by
# 383 bytes, what is left over looks like another line.
@test "a library whose name makes another line: a FIFO of somebody is not opened" {
	mkfifo -m 600 "$LAB"/secret
	local name="$DIR/" rest="root$LAB/secret r-xp 0 0 0 " at=$((383 - 73))
	while [ ${#name} -lt $((at - 100)) ]; do
		name+=$(printf '%050d/' 0)
	done
	name+=$(printf '%0*d' $((at - ${#name})) 0)
	mkdir -p "$name../$rest"
	cp /bin/true "$name../$rest/libssl.so.3"
	serve_hostile serve "$name../$rest/libssl.so.3"
	turns
	starts_again
}

# As many copies as upgrades of years, in one process that has them all.
copies() { # NUMBER
	local from i
	from=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*=> //p' | head -n 1)
	for ((i = 0; i < $1; i++)); do
		mkdir "$DIR/$i"
		cp "$from" "$DIR/$i/"
	done
}

@test "more libraries than can be probed: told while they are used, then forgotten" {
	copies 70
	serve_hostile serve "$DIR"/*/libssl.so.3
	mkdir "$DIR/one"
	cp "$DIR/0/libssl.so.3" "$DIR/one/"
	background one mail env LD_LIBRARY_PATH="$DIR/one" /usr/bin/python3 -B \
		$HELPER serve --server $NGINX --port 25
	until_true 10 listens mail $NGINX 25
	login_fail attacker 2 --server $NGINX --port 25 --tls starttls --tries 5
	until_true 20 journal_has SMTPXDP_EVENT=blind
	has "$(journal SMTPXDP_EVENT=blind | jq -r .MESSAGE)" \
		'no room to probe its library: .*restart the servers'
	fails 1 smtpxdp status --check
	has "$output" '^tls: .*No space left.*restart the servers'
	end served
	until_true 30 counts
	not journal_has SMTPXDP_EVENT=fault
}

# A login by the server whose library found no room.
counts() {
	login_fail attacker 1 --server $NGINX --port 25 --tls starttls
	[ "$(in_window $ATTACKER)" -gt 0 ]
}
