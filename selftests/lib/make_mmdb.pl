#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Makes databases like those that are sold, of what stands on its input:
#   make_mmdb.pl country FILE <<<'198.51.100.0/24 KP'
#   make_mmdb.pl asn FILE <<<'198.51.100.0/24 64496 Example Ltd.'
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my ( $kind, $file, $version ) = @ARGV;
my %types = (
    country                        => 'map',
    registered_country             => 'map',
    iso_code                       => 'utf8_string',
    autonomous_system_number       => 'uint32',
    autonomous_system_organization => 'utf8_string',
);
my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version    => $version // 6,
    record_size   => 24,
    database_type => $kind eq 'asn' ? 'Test-ASN' : 'Test-Country',
    languages     => ['en'],
    description   => { en => 'Made by a test' },
    map_key_type_callback   => sub { $types{ $_[0] } },
    alias_ipv6_to_ipv4      => ( $version // 6 ) == 6,
    remove_reserved_networks => 0,
);
while ( defined( my $line = <STDIN> ) ) {
    chomp $line;
    my ( $net, $what, $name ) = split ' ', $line, 3;
    $tree->insert_network(
        $net,
        $kind eq 'asn'
        ? {
            autonomous_system_number       => $what,
            autonomous_system_organization => $name,
          }
        : $kind eq 'registered' ? { registered_country => { iso_code => $what } }
        :                         { country => { iso_code => $what } }
    );
}
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
