// libpq as an application uses it. Built twice: with Debian's libpq 15 and with the libpq 18 that PyPI's
// psycopg-binary brings.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum { clients = 50, executions = 20, batchLength = 200 };

static PGconn *connectAnew(void) {
    PGconn *connection = PQconnectdb("");
    if (PQstatus(connection) != CONNECTION_OK) {
        notOk("connect", "%s", PQerrorMessage(connection));
        exit(1);
    }
    return connection;
}

/// Whether a result is one value, the expected one (`NULL`: SQL's NULL); clears it.
static bool isValue(PGresult *result, const char *expected) {
    bool is = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (is && expected) is = !PQgetisnull(result, 0, 0) && strcmp(PQgetvalue(result, 0, 0), expected) == 0;
    if (is && !expected) is = PQgetisnull(result, 0, 0);
    PQclear(result);
    return is;
}

/// Whether a result is an error with that SQLSTATE; clears it.
static bool isError(PGresult *result, const char *code) {
    const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is = found && strcmp(found, code) == 0;
    PQclear(result);
    return is;
}

static bool runs(PGconn *connection, const char *sql) {
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void checkTypes(void) {
    static const struct { const char *type, *value; } cases[] = {
        {"int2", "-32768"}, {"int4", "2147483647"}, {"int8", "-9223372036854775808"},
        {"numeric", "12345678901234567890.0987654321"}, {"float4", "1.5"}, {"float8", "0.1"},
        {"text", "ünï 'quoted' \\ 語"}, {"bytea", "\\x000102ff5c27"}, {"bool", "t"},
        {"date", "1999-12-31"}, {"timestamp", "2024-02-29 23:59:59.123456"},
        {"timestamptz", "2024-02-29 23:59:59.123456+00"}, {"interval", "1 day 02:03:04.5"},
        {"uuid", "0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6"}, {"json", "{\"a\": [1, null, \"ü\"]}"},
        {"jsonb", "{\"a\": [1, null, \"ü\"]}"}, {"int4[]", "{1,NULL,-3}"},
        {"text[]", "{a,\"b,c\",\"d\\\"e\",NULL}"},
    };
    PGconn *connection = connectAnew();
    char sql[100], name[40];
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        const char *values[] = {cases[at].value};
        snprintf(sql, sizeof sql, "SELECT $1::%s", cases[at].type);
        snprintf(name, sizeof name, "type-%s", cases[at].type);
        PGresult *result = PQexecParams(connection, sql, 1, NULL, values, NULL, NULL, 0);
        if (isValue(result, cases[at].value)) ok(name);
        else notOk(name, "not the value sent; %s", PQerrorMessage(connection));
    }
    const char *nothing[] = {NULL};
    if (isValue(PQexecParams(connection, "SELECT $1::int4", 1, NULL, nothing, NULL, NULL, 0), NULL)) ok("type-null");
    else notOk("type-null", "%s", PQerrorMessage(connection));

    // Bytes both ways.
    const char bytes[] = {0x12, 0x34, 0x56, 0x78};
    const char *binary[] = {bytes};
    int length = sizeof bytes, format = 1;
    PGresult *result = PQexecParams(connection, "SELECT $1::int4", 1, NULL, binary, &length, &format, 1);
    if (PQntuples(result) == 1 && PQgetlength(result, 0, 0) == 4 && !memcmp(PQgetvalue(result, 0, 0), bytes, 4))
        ok("binary");
    else notOk("binary", "%s", PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

static int byNumber(const void *one, const void *other) { return *(const int *)one - *(const int *)other; }

/// All clients have their statement of the same name under way at the same time. After a failure the program's
/// end closes them.
static void checkPrepared(void) {
    PGconn *connections[clients];
    static int pids[clients][executions];
    char sql[100], value[20], expected[20];
    for (int client = 0; client < clients; client++) {
        connections[client] = connectAnew();
        snprintf(sql, sizeof sql, "SELECT $1::int4 * %d AS matrix_probe, pg_backend_pid()", 2 + client % 5);
        PGresult *result = PQprepare(connections[client], "probe", sql, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            return notOk("prepared", "PQprepare: %s", PQerrorMessage(connections[client]));
        PQclear(result);
    }
    for (int round = 0; round < executions; round++) {
        for (int client = 0; client < clients; client++) {
            snprintf(value, sizeof value, "%d", round * clients + client);
            const char *values[] = {value};
            if (!PQsendQueryPrepared(connections[client], "probe", 1, values, NULL, NULL, 0))
                return notOk("prepared", "PQsendQueryPrepared: %s", PQerrorMessage(connections[client]));
        }
        for (int client = 0; client < clients; client++) {
            snprintf(expected, sizeof expected, "%d", (round * clients + client) * (2 + client % 5));
            PGresult *result = PQgetResult(connections[client]);
            if (PQresultStatus(result) != PGRES_TUPLES_OK || strcmp(PQgetvalue(result, 0, 0), expected))
                return notOk("prepared", "%s wanted: %s", expected, PQresultStatus(result) == PGRES_TUPLES_OK
                    ? PQgetvalue(result, 0, 0) : PQerrorMessage(connections[client]));
            pids[client][round] = atoi(PQgetvalue(result, 0, 1));
            PQclear(result);
            while ((result = PQgetResult(connections[client]))) PQclear(result);
        }
    }
    int moved = 0, servers = 1;
    for (int client = 0; client < clients; client++) {
        int round = 1;
        while (round < executions && pids[client][round] == pids[client][0]) round++;
        moved += round < executions;
    }
    int *all = &pids[0][0];
    qsort(all, clients * executions, sizeof *all, byNumber);
    for (int at = 1; at < clients * executions; at++) servers += all[at] != all[at - 1];
    bool named = isValue(PQexec(connections[0], "SELECT count(*) > 0 FROM pg_prepared_statements"
                                " WHERE statement LIKE '%matrix' || '_probe%'"), "t");
    char name[100];
    snprintf(name, sizeof name, "prepared clients=%d executions=%d servers=%d moved=%d named=%s", clients,
             clients * executions, servers, moved, named ? "yes" : "no");
    ok(name);
    for (int client = 0; client < clients; client++) PQfinish(connections[client]);
}

static void checkRollback(void) {
    PGconn *connection = connectAnew();
    bool held = runs(connection, "DROP TABLE IF EXISTS matrix_rollback")
        && runs(connection, "CREATE TABLE matrix_rollback (n int4)") && runs(connection, "BEGIN")
        && runs(connection, "INSERT INTO matrix_rollback VALUES (1)")
        && isError(PQexec(connection, "SELECT 1 / 0"), "22012")
        && isError(PQexec(connection, "SELECT 1"), "25P02")
        && PQtransactionStatus(connection) == PQTRANS_INERROR && runs(connection, "ROLLBACK")
        && isValue(PQexec(connection, "SELECT count(*) FROM matrix_rollback"), "0")
        && runs(connection, "DROP TABLE matrix_rollback");
    if (held) ok("rollback");
    else notOk("rollback", "%s", PQerrorMessage(connection));
    PQfinish(connection);
}

/// A pipeline of many Syncs, then one whose second statement of three fails.
static void checkBatch(void) {
    PGconn *connection = connectAnew();
    char text[20];
    const char *values[] = {text};
    PQenterPipelineMode(connection);
    for (int n = 0; n < batchLength; n++) {
        snprintf(text, sizeof text, "%d", n);
        PQsendQueryParams(connection, "SELECT $1::int4", 1, NULL, values, NULL, NULL, 0);
        if (n % 10 == 9) PQpipelineSync(connection);
    }
    int right = 0;
    for (int n = 0; n < batchLength; n++) {
        snprintf(text, sizeof text, "%d", n);
        right += isValue(PQgetResult(connection), text);
        PQclear(PQgetResult(connection)); // The end of this query's results.
        if (n % 10 == 9) {
            PGresult *sync = PQgetResult(connection);
            right -= PQresultStatus(sync) != PGRES_PIPELINE_SYNC;
            PQclear(sync);
        }
    }
    if (right == batchLength) ok("batch");
    else notOk("batch", "%d right of %d: %s", right, batchLength, PQerrorMessage(connection));

    const char *statements[] = {"SELECT 1", "SELECT 1 / 0", "SELECT 3"};
    ExecStatusType wanted[] = {PGRES_TUPLES_OK, PGRES_FATAL_ERROR, PGRES_PIPELINE_ABORTED};
    for (int n = 0; n < 3; n++) PQsendQueryParams(connection, statements[n], 0, NULL, NULL, NULL, NULL, 0);
    PQpipelineSync(connection);
    bool held = true;
    for (int n = 0; n < 3; n++) {
        PGresult *result = PQgetResult(connection);
        held = held && PQresultStatus(result) == wanted[n];
        PQclear(result);
        PQclear(PQgetResult(connection));
    }
    PGresult *sync = PQgetResult(connection);
    held = held && PQresultStatus(sync) == PGRES_PIPELINE_SYNC && PQexitPipelineMode(connection);
    PQclear(sync);
    if (held && isValue(PQexec(connection, "SELECT 4"), "4")) ok("batch-error");
    else notOk("batch-error", "%s", PQerrorMessage(connection));
    PQfinish(connection);
}

static void checkCopy(void) {
    PGconn *connection = connectAnew();
    runs(connection, "DROP TABLE IF EXISTS matrix_copy");
    bool held = runs(connection, "CREATE TABLE matrix_copy (n int4, t text)");
    PQclear(PQexec(connection, "COPY matrix_copy FROM STDIN"));
    char line[100];
    for (int n = 0; n < 1000; n++) {
        int length = snprintf(line, sizeof line, "%d\trow %d\n", n, n);
        held = held && PQputCopyData(connection, line, length) == 1;
    }
    held = held && PQputCopyEnd(connection, NULL) == 1;
    PGresult *result = PQgetResult(connection);
    held = held && strcmp(PQcmdTuples(result), "1000") == 0;
    PQclear(result);
    PQclear(PQgetResult(connection));
    if (held) ok("copy-in");
    else notOk("copy-in", "%s", PQerrorMessage(connection));

    PQclear(PQexec(connection, "COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT"));
    char *row;
    int rows = 0;
    while (PQgetCopyData(connection, &row, 0) > 0) {
        snprintf(line, sizeof line, "%d\trow %d\n", rows, rows);
        rows += strcmp(row, line) == 0;
        PQfreemem(row);
    }
    result = PQgetResult(connection);
    held = PQresultStatus(result) == PGRES_COMMAND_OK && rows == 1000;
    PQclear(result);
    PQclear(PQgetResult(connection));
    if (held && runs(connection, "DROP TABLE matrix_copy")) ok("copy-out");
    else notOk("copy-out", "%d rows: %s", rows, PQerrorMessage(connection));
    PQfinish(connection);
}

/// Cancels by the way that is new in libpq 17 if it is there, else by the old one.
static bool cancel(PGconn *connection) {
    void *(*create)(PGconn *) = (void *(*)(PGconn *))dlsym(RTLD_DEFAULT, "PQcancelCreate");
    int (*run)(void *) = (int (*)(void *))dlsym(RTLD_DEFAULT, "PQcancelBlocking");
    void (*finish)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "PQcancelFinish");
    if (create && run && finish) {
        void *request = create(connection);
        bool sent = run(request) == 1;
        finish(request);
        return sent;
    }
    char why[256];
    PGcancel *request = PQgetCancel(connection);
    bool sent = PQcancel(request, why, sizeof why) == 1;
    PQfreeCancel(request);
    return sent;
}

static void checkCancel(void) {
    PGconn *connection = connectAnew();
    bool held = PQsendQuery(connection, "SELECT pg_sleep(30)") == 1;
    usleep(200000);
    held = held && cancel(connection) && isError(PQgetResult(connection), "57014");
    PQclear(PQgetResult(connection));
    if (held && isValue(PQexec(connection, "SELECT 5"), "5")) ok("cancel");
    else notOk("cancel", "%s", PQerrorMessage(connection));
    PQfinish(connection);
}

static void keepNotice(void *kept, const PGresult *result) {
    snprintf(kept, 100, "%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void checkNotice(void) {
    PGconn *connection = connectAnew();
    char notice[100] = "";
    PQsetNoticeReceiver(connection, keepNotice, notice);
    runs(connection, "DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$");
    if (strcmp(notice, "heard 7") == 0) ok("notice");
    else notOk("notice", "'%s' %s", notice, PQerrorMessage(connection));
    PQfinish(connection);
}

int main(void) {
    char version[20];
    snprintf(version, sizeof version, "libpq-%d", PQlibVersion() / 10000);
    ok(version);
    checkTypes();
    checkPrepared();
    checkRollback();
    checkBatch();
    checkCopy();
    checkCancel();
    checkNotice();
    return anyFailed;
}
