#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The metrics: judged by OpenMetrics' own parser, read by a real node_exporter
# and scraped by a real Prometheus, with the dashboard and the alert rules.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

MONITORING=$LAB_ROOT/selftests/lib/monitoring.py
DASHBOARD=$LAB_ROOT/dist/grafana/smtpxdp.json
RULES=$LAB_ROOT/dist/prometheus/smtpxdp.rules.yml
LISTEN=127.0.0.1:9735

after() {
	end prometheus
	end node_exporter
	end idle
	end squatter
}

strict() {
	/usr/bin/python3 -B $MONITORING openmetrics
}

# One sample of what the command prints: NAME{label=value,...}
metric() {
	smtpxdp metrics | strict | jq --arg n "$1" '.[$n]'
}

http() { # [CURL OPTION...] PATH
	at mail curl -sS --max-time 5 "${@:1:$#-1}" http://$LISTEN"${*: -1}"
}

@test "the text: as OpenMetrics has it, and as status has it" {
	conf rate 3/60s slow-rate off
	daemon_up
	login_fail attacker 3
	vanished attacker
	smtpxdp ban add 203.0.113.64/26
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=$ATTACKER
	smtpxdp metrics | strict >$BATS_TEST_TMPDIR/metrics
	status=$(smtpxdp status -j)
	same "families end" "$(smtpxdp metrics | tail -n 1)" '# EOF'
	while read -r name value; do
		same "$name" "$(jq --arg n "$name" '.[$n]' $BATS_TEST_TMPDIR/metrics)" $value
	done <<-EOF
		smtpxdp_up{} 1
		smtpxdp_build_info{version=$(jq -r .version <<<"$status")} 1
		smtpxdp_problems{check=gate} 0
		smtpxdp_mode{mode=enforce} 1
		smtpxdp_mode{mode=monitor} 0
		smtpxdp_limit_failures{limit=rate} 3
		smtpxdp_limit_seconds{limit=rate} 60
		smtpxdp_counted_total{reason=failures} 3
		smtpxdp_counted_total{reason=thresholds-crossed} 1
		smtpxdp_bans{kind=client,origin=automatic} 1
		smtpxdp_bans{kind=client,origin=provisional} 0
		smtpxdp_bans{kind=network,origin=command} 1
		smtpxdp_events_total{event=ban} 2
		smtpxdp_map_entries{map=bans} 1
		smtpxdp_map_entries{map=ban_nets} 1
		smtpxdp_map_entries{map=clients} 1
		smtpxdp_map_entries{map=history} 1
		smtpxdp_map_entries{map=allow_nets} $(smtpxdp allow list -j | jq length)
		smtpxdp_map_max_entries{map=bans} $(jq .max_bans <<<"$status")
		smtpxdp_attached{hook=xdp,how=native,interface=eth0} 1
		smtpxdp_attached{hook=tc,how=tcx,interface=eth0} 1
		smtpxdp_tls_running{} 1
		smtpxdp_tls_blind_processes{} 0
	EOF
	# Every counter is there.
	same "reasons" "$(jq '[keys[] | select(startswith("smtpxdp_counted_total"))]
		| length' $BATS_TEST_TMPDIR/metrics)" \
		"$(jq '.counters | length' <<<"$status")"
	[ "$(metric 'smtpxdp_counted_bytes_total{reason=dropped-ban}')" != 0 ]
	same "as JSON" "$(smtpxdp metrics -j | jq -c '.[] |
		select(.name == "smtpxdp_counted_bytes") | [.type, .unit]')" \
		'["counter","bytes"]'
	fails 2 smtpxdp metrics more
	fails 2 smtpxdp metrics --outptu x
}

