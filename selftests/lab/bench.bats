#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# scripts/bench: what it makes of recorded samples, and how it is called. The
# measuring itself is no test.

load ../lib/common.sh

BENCH=$LAB_ROOT/scripts/bench

# No servers and no daemon: only files are read.
setup_file() { :; }
teardown_file() { :; }
teardown() { :; }
setup() {
	SAMPLES=$BATS_TEST_TMPDIR/samples
	mkdir -p "$SAMPLES"
}

report() {
	python3 -B "$LAB_ROOT"/scripts/bench.d/report/report.py "$SAMPLES" "$@"
}

# machine BUSY, end STOLEN-TICKS: the first lines and the last one of a part.
# BUSY is the share of the CPUs that others took before.
machine() {
	echo '{"kind":"machine","name":"6.12.0","cpus":2,"load":1.5,' \
		'"commit":"abc","cpu":"EPYC","mitigations":"Retpolines",' \
		'"date":"2026-01-01"}'
	others "$1"
}

others() { # SHARE
	echo '{"kind":"quiet","name":"others","share":'"$1"'}'
}

# A packet's cost, as the budget's test says it, and memory's.
counted() {
	echo '{"kind":"instructions","name":"gate: IPv4, banned","insns":205,' \
		'"calls":1}'
	echo '{"kind":"latency","name":"table","bans":100000,"bytes":2936064,' \
		'"chain":17.1,"huge":16.2,"read":3.1}'
}

end_of() {
	echo '{"kind":"end","name":"drop","seconds":10,"stolen":'"$1"',"hz":100}'
}

# rate NAME ROUND NS [LEAKED]: a million packets.
rate() {
	echo '{"kind":"rate","name":"'"$1"'","ip":4,"bans":1000,"round":'"$2"',' \
		'"packets":1000000,"sent":1000000,"ns":'"$3"',"waited_ns":0,' \
		'"leaked":'"${4-0}"'}'
}

# checks LOST PASSED: of smtpxdp, with innocents.
checks() {
	echo '{"kind":"check","name":"smtpxdp","ip":4,"bans":1000,' \
		'"innocent":500,"lost":'"$1"'}'
	echo '{"kind":"check","name":"smtpxdp","ip":4,"bans":1000,' \
		'"came":5000,"innocent":500,"passed":'"$2"'}'
}

# reaction NAME PASSED: one attack.
reaction() {
	echo '{"kind":"reaction","name":"'"$1"'","round":1,"passed":'"$2"',' \
		'"guesses":2,"dropped_us":120.0,"informed_us":60.0}'
}

# storm EXPECTED BANNED
storm() {
	echo '{"kind":"storm","name":"0","pace":0,"lost":0,"failures":1000000,' \
		'"ns":2000000000,"expected":'"$1"',"banned":'"$2"',' \
		'"cpu_ticks":100,"hz":100}'
}

rounds() { # [LEAKED]
	local round
	for round in 1 2 3; do
		rate generator $round 50000000
		rate drop-all $round $((100000000 + round * 1000000))
		rate smtpxdp $round $((199000000 + round * 1000000)) "${1-0}"
		rate nft-netdev $round 1000000000
	done
}

recorded() { # BUSY STOLEN LOST PASSED [LEAKED]
	{
		machine "$1"
		rounds "${5-0}"
		checks "$3" "$4"
		end_of "$2"
	} >"$SAMPLES/drop.jsonl"
}

@test "the table: medians, and shares of the best there can be" {
	recorded 0.01 0 0 500
	report >"$SAMPLES/text"
	has "$(cat "$SAMPLES/text")" 'EPYC, 2 CPUs \(mitigations: Retpolines\), Linux 6.12.0'
	has "$(cat "$SAMPLES/text")" '^Clean'
	# 201 ms for a million packets, 102 of drop everything.
	has "$(cat "$SAMPLES/text")" 'smtpxdp, everything on +4\.98 ±0% \(0\.51\)'
	has "$(cat "$SAMPLES/text")" 'ftables, netdev ingress set +1\.00 ±0% \(0\.10\)'
}

