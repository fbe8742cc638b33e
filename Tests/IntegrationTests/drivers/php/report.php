<?php
// What a driver's program says: one line a check, `ok NAME` or `not ok NAME: why`.

const CLIENTS = 50;
const EXECUTIONS = 20;
const IS_NAMED = "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'";
const TEXTS = [
    'int2' => '-32768', 'int4' => '2147483647', 'int8' => '-9223372036854775808',
    'numeric' => '12345678901234567890.0987654321', 'float4' => '1.5', 'float8' => '0.1',
    'text' => "ünï 'quoted' \\ 語", 'bytea' => '\x000102ff5c27', 'bool' => 't', 'date' => '1999-12-31',
    'timestamp' => '2024-02-29 23:59:59.123456', 'timestamptz' => '2024-02-29 23:59:59.123456+00',
    'interval' => '1 day 02:03:04.5', 'uuid' => '0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6',
    'json' => '{"a": [1, null, "ü"]}', 'jsonb' => '{"a": [1, null, "ü"]}', 'int4[]' => '{1,NULL,-3}',
    'text[]' => '{a,"b,c","d\"e",NULL}',
];

// A warning that nobody asked for ends a check.
set_error_handler(function ($level, $message) {
    if (error_reporting() & $level) {
        throw new RuntimeException($message);
    }
    return true;
});

$failed = false;

function check(string $name, callable $run): void
{
    global $failed;
    try {
        echo implode(' ', ['ok', $name, ...($run() ?? [])]), "\n";
    } catch (Throwable $error) {
        $failed = true;
        echo "not ok $name: ", preg_replace('/\s+/', ' ', $error->getMessage()), "\n";
    }
}

function same(mixed $expected, mixed $found): void
{
    if ($expected !== $found) {
        throw new RuntimeException(var_export($found, true) . ' for ' . var_export($expected, true));
    }
}

function factor(int $client): int
{
    return 2 + $client % 5;
}

function probe(string $parameter, int $client): string
{
    return "SELECT CAST($parameter AS int4) * " . factor($client) . ' AS matrix_probe, pg_backend_pid()';
}

/** The details of the check of prepared statements, from the servers that each client saw. */
function probed(array $pids, bool $named): array
{
    $all = array_merge(...$pids);
    $moved = count(array_filter($pids, fn ($seen) => count(array_unique($seen)) > 1));
    return ['clients=' . count($pids), 'executions=' . count($all), 'servers=' . count(array_unique($all)),
        "moved=$moved", 'named=' . ($named ? 'yes' : 'no')];
}
