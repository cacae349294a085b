#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Keys and commands are described once, in the program: manual pages, shipped
# file and completion agree with it, and its own texts fit a terminal.

load ../lib/common.sh

DESCRIBED=$LAB_ROOT/selftests/lib/described.py

servers() {
	echo journald
}

# What Tab would offer, sorted, on one line; names of files as <files>.
completed() { # WORD...
	(
		# shellcheck disable=SC2034 # the completion reads them
		_init_completion() {
			words=("${COMP_WORDS[@]}") cword=$((${#words[@]} - 1)) COMPREPLY=()
			cur=${words[-1]} prev=${words[-2]}
		}
		__ltrim_colon_completions() { :; }
		_filedir() { COMPREPLY+=("<files>"); }
		# shellcheck source=dist/completion/smtpxdp.bash
		. "$LAB_ROOT/dist/completion/smtpxdp.bash"
		COMP_WORDS=("$@")
		_smtpxdp
		printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
	)
}

# The program by its name, for shells that know no function of ours.
program() {
	mkdir -p "$LAB/named"
	ln -sf "$BIN" "$LAB/named/smtpxdp"
	PATH=$LAB/named:$PATH "$@"
}

# What fish would offer, with what it is.
offered_by_fish() { # LINE
	program fish --no-config -c "
		source $LAB_ROOT/dist/completion/smtpxdp.fish
		complete -C '$1'"
}

offered_by_zsh() { # LINE AWAITED
	program "$LAB_ROOT/selftests/lib/zsh_offers.py" "$LAB_ROOT/dist/completion" "$@"
}

sorted() {
	LC_ALL=C sort | paste -sd ' '
}

@test "the manual page and the shipped file have every key as the program has it" {
	smtpxdp config keys -j | "$DESCRIBED" keys "$LAB_ROOT/man/smtpxdp.conf.5" \
		"$LAB_ROOT/dist/smtpxdp.conf"
}

@test "the manual page has every command and option as the program has it" {
	smtpxdp --help -j | "$DESCRIBED" commands "$LAB_ROOT/man/smtpxdp.8"
}

@test "config keys needs nothing loaded, and agrees with config" {
	keys='[.[] | {key, default, unit, restart, help}]'
	same "keys" "$(smtpxdp config keys -j | jq -c "$keys")" \
		"$(smtpxdp config -j | jq -c "$keys")"
	has "$(smtpxdp config keys)" '^ban-time +1h +time +how long '
}

@test "the completion offers every command, option and key" {
	help=$(smtpxdp --help -j)
	same "commands" "$(completed smtpxdp '')" \
		"$(jq -r '.commands[].command, (.options[] | .option, .letter // empty)' \
			<<<"$help" | sorted)"
	for c in $(jq -r '.commands[] | select(.commands != []).command' <<<"$help"); do
		same "commands of $c" "$(completed smtpxdp "$c" '')" \
			"$(jq -r --arg c "$c" '.commands[] | select(.command == $c)
				.commands[].command | ltrimstr($c + " ")' <<<"$help" | sorted)"
	done
	while read -ra c; do
		same "options of ${c[*]}" "$(completed smtpxdp "${c[@]}" -)" \
			"$(smtpxdp "${c[@]}" --help -j | jq -r '.options[] |
				.option, .letter // empty' | sorted)"
	done < <(jq -r '.commands[] | if .commands == [] then . else .commands[] end |
		.command' <<<"$help")
	same "keys" "$(completed smtpxdp config get '')" \
		"$(smtpxdp config keys -j | jq -r '.[].key' | sorted)"
	same "words" "$(completed smtpxdp probe --tls '')" "auto implicit none starttls"
	same "files" "$(completed smtpxdp run -c '')" "<files>"
	same "behind an option" "$(completed smtpxdp --pin /x ban fl)" flush
	same "values" "$(completed smtpxdp config set mode '')" "--runtime enforce monitor"
}

@test "fish and zsh offer the same, and say what it is" {
	same "fish" "$(offered_by_fish 'smtpxdp ban ' | grep ^fl)" \
		"$(printf 'flush\tunban everybody')"
	same "keys" "$(offered_by_fish 'smtpxdp config get ' | cut -f1 | sorted)" \
		"$(smtpxdp config keys -j | jq -r '.[].key' | sorted)"
	has "$(offered_by_fish 'smtpxdp run -c /etc/host')" '^/etc/hosts$'
	has "$(offered_by_zsh 'smtpxdp ban ' flush)" '^flush +-- unban everybody'
	has "$(offered_by_zsh 'smtpxdp config get ban-fo' ban-forget)" 'get ban-forget '
	has "$(offered_by_zsh 'smtpxdp run -c /etc/hostn' hostname)" '-c /etc/hostname '
}

@test "--help says what each option does, and wrong usage how it is right" {
	help=$(smtpxdp --help -j)
	same "without a text" "$(jq -c '[.. | objects | select(has("help") and .help == "")]' \
		<<<"$help")" '[]'
	has "$(smtpxdp ban --help)" '^ +smtpxdp ban load .*--for TIME'
	has "$(smtpxdp ban del --help)" '^  --forgive +forget the offences'
	has "$(smtpxdp run --help)" '^  -m, --mode enforce\|monitor  '
	while read -r c; do
		# shellcheck disable=SC2086 # words
		not grep -E '.{80}' <<<"$(smtpxdp $c --help)"
		# shellcheck disable=SC2086 # words
		fails 2 smtpxdp $c --frobnicate
		has "$output" "$c: option --frobnicate .*usage: smtpxdp $c"
	done < <(jq -r '.commands[] | if .commands == [] then . else .commands[] end |
		.command' <<<"$help")
	fails 2 smtpxdp config set rate
	has "$output" 'VALUE is missing; usage: smtpxdp config set \[--runtime\] KEY VALUE'
	fails 2 smtpxdp allow add 192.0.2.1 192.0.2.2
	has "$output" "unexpected argument '192.0.2.2'"
}

@test "tables are as wide as the terminal, and whole in a pipe" {
	conf ban-time 1h
	daemon_up
	for a in 198.51.100.9 2001:db8:bad::7; do
		smtpxdp ban add $a --reason 'guessing all day, and so is all of its network'
	done
	for c in config "config keys" ban status "allow list"; do
		for columns in 80 40; do
			# shellcheck disable=SC2086 # words
			seen=$(at mail python3 -B "$LAB_ROOT/selftests/lib/on_terminal.py" \
				$columns "$BIN" --pin "$PIN" $c)
			[ -n "$seen" ]
			[ "$c" = status ] && seen=${seen#*COUNTER}
			same "$c: lines of more than $columns" \
				"$(grep -cE ".{$((columns + 1))}" <<<"$seen")" 0
		done
	done
	has "$seen" '^2001:db8:bad::/64|^127\.0\.0\.0/8' # a network is not cut
	has "$(smtpxdp config)" 'remote authentication server unavailable'
	has "$(smtpxdp ban)" 'guessing all day, and so is all of its network$'
	same "lines" "$(smtpxdp config | wc -l)" $(($(smtpxdp config -j | jq length) + 1))
}
