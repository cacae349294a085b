# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Guards of Postfix in part react, one at a time: guard_NAME starts one in
# namespace mail that bans on the tenth failure, as far as it can;
# guard_NAME_down ends it. SILENCE: after this many seconds without an answer,
# the attack counts as stopped.

guard_smtpxdp() {
	SILENCE=0.5
	conf rate "$REACT_RATE/120s" tls off
	daemon_up || cannot "the daemon did not start"
}

guard_smtpxdp_down() {
	daemon_wipe
}

# Debian's configuration, but with this Postfix's log and without a database. It
# follows the log by inotify.
guard_fail2ban() {
	local dir=$LAB/fail2ban
	SILENCE=2
	command -v fail2ban-server >/dev/null || cannot "not installed" || return
	cp -r /etc/fail2ban $dir
	rm -f $dir/jail.d/*
	printf '[Definition]\ndbfile = None\n' >$dir/fail2ban.local
	cat >$dir/jail.local <<-EOF
		[DEFAULT]
		banaction = nftables-multiport
		usedns = no
		[postfix-sasl]
		enabled = true
		backend = pyinotify
		logpath = $LAB/log/postfix
		port = smtp,465,submission
		maxretry = $REACT_RATE
		findtime = 120
		bantime = 1h
	EOF
	background fail2ban mail fail2ban-server -f -c $dir -s $dir/sock \
		-p $dir/pid --logtarget stdout --loglevel INFO --syslogsocket auto
	until_true 20 grep -q "Jail 'postfix-sasl' started" \
		$LAB/log/fail2ban ||
		cannot "did not start: $(tail -n 1 $LAB/log/fail2ban)"
}

guard_fail2ban_down() {
	end fail2ban
	guard_cleared fail2ban
}

# Each failed login is 10 points.
guard_sshguard() {
	local libexec=/usr/libexec/sshguard
	SILENCE=2
	command -v sshguard >/dev/null || cannot "not installed" || return
	cover_file /etc/sshguard/sshguard.conf <<-EOF
		BACKEND="$libexec/sshg-fw-nft-sets"
		FILES="$LAB/log/postfix"
		THRESHOLD=$((REACT_RATE * 10))
		BLOCK_TIME=3600
		DETECTION_TIME=120
	EOF
	background sshguard mail setsid sshguard
	until_true 20 at mail nft list set ip sshguard attackers ||
		cannot "did not start: $(tail -n 1 $LAB/log/sshguard)"
}

# It is a script that waits for its pipeline, in a process group of its own.
guard_sshguard_down() {
	kill -TERM -- "-$(cat $LAB/pid/sshguard)" 2>/dev/null || true
	end sshguard KILL
	guard_cleared sshguard
}

# Unpacked from Debian's packages: parser and scenario come with them. The
# scenario's bucket holds as many failures as the others' rate.
guard_crowdsec() {
	local dir=$LAB/crowdsec root=$LAB_ROOT/build/crowdsec key
	local hub=$root/usr/share/crowdsec/hub
	SILENCE=2
	[ -x "$root/usr/bin/crowdsec" ] || cannot "Debian has no package" || return
	mkdir -p $dir/data $dir/parsers/s0{0-raw,1-parse,2-enrich} $dir/scenarios
	cp -r "$root"/etc/crowdsec/{patterns,profiles.yaml} $dir
	cp "$hub"/parsers/s00-raw/crowdsecurity/syslog-logs.yaml $dir/parsers/s00-raw
	cp "$hub"/parsers/s01-parse/crowdsecurity/postfix-logs.yaml \
		$dir/parsers/s01-parse
	cp "$hub"/parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml \
		$dir/parsers/s02-enrich
	sed "s/^capacity: 5/capacity: $((REACT_RATE - 1))/" \
		"$hub"/scenarios/crowdsecurity/postfix-spam.yaml \
		>$dir/scenarios/postfix-spam.yaml
	crowdsec_config "$hub" >$dir/config.yaml
	echo 'simulation: off' >$dir/simulation.yaml
	printf 'filenames: [%s]\nlabels:\n  type: syslog\n' $LAB/log/postfix \
		>$dir/acquis.yaml
	at mail "$root"/usr/bin/cscli -c $dir/config.yaml machines add -a \
		-f $dir/credentials.yaml >"$BENCH_TMP/crowdsec" 2>&1 &&
		key=$(at mail "$root"/usr/bin/cscli -c $dir/config.yaml \
			bouncers add bench -o raw 2>>"$BENCH_TMP/crowdsec") ||
		cannot "$(tail -n 1 "$BENCH_TMP/crowdsec")" || return
	background crowdsec mail "$root"/usr/bin/crowdsec -c $dir/config.yaml
	until_true 30 listens mail 127.0.0.1 8080 ||
		cannot "did not start: $(tail -n 1 $LAB/log/crowdsec)" || return
	crowdsec_bouncer "$key" >$dir/bouncer.yaml
	background bouncer mail "$root"/usr/bin/crowdsec-firewall-bouncer \
		-c $dir/bouncer.yaml
	until_true 30 at mail nft list table crowdsec ||
		cannot "no bouncer: $(tail -n 1 $LAB/log/bouncer)"
}

crowdsec_config() { # HUB
	local dir=$LAB/crowdsec
	cat <<-EOF
		common: {daemonize: false, log_media: stdout, log_level: info,
		  working_dir: .}
		config_paths: {config_dir: $dir/, data_dir: $dir/data/,
		  simulation_path: $dir/simulation.yaml, hub_dir: $1/,
		  index_path: $1/.index.json}
		crowdsec_service: {acquisition_path: $dir/acquis.yaml,
		  parser_routines: 1}
		cscli: {output: human}
		db_config: {type: sqlite, db_path: $dir/data/crowdsec.db}
		api:
		  client: {credentials_path: $dir/credentials.yaml}
		  server: {listen_uri: 127.0.0.1:8080,
		    profiles_path: $dir/profiles.yaml}
		prometheus: {enabled: false}
	EOF
}

# It polls every ten seconds, as Debian's configuration says.
crowdsec_bouncer() { # KEY
	sed -e 's/\${BACKEND}/nftables/' -e "s/\${API_KEY}/$1/" \
		-e 's/^daemonize:.*/daemonize: false/' \
		-e 's/^log_mode:.*/log_mode: stdout/' \
		-e "s|^pid_dir:.*|pid_dir: $LAB/crowdsec/|" \
		"$LAB_ROOT"/build/crowdsec/etc/crowdsec/bouncers/*.yaml
}

guard_crowdsec_down() {
	end bouncer
	end crowdsec
	guard_cleared crowdsec
}

guard_cleared() { # PEER
	cp $LAB/log/"$1" "$RESULTS/$1.log" 2>/dev/null || true
	at mail nft flush ruleset
}

# Covers an existing file by stdin's text, in the lab only.
cover_file() { # FILE
	cat >"$BENCH_TMP/${1##*/}"
	mount --bind "$BENCH_TMP/${1##*/}" "$1"
}