@test "goals: met or not, and making the packet is no cost of the gate" {
	local goals
	recorded 0.01 0 0 500
	goals=$(report --json | jq -c '[.goals[] | [.goal[:20], .shown, .met]]')
	# (201 - 50) / (1000 - 50)
	has "$goals" '\["drop, 1,000 bans: CP","0.16",true\]'
	has "$goals" '\["drop, 1,000 bans: sh","0.51",false\]'
	has "$goals" '\["drop: banned packets","0",true\]'
}

@test "a goal that is not met has its reason, from the same run" {
	local goals
	recorded 0.01 0 0 500
	counted >>"$SAMPLES/drop.jsonl"
	cat >"$SAMPLES/miss.jsonl" <<-EOF
		$(machine 0.01)
		$(counted)
		{"kind":"cost","name":"hit","bans":100000,"ip":4,"floor":20,"ns":80}
		$(end_of 0)
	EOF
	goals=$(report --json | jq -c '.goals[] | select(.met | not) | [.goal, .reason]')
	# 102 / 0.95 - 102; 201 - 102
	has "$goals" 'takes 102 ns a packet, which leaves 5; ours takes 99 more; 205 instructions, 1 call of'
	has "$goals" '100,000 bans: <= 45 ns over nothing","205 instr.*its 2.8 MiB takes 17 ns'
	lacks "$goals" '""\]'
}

@test "a banned packet that got through fails the run" {
	recorded 0.01 0 0 500 1
	fails 1 report
	has "$output" 'FAILED: somebody banned got through'
}

@test "an innocent packet lost fails the run" {
	recorded 0.01 0 1 500
	fails 1 report
	recorded 0.01 0 0 499
	fails 1 report
	recorded 0.01 0 0 501
	fails 1 report
}

@test "what others disturbed is not called clean" {
	recorded 0.14 0 0 500
	has "$(report)" 'DISTURBED.*others took 14 % of the CPUs before it began'
	recorded 0.01 0 0 500
	{ others 0.02 && others 0.3; } >>"$SAMPLES/drop.jsonl"
	has "$(report)" 'DISTURBED.*others took 16 % of the CPUs between its rounds'
	recorded 0.01 100 0 500
	has "$(report)" 'DISTURBED.*hypervisor took 5.0 %'
	recorded 0.01 0 0 500
	rate smtpxdp 4 200000000 | sed 's/waited_ns":0/waited_ns":199000000/' \
		>>"$SAMPLES/drop.jsonl"
	has "$(report)" 'DISTURBED.*others had its CPU'
	sed -i '/"kind":"end"/d' "$SAMPLES/drop.jsonl"
	has "$(report)" 'DISTURBED.*drop: not finished'
}

@test "rounds that differ are shown, and no clean run" {
	recorded 0.01 0 0 500
	rate smtpxdp 4 301000000 >>"$SAMPLES/drop.jsonl"
	# 200 to 301 ms, 202 in the middle
	has "$(report)" 'smtpxdp, everything on +4\.96 ±17%'
	has "$(report)" 'DISTURBED.*rounds differ by 25 %'
}

@test "an attacker that got through fails the run" {
	{
		machine 0.01
		reaction smtpxdp 0
		end_of 0
	} >"$SAMPLES/react.jsonl"
	has "$(report)" 'smtpxdp +120 µs \(120\) +0 \(0\)'
	reaction smtpxdp 1 >>"$SAMPLES/react.jsonl"
	fails 1 report
	has "$output" 'tenth 535: 0 +1 +not met'
}

@test "a storm whose attackers are not all banned fails the run" {
	{
		machine 0.01
		storm 76000 76000
		end_of 0
	} >"$SAMPLES/hold.jsonl"
	has "$(report)" '500,000 +0 events lost, 76,000 of 76,000 banned'
	storm 76000 75999 >>"$SAMPLES/hold.jsonl"
	fails 1 report
}

