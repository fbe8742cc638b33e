// PostgreSQL's JDBC driver: a statement that is executed for the fifth time is prepared by name.

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.postgresql.PGConnection;
import org.postgresql.util.PGInterval;

public class Matrix {
    static final int CLIENTS = 50;
    static final int EXECUTIONS = 20;
    static boolean failed = false;

    interface Check {
        String run() throws Exception;
    }

    interface Statements {
        void run() throws Exception;
    }

    static void check(String name, Check check) {
        try {
            String details = check.run();
            System.out.println("ok " + name + (details == null ? "" : " " + details));
        } catch (Exception error) {
            failed = true;
            System.out.println("not ok " + name + ": " + error.toString().replaceAll("\\s+", " "));
        }
    }

    static Connection connected() throws SQLException {
        String url = String.format("jdbc:postgresql://%s:%s/%s", System.getenv("PGHOST"),
            System.getenv("PGPORT"), System.getenv("PGDATABASE"));
        return DriverManager.getConnection(url, System.getenv("PGUSER"), "");
    }

    static void same(Object expected, Object found) {
        boolean is = expected instanceof byte[] && found instanceof byte[]
            ? Arrays.equals((byte[]) expected, (byte[]) found)
            : expected instanceof Object[] && found instanceof Object[]
            ? Arrays.equals((Object[]) expected, (Object[]) found)
            : expected == null ? found == null : expected.equals(found);
        if (!is) throw new IllegalStateException(found + " for " + expected);
    }

