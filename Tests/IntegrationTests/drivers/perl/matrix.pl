# DBD::Pg under DBI: a statement that is executed a second time is prepared on the server.
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:async :pg_types);
binmode STDOUT, ':utf8';

my $clients    = 50;
my $executions = 20;
my $failed     = 0;

sub check {
    my ($name, $run) = @_;
    my @details = eval { $run->() };
    if ($@) {
        (my $why = $@) =~ s/\s+/ /g;
        print "not ok $name: $why\n";
        $failed = 1;
        return;
    }
    print join(' ', 'ok', $name, @details), "\n";
}

sub connected { return DBI->connect('dbi:Pg:', '', '', { RaiseError => 1, PrintError => 0, PrintWarn => 0 }) }

sub same {
    my ($expected, $found) = @_;
    return if !defined $expected && !defined $found;
    $found = 'NULL' if !defined $found;
    die "$found for $expected" if $found ne $expected;
}

sub fails {
    my ($db, $state, $run) = @_;
    eval { $run->(); 1 } and die "no error $state";
    die "$@ for $state" if $db->state ne $state;
}

my @values = (
    [ int2 => '-32768' ], [ int4 => '2147483647' ], [ int8 => '-9223372036854775808' ],
    [ numeric => '12345678901234567890.0987654321' ], [ float4 => '1.5' ], [ float8 => '0.1' ],
    [ text => "ünï 'quoted' \\ 語" ], [ bytea => join('', map { chr } 0 .. 255), PG_BYTEA ],
    [ bool => '1' ], [ date => '1999-12-31' ], [ timestamp => '2024-02-29 23:59:59.123456' ],
    [ timestamptz => '2024-02-29 23:59:59.123456+00' ], [ interval => '1 day 02:03:04.5' ],
    [ uuid => '0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6' ], [ json => '{"a": [1, null, "ü"]}' ],
    [ jsonb => '{"a": [1, null, "ü"]}' ], [ 'int4[]' => [ 1, undef, -3 ] ],
    [ 'text[]' => [ 'a', 'b,c', 'd"e', undef ] ],
);

sub types {
    my $db = connected();
    for (@values) {
        my ($type, $value, $pg_type) = @$_;
        check("type-$type", sub {
            my $statement = $db->prepare("SELECT CAST(? AS $type)");
            $statement->bind_param(1, $value, $pg_type ? { pg_type => $pg_type } : undef);
            $statement->execute;
            my ($found) = $statement->fetchrow_array;
            return same($value, $found) if !ref $value;
            same(scalar @$value, scalar @$found);
            same($value->[$_], $found->[$_]) for 0 .. $#$value;
            return;
        });
    }
    check('type-null', sub {
        my ($found) = $db->selectrow_array('SELECT CAST(? AS int4)', undef, undef);
        same(undef, $found);
    });
    $db->disconnect;
}

# All clients have their statement under way at the same time, as the driver's asynchronous queries do.
sub prepared {
    check('prepared', sub {
        my (@connections, @statements, @pids, %servers);
        for my $client (0 .. $clients - 1) {
            my $factor = 2 + $client % 5;
            push @connections, connected();
            push @statements, $connections[-1]->prepare(
                "SELECT CAST(? AS int4) * $factor AS matrix_probe, pg_backend_pid()", { pg_async => PG_ASYNC });
        }
        for my $round (0 .. $executions - 1) {
            $statements[$_]->execute($round * $clients + $_) for 0 .. $clients - 1;
            for my $client (0 .. $clients - 1) {
                $connections[$client]->pg_result;
                my ($value, $pid) = $statements[$client]->fetchrow_array;
                same(($round * $clients + $client) * (2 + $client % 5), $value);
                $pids[$client]{$pid} = $servers{$pid} = 1;
            }
        }
        my ($named) = $connections[0]->selectrow_array(
            "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'");
        $_->finish     for @statements;
        $_->disconnect for @connections;
        my $moved = grep { keys %$_ > 1 } @pids;
        return ("clients=$clients", 'executions=' . $clients * $executions, 'servers=' . keys %servers,
            "moved=$moved", 'named=' . ($named ? 'yes' : 'no'));
    });
}

sub rollback {
    check('rollback', sub {
        my $db = connected();
        $db->do('DROP TABLE IF EXISTS matrix_rollback');
        $db->do('CREATE TABLE matrix_rollback (n int4)');
        $db->begin_work;
        $db->do('INSERT INTO matrix_rollback VALUES (?)', undef, 1);
        fails($db, '22012', sub { $db->do('SELECT 1 / 0') });
        fails($db, '25P02', sub { $db->selectrow_array('SELECT CAST(? AS int4)', undef, 1) });
        $db->rollback;
        same(0, $db->selectrow_array('SELECT count(*) FROM matrix_rollback'));
        $db->do('DROP TABLE matrix_rollback');
        $db->disconnect;
        return;
    });
}

# The driver has no pipeline: rows through one statement, and statements in one query.
sub batch {
    check('batch', sub {
        my $db = connected();
        $db->do('DROP TABLE IF EXISTS matrix_batch; CREATE TABLE matrix_batch (n int4)');
        my $statement = $db->prepare('INSERT INTO matrix_batch VALUES (?)');
        same(100, scalar $statement->execute_array({}, [ 0 .. 99 ]));
        same(4950, $db->selectrow_array('SELECT sum(n) FROM matrix_batch'));
        $db->do('DROP TABLE matrix_batch');
        $db->disconnect;
        return;
    });
}

sub copy {
    my $db = connected();
    check('copy-in', sub {
        $db->do('DROP TABLE IF EXISTS matrix_copy');
        $db->do('CREATE TABLE matrix_copy (n int4, t text)');
        $db->do('COPY matrix_copy FROM STDIN');
        $db->pg_putcopydata("$_\trow $_\n") for 0 .. 999;
        $db->pg_putcopyend;
        same(1000, $db->selectrow_array('SELECT count(*) FROM matrix_copy'));
        return;
    });
    check('copy-out', sub {
        $db->do('COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT');
        my ($line, @lines) = ('');
        while ($db->pg_getcopydata($line) >= 0) { push @lines, $line }
        same(join('', map { "$_\trow $_\n" } 0 .. 999), join('', @lines));
        $db->do('DROP TABLE matrix_copy');
        return;
    });
    $db->disconnect;
}

sub cancel {
    check('cancel', sub {
        my $db = connected();
        $db->do('SELECT pg_sleep(30)', { pg_async => PG_ASYNC });
        select undef, undef, undef, 0.2;
        my $began = time;
        $db->pg_cancel;    # Waits for the end of the query and drops its error.
        die 'it was not cancelled' if time - $began > 5;
        same(5, $db->selectrow_array('SELECT 5'));
        $db->disconnect;
        return;
    });
}

sub notice {
    check('notice', sub {
        my $db = DBI->connect('dbi:Pg:', '', '', { RaiseError => 1, PrintWarn => 1 });
        my @heard;
        local $SIG{__WARN__} = sub { push @heard, @_ };
        $db->do(q{DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$});
        die "heard @heard" if "@heard" !~ /^NOTICE:  heard 7$/m;
        $db->disconnect;
        return;
    });
}

$_->() for \&types, \&prepared, \&rollback, \&batch, \&copy, \&cancel, \&notice;
exit $failed;
