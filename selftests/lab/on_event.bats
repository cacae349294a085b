#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# on-event: what program is run at which bans, as whom, how often and for how
# long; and the programs that come with smtpxdp, against receivers.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

HERE=$LAB/on-event # nobody else can write to these folders
PROGRAM=$HERE/program
TOLD=$LAB/told

servers() {
	echo journald postfix sink
}

before() {
	rm -rf $HERE $TOLD
	mkdir -p $HERE
	install -m 755 -t $HERE "$LAB_ROOT"/dist/on-event/*
	install -d -o smtpxdp $TOLD
}

# program LINE...: a shell script.
program() {
	printf '%s\n' '#!/bin/sh' "$@" >$PROGRAM.new
	chmod 755 $PROGRAM.new
	mv $PROGRAM.new $PROGRAM
}

# It notes the networks whose bans it runs for.
noting() {
	program "echo \$SMTPXDP_NET \$SMTPXDP_OFFENCE >>$TOLD/nets" "$@"
}

noted() { # LINE...
	same "noted" "$(cat $TOLD/nets)" "$(printf '%s\n' "$@")"
}

banned_now() { # ADDRESS N
	[ "$(why "$1" .history.offences)" = "$2" ]
}

# The nth offence of a client, which then has its next one.
offends() { # ADDRESS N [OPTION...]
	local from=$1 n=$2
	shift 2
	login_fail attacker 3 --server "${SERVER-$POSTFIX}" --from $from "$@"
	until_true 5 banned_now $from $n
	smtpxdp ban del $from
}

# The first and second offence of many, at once.
all_twice() { # NUMBER... of 198.51.100.0/24
	local plan n
	printf -v plan "198.51.100.%s*${EACH:-3}," "$@"
	for n in 1 2; do
		login_storm attacker --bad ${plan%,}
		until_true 5 all_have $n $#
		smtpxdp ban flush
	done
}

all_have() { # N HOW-MANY
	same "the ${1}th offence" "$(smtpxdp ban list -j |
		jq --argjson n "$1" 'map(select(.offences == $n)) | length')" "$2"
}

counted() { # RUNS FAILED SKIPPED
	same "counters" "$(smtpxdp status -j | jq -r '.counters |
		[."on-event", ."on-event-failed", ."on-event-skipped"] |
		map(.packets) | @tsv')" "$1"$'\t'"$2"$'\t'"$3"
}

# A second offence.
twice() { # ADDRESS [OPTION...]
	local from=$1
	shift
	offends $from 1 "$@"
	offends $from 2 "$@"
}

config_is() {
	conf rate 3/60s ban-time 100s log-users yes "$@"
}

failures_told() {
	journal SMTPXDP_EVENT=on-event-failed | jq -r .MESSAGE
}

# No process has this in its command line.
nobody_runs() { # WORD
	not pgrep -f "$1"
}

runs() { # WORD
	pgrep -f "$1"
}

@test "it runs once at the second offence, not at the first, and knows what the journal knows" {
	noting "tr '\\0' '\\n' </proc/\$\$/environ >$TOLD/env" "echo \"\$@\" >$TOLD/args"
	config_is on-event "$PROGRAM one  two"
	daemon_up
	offends 198.51.100.8 1
	twice $ATTACKER --user $'eve\e[1m$(touch x)"`id`'
	until_true 5 test -s $TOLD/args
	noted "$ATTACKER/32 2"
	same "arguments" "$(cat $TOLD/args)" "one two"
	same "variables" "$(grep -v '^SMTPXDP_' $TOLD/env)" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	# as the journal has them
	e=$(journal SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32 SMTPXDP_OFFENCE=2)
	same "fields" "$(grep -vE '^(PATH|SMTPXDP_(TIME|MESSAGE))=' $TOLD/env | LC_ALL=C sort)" \
		"$(jq -r 'to_entries[] | select(.key | startswith("SMTPXDP_")) |
			"\(.key)=\(.value)"' <<<"$e" | LC_ALL=C sort)"
	same "message" "$(sed -n 's/^SMTPXDP_MESSAGE=//p' $TOLD/env)" "$(jq -r .MESSAGE <<<"$e")"
	has "$(cat $TOLD/env)" '^SMTPXDP_DURATION_SEC=200$'
	has "$(cat $TOLD/env)" '^SMTPXDP_TIME=20..-..-..T'
	# shellcheck disable=SC2016 # no shell's
	has "$(cat $TOLD/env)" '^SMTPXDP_USER=eve\\x1b\[1m\$\(touch x\)"`id`$'
	same "bytes that are not printable" "$(LC_ALL=C tr -d '\n -~' <$TOLD/env | wc -c)" 0
	counted 1 0 0
}

@test "it has no rights, no files and no signals of the daemon's" {
	program 'exec >'$TOLD'/new; cat /proc/self/status; ls -l /proc/$$/fd; pwd' \
		'ps -o pgid= $$; echo pid $$; mv '$TOLD'/new '$TOLD'/status'
	config_is on-event $PROGRAM
	for how in root smtpxdp; do # by hand, and as in the unit
		[ $how = root ] || as_user
		daemon_up
		twice $ATTACKER
		until_true 5 test -e $TOLD/status
		s=$(cat $TOLD/status)
		has "$s" $'^Uid:\t64998\t64998\t64998\t64998$'
		has "$s" $'^Gid:\t64998\t64998\t64998\t64998$'
		has "$s" $'^Groups:\t *$'
		for set in Inh Prm Eff Amb; do
			has "$s" "^Cap$set:"$'\t0*$'
		done
		has "$s" $'^NoNewPrivs:\t1$'
		has "$s" $'^SigBlk:\t0*$'
		has "$s" $'^SigIgn:\t0*$'
		has "$s" ' 0 -> /dev/null$'
		has "$s" '^/$'
		# the shell has its script as number 10
		same "files" "$(grep -c -- ' -> ' <<<"$s") $(grep -cE ' (0|1|2|10) -> ' <<<"$s")" "4 4"
		same "group" "$(sed -n 's/^ *\([0-9]*\)$/\1/p' <<<"$s")" \
			"$(sed -n 's/^pid //p' <<<"$s")"
		end_protection
		daemon_env
		rm -rf $TOLD/status $STATE*
	done
}

# The nth ban of the attacker's /24, by its clients.
net_offends() { # N NUMBER...
	local n=$1
	shift
	for c in "$@"; do
		login_fail attacker 1 --from 198.51.100.$c
	done
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.0/24 \
		SMTPXDP_OFFENCE=$n
	smtpxdp ban flush
}

@test "never for who ever logged in" {
	noting
	config_is on-event $PROGRAM success-credit off
	daemon_up
	login_ok attacker --from $ATTACKER
	for n in 1 2 3; do
		offends $ATTACKER $n
	done
	# nor, as somebody there did, for all of their network
	smtpxdp config set net-rate 3/60s
	net_offends 1 8 9 10
	net_offends 2 11 12 13
	smtpxdp config set net-rate off
	twice 198.51.100.20
	until_true 5 test -e $TOLD/nets
	noted "198.51.100.20/32 2"
}

@test "one that hangs is ended, with all that it started, and the next one runs" {
	noting "[ \$SMTPXDP_NET != $ATTACKER/32 ] || {" "trap '' TERM HUP" \
		'setsid -f sleep 98765' 'sleep 98765 &' 'sleep 98765' '}'
	config_is on-event $PROGRAM on-event-timeout 2s
	daemon_up
	twice $ATTACKER
	until_true 5 runs 'sleep 98765'
	twice 198.51.100.8
	twice 198.51.100.9
	until_true 10 grep -q 198.51.100.9 $TOLD/nets
	noted "$ATTACKER/32 2" "198.51.100.8/32 2" "198.51.100.9/32 2"
	nobody_runs 'sleep 98765'
	has "$(failures_told)" "the ban of $ATTACKER/32: killed after 2s: see the key on-event-timeout"
	counted 3 1 0
}

@test "failures are told with what it said, and do not flood the journal" {
	program "printf 'no \\033[1m key\\n'; echo >&2 again" 'head -c 100000 /dev/zero' 'exit 3'
	config_is on-event $PROGRAM
	daemon_up
	twice $ATTACKER
	until_true 5 journal_has SMTPXDP_EVENT=on-event-failed
	has "$(failures_told)" \
		"^on-event for the ban of $ATTACKER/32: exit status 3; it said: no \\\\x1b\[1m key\\\\x0aagain"
	[ "$(failures_told | wc -c)" -lt 1500 ]
	program 'kill -SEGV $$'
	all_twice 8 9 10
	until_true 5 counted 4 4 0
	same "told" "$(failures_told | wc -l)" 1
	# what one says that succeeds is told, too
	program 'echo "sent it"'
	twice 198.51.100.11
	until_true 5 journal_has SMTPXDP_EVENT=on-event
	same "said" "$(journal SMTPXDP_EVENT=on-event | jq -r .MESSAGE)" \
		"on-event for the ban of 198.51.100.11/32: sent it"
}

@test "more often than on-event-rate it does not run: counted, and told once" {
	noting
	config_is on-event $PROGRAM on-event-rate 2/1h
	daemon_up
	all_twice 8 9 10 11 12
	until_true 5 counted 2 0 3
	same "runs" "$(wc -l <$TOLD/nets)" 2
	has "$(failures_told)" '^on-event does not run for the ban of 198\.51\.100\..*/32: on-event-rate is reached; the counter on-event-skipped goes on$'
	same "told" "$(failures_told | wc -l)" 1
	# and the key is live
	smtpxdp config set on-event-rate 3/1h
	twice 198.51.100.13
	until_true 5 grep -q 198.51.100.13 $TOLD/nets
	smtpxdp config set on-event ''
	twice 198.51.100.14
	counted 3 0 3
}