@test "counters go on where they were when the daemon is started again" {
	daemon_up
	smtpxdp ban add 198.51.100.9
	login_fail attacker 2
	daemon_down
	same "up" "$(metric 'smtpxdp_up{}')" 0
	same "problems" "$(metric 'smtpxdp_problems{check=daemon}')" 1
	same "failures" "$(metric 'smtpxdp_counted_total{reason=failures}')" 2
	daemon_up
	same "failures" "$(metric 'smtpxdp_counted_total{reason=failures}')" 2
	same "bans" "$(metric 'smtpxdp_events_total{event=ban}')" 1
}

@test "nothing is loaded: that is what is told" {
	same "up" "$(metric 'smtpxdp_up{}')" 0
	same "problems" "$(metric 'smtpxdp_problems{check=daemon}')" 1
}

@test "--output: whole files only, for a real node_exporter" {
	local dir=$BATS_TEST_TMPDIR/textfile
	daemon_up
	mkdir $dir
	smtpxdp metrics --output $dir/smtpxdp.prom
	same "mode" "$(stat -c %a $dir/smtpxdp.prom)" 644
	old=$(stat -c %i $dir/smtpxdp.prom)
	smtpxdp metrics --output $dir/smtpxdp.prom
	[ "$(stat -c %i $dir/smtpxdp.prom)" != $old ]
	same "files" "$(ls -A $dir)" smtpxdp.prom
	same "end" "$(tail -n 1 $dir/smtpxdp.prom)" '# EOF'
	background node_exporter mail prometheus-node-exporter \
		--collector.disable-defaults --collector.textfile \
		--collector.textfile.directory=$dir \
		--web.listen-address=127.0.0.1:9100
	until_true 10 listens mail 127.0.0.1 9100
	got=$(at mail curl -sS http://127.0.0.1:9100/metrics)
	has "$got" '^node_textfile_scrape_error 0$'
	has "$got" '^smtpxdp_up 1$'
	has "$got" '^smtpxdp_counted_total\{reason="failures"\} 0$'
	has "$got" '^smtpxdp_attached\{hook="xdp",how="native",interface="eth0"\} 1$'
	# What is no file is not renamed over.
	mkfifo $dir/fifo
	fails 1 smtpxdp metrics --output $dir/fifo
	[ -p $dir/fifo ]
	fails 1 smtpxdp metrics --output $dir/none/file
	has "$output" "$dir/none/file.*No such file"
	fails 2 smtpxdp -j metrics --output $dir/x
}

@test "metrics-listen: off by default; no address but the one named" {
	daemon_up
	same "listening" "$(at mail ss -Hltnp | grep smtpxdp || true)" ''
	daemon_down
	conf metrics-listen $LISTEN
	daemon_up
	same "listening" "$(at mail ss -Hltnp | grep smtpxdp | awk '{print $4}')" \
		$LISTEN
	fails 2 smtpxdp config set metrics-listen 9735
	has "$output" 'metrics-listen.*127\.0\.0\.1:9735'
	has "$(smtpxdp config set metrics-listen '[::1]:9735')" restart
	daemon_down
	daemon_up
	same "listening" "$(at mail ss -Hltnp | grep smtpxdp | awk '{print $4}')" \
		'[::1]:9735'
	has "$(at mail curl -sS 'http://[::1]:9735/metrics')" '^smtpxdp_up 1$'
	not journal_has SMTPXDP_EVENT=metrics-open
}

@test "metrics-listen: from elsewhere only where it is said, with a warning" {
	conf metrics-listen $POSTFIX:9735
	daemon_up
	until_true 5 journal_has SMTPXDP_EVENT=metrics-open PRIORITY=4
	has "$(cat $LAB/log/smtpxdp)" "warning: metrics .*$POSTFIX:9735"
	has "$(at honest curl -sS http://$POSTFIX:9735/metrics)" '^smtpxdp_up 1$'
}

# The process that reads what comes from the network.
server() {
	pgrep -P "$(daemon_pid)"
}

@test "metrics-listen: what reads requests has no rights, and is replaced if it ends" {
	conf metrics-listen $LISTEN
	daemon_up
	pid=$(server)
	until_true 5 grep -q '^Seccomp:[[:space:]]*2' /proc/$pid/status
	same "capabilities" "$(sed -n 's/^Cap\(Prm\|Eff\|Inh\|Amb\):[[:space:]]*//p' \
		/proc/$pid/status | sort -u)" 0000000000000000
	same "NoNewPrivs" "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/$pid/status)" 1
	# Its files: the socket that listens, the daemon's, what waits for both.
	same "files" "$(find /proc/$pid/fd -type l -printf '%l\n' |
		sed 's/:.*//' | sort | uniq -c | xargs)" '1 anon_inode 2 socket'
	not grep -q ' rw-s ' /proc/$pid/maps # no map
	has "$(at mail curl -sS http://$LISTEN/metrics)" '^smtpxdp_up 1$'
	kill -KILL $pid
	has "$(at mail curl -sS -m 10 http://$LISTEN/metrics)" '^smtpxdp_up 1$'
	[ "$(server)" != $pid ]
	until_true 5 journal_has SMTPXDP_EVENT=fault
	has "$(journal SMTPXDP_EVENT=fault | jq -r .MESSAGE)" \
		'process that serves metrics had ended'
	# It hangs: the daemon does not.
	kill -STOP "$(server)"
	kill -HUP "$(daemon_pid)"
	until_true 5 journal_has SMTPXDP_EVENT=reloaded
	pid=$(server)
	daemon_down KILL
	until_true 5 gone $pid
}

