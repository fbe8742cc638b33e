// pgx 4: its statement cache names every statement and asks for binary values.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgtype"
	"github.com/jackc/pgx/v4"
)

var ctx = context.Background()

func connected(run func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return run(conn)
}

func executes(conn *pgx.Conn, sql string, arguments ...interface{}) func() error {
	return func() error {
		_, err := conn.Exec(ctx, sql, arguments...)
		return err
	}
}

func fails(code string, run func() error) func() error {
	return func() error {
		var found *pgconn.PgError
		if err := run(); !errors.As(err, &found) || found.Code != code {
			return fmt.Errorf("%v for %s", err, code)
		}
		return nil
	}
}

func answers(conn *pgx.Conn, expected interface{}, sql string, arguments ...interface{}) func() error {
	return func() error {
		found := reflect.New(reflect.TypeOf(expected))
		if err := conn.QueryRow(ctx, sql, arguments...).Scan(found.Interface()); err != nil {
			return err
		}
		if !reflect.DeepEqual(found.Elem().Interface(), expected) {
			return fmt.Errorf("%#v for %#v", found.Elem().Interface(), expected)
		}
		return nil
	}
}

// set makes one of pgtype's values of a value of Go.
func set(value interface{ Set(interface{}) error }, from interface{}) interface{} {
	if err := value.Set(from); err != nil {
		panic(err)
	}
	return reflect.ValueOf(value).Elem().Interface()
}

func types() {
	all := make([]byte, 256)
	for n := range all {
		all[n] = byte(n)
	}
	one, minus, a, b, c := int32(1), int32(-3), "a", "b,c", `d"e`
	document := `{"a": [1, null, "ü"]}`
	values := []struct {
		name  string
		value interface{}
	}{
		{"int2", int16(-32768)}, {"int4", int32(2147483647)}, {"int8", int64(math.MinInt64)},
		{"numeric", set(&pgtype.Numeric{}, "12345678901234567890.0987654321")},
		{"float4", float32(1.5)}, {"float8", 0.1}, {"text", "ünï 'quoted' \\ 語"}, {"bytea", all},
		{"bool", true}, {"date", time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)},
		{"timestamp", time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)},
		{"timestamptz", set(&pgtype.Timestamptz{}, time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.Local))},
		{"interval", set(&pgtype.Interval{}, 26*time.Hour+3*time.Minute+4500*time.Millisecond)},
		{"uuid", set(&pgtype.UUID{}, "0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6")},
		{"json", set(&pgtype.JSON{}, document)}, {"jsonb", set(&pgtype.JSONB{}, document)},
		{"int4[]", []*int32{&one, nil, &minus}}, {"text[]", []*string{&a, &b, &c, nil}},
	}
	err := connected(func(conn *pgx.Conn) error {
		for _, each := range values {
			// Twice: the second time the statement comes from the cache.
			asks := answers(conn, each.value, "SELECT $1::"+each.name, each.value)
			checked("type-"+each.name, func() error { return inOrder(asks, asks) })
		}
		checked("type-null", answers(conn, (*int32)(nil), "SELECT $1::int4", nil))
		return nil
	})
	if err != nil {
		checked("types", func() error { return err })
	}
}

func prepared() {
	check("prepared", func() (string, error) {
		var conns []*pgx.Conn
		for client := 0; client < clients; client++ {
			conn, err := pgx.Connect(ctx, "")
			if err != nil {
				return "", err
			}
			defer conn.Close(ctx)
			conns = append(conns, conn)
		}
		execute := func(client, number int) (found, pid int, err error) {
			err = conns[client].QueryRow(ctx, probe(client), number).Scan(&found, &pid)
			return
		}
		return probed(execute, func() (is bool, err error) {
			err = conns[0].QueryRow(ctx, isNamed).Scan(&is)
			return
		})
	})
}

