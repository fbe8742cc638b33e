<?php
// PHP's pgsql extension: libpq's functions by other names.
require __DIR__ . '/report.php';

function connected()
{
    return pg_connect('', PGSQL_CONNECT_FORCE_NEW);
}

function value($db, string $sql, array $parameters = []): ?string
{
    return pg_fetch_result(pg_query_params($db, $sql, $parameters), 0, 0);
}

/** Sends a query and gives the SQLSTATE that it fails with. */
function stateOf($db, string $sql): ?string
{
    pg_send_query($db, $sql);
    $state = null;
    while ($result = pg_get_result($db)) {
        $state = pg_result_error_field($result, PGSQL_DIAG_SQLSTATE) ?? $state;
    }
    return $state;
}

$db = connected();
foreach (TEXTS as $type => $text) {
    check("type-$type", fn () => same($text, value($db, "SELECT CAST($1 AS $type)", [$text])));
}
check('type-null', fn () => same(null, value($db, 'SELECT CAST($1 AS int4)', [null])));
pg_close($db);

// All clients have their statement of the same name under way at the same time.
check('prepared', function () {
    $connections = $pids = [];
    for ($client = 0; $client < CLIENTS; $client++) {
        $connections[] = $db = connected();
        pg_prepare($db, 'probe', probe('$1', $client));
    }
    for ($round = 0; $round < EXECUTIONS; $round++) {
        foreach ($connections as $client => $db) {
            pg_send_execute($db, 'probe', [$round * CLIENTS + $client]);
        }
        foreach ($connections as $client => $db) {
            $result = pg_get_result($db);
            if (pg_result_status($result) !== PGSQL_TUPLES_OK) {
                throw new RuntimeException(pg_result_error($result));
            }
            same((string) (($round * CLIENTS + $client) * factor($client)), pg_fetch_result($result, 0, 0));
            $pids[$client][] = pg_fetch_result($result, 0, 1);
            while (pg_get_result($db)) {
            }
        }
    }
    $named = pg_fetch_result(pg_query($connections[0], IS_NAMED), 0, 0) === 't';
    array_map('pg_close', $connections);
    return probed($pids, $named);
});

check('rollback', function () {
    $db = connected();
    pg_query($db, 'DROP TABLE IF EXISTS matrix_rollback');
    pg_query($db, 'CREATE TABLE matrix_rollback (n int4)');
    pg_query($db, 'BEGIN');
    pg_query_params($db, 'INSERT INTO matrix_rollback VALUES ($1)', [1]);
    same('22012', stateOf($db, 'SELECT 1 / 0'));
    same('25P02', stateOf($db, 'SELECT 1'));
    same(PGSQL_TRANSACTION_INERROR, pg_transaction_status($db));
    pg_query($db, 'ROLLBACK');
    same('0', value($db, 'SELECT count(*) FROM matrix_rollback'));
    pg_query($db, 'DROP TABLE matrix_rollback');
    pg_close($db);
});

// The extension has no pipeline; several statements in one query is its batch.
check('batch', function () {
    $db = connected();
    pg_send_query($db, 'SELECT 1; SELECT 2; SELECT 3');
    $found = [];
    while ($result = pg_get_result($db)) {
        $found[] = pg_fetch_result($result, 0, 0);
    }
    same(['1', '2', '3'], $found);
    same('22012', stateOf($db, 'SELECT 1; SELECT 1 / 0; SELECT 3'));
    same('4', value($db, 'SELECT 4'));
    pg_close($db);
});

$rows = array_map(fn ($n) => "$n\trow $n\n", range(0, 999));
$db = connected();
check('copy-in', function () use ($db, $rows) {
    pg_query($db, 'DROP TABLE IF EXISTS matrix_copy');
    pg_query($db, 'CREATE TABLE matrix_copy (n int4, t text)');
    same(true, pg_copy_from($db, 'matrix_copy', $rows));
    same('1000', value($db, 'SELECT count(*) FROM matrix_copy'));
});
check('copy-out', function () use ($db, $rows) {
    same($rows, pg_copy_to($db, '(SELECT * FROM matrix_copy ORDER BY n)'));
    pg_query($db, 'DROP TABLE matrix_copy');
});
pg_close($db);

check('cancel', function () {
    $db = connected();
    pg_send_query($db, 'SELECT pg_sleep(30)');
    usleep(200000);
    $began = time();
    same(true, pg_cancel_query($db)); // It also reads the query's end, an error.
    same(true, time() - $began < 5);
    same('5', value($db, 'SELECT 5'));
    pg_close($db);
});

check('notice', function () {
    $db = connected();
    pg_query($db, "DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$");
    same('NOTICE:  heard 7', pg_last_notice($db));
    pg_close($db);
});

exit($failed ? 1 : 0);