@test "64 bans wait for one that is slow, not more" {
	program "echo \$SMTPXDP_NET >>$TOLD/nets" "while [ ! -e $TOLD/go ]; do sleep 0.05; done"
	conf rate 1/60s on-event $PROGRAM on-event-rate 64/1s on-event-timeout 10m \
		max-bans-per-minute off
	daemon_up
	# shellcheck disable=SC2046 # a list
	EACH=1 all_twice $(seq 8 60)
	sleep 1 # the time of on-event-rate, which is to hold none of them back
	login_storm attacker --bad "$(seq -f '198.51.100.%.0f*1' -s , 8 27)"
	# 53 second and 20 third ones: one runs, 64 wait
	until_true 10 counted 1 0 8
	has "$(failures_told)" 'too many bans wait for it'
	touch $TOLD/go
	until_true 20 counted 65 0 8
}

@test "no child is left, however the daemon ends" {
	noting "trap '' TERM INT HUP" 'sleep 98764 &' 'setsid sleep 98764'
	config_is on-event $PROGRAM on-event-timeout 10m
	a=8
	for signal in TERM KILL; do
		daemon_up
		twice 198.51.100.$a
		until_true 5 runs 'sleep 98764'
		twice 198.51.100.$((a + 1)) # waits
		daemon_down $signal
		until_true 5 nobody_runs 'sleep 98764'
		nobody_runs $PROGRAM
		a=$((a + 2))
	done
	has "$(failures_told)" 'the daemon ends before on-event has run for 2 bans'
	# and the next daemon goes on
	daemon_up
	twice 198.51.100.20
	until_true 5 grep -q 198.51.100.20 $TOLD/nets
}