@test "a restart that let somebody through, or lost a ban, fails the run" {
	local restart='{"kind":"restart","name":"smtpxdp","bans":1000,"seconds":0.5,"came":5000'
	recorded 0.01 0 0 500
	echo "$restart,\"kept\":1000,\"leaked\":0}" >"$SAMPLES/hold.jsonl"
	has "$(report)" 'restart with 1,000 bans.* of 5,000 packets meanwhile 0 passed'
	echo "$restart,\"kept\":1000,\"leaked\":1}" >"$SAMPLES/hold.jsonl"
	fails 1 report
	echo "$restart,\"kept\":999,\"leaked\":0}" >"$SAMPLES/hold.jsonl"
	fails 1 report
}

@test "a peer that cannot do it says why in its row" {
	recorded 0.01 0 0 500
	echo '{"kind":"rate","name":"ipset","ip":4,"bans":1000,"note":"not in this kernel"}' \
		>>"$SAMPLES/drop.jsonl"
	has "$(report)" 'ipset, iptables INPUT +not in this kernel'
}

@test "the table goes into BENCH.md between its marks, and nowhere else" {
	recorded 0.01 0 0 500
	printf '%s\n' before '<!-- scripts/bench --record -->' old \
		'<!-- end of scripts/bench -->' after >"$SAMPLES/BENCH.md"
	report --record "$SAMPLES/BENCH.md"
	same "first and last line" \
		"$(sed -n '1p;$p' "$SAMPLES/BENCH.md" | paste -sd' ')" "before after"
	has "$(cat "$SAMPLES/BENCH.md")" '^\| smtpxdp, everything on \| 4\.98'
	lacks "$(cat "$SAMPLES"/BENCH.md)" '^old$'
	echo nothing >"$SAMPLES/BENCH.md"
	fails 1 report --record "$SAMPLES/BENCH.md"
	has "$output" 'has no place for the table'
}

@test "BENCH.md has a place for the table" {
	recorded 0.01 0 0 500
	cp "$LAB_ROOT"/BENCH.md "$SAMPLES"
	report --record "$SAMPLES/BENCH.md"
	has "$(cat "$SAMPLES/BENCH.md")" '^\| smtpxdp, everything on \| 4\.98'
}

@test "a part that was disturbed is left out of BENCH.md, with the reason" {
	local markdown
	recorded 0.14 0 0 500
	{
		machine 0.01
		storm 76000 76000
		end_of 0
	} >"$SAMPLES/hold.jsonl"
	markdown=$(report --markdown)
	has "$markdown" 'disturbed: drop: others took 14 %.*No undisturbed run'
	has "$markdown" '76,000 of 76,000 banned'
	has "$markdown" 'is not banned: 0 \| 0 \| met'
	lacks "$markdown" '4\.98'
	lacks "$markdown" 'share of drop'
	has "$(report)" 'smtpxdp, everything on +4\.98'
}

@test "what is veth's and what is the generator's is told" {
	recorded 0.01 0 0 500
	has "$(report)" 'Of the 102 ns .* 50 are its making, and 52 its way'
}

@test "the picture: every peer in it" {
	command -v gnuplot >/dev/null || skip "gnuplot is not installed"
	recorded 0.01 0 0 500
	report --plot "$SAMPLES/drop.svg" >/dev/null
	has "$(cat "$SAMPLES/drop.svg")" '>smtpxdp<'
	has "$(cat "$SAMPLES/drop.svg")" '>nft-netdev<'
}

@test "nothing measured yet is said" {
	fails 1 report
	has "$output" 'nothing was measured yet'
}

@test "--help; an unknown part or option is wrong usage" {
	has "$("$BENCH" --help)" '^usage: scripts/bench'
	fails 2 "$BENCH" dorp
	has "$output" 'no part or option: dorp'
	fails 2 "$BENCH" --fast
	fails 2 "$BENCH" --plot
}
