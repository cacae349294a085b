#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Groups of networks, with real logins at a real Postfix: who has which rate, and
# what happens when the files change or are broken.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

D=/run/groups
# In 198.51.100.0/24, where the attacker is.
STRICT=198.51.100.10
LENIENT=198.51.100.20
ALLOWED=198.51.100.30
PLAIN=198.51.100.40

before() {
	rm -rf $D
	mkdir -p $D
	printf '; DROP\r\n%s/30 ; SBL1\r\n' 198.51.100.8 >$D/strict
	echo $LENIENT >$D/lenient
	echo $ALLOWED >$D/allow
}

after() {
	rm -rf $D
}

groups_up() { # [KEY VALUE...]
	conf rate 4/120s ban-time 1h strict-rate 2/1h strict-ban-time 2h \
		lenient-rate 6/120s lenient-ban-time 10m strict-nets $D/strict \
		lenient-nets $D/lenient allow-nets $D/allow "$@"
	daemon_up
}

# Is this the group of an address?
group_is() { # ADDRESS GROUP
	[ "$(why "$1" '.group.name // "none"')" = "$2" ]
}

# Banned with the Nth failure, not before, for so long.
banned_at() { # ADDRESS N SECONDS
	login_fail attacker $(($2 - 1)) --from "$1"
	not is_banned "$1"
	login_fail attacker 1 --from "$1"
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET="$1/32"
	is_banned "$1"
	same "ban time" "$(journal SMTPXDP_EVENT=ban SMTPXDP_NET="$1/32" |
		jq -r .SMTPXDP_DURATION_SEC)" "$3"
}

is_banned() { # ADDRESS
	[ "$(why "$1" .ban)" != null ]
}

nothing_failed() {
	smtpxdp status -j | jq -e '[.groups.sources[].failed] | any | not'
}

event() { # ADDRESS FIELD
	journal SMTPXDP_EVENT=ban SMTPXDP_NET="$1/32" | jq -r ".$2"
}

mmdb() { # KIND FILE
	perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null ||
		skip "no libmaxmind-db-writer-perl"
	"$LAB_ROOT/selftests/lib/make_mmdb.pl" "$@"
}

@test "strict are banned sooner, lenient later, allowed never" {
	groups_up
	banned_at $STRICT 2 7200
	banned_at $PLAIN 4 3600
	banned_at $LENIENT 6 600
	login_fail attacker 8 --from $ALLOWED
	not is_banned $ALLOWED
	same "not counted" "$(why $ALLOWED .client)" null
	has "$(smtpxdp why $ALLOWED)" '^next +nothing: failures are not counted'
	same "fields" "$(event $STRICT SMTPXDP_GROUP) $(event $LENIENT SMTPXDP_GROUP) $(
		event $PLAIN SMTPXDP_GROUP)" "strict lenient null"
	has "$(event $STRICT MESSAGE)" '^banned 198.51.100.10/32 \(strict\) for 2h: 2 failures'
	has "$(smtpxdp why $STRICT)" "^group +strict, as 198.51.100.8/30 by $D/strict"
	has "$(smtpxdp status)" "^groups +allow: file $D/allow, 1 network since 20"
	same "networks" "$(smtpxdp status -j | jq -c .groups.networks)" \
		'{"strict":1,"lenient":1,"allow":1,"proxy":0,"rated":0}'
	# A strict one who comes back, is banned for longer.
	smtpxdp ban del $STRICT
	login_fail attacker 2 --from $STRICT
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_DURATION_SEC=14400
}

@test "by country and AS; the journal, why, clients and the report know them" {
	# The attacker has .7 to .60.
	printf '%s\n' "198.51.100.52/30 KP" "198.51.100.24/30 DE" \
		"$LENIENT/32 KP" |
		mmdb country $D/country.mmdb
	printf '%s\n' "198.51.100.36/30 64496 Guess & Sons" | mmdb asn $D/asn.mmdb
	: >$D/strict
	groups_up strict-countries kp lenient-countries DE strict-asns AS64496 \
		geo-databases "$D/country.mmdb, $D/asn.mmdb"
	until_true 5 group_is 198.51.100.53 strict
	banned_at 198.51.100.53 2 7200
	banned_at 198.51.100.24 6 600
	banned_at 198.51.100.37 2 7200
	banned_at 198.51.100.50 4 3600
	# A file says more than a database.
	banned_at $LENIENT 6 600
	same "country" "$(event 198.51.100.53 SMTPXDP_COUNTRY)" KP
	same "AS" "$(event 198.51.100.37 SMTPXDP_ASN)" 64496
	same "unknown" "$(event 198.51.100.50 'SMTPXDP_COUNTRY, .SMTPXDP_ASN' |
		tr '\n' ' ')" "null null "
	has "$(event 198.51.100.53 MESSAGE)" '/32 \(strict, KP\) for'
	has "$(smtpxdp why 198.51.100.37)" '^as +AS64496 Guess & Sons$'
	same "why" "$(why 198.51.100.24 '[.country, .as, .group.by, .group.source]' |
		jq -c .)" '["DE",null,"country","DE"]'
	same "clients" "$(smtpxdp clients -j |
		jq -r '.[] | select(.net == "198.51.100.24/32").country')" DE
	same "events" "$(smtpxdp events -j | jq -c 'select(
		.net == "198.51.100.37/32" and .event == "ban") | [.group, .country, .asn]' |
		tail -n 1)" '["strict",null,64496]'
	seen=$(smtpxdp report)
	has "$seen" '^198\.51\.100\.53/32 +1 .* KP '
	has "$seen" '^ +[23] +2  #+ +KP$'
	has "$seen" '^ +1 +1  #+ +DE$'
}