@test "a program that may not be run is refused, with what is wrong and what helps" {
	config_is
	daemon_up
	noting
	refused() { # STATUS VALUE PATTERN
		fails $1 smtpxdp config set on-event "$2"
		has "$output" "$3"
		same "on-event" "$(smtpxdp config get on-event)" ''
		lacks "$(cat $CONF)" '^on-event'
	}
	refused 2 program 'program. is no absolute path of a program'
	refused 2 "$PROGRAM $(seq -s ' ' 16)" 'more than 15 arguments'
	refused 1 $HERE/none "on-event: $HERE/none: No such file"
	refused 1 $HERE "$HERE: not a regular file"
	ln -s $PROGRAM $HERE/link
	refused 1 $HERE/link "there is a link in this path: write $PROGRAM"
	chmod 644 $PROGRAM
	refused 1 "$PROGRAM x" 'user 64998, who is to run it, may not execute it: chmod a\+rx it'
	chmod 757 $PROGRAM
	refused 1 $PROGRAM 'others than its owner can write to it: chmod go-w it'
	chmod 755 $PROGRAM
	chown nobody $PROGRAM
	refused 1 $PROGRAM 'belongs to user 65534, who could put another program there: chown root it'
	chown root $PROGRAM
	chmod 777 $HERE
	refused 1 $PROGRAM "$HERE: others than its owner can write"
	chmod 700 $HERE
	refused 1 $PROGRAM "$HERE: user 64998, .* may not enter it: chmod a\+x it"
	chmod 755 $HERE
	for bad in "on-event-rate 65/1h" "on-event-rate off" "on-event-timeout 11m"; do
		fails 2 smtpxdp config set $bad
	done
	smtpxdp config set on-event "$PROGRAM"
	# what is wrong later is told at the ban, ...
	chmod 666 $PROGRAM
	twice $ATTACKER
	until_true 5 journal_has SMTPXDP_EVENT=on-event-failed
	has "$(failures_told)" "the ban of $ATTACKER/32: $PROGRAM: others than its owner"
	not test -e $TOLD/nets
	# ... and at the start, which goes on
	daemon_down
	journal_mark
	daemon_up
	has "$(failures_told)" "^on-event cannot run, all else goes on: $PROGRAM: others than"
	journal_mark
	kill -HUP "$(daemon_pid)"
	until_true 5 journal_has SMTPXDP_EVENT=on-event-failed
	# ... and whenever somebody asks
	fails 1 smtpxdp status --check
	has "$output" "on-event: at a ban, nothing is run: $PROGRAM: others than.* \(smtpxdp config set on-event\)"
	rm $PROGRAM
	fails 1 smtpxdp -j status --check
	same "problems" "$(jq -r '.problems[].check' <<<"$output")" on-event
	has "$(smtpxdp metrics)" 'smtpxdp_problems\{check="on-event"\} 1'
	noting
	smtpxdp status --check
}

