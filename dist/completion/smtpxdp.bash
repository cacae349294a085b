# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion for smtpxdp, which says itself what may come: see "smtpxdp complete"
# in user/cmd/cmd_complete.h. It needs no root, but for addresses in the lists.

_smtpxdp() {
	local cur prev words cword line list=()
	_init_completion -n : || return
	while IFS= read -r line; do
		case $line in
		:file) _filedir ;;
		:folder) _filedir -d ;;
		:host) mapfile -t -O ${#list[@]} list < <(compgen -A hostname -- "$cur") ;;
		*) list+=("${line%%$'\t'*}") ;;
		esac
	done < <(smtpxdp complete -- "${words[@]:1:cword}" 2>/dev/null)
	COMPREPLY+=("${list[@]}")
	__ltrim_colon_completions "$cur"
}

complete -F _smtpxdp smtpxdp
