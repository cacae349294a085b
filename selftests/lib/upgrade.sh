#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Another build of smtpxdp to upgrade to, and a flood that shows each gap.
# Sourced after common.sh.

# shellcheck disable=SC2086,SC2206 # addresses and names hold no spaces
# shellcheck disable=SC2034 # BIN is for the lab

THIS=$BIN
OTHER=/run/other/build/smtpxdp

# This one with fields more in its maps, at the front, a counter more, and a
# smaller ring buffer: none of its maps with entries can be taken over as it is.
field_more() { # FILE STRUCT
	sed -i -z "s/\nstruct $2 {/&\n\t__u32 of_another_build[3];/
		s/_Static_assert([^;]*;//g" include/"$1"
	grep -q of_another_build include/"$1"
}

other_build() {
	mkdir /run/other
	cp -r "$LAB_ROOT"/{Makefile,bpf,include,user} /run/other
	cd /run/other || return
	field_more ban.h ban
	field_more ban_lines.h ban_info
	field_more client.h client
	field_more history.h history
	field_more stream.h stream
	field_more daemon.h daemon_info
	field_more dialogue.h name_key
	sed -i -z 's/\n\nenum counter {/ \\\n\tX(OTHER, "other", "of another build")&/' \
		include/counters.h
	sed -i 's/1 << 20/8192/' bpf/maps.h
	make -j2 CFLAGS=-O1 >$LAB/log/other 2>&1 || lab_fail "the other build" other
	cd "$LAB_ROOT" || return
	[ -n "$("$OTHER" --version)" ]
}

teardown_file() {
	lab_down
	rm -rf /run/other
}

before() {
	BIN=$THIS
}

# One generation, and nothing that is still to be carried over.
settled() {
	[ "$(find $PIN -maxdepth 1 -name 'gen-*' | wc -l)" = 1 ]
}

catching() {
	[ -n "$(at mail ss -Hlun 'sport = :9999')" ]
}

flood_begins() { # SOURCE...
	local sources=$*
	: >$LAB/log/flood
	: >$LAB/log/catch
	background catch mail python3 -B $HELPER catch
	until_true 5 catching
	background flood attacker python3 -B $HELPER flood --sources ${sources// /,}
}

# flood_ends: the flood is over, and what was sent has arrived or not.
flood_ends() {
	end flood
	end catch
	cat $LAB/log/flood $LAB/log/catch
}

sent() { # SOURCE
	jq ".[\"$1\"] // 0" $LAB/log/flood
}

came() { # SOURCE
	jq ".[\"$1\"] // 0" $LAB/log/catch
}

other_one() {
	if [ $BIN = $THIS ]; then
		BIN=$OTHER
	else
		BIN=$THIS
	fi
}