@test "metrics-listen: the address is taken: told, and all the rest goes on" {
	background squatter mail python3 -B -c '
import socket, time
s = socket.create_server(("127.0.0.1", 9735))
time.sleep(600)'
	until_true 5 listens mail 127.0.0.1 9735
	conf metrics-listen $LISTEN rate 3/60s
	daemon_up
	until_true 5 journal_has SMTPXDP_EVENT=fault
	has "$(journal SMTPXDP_EVENT=fault | jq -r .MESSAGE)" \
		"$LISTEN .*Address already in use"
	login_fail attacker 3
	vanished attacker
}

@test "HTTP: what is asked for, and what is not there" {
	conf metrics-listen $LISTEN
	daemon_up
	http /metrics | strict | jq -e '.["smtpxdp_up{}"] == 1'
	has "$(http -I /metrics)" '^Content-Type: application/openmetrics-text; version=1\.0\.0; charset=utf-8'
	same "HEAD" "$(http -I -o /dev/null -w '%{http_code}' /metrics)" 200
	same "elsewhere" "$(http -o /dev/null -w '%{http_code}' /)" 404
	same "elsewhere" "$(http -o /dev/null -w '%{http_code}' /metrics/../etc/passwd)" 404
	same "POST" "$(http -o /dev/null -w '%{http_code}' -d x /metrics)" 405
	has "$(http -i -X DELETE /metrics)" '^Allow: GET, HEAD'
	same "too long" "$(http -o /dev/null -w '%{http_code}' \
		-H "X: $(printf '%020000d' 1)" /metrics)" 431
	printf 'nonsense\r\n\r\n' | at mail timeout 5 bash -c \
		"exec 3<>/dev/tcp/${LISTEN/:/\/}; cat >&3; cat <&3" || true
	http /metrics | tail -n 1 | grep -qx '# EOF'
}

@test "HTTP: it counts while it serves, and what it says is fresh" {
	conf metrics-listen $LISTEN rate 3/60s
	daemon_up
	http /metrics >/dev/null
	login_fail attacker 3
	until_true 20 served_failures 3
	vanished attacker
}

served_failures() {
	http /metrics | grep -qxF "smtpxdp_counted_total{reason=\"failures\"} $1"
}

@test "HTTP: clients that say nothing hold up nobody, and are sent away" {
	conf metrics-listen $LISTEN rate 3/60s
	daemon_up
	background idle mail /usr/bin/python3 -B $MONITORING idle ${LISTEN/:/ } 30
	until_true 10 grep -q connected $LAB/log/idle
	login_fail attacker 3
	vanished attacker
	# Those that it took up: the others wait in the kernel.
	[ "$(at mail ss -Htnp state established "sport = :9735" |
		grep -c "pid=$(daemon_pid),")" -le 16 ]
	until_true 20 http /metrics
	smtpxdp status --check
}

