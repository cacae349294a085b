#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# smtpxdp as it comes out of the box, before servers as Debian ships them: their
# own delays and penalties are on. Whoever guesses is banned, a device with an
# old password is not. selftests/unit/test_rhythms.c has slower guessers and
# honest people, without the waiting.

# shellcheck disable=SC2086 # addresses and options hold no spaces

load ../lib/common.sh

STOCK=1
DOVECOT_MECHANISMS="plain login cram-md5"

servers() {
	echo journald postfix
}

# rhythm NAME ADDRESS SECONDS [OPTION...]: in the background.
rhythm() {
	local name=$1 from=$2 seconds=$3
	shift 3
	background "$name" attacker python3 -B "$HELPER" rhythm --user alice \
		--password wrong --seconds $((seconds * SLOW)) \
		--timeout $((25 * SLOW)) --source $from "$@"
}

ended() { # NAME...
	local name
	for name in "$@"; do
		! running "$name" || return 1
	done
}

@test "whoever guesses is banned, a device with an old password is not" {
	daemon_up
	rhythm device 198.51.100.20 150 --password old
	rhythm device-tls 198.51.100.21 150 --password old --tls starttls
	rhythm device-dovecot 198.51.100.22 150 --password old --server $DOVECOT
	rhythm postfix 198.51.100.30 240 --until-banned
	rhythm postfix-many 198.51.100.31 240 --until-banned --per 20
	rhythm postfix-four 198.51.100.32 240 --until-banned --connections 4
	rhythm postfix-tls 198.51.100.33 240 --until-banned --tls starttls
	rhythm dovecot 198.51.100.34 240 --until-banned --server $DOVECOT
	rhythm dovecot-tls 198.51.100.35 240 --until-banned --server $DOVECOT \
		--tls starttls
	rhythm dovecot-four 198.51.100.36 240 --until-banned --server $DOVECOT \
		--connections 4
	until_true 300 banned_are 198.51.100.30/32 198.51.100.31/32 \
		198.51.100.32/32 198.51.100.33/32 198.51.100.34/32 \
		198.51.100.35/32 198.51.100.36/32
	until_true 200 ended device device-tls device-dovecot
	for name in device device-tls device-dovecot postfix postfix-many \
		postfix-four postfix-tls dovecot dovecot-tls dovecot-four; do
		echo "# $name: $(cat $LAB/log/$name)" >&3
	done
	same "still" "$(banned)" "$(printf '198.51.100.%d/32\n' 30 31 32 33 34 35 36)"
	has "$(smtpxdp why 198.51.100.20)" '^repeats .*: probably a stale password$'
}