// rollback goes back to a savepoint first, as pgx does for a transaction inside another.
func rollback() {
	checked("rollback", func() error {
		return connected(func(conn *pgx.Conn) error {
			return inOrder(
				executes(conn, "DROP TABLE IF EXISTS matrix_rollback"),
				executes(conn, "CREATE TABLE matrix_rollback (n int4)"),
				executes(conn, "BEGIN"),
				executes(conn, "INSERT INTO matrix_rollback VALUES ($1)", 1),
				executes(conn, "SAVEPOINT inside"),
				fails("22012", executes(conn, "SELECT 1 / $1::int4", 0)),
				fails("25P02", executes(conn, "SELECT 1")),
				executes(conn, "ROLLBACK TO inside"),
				answers(conn, int64(1), "SELECT count(*) FROM matrix_rollback"),
				fails("22012", executes(conn, "SELECT 1 / $1::int4", 0)),
				executes(conn, "ROLLBACK"),
				answers(conn, int64(0), "SELECT count(*) FROM matrix_rollback"),
				executes(conn, "DROP TABLE matrix_rollback"))
		})
	})
}

func batch() {
	checked("batch", func() error {
		return connected(func(conn *pgx.Conn) error {
			var sent pgx.Batch
			for n := 0; n < 200; n++ {
				sent.Queue(fmt.Sprintf("SELECT $1::int4 + %d", n%3), n)
			}
			results := conn.SendBatch(ctx, &sent)
			for n := 0; n < 200; n++ {
				var found int
				if err := results.QueryRow().Scan(&found); err != nil {
					return err
				}
				if found != n+n%3 {
					return fmt.Errorf("%d for %d", found, n+n%3)
				}
			}
			return results.Close()
		})
	})
	checked("batch-error", func() error {
		return connected(func(conn *pgx.Conn) error {
			var sent pgx.Batch
			sent.Queue("SELECT 1")
			sent.Queue("SELECT 1 / $1::int4", 0)
			sent.Queue("SELECT 3")
			results := conn.SendBatch(ctx, &sent)
			step := func() error {
				_, err := results.Exec()
				return err
			}
			return inOrder(step, fails("22012", step), func() error {
				results.Close()
				return nil
			}, answers(conn, int32(4), "SELECT 4"))
		})
	})
}

func copies() {
	err := connected(func(conn *pgx.Conn) error {
		var rows [][]interface{}
		var text bytes.Buffer
		for n := 0; n < 1000; n++ {
			rows = append(rows, []interface{}{int32(n), fmt.Sprintf("row %d", n)})
			fmt.Fprintf(&text, "%d\trow %d\n", n, n)
		}
		checked("copy-in", func() error {
			return inOrder(
				executes(conn, "DROP TABLE IF EXISTS matrix_copy"),
				executes(conn, "CREATE TABLE matrix_copy (n int4, t text)"),
				func() error {
					copied, err := conn.CopyFrom(ctx, pgx.Identifier{"matrix_copy"}, []string{"n", "t"},
						pgx.CopyFromRows(rows))
					if err == nil && copied != 1000 {
						err = fmt.Errorf("%d rows", copied)
					}
					return err
				})
		})
		checked("copy-out", func() error {
			var found bytes.Buffer
			_, err := conn.PgConn().CopyTo(ctx, &found, "COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT")
			if err == nil {
				err = same(text.String(), found.String())
			}
			if err != nil {
				return err
			}
			return executes(conn, "DROP TABLE matrix_copy")()
		})
		return nil
	})
	if err != nil {
		checked("copy", func() error { return err })
	}
}

func cancel() {
	checked("cancel", func() error {
		return connected(func(conn *pgx.Conn) error {
			sent := make(chan error)
			go func() {
				time.Sleep(200 * time.Millisecond)
				sent <- conn.PgConn().CancelRequest(ctx)
			}()
			return inOrder(fails("57014", executes(conn, "SELECT pg_sleep(30)")),
				func() error { return <-sent }, answers(conn, int32(5), "SELECT 5"))
		})
	})
}

func notice() {
	checked("notice", func() error {
		config, err := pgx.ParseConfig("")
		if err != nil {
			return err
		}
		heard := ""
		config.OnNotice = func(_ *pgconn.PgConn, message *pgconn.Notice) { heard = message.Message }
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		return inOrder(executes(conn, raiseNotice), func() error { return same("heard 7", heard) })
	})
}

func main() {
	types()
	prepared()
	rollback()
	batch()
	copies()
	cancel()
	notice()
	end()
}
