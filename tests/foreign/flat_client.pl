#!/usr/bin/perl
# A client of the 4.9 era, in flat mode, written against the message description and sharing nothing with OpenStreamer.
#
#     flat_client.pl HOST PORT CERTIFICATE KEY [SECONDS] [FLAGS]
#
# Habits of that time: the PKCS#12 file has been split into PEM by the openssl command as the manual says; no check
# of the server; one Event Stream Request with flag bits (default: packets, record 7/72 intrusion events, metadata
# version 4, archive times), no extended request; every message read is answered with a Null. It knows records 7,
# 72, 2, 66, 67, 4 by unpack and ends after SECONDS without a message. One line a record: type, then name=value.
use strict;
use warnings;
use IO::Socket::SSL;
use IO::Select;

my ($host, $port, $certificate, $key, $seconds, $flags) = @ARGV;
$seconds = 3 unless defined $seconds;
$flags = defined $flags ? oct($flags) : 0x00900005;
binmode STDOUT, ':utf8';

my $socket = IO::Socket::SSL->new(
    PeerAddr => $host, PeerPort => $port, Proto => 'tcp',
    SSL_use_cert => 1, SSL_cert_file => $certificate, SSL_key_file => $key,
    SSL_verify_mode => SSL_VERIFY_NONE, SSL_version => 'TLSv1_2',
) or die "cannot connect: $SSL_ERROR\n";

sub send_message {
    my ($type, $body) = @_;
    print $socket pack('n n N', 1, $type, length $body) . $body or die "cannot send\n";
}

sub exactly {
    my ($count) = @_;
    my $data = '';
    while (length $data < $count) {
        if (!$socket->pending) {
            my @ready = IO::Select->new($socket)->can_read($seconds);
            return undef unless @ready;
        }
        my $got = $socket->sysread($data, $count - length $data, length $data);
        return undef unless $got;
    }
    return $data;
}

sub text {
    my ($bytes) = @_;
    $bytes =~ s/\0//g;
    utf8::decode($bytes);
    return $bytes;
}

sub dotted { return join '.', unpack 'C4', $_[0]; }
sub colons { return join ':', map { sprintf '%04x', $_ } unpack 'n8', $_[0]; }

my @names = qw(sensor event second microsecond signature generator revision classification priority);

sub intrusion {
    my ($data, $size, $show) = @_;
    my %row;
    @row{@names} = unpack 'N9', $data;
    $row{source} = $show->(substr $data, 36, $size);
    $row{destination} = $show->(substr $data, 36 + $size, $size);
    @row{qw(source_port destination_port protocol flags impact blocked)} = unpack 'n n C4', substr $data, 36 + 2 * $size;
    $row{length} = length $data;
    return \%row;
}

sub decode {
    my ($type, $data) = @_;
    return intrusion($data, 4, \&dotted) if $type == 7;
    return intrusion($data, 16, \&colons) if $type == 72;
    my %row;
    if ($type == 2) {
        @row{qw(sensor event second packet_second packet_microsecond link length)} = unpack 'N7', $data;
        $row{data} = unpack 'H*', substr $data, 28, $row{length};
    } elsif ($type == 66) {
        my ($generator, $rule, $revision, $shown, $length) = unpack 'N4 n', $data;
        %row = (generator => $generator, rule => $rule, revision => $revision, shown => $shown,
                message => text(substr $data, 50, $length));
    } elsif ($type == 67) {
        my ($id, $length) = unpack 'N n', $data;
        my $next = unpack 'n', substr $data, 6 + $length, 2;
        %row = (id => $id, name => text(substr $data, 6, $length),
                description => text(substr $data, 8 + $length, $next));
    } elsif ($type == 4) {
        my ($id, $length) = unpack 'N n', $data;
        %row = (id => $id, name => text(substr $data, 6, $length));
    }
    return \%row;
}

send_message(2, pack 'N N', 0, $flags);
while (defined(my $header = exactly(8))) {
    my ($version, $type, $length) = unpack 'n n N', $header;
    die "header version $version\n" unless $version == 1;
    my $body = $length ? exactly($length) : '';
    die "message cut off\n" unless defined $body;
    die 'error from the server: ' . substr($body, 6) . "\n" if $type == 1;
    if ($type == 4) {
        my ($record, $size) = unpack 'N N', $body;
        my $extra = $length - $size;
        die "record header of $extra bytes\n" unless $extra == 8 || $extra == 16;
        $record &= 0x7fffffff;
        my $archive = $extra == 16 ? unpack('N', substr $body, 8) : 0;
        my $row = decode($record, substr $body, $extra);
        print join("\t", $record, "archive=$archive", map { "$_=$row->{$_}" } sort keys %$row), "\n";
    } elsif ($type != 0) {
        die "message type $type in flat mode\n";
    }
    send_message(0, '');
}
