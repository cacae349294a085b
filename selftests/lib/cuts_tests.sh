#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The tests of cuts.bats and full_cuts.bats, which differ in how many cases they
# try: bats finds only what stands in a .bats file.

# shellcheck disable=SC2034,SC2086 # the lab's variables; no spaces in names

# shellcheck source=selftests/lib/cuts.sh
. "$(dirname "${BASH_SOURCE[0]}")/cuts.sh"

setup_file() {
	cuts_up
	cuts_postfix
	! have_exim || cuts_exim
}

# cuts() starts the daemon.
before() { :; }

postfix_535() {
	refused $POSTFIX $LAB/log/postfix "$BY_POSTFIX" 535 "$EHLO" "$WRONG"
}

postfix_two_lines() {
	cuts_postfix 'smtpd_reject_footer=See https://mail.example/login'
	refused $POSTFIX $LAB/log/postfix "$BY_POSTFIX" 535- "$EHLO" "$WRONG"
	cuts_postfix 'smtpd_reject_footer='
}

dovecot_535() {
	refused $DOVECOT $LAB/log/dovecot "$BY_DOVECOT" 535 "$EHLO" "$WRONG"
}

exim_535() {
	have_exim || skip "no Exim: scripts/setup could not unpack it"
	CUTS_PARALLEL=6 refused $EXIM $LAB/exim/log/main "$BY_EXIM" 535 "$EHLO" "$WRONG"
}

logins_235() {
	not_refused $POSTFIX 235 1 "$EHLO" "$RIGHT"
	! have_exim || CUTS_PARALLEL=6 not_refused $EXIM 235 1 "$EHLO" "$RIGHT"
}

challenges_334() {
	not_refused $POSTFIX 334 0 "$EHLO" 'AUTH LOGIN'
	not_refused $DOVECOT 334 0 "$EHLO" 'AUTH LOGIN'
	# Not Exim: it writes a 535 for a client that is gone, and logs none.
}