    static void fails(String state, Statements statements) throws Exception {
        try {
            statements.run();
        } catch (SQLException error) {
            same(state, error.getSQLState());
            return;
        }
        throw new IllegalStateException("no error " + state);
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static Object ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getObject(1);
        }
    }

    /** Eight executions: the last ones use the named statement and binary values. */
    static <T> void type(Connection connection, String type, T value, Class<? super T> asked) {
        check("type-" + type, () -> {
            Object expected = value instanceof Array ? ((Array) value).getArray() : value;
            try (PreparedStatement statement = connection.prepareStatement("SELECT CAST(? AS " + type + ")")) {
                for (int n = 0; n < 8; n++) {
                    statement.setObject(1, value);
                    try (ResultSet rows = statement.executeQuery()) {
                        rows.next();
                        same(expected, value(rows, asked));
                    }
                }
            }
            return null;
        });
    }

    /** The value of a row's first column; three of its classes have getters of their own. */
    static Object value(ResultSet rows, Class<?> asked) throws SQLException {
        if (asked == Array.class) return rows.getArray(1).getArray();
        if (asked == byte[].class) return rows.getBytes(1);
        if (asked == String.class) return rows.getString(1);
        return rows.getObject(1, asked);
    }

    static void types() throws Exception {
        byte[] bytes = new byte[256];
        for (int n = 0; n < 256; n++) bytes[n] = (byte) n;
        String document = "{\"a\": [1, null, \"ü\"]}";
        try (Connection connection = connected()) {
            type(connection, "int2", (short) -32768, Short.class);
            type(connection, "int4", 2147483647, Integer.class);
            type(connection, "int8", Long.MIN_VALUE, Long.class);
            type(connection, "numeric", new BigDecimal("12345678901234567890.0987654321"), BigDecimal.class);
            type(connection, "float4", 1.5f, Float.class);
            type(connection, "float8", 0.1, Double.class);
            type(connection, "text", "ünï 'quoted' \\ 語", String.class);
            type(connection, "bytea", bytes, byte[].class);
            type(connection, "bool", true, Boolean.class);
            type(connection, "date", LocalDate.of(1999, 12, 31), LocalDate.class);
            type(connection, "timestamp", LocalDateTime.of(2024, 2, 29, 23, 59, 59, 123456000),
                LocalDateTime.class);
            type(connection, "timestamptz", OffsetDateTime.parse("2024-02-29T23:59:59.123456Z"),
                OffsetDateTime.class);
            type(connection, "interval", new PGInterval(0, 0, 1, 2, 3, 4.5), PGInterval.class);
            type(connection, "uuid", UUID.fromString("0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6"), UUID.class);
            type(connection, "json", document, String.class);
            type(connection, "jsonb", document, String.class);
            type(connection, "int4[]", connection.createArrayOf("int4", new Integer[] {1, null, -3}), Array.class);
            type(connection, "text[]",
                connection.createArrayOf("text", new String[] {"a", "b,c", "d\"e", null}), Array.class);
            typeNull(connection);
        }
    }

    static void typeNull(Connection connection) {
        check("type-null", () -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT CAST(? AS int4)")) {
                statement.setNull(1, Types.INTEGER);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    same(0, rows.getInt(1));
                    same(true, rows.wasNull());
                }
            }
            return null;
        });
    }

    static List<Integer> probe(Connection connection, int client) throws SQLException {
        int factor = 2 + client % 5;
        List<Integer> pids = new ArrayList<>();
        String sql = "SELECT CAST(? AS int4) * " + factor + " AS matrix_probe, pg_backend_pid()";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int round = 0; round < EXECUTIONS; round++) {
                int number = round * CLIENTS + client;
                statement.setInt(1, number);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    same(number * factor, rows.getInt(1));
                    pids.add(rows.getInt(2));
                }
            }
            if (client == 0) pids.add(isNamed(connection) ? 1 : 0);
        }
        return pids;
    }

    static boolean isNamed(Connection connection) throws SQLException {
        return (boolean) ask(connection, "SELECT count(*) > 0 FROM pg_prepared_statements"
            + " WHERE statement LIKE '%matrix' || '_probe%'");
    }

    static void prepared() {
        check("prepared", () -> {
            List<Connection> connections = new ArrayList<>();
            ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
            try {
                for (int client = 0; client < CLIENTS; client++) connections.add(connected());
                List<Future<List<Integer>>> clients = new ArrayList<>();
                for (int client = 0; client < CLIENTS; client++) {
                    int at = client;
                    clients.add(threads.submit(() -> probe(connections.get(at), at)));
                }
                Set<Integer> servers = new HashSet<>();
                int moved = 0, executions = 0;
                boolean named = false;
                for (int client = 0; client < CLIENTS; client++) {
                    List<Integer> pids = clients.get(client).get();
                    if (client == 0) named = pids.remove(EXECUTIONS) == 1;
                    executions += pids.size();
                    servers.addAll(pids);
                    if (new TreeSet<>(pids).size() > 1) moved++;
                }
                return String.format("clients=%d executions=%d servers=%d moved=%d named=%s", CLIENTS,
                    executions, servers.size(), moved, named ? "yes" : "no");
            } finally {
                threads.shutdownNow();
                for (Connection connection : connections) connection.close();
            }
        });
    }

    static void rollback() {
        check("rollback", () -> {
            try (Connection connection = connected()) {
                execute(connection, "DROP TABLE IF EXISTS matrix_rollback");
                execute(connection, "CREATE TABLE matrix_rollback (n int4)");
                connection.setAutoCommit(false);
                execute(connection, "INSERT INTO matrix_rollback VALUES (1)");
                fails("22012", () -> execute(connection, "SELECT 1 / 0"));
                fails("25P02", () -> execute(connection, "SELECT 1"));
                connection.rollback();
                connection.setAutoCommit(true);
                same(0L, ask(connection, "SELECT count(*) FROM matrix_rollback"));
                execute(connection, "DROP TABLE matrix_rollback");
            }
            return null;
        });
    }

    static void batch() {
        check("batch", () -> {
            try (Connection connection = connected()) {
                execute(connection, "DROP TABLE IF EXISTS matrix_batch");
                execute(connection, "CREATE TABLE matrix_batch (n int4 PRIMARY KEY)");
                try (PreparedStatement insert =
                         connection.prepareStatement("INSERT INTO matrix_batch VALUES (?)")) {
                    for (int n = 0; n < 1000; n++) {
                        insert.setInt(1, n);
                        insert.addBatch();
                    }
                    same(1000, IntStream.of(insert.executeBatch()).sum());
                    for (int n : new int[] {1000, 7, 1001}) {
                        insert.setInt(1, n);
                        insert.addBatch();
                    }
                    fails("23505", insert::executeBatch);
                }
                same(1000L, ask(connection, "SELECT count(*) FROM matrix_batch"));
                execute(connection, "DROP TABLE matrix_batch");
            }
            return null;
        });
    }

    /** A portal that is fetched in pieces inside its transaction. */
    static void cursor() {
        check("cursor", () -> {
            try (Connection connection = connected()) {
                connection.setAutoCommit(false);
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(70);
                    int at = 0;
                    try (ResultSet rows = statement.executeQuery("SELECT g FROM generate_series(1, 1000) g")) {
                        while (rows.next()) same(++at, rows.getInt(1));
                    }
                    same(1000, at);
                }
                connection.commit();
            }
            return null;
        });
    }

    static void copy() throws Exception {
        String text = IntStream.range(0, 1000).mapToObj(n -> n + "\trow " + n + "\n")
            .collect(Collectors.joining());
        try (Connection connection = connected()) {
            var copies = connection.unwrap(PGConnection.class).getCopyAPI();
            check("copy-in", () -> {
                execute(connection, "DROP TABLE IF EXISTS matrix_copy");
                execute(connection, "CREATE TABLE matrix_copy (n int4, t text)");
                same(1000L, copies.copyIn("COPY matrix_copy FROM STDIN", new StringReader(text)));
                return null;
            });
            check("copy-out", () -> {
                StringWriter found = new StringWriter();
                copies.copyOut("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT", found);
                same(text, found.toString());
                execute(connection, "DROP TABLE matrix_copy");
                return null;
            });
        }
    }

    static void cancel() {
        check("cancel", () -> {
            try (Connection connection = connected(); Statement statement = connection.createStatement()) {
                Thread canceller = new Thread(() -> {
                    try {
                        Thread.sleep(200);
                        statement.cancel();
                    } catch (Exception error) {
                        error.printStackTrace();
                    }
                });
                canceller.start();
                fails("57014", () -> statement.execute("SELECT pg_sleep(30)"));
                canceller.join();
                same(5, ask(connection, "SELECT 5"));
            }
            return null;
        });
    }

    static void notice() {
        check("notice", () -> {
            try (Connection connection = connected(); Statement statement = connection.createStatement()) {
                statement.execute("DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$");
                same("heard 7", statement.getWarnings().getMessage());
            }
            return null;
        });
    }

    public static void main(String[] arguments) throws Exception {
        types();
        prepared();
        rollback();
        batch();
        cursor();
        copy();
        cancel();
        notice();
        System.exit(failed ? 1 : 0);
    }
}
