#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Databases to begin with, behind the byte that says so: seeds_mmdb.sh FOLDER

perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null || {
	echo "# no libmaxmind-db-writer-perl: no databases to begin with"
	exit 0
}

make() { # KIND VERSION LINES
	printf '%b' "$3" | selftests/lib/make_mmdb.pl "$1" "$folder/database" "$2"
	{ printf '\0' && cat "$folder/database"; } >"$folder/$1-$2"
	rm "$folder/database"
}

folder=$1
for version in 4 6; do
	make country $version '198.51.100.0/24 KP\n203.0.113.0/25 DE\n203.0.113.7/32 FR\n'
	make registered $version '192.0.2.0/24 FR\n'
	make asn $version '198.51.100.128/25 64496 Example Ltd.\n192.0.2.0/24 64497 X\n'
done