@test "as-rate: many clients of one AS, each of them once; regulars and others are spared" {
	# The attacker has .7 to .60, each of them a client.
	printf '%s\n' "198.51.100.0/27 64496 Guess & Sons" | mmdb asn $D/asn.mmdb
	: >$D/strict
	: >$D/lenient
	: >$D/allow
	groups_up rated-asns AS64496 as-rate 5/1h geo-databases $D/asn.mmdb
	until_true 5 nothing_failed
	same "networks" "$(smtpxdp status -j | jq -c '.groups | [.networks.rated,
		(.sources[] | select(.group == "rated") | .by, .source)]')" \
		'[1,"as","64496"]'
	login_ok attacker --from 198.51.100.30 --user alice
	login_storm attacker --bad "$(seq -s , -f '198.51.100.%g*2' 8 11),$(
		seq -s , -f '198.51.100.%g*2' 40 45)"
	until_true 5 failures_are 20
	same "banned" "$(banned)" ''
	has "$(smtpxdp why 198.51.100.12)" '^as-rate +AS64496: 4 of 5 failing clients within 1h$'
	same "group" "$(why 198.51.100.12 .group)" null
	login_fail attacker 1 --from 198.51.100.12
	until_true 5 banned_are 198.51.100.12/32
	until_true 5 journal_has SMTPXDP_EVENT=as-attacked
	has "$(journal SMTPXDP_EVENT=as-attacked | jq -r '"\(.SMTPXDP_ASN) \(.MESSAGE)"')" \
		'^64496 AS64496 is over as-rate: 5 of its clients failed within 1h, the last 198\.51\.100\.12;'
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(event 198.51.100.12 MESSAGE)" \
		'^banned 198\.51\.100\.12/32 \(AS64496\) for 1h: 1 failure in 2m, as one of many of AS64496: 535 '
	has "$(smtpxdp -j events)" '"event":"as-attacked"'
	same "why" "$(why 198.51.100.13 .rated_as | jq -c .)" '{"number":64496,"clients":5}'
	has "$(smtpxdp why 198.51.100.13)" '5 of 5 .*: the next failure is a ban'
	# Each further one, and the ones of before; with a daemon or without it.
	daemon_down
	for i in 13 14 8; do
		login_fail attacker 1 --from 198.51.100.$i
	done
	daemon_up
	# Who logged in from there mistypes, and so does somebody elsewhere.
	login_fail attacker 2 --from 198.51.100.30 --user alice
	login_fail attacker 1 --from 198.51.100.40
	same "banned" "$(banned)" \
		"198.51.100.12/32 198.51.100.13/32 198.51.100.14/32 198.51.100.8/32"
	smtpxdp config set rated-asns ''
	login_fail attacker 1 --from 198.51.100.15
	not is_banned 198.51.100.15
	same "why" "$(why 198.51.100.15 .rated_as)" null
}

@test "rated-asns beside other groups; a database that is gone keeps what it had" {
	printf '%s\n' "198.51.100.0/26 KP" | mmdb country $D/country.mmdb
	printf '%s\n' "198.51.100.36/30 64496 Guess & Sons" | mmdb asn $D/asn.mmdb
	groups_up rated-asns 64496 as-rate 2/1h strict-asns 64496 strict-countries KP \
		geo-databases "$D/country.mmdb, $D/asn.mmdb"
	until_true 5 group_is 198.51.100.37 strict
	both='[.group.by, .group.net, .rated_as.number]'
	same "of the AS" "$(why 198.51.100.37 "$both" | jq -c .)" \
		'["as","198.51.100.36/30",64496]'
	same "of the country" "$(why 198.51.100.50 "$both" | jq -c .)" \
		'["country","198.51.100.0/26",null]'
	smtpxdp config set strict-asns ''
	same "both" "$(why 198.51.100.37 "$both" | jq -c .)" \
		'["country","198.51.100.0/26",64496]'
	rm $D/asn.mmdb
	until_true 10 journal_has SMTPXDP_EVENT=groups-kept
	same "kept" "$(why 198.51.100.37 "$both" | jq -c .)" \
		'["country","198.51.100.0/26",64496]'
	fails 1 smtpxdp status --check
	login_fail attacker 1 --from 198.51.100.36
	login_fail attacker 1 --from 198.51.100.37
	until_true 5 banned_are 198.51.100.37/32
}

