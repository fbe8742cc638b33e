// node-postgres: a query with a name is a prepared statement that its connection keeps.
'use strict'
const { Client } = require('pg')
const Cursor = require('pg-cursor')
const assert = require('assert')

const CLIENTS = 50
const EXECUTIONS = 20
let failed = false

async function check(name, run) {
  try {
    console.log(['ok', name, ...((await run()) || [])].join(' '))
  } catch (error) {
    failed = true
    console.log(`not ok ${name}: ${error.message.replace(/\s+/g, ' ')}`)
  }
}

/** Runs with a connection of its own, which ends with it. */
async function connected(run) {
  const client = new Client()
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

/** Whether a query fails with that SQLSTATE. */
async function fails(query, code) {
  await assert.rejects(query, (error) => error.code === code)
}

// What the driver gives as text is what its defaults give: int8 and numeric would not fit a number.
const VALUES = [
  ['int2', -32768],
  ['int4', 2147483647],
  ['int8', '-9223372036854775808'],
  ['numeric', '12345678901234567890.0987654321'],
  ['float4', 1.5],
  ['float8', 0.1],
  ['text', "ünï 'quoted' \\ 語"],
  ['bytea', Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
  ['bool', true],
  ['date', '1999-12-31'],
  ['timestamp', new Date(2024, 1, 29, 23, 59, 59, 123)],
  ['timestamptz', new Date('2024-02-29T23:59:59.123Z')],
  ['interval', '1 day 02:03:04.5'],
  ['uuid', '0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6'],
  ['json', { a: [1, null, 'ü'] }],
  ['jsonb', { a: [1, null, 'ü'] }],
  ['int4[]', [1, null, -3]],
  ['text[]', ['a', 'b,c', 'd"e', null]],
]

async function types() {
  await connected(async (client) => {
    for (const [type, value] of VALUES) {
      await check(`type-${type}`, async () => {
        const { rows } = await client.query(`SELECT $1::${type} AS v`, [value])
        const found = type === 'interval' ? rows[0].v.toPostgres() : rows[0].v
        const expected = type === 'interval' ? '1 day 2 hours 3 minutes 4.5 seconds' : value
        assert.deepStrictEqual(found, expected)
      })
    }
    await check('type-null', async () => {
      const { rows } = await client.query('SELECT $1::int4 AS v', [null])
      assert.strictEqual(rows[0].v, null)
    })
  })
}

async function prepared() {
  await check('prepared', async () => {
    const clients = Array.from({ length: CLIENTS }, () => new Client())
    await Promise.all(clients.map((client) => client.connect()))
    const run = async (client, at) => {
      const factor = 2 + (at % 5)
      const text = `SELECT $1::int4 * ${factor} AS matrix_probe, pg_backend_pid() AS pid`
      const pids = []
      for (let round = 0; round < EXECUTIONS; round++) {
        const number = round * CLIENTS + at
        const { rows } = await client.query({ name: 'probe', text, values: [number] })
        assert.strictEqual(rows[0].matrix_probe, number * factor)
        pids.push(rows[0].pid)
      }
      return pids
    }
    const ends = await Promise.allSettled(clients.map(run))
    const error = ends.find((end) => end.status === 'rejected')
    if (error) {
      await Promise.allSettled(clients.map((client) => client.end()))
      throw error.reason
    }
    const pids = ends.map((end) => end.value)
    const { rows } = await clients[0].query(
      "SELECT count(*) > 0 AS named FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'")
    await Promise.all(clients.map((client) => client.end()))
    return [`clients=${CLIENTS}`, `executions=${pids.flat().length}`, `servers=${new Set(pids.flat()).size}`,
      `moved=${pids.filter((seen) => new Set(seen).size > 1).length}`, `named=${rows[0].named ? 'yes' : 'no'}`]
  })
}

async function rollback() {
  await check('rollback', () => connected(async (client) => {
    await client.query('DROP TABLE IF EXISTS matrix_rollback')
    await client.query('CREATE TABLE matrix_rollback (n int4)')
    await client.query('BEGIN')
    await client.query('INSERT INTO matrix_rollback VALUES ($1)', [1])
    await fails(client.query('SELECT 1 / 0'), '22012')
    await fails(client.query('SELECT $1::int4', [1]), '25P02')
    await client.query('ROLLBACK')
    const { rows } = await client.query('SELECT count(*) FROM matrix_rollback')
    assert.strictEqual(rows[0].count, '0')
    await client.query('DROP TABLE matrix_rollback')
  }))
}

// The driver sends a query when the one before is done; several statements in one query is its batch.
async function batch() {
  await check('batch', () => connected(async (client) => {
    const results = await client.query('SELECT 1 AS v; SELECT 2 AS v; SELECT 3 AS v')
    assert.deepStrictEqual(results.map((result) => result.rows[0].v), [1, 2, 3])
    await fails(client.query('SELECT 1; SELECT 1 / 0; SELECT 3'), '22012')
    const queued = Array.from({ length: 100 }, (_, n) => client.query('SELECT $1::int4 AS v', [n]))
    const answers = await Promise.all(queued)
    assert.deepStrictEqual(answers.map(({ rows }) => rows[0].v), [...Array(100).keys()])
  }))
}

// A portal that is fetched in pieces: Execute with a row limit, Flush between.
async function cursor() {
  await check('cursor', () => connected(async (client) => {
    await client.query('BEGIN')
    const portal = client.query(new Cursor('SELECT g FROM generate_series(1, $1) g', [1000]))
    const found = []
    for (let rows = await portal.read(70); rows.length > 0; rows = await portal.read(70)) found.push(...rows)
    assert.deepStrictEqual(found.map((row) => row.g), Array.from({ length: 1000 }, (_, n) => n + 1))
    await portal.close()
    await client.query('COMMIT')
  }))
}

async function cancel() {
  await check('cancel', () => connected(async (client) => {
    const sleeping = client.query('SELECT pg_sleep(30)')
    const cancelled = fails(sleeping, '57014')
    await new Promise((resolve) => setTimeout(resolve, 200))
    // The driver's cancel() takes the query object under way; what query() gives is a promise for it.
    new Client().cancel(client, client.activeQuery)
    await cancelled
    const { rows } = await client.query('SELECT 5 AS v')
    assert.strictEqual(rows[0].v, 5)
  }))
}

async function notice() {
  await check('notice', () => connected(async (client) => {
    const heard = []
    client.on('notice', (message) => heard.push(message.message))
    await client.query("DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$")
    assert.deepStrictEqual(heard, ['heard 7'])
  }))
}

async function main() {
  for (const part of [types, prepared, rollback, batch, cursor, cancel, notice]) await part()
  process.exitCode = failed ? 1 : 0
}

main()
