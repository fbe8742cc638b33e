# ruby-pg: libpq under Ruby, with type maps, a pipeline and threads that wait side by side.
require "pg"
require "time"

CLIENTS = 50
EXECUTIONS = 20
$failed = false

def check(name)
  details = yield
  puts ["ok", name, *(details if details.is_a?(Array))].join(" ")
rescue StandardError => error
  $failed = true
  puts "not ok #{name}: #{error.class} #{error.message.strip}"
end

def assert_equal(expected, found)
  raise "#{found.inspect} for #{expected.inspect}" unless expected == found
end

def assert_fails(error)
  yield
rescue error
  nil
else
  raise "no #{error}"
end

def connected
  connection = PG.connect
  yield connection
ensure
  connection&.close
end

TEXTS = {
  "int2" => "-32768", "int4" => "2147483647", "int8" => "-9223372036854775808",
  "numeric" => "12345678901234567890.0987654321", "float4" => "1.5", "float8" => "0.1",
  "text" => "ünï 'quoted' \\ 語", "bytea" => "\\x000102ff5c27", "bool" => "t", "date" => "1999-12-31",
  "timestamp" => "2024-02-29 23:59:59.123456", "timestamptz" => "2024-02-29 23:59:59.123456+00",
  "interval" => "1 day 02:03:04.5", "uuid" => "0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6",
  "json" => '{"a": [1, null, "ü"]}', "jsonb" => '{"a": [1, null, "ü"]}', "int4[]" => "{1,NULL,-3}",
  "text[]" => '{a,"b,c","d\"e",NULL}'
}.freeze

def types
  connected do |connection|
    TEXTS.each do |type, value|
      check("type-#{type}") do
        assert_equal(value, connection.exec_params("SELECT $1::#{type}", [value]).getvalue(0, 0))
      end
    end
    check("type-null") do
      assert_equal([[nil]], connection.exec_params("SELECT $1::int4", [nil]).values)
    end
    # Ruby's values both ways; the driver asks the server for its types first.
    check("type-map") do
      connection.type_map_for_results = PG::BasicTypeMapForResults.new(connection)
      connection.type_map_for_queries = PG::BasicTypeMapForQueries.new(connection)
      row = [7, 0.1, true, "ü", [1, -3]]
      found = connection.exec_params("SELECT $1::int8, $2::float8, $3::bool, $4::text, $5::int8[]", row)
      assert_equal([row], found.values)
    end
  end
end

def prepared
  check("prepared") do
    connections = Array.new(CLIENTS) { PG.connect }
    threads = connections.each_with_index.map do |connection, client|
      Thread.new do
        Thread.current.report_on_exception = false
        factor = 2 + client % 5
        connection.prepare("probe", "SELECT $1::int4 * #{factor} AS matrix_probe, pg_backend_pid()")
        Array.new(EXECUTIONS) do |round|
          number = round * CLIENTS + client
          value, pid = connection.exec_prepared("probe", [number]).values[0]
          assert_equal((number * factor).to_s, value)
          pid
        end
      end
    end
    threads.each { |thread| thread.join rescue nil }
    pids = threads.map(&:value)
    named = connections[0].exec("SELECT count(*) > 0 FROM pg_prepared_statements" \
                                " WHERE statement LIKE '%matrix' || '_probe%'").getvalue(0, 0)
    ["clients=#{CLIENTS}", "executions=#{pids.flatten.size}", "servers=#{pids.flatten.uniq.size}",
     "moved=#{pids.count { |seen| seen.uniq.size > 1 }}", "named=#{named == 't' ? 'yes' : 'no'}"]
  ensure
    connections&.each(&:close)
  end
end

def rollback
  check("rollback") do
    connected do |connection|
      connection.set_notice_processor { |_| nil }
      connection.exec("DROP TABLE IF EXISTS matrix_rollback")
      connection.exec("CREATE TABLE matrix_rollback (n int4)")
      assert_fails(PG::InFailedSqlTransaction) do
        connection.transaction do
          connection.exec_params("INSERT INTO matrix_rollback VALUES ($1)", [1])
          assert_fails(PG::DivisionByZero) { connection.exec("SELECT 1 / 0") }
          connection.exec("SELECT 1")
        end
      end
      assert_equal("0", connection.exec("SELECT count(*) FROM matrix_rollback").getvalue(0, 0))
      connection.exec("DROP TABLE matrix_rollback")
    end
  end
end

def batch
  check("batch") do
    connected do |connection|
      connection.enter_pipeline_mode
      200.times do |n|
        connection.send_query_params("SELECT $1::int4", [n])
        connection.pipeline_sync if n % 10 == 9
      end
      found = []
      20.times do
        10.times do
          found << connection.get_result.getvalue(0, 0).to_i
          assert_equal(nil, connection.get_result)
        end
        assert_equal(PG::PGRES_PIPELINE_SYNC, connection.get_result.result_status)
      end
      connection.exit_pipeline_mode
      assert_equal((0...200).to_a, found)
    end
  end
end

def copy
  lines = Array.new(1000) { |n| "#{n}\trow #{n}\n" }
  connected do |connection|
    connection.set_notice_processor { |_| nil }
    check("copy-in") do
      connection.exec("DROP TABLE IF EXISTS matrix_copy")
      connection.exec("CREATE TABLE matrix_copy (n int4, t text)")
      result = connection.copy_data("COPY matrix_copy FROM STDIN") do
        lines.each { |line| connection.put_copy_data(line) }
      end
      assert_equal(1000, result.cmd_tuples)
    end
    check("copy-out") do
      found = []
      connection.copy_data("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT") do
        while (line = connection.get_copy_data)
          found << line
        end
      end
      assert_equal(lines, found)
      connection.exec("DROP TABLE matrix_copy")
    end
  end
end

def cancel
  check("cancel") do
    connected do |connection|
      connection.send_query("SELECT pg_sleep(30)")
      sleep 0.2
      assert_equal(nil, connection.cancel)
      assert_fails(PG::QueryCanceled) { connection.get_last_result }
      assert_equal("5", connection.exec("SELECT 5").getvalue(0, 0))
    end
  end
end

def notice
  check("notice") do
    connected do |connection|
      heard = []
      connection.set_notice_processor { |message| heard << message }
      connection.exec("DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$")
      assert_equal(["NOTICE:  heard 7\n"], heard)
    end
  end
end

[:types, :prepared, :rollback, :batch, :copy, :cancel, :notice].each { |part| send(part) }
exit($failed ? 1 : 0)
