<?php
// PDO with its PostgreSQL driver: prepare() makes a named statement, freeing one sends DEALLOCATE.
require __DIR__ . '/report.php';

function connected(): PDO
{
    return new PDO(sprintf('pgsql:host=%s;port=%s;dbname=%s;user=%s', getenv('PGHOST'), getenv('PGPORT'),
        getenv('PGDATABASE'), getenv('PGUSER')));
}

function value(PDO $db, string $sql, array $parameters = []): mixed
{
    $statement = $db->prepare($sql);
    $statement->execute($parameters);
    return $statement->fetchColumn();
}

/** The SQLSTATE that a statement fails with. */
function stateOf(PDO $db, string $sql): ?string
{
    try {
        $db->query($sql);
    } catch (PDOException $error) {
        return $error->getCode();
    }
    return null;
}

$db = connected();
$natives = ['int2' => -32768, 'int4' => 2147483647, 'int8' => PHP_INT_MIN, 'bool' => true];
foreach (TEXTS as $type => $text) {
    check("type-$type", function () use ($db, $type, $text, $natives) {
        if ($type === 'bytea') { // It goes as bytes and comes as a stream.
            $bytes = implode('', array_map('chr', range(0, 255)));
            $statement = $db->prepare('SELECT CAST(? AS bytea)');
            $statement->bindValue(1, $bytes, PDO::PARAM_LOB);
            $statement->execute();
            same($bytes, stream_get_contents($statement->fetchColumn()));
        } else {
            same($natives[$type] ?? $text, value($db, "SELECT CAST(? AS $type)", [$text]));
        }
    });
}
check('type-null', fn () => same(null, value($db, 'SELECT CAST(? AS int4)', [null])));
$db = null;

// The driver waits for every answer: clients take turns in fours, each group in transactions that are open
// at the same time, so that the servers change hands.
check('prepared', function () {
    mt_srand(7);
    $connections = $statements = [];
    $pids = array_fill(0, CLIENTS, []);
    for ($client = 0; $client < CLIENTS; $client++) {
        $connections[] = connected();
        $statements[] = $connections[$client]->prepare(probe('?', $client));
    }
    for ($round = 0; $round < EXECUTIONS; $round++) {
        $order = range(0, CLIENTS - 1);
        shuffle($order);
        foreach (array_chunk($order, 4) as $group) {
            foreach ($group as $client) {
                $connections[$client]->beginTransaction();
                $statements[$client]->execute([$round * CLIENTS + $client]);
                [$found, $pid] = $statements[$client]->fetch(PDO::FETCH_NUM);
                same(($round * CLIENTS + $client) * factor($client), $found);
                $pids[$client][] = $pid;
            }
            shuffle($group);
            foreach ($group as $client) {
                $connections[$client]->commit();
            }
        }
    }
    return probed($pids, $connections[0]->query(IS_NAMED)->fetchColumn());
});

check('rollback', function () {
    $db = connected();
    $db->exec('DROP TABLE IF EXISTS matrix_rollback');
    $db->exec('CREATE TABLE matrix_rollback (n int4)');
    $db->beginTransaction();
    $insert = $db->prepare('INSERT INTO matrix_rollback VALUES (?)');
    $insert->execute([1]);
    same('22012', stateOf($db, 'SELECT 1 / 0'));
    same('25P02', stateOf($db, 'SELECT 1'));
    $db->rollBack();
    same(0, value($db, 'SELECT count(*) FROM matrix_rollback'));
    $db->exec('DROP TABLE matrix_rollback');
});

// The driver has no pipeline; several statements in one exec() is its batch.
check('batch', function () {
    $db = connected();
    $db->exec('DROP TABLE IF EXISTS matrix_batch; CREATE TABLE matrix_batch (n int4);'
        . implode(';', array_map(fn ($n) => "INSERT INTO matrix_batch VALUES ($n)", range(0, 99))));
    same(4950, value($db, 'SELECT sum(n) FROM matrix_batch'));
    $db->exec('DROP TABLE matrix_batch');
});

// A statement that is prepared, freed and prepared again under the next name: DEALLOCATE every time.
check('deallocate', function () {
    $db = connected();
    for ($n = 0; $n < 50; $n++) {
        same($n + 1, value($db, 'SELECT CAST(? AS int4) + 1', [$n]));
    }
});

$rows = array_map(fn ($n) => "$n\trow $n\n", range(0, 999));
$db = connected();
check('copy-in', function () use ($db, $rows) {
    $db->exec('DROP TABLE IF EXISTS matrix_copy');
    $db->exec('CREATE TABLE matrix_copy (n int4, t text)');
    same(true, $db->pgsqlCopyFromArray('matrix_copy', $rows));
    same(1000, value($db, 'SELECT count(*) FROM matrix_copy'));
});
check('copy-out', function () use ($db, $rows) {
    same($rows, $db->pgsqlCopyToArray('matrix_copy'));
    $db->exec('DROP TABLE matrix_copy');
});

exit($failed ? 1 : 0); // It has no cancel, and gives no notices.