received() { # JQ-FILTER
	tail -n 1 $LAB/log/receiver | jq -r "$1"
}

# post ADDRESS NAME [ARGUMENT...]: a second offence, with a shipped program.
post() {
	local from=$1 name=$2
	shift 2
	smtpxdp config set on-event "$HERE/$name $*"
	: >$LAB/log/receiver
	twice $from --user "$TRIED"
	until_true 5 test -s $LAB/log/receiver
}

# Whom post() tries.
TRIED=$'e"v\e\\l'

@test "webhook, abuseipdb, blocklist.de: what they send, and that keys are no arguments" {
	url=http://$HONEST:8080
	background receiver honest python3 -B "$LAB_ROOT/selftests/lib/receiver.py" $HONEST 8080 200
	until_true 10 listens honest $HONEST 8080
	echo $url/hook/S3CRET >$HERE/hook.url
	echo 0123456789abcdef >$HERE/key
	chown root:smtpxdp $HERE/hook.url $HERE/key
	chmod 640 $HERE/hook.url $HERE/key
	config_is
	daemon_up

	post 198.51.100.8 webhook $HERE/hook.url
	same "path" "$(received .path)" /hook/S3CRET
	same "type" "$(received '.headers["Content-Type"]')" application/json
	same "body" "$(received .body | jq -r '.SMTPXDP_NET, .SMTPXDP_OFFENCE, .SMTPXDP_EVENT')" \
		$'198.51.100.8/32\n2\nban'
	has "$(received .body | jq -r .text)" '^banned 198\.51\.100\.8/32 for .*2nd offence.*: 535 5\.7\.8'
	same "user" "$(received .body | jq -r .SMTPXDP_USER)" 'e"v\x1b\\l'
	same "fields" "$(received .body | jq -r 'keys[] | select(. != "text")' | grep -cv '^SMTPXDP_')" 0

	post 198.51.100.9 abuseipdb $HERE/key $url/api/v2/report
	same "path" "$(received .path)" /api/v2/report
	same "key" "$(received .headers.Key)" 0123456789abcdef
	same "form" "$(received '.form | tojson')" \
		'{"ip":"198.51.100.9","categories":"18","comment":"SMTP AUTH: 3 failures in 1m"}'

	SERVER=$POSTFIX6 post 2001:db8:bad:3::7 blocklist.de $HERE/key mail@example.org $url/en/httpreports.html
	same "form" "$(received '.form | del(.logs) | tojson')" \
		'{"server":"mail@example.org","service":"sasl","ip":"2001:db8:bad:3::7","format":"text","apikey":"0123456789abcdef"}'
	has "$(received .form.logs)" '^20..-.*T.* smtpxdp: banned 2001:db8:bad:3::/64 .*: 535 5'
	until_true 5 journal_has SMTPXDP_EVENT=on-event
	has "$(journal SMTPXDP_EVENT=on-event | jq -r .MESSAGE)" ': status: success$'
	same "failed" "$(counter on-event-failed)" 0

	# who does not answer 2xx, or has no key, is told
	end receiver
	rm $HERE/key
	smtpxdp config set on-event "$HERE/abuseipdb $HERE/key $url"
	twice 198.51.100.10
	until_true 5 journal_has SMTPXDP_EVENT=on-event-failed
	has "$(failures_told)" "exit status [12]; it said: .*$HERE/key"
}

@test "mail: a server that wants no login gets it" {
	config_is on-event "$HERE/mail postmaster@example.org smtpxdp@mail.example smtp://$SINK:25"
	daemon_up
	rm -f $LAB/sink/*
	twice $ATTACKER
	until_true 5 grep -qs 'ban del' -r $LAB/sink
	m=$(cat $LAB/sink/* | tr -d '\r')
	has "$m" '^To: postmaster@example.org$'
	has "$m" '^From: smtpxdp@mail.example$'
	has "$m" "^Subject: smtpxdp on $(uname -n): ban of $ATTACKER/32$"
	has "$m" '^Date: [A-Z].*[0-9]$'
	has "$m" "^SMTPXDP_NET=$ATTACKER/32$"
	counted 1 0 0
}
