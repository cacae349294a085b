#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Answers to logins that are cut, on real servers: see selftests/lib/cuts.sh.
#
# full: twenty thousand connections and more

# shellcheck disable=SC2034 # cuts.sh uses it
CUTS_EVERY=${CUTS_EVERY-1}
load ../lib/cuts_tests.sh

@test "Postfix' 535" {
	postfix_535
}

@test "Postfix' 535 in two lines" {
	postfix_two_lines
}

@test "Dovecot's 535" {
	dovecot_535
}

@test "Exim's 535" {
	exim_535
}

@test "235 is no failure; of whom it does not reach, it is not known" {
	logins_235
}

@test "334 asks for more" {
	challenges_334
}