prometheus_up() {
	local dir=$BATS_TEST_TMPDIR/prometheus
	mkdir -p $dir
	cat >$dir/prometheus.yml <<-EOF
		global:
		  scrape_interval: 1s
		  scrape_timeout: 1s
		  evaluation_interval: 1s
		rule_files: [$RULES]
		scrape_configs:
		  - job_name: smtpxdp
		    static_configs:
		      - targets: [$LISTEN]
	EOF
	promtool check config $dir/prometheus.yml
	background prometheus mail prometheus --config.file=$dir/prometheus.yml \
		--storage.tsdb.path=$dir/data --web.listen-address=127.0.0.1:9090
	until_true 30 listens mail 127.0.0.1 9090
}

ask() { # EXPRESSION
	at mail /usr/bin/python3 -B $MONITORING query "$1"
}

@test "a real Prometheus scrapes it, and answers what the dashboard asks" {
	conf metrics-listen $LISTEN rate 3/60s
	daemon_up
	prometheus_up
	until_true 30 ask 'up{job="smtpxdp"} == 1'
	until_true 10 ask 'smtpxdp_up == 1'
	login_fail attacker 3
	until_true 20 ask 'smtpxdp_counted_total{reason="failures"} == 3'
	until_true 20 ask 'sum(smtpxdp_bans) == 1'
	until_true 20 ask 'rate(smtpxdp_counted_total{reason="failures"}[1m]) > 0'
	# A counter by its type, and not by its name alone.
	has "$(at mail curl -sS 'http://127.0.0.1:9090/api/v1/metadata?metric=smtpxdp_counted_bytes_total')$(
		at mail curl -sS 'http://127.0.0.1:9090/api/v1/metadata?metric=smtpxdp_counted_bytes')" \
		'"type":"counter".*"unit":"bytes"'
	# All panels have something to show but those of what is wrong.
	same "empty panels" "$(at mail /usr/bin/python3 -B $MONITORING panels $DASHBOARD |
		grep -vxE 'Problems|Packets that were not understood')" ''
	same "alerts" "$(at mail curl -sS http://127.0.0.1:9090/api/v1/alerts |
		jq -c '[.data.alerts[].labels.alertname]')" '[]'
	at mail bpftool link detach pinned $PIN/links/xdp-*
	until_true 20 ask 'ALERTS{alertname="SmtpxdpProblem",check="xdp"}'
	daemon_down KILL
	until_true 20 ask 'up{job="smtpxdp"} == 0'
}

@test "alert rules: right for promtool, and fire when they should" {
	promtool check rules $RULES
	cd "$LAB_ROOT/selftests/lab"
	promtool test rules prometheus_rules.yml
}

@test "dashboard and rules name only metrics that there are" {
	daemon_up
	/usr/bin/python3 -B $MONITORING as_rules $DASHBOARD >$BATS_TEST_TMPDIR/rules.yml
	promtool check rules $BATS_TEST_TMPDIR/rules.yml
	smtpxdp metrics | grep -v '^#' | sed 's/[{ ].*//' | sort -u \
		>$BATS_TEST_TMPDIR/there
	same "named, but not there" "$(/usr/bin/python3 -B $MONITORING names $DASHBOARD \
		$RULES | grep -vxF -f $BATS_TEST_TMPDIR/there || true)" ''
	# And every alert that counters make has its reason or event.
	grep -o 'reason="[a-z-]*"' $RULES | cut -d'"' -f2 >$BATS_TEST_TMPDIR/reasons
	[ -s $BATS_TEST_TMPDIR/reasons ]
	while read -r reason; do
		has "$(counter $reason)" '^[0-9]+$'
	done <$BATS_TEST_TMPDIR/reasons
}