@test "a file that changes is read again by itself, however it is written" {
	groups_up
	group_is $STRICT strict
	group_is $PLAIN none
	echo $PLAIN >>$D/strict # in place
	until_true 10 group_is $PLAIN strict
	group_is $STRICT strict
	echo $STRICT >$D/new # replaced
	mv $D/new $D/strict
	until_true 10 group_is $PLAIN none
	group_is $STRICT strict
	mkdir $D/elsewhere # behind a link
	echo $PLAIN >$D/elsewhere/strict
	ln -sf $D/elsewhere/strict $D/strict
	until_true 10 group_is $PLAIN strict
	group_is $STRICT none
	echo $STRICT >$D/elsewhere/strict
	until_true 10 group_is $STRICT strict
	group_is $PLAIN none
	journal_has SMTPXDP_EVENT=groups
	banned_at $STRICT 2 7200
}

@test "a broken or missing file keeps what it had, also over a restart; the others change" {
	groups_up
	echo "192.0.2.0/24 oops" >>$D/strict
	echo $PLAIN >>$D/lenient
	until_true 10 group_is $PLAIN lenient
	group_is $STRICT strict
	has "$(journal SMTPXDP_EVENT=groups-kept | jq -r .MESSAGE)" \
		"$D/strict:3: more than a network"
	has "$(smtpxdp status)" "strict: file $D/strict, 1 network .*CANNOT BE READ"
	rm $D/strict
	until_true 10 journal_has SMTPXDP_EVENT=groups-kept \
		"MESSAGE=groups of networks: $D/strict: cannot be read: No such file or directory; put it there, or take it out of strict-nets; what it had before stays in force"
	group_is $STRICT strict
	daemon_down
	daemon_up
	group_is $STRICT strict
	banned_at $STRICT 2 7200
	echo $STRICT >$D/strict
	until_true 10 nothing_failed
}

@test "config set: a file that cannot be read is refused, and nothing changes" {
	groups_up
	fails 1 smtpxdp config set strict-nets "$D/strict, $D/none"
	has "$output" "$D/none: cannot be read: No such file"
	same "still" "$(smtpxdp config get strict-nets)" $D/strict
	lacks "$(cat $CONF)" none
	echo "1.2.3.4-5" >$D/range
	fails 1 smtpxdp config set allow-nets $D/range
	has "$output" "$D/range:1: .*is not an IP address or network"
	fails 2 smtpxdp config set strict-countries KP
	has "$output" "strict-countries needs a database"
	fails 2 smtpxdp config set strict-countries Korea
	fails 2 smtpxdp config set strict-asns AS
	fails 2 smtpxdp config set strict-nets strict.txt
	fails 1 smtpxdp config set geo-databases $D/range
	has "$output" "$D/range: is no database in MaxMind's format"
	group_is $STRICT strict
	smtpxdp config set strict-nets ''
	group_is $STRICT none
	# And while the daemon is down.
	daemon_down
	smtpxdp config set strict-nets $D/strict
	group_is $STRICT strict
	login_fail attacker 2 --from $STRICT
	is_banned $STRICT
}

@test "who is swapped all the time is in his group all the time" {
	groups_up
	(
		i=0
		while [ -e $D/strict ]; do
			# Now in this map, now in that one.
			i=$((i + 1))
			{
				echo 198.51.100.0/26
				seq -f '10.0.%g.0/24' 0 $((i % 250))
			} >$D/next
			mv $D/next $D/lists
			smtpxdp config set --runtime strict-nets \
				$D/lists >/dev/null || break
			smtpxdp config set --runtime lenient-nets \
				"$([ $((i % 2)) = 0 ] || echo $D/lenient)" >/dev/null || break
		done
	) &
	swapper=$!
	for i in $(seq 8 17); do
		login_fail attacker 2 --from 198.51.100.$i
		is_banned 198.51.100.$i
	done
	same "never by another rate" "$(journal SMTPXDP_EVENT=ban |
		jq -r '"\(.SMTPXDP_FAILURES) \(.SMTPXDP_GROUP)"' | sort -u)" "2 strict"
	rm $D/strict
	wait $swapper
	[ "$(smtpxdp status -j | jq .groups.networks.strict)" -gt 1 ]
}
