// lib/pq under database/sql: named statements by Prepare, the unnamed one for everything with arguments, which
// it prepares and executes in two batches.

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/lib/pq"
)

var ctx = context.Background()

func opened(run func(*sql.DB) error) error {
	db, err := sql.Open("postgres", "sslmode=disable")
	if err != nil {
		return err
	}
	defer db.Close()
	return run(db)
}

// runner is what a database, a connection and a transaction have in common.
type runner interface {
	ExecContext(context.Context, string, ...interface{}) (sql.Result, error)
	QueryRowContext(context.Context, string, ...interface{}) *sql.Row
}

func executes(on runner, text string, arguments ...interface{}) func() error {
	return func() error {
		_, err := on.ExecContext(ctx, text, arguments...)
		return err
	}
}

func answers(on runner, expected interface{}, text string, arguments ...interface{}) func() error {
	return func() error {
		found := reflect.New(reflect.TypeOf(expected))
		if err := on.QueryRowContext(ctx, text, arguments...).Scan(found.Interface()); err != nil {
			return err
		}
		return same(expected, found.Elem().Interface())
	}
}

func fails(code string, run func() error) func() error {
	return func() error {
		var found *pq.Error
		if err := run(); !errors.As(err, &found) || string(found.Code) != code {
			return fmt.Errorf("%v for %s", err, code)
		}
		return nil
	}
}

func types() {
	all := make([]byte, 256)
	for n := range all {
		all[n] = byte(n)
	}
	day := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	moment := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	document := `{"a": [1, null, "ü"]}`
	values := []struct {
		name  string
		value interface{}
	}{
		{"int2", int64(-32768)}, {"int4", int64(2147483647)}, {"int8", int64(-9223372036854775808)},
		{"numeric", "12345678901234567890.0987654321"}, {"float4", 1.5}, {"float8", 0.1},
		{"text", "ünï 'quoted' \\ 語"}, {"bytea", all}, {"bool", true},
		{"interval", "1 day 02:03:04.5"}, {"uuid", "0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6"},
		{"json", document}, {"jsonb", document},
	}
	err := opened(func(db *sql.DB) error {
		for _, each := range values {
			checked("type-"+each.name, answers(db, each.value, "SELECT $1::"+each.name, each.value))
		}
		for name, value := range map[string]time.Time{"date": day, "timestamp": moment, "timestamptz": moment} {
			checked("type-"+name, func() error {
				var found time.Time
				err := db.QueryRow("SELECT $1::"+name, value).Scan(&found)
				if err == nil && !found.Equal(value) {
					err = fmt.Errorf("%v for %v", found, value)
				}
				return err
			})
		}
		checked("type-int4[]", func() error {
			sent := []sql.NullInt32{{Int32: 1, Valid: true}, {}, {Int32: -3, Valid: true}}
			var found []sql.NullInt32
			if err := db.QueryRow("SELECT $1::int4[]", pq.Array(sent)).Scan(pq.Array(&found)); err != nil {
				return err
			}
			return same(sent, found)
		})
		checked("type-text[]", func() error {
			sent := []sql.NullString{{String: "a", Valid: true}, {String: "b,c", Valid: true},
				{String: `d"e`, Valid: true}, {}}
			var found []sql.NullString
			if err := db.QueryRow("SELECT $1::text[]", pq.Array(sent)).Scan(pq.Array(&found)); err != nil {
				return err
			}
			return same(sent, found)
		})
		checked("type-null", answers(db, sql.NullInt32{}, "SELECT $1::int4", nil))
		return nil
	})
	if err != nil {
		checked("types", func() error { return err })
	}
}

func prepared() {
	check("prepared", func() (details string, err error) {
		err = opened(func(db *sql.DB) error {
			var conns []*sql.Conn
			var statements []*sql.Stmt
			for client := 0; client < clients; client++ {
				conn, err := db.Conn(ctx)
				if err != nil {
					return err
				}
				defer conn.Close()
				statement, err := conn.PrepareContext(ctx, probe(client))
				if err != nil {
					return err
				}
				defer statement.Close()
				conns, statements = append(conns, conn), append(statements, statement)
			}
			execute := func(client, number int) (found, pid int, err error) {
				err = statements[client].QueryRow(number).Scan(&found, &pid)
				return
			}
			details, err = probed(execute, func() (is bool, err error) {
				err = conns[0].QueryRowContext(ctx, isNamed).Scan(&is)
				return
			})
			return err
		})
		return
	})
}

// unnamed has many connections use the unnamed statement at the same time, each in its two batches.
func unnamed() {
	checked("unnamed", func() error {
		return opened(func(db *sql.DB) error {
			db.SetMaxOpenConns(clients)
			_, err := probed(func(client, number int) (found, pid int, err error) {
				err = db.QueryRow(strings.Replace(probe(client), "matrix_probe", "v", 1), number).Scan(&found, &pid)
				return
			}, func() (bool, error) { return false, nil })
			return err
		})
	})
}

func rollback() {
	checked("rollback", func() error {
		return opened(func(db *sql.DB) error {
			err := inOrder(executes(db, "DROP TABLE IF EXISTS matrix_rollback"),
				executes(db, "CREATE TABLE matrix_rollback (n int4)"))
			if err != nil {
				return err
			}
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			return inOrder(
				executes(tx, "INSERT INTO matrix_rollback VALUES ($1)", 1),
				fails("22012", executes(tx, "SELECT 1 / $1::int4", 0)),
				fails("25P02", executes(tx, "SELECT $1::int4", 1)),
				tx.Rollback,
				answers(db, int64(0), "SELECT count(*) FROM matrix_rollback"),
				executes(db, "DROP TABLE matrix_rollback"))
		})
	})
}

// batch is several statements in one query: the driver has no pipeline.
func batch() {
	checked("batch", func() error {
		return opened(func(db *sql.DB) error {
			rows, err := db.Query("SELECT 1; SELECT 2; SELECT 3")
			if err != nil {
				return err
			}
			var found []int
			for more := true; more; more = rows.NextResultSet() {
				for rows.Next() {
					var n int
					rows.Scan(&n)
					found = append(found, n)
				}
			}
			return inOrder(rows.Err, func() error { return same([]int{1, 2, 3}, found) },
				fails("22012", executes(db, "SELECT 1; SELECT 1 / 0; SELECT 3")),
				answers(db, int64(4), "SELECT 4"))
		})
	})
}

func copies() {
	checked("copy-in", func() error {
		return opened(func(db *sql.DB) error {
			err := inOrder(executes(db, "DROP TABLE IF EXISTS matrix_copy"),
				executes(db, "CREATE TABLE matrix_copy (n int4, t text)"))
			if err != nil {
				return err
			}
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			defer tx.Rollback()
			statement, err := tx.Prepare(pq.CopyIn("matrix_copy", "n", "t"))
			if err != nil {
				return err
			}
			for n := 0; n < 1000; n++ {
				if _, err := statement.Exec(n, fmt.Sprintf("row %d", n)); err != nil {
					return err
				}
			}
			if _, err := statement.Exec(); err != nil {
				return err
			}
			return inOrder(statement.Close, tx.Commit,
				answers(db, "1000 499500", "SELECT count(*) || ' ' || sum(n) FROM matrix_copy"),
				executes(db, "DROP TABLE matrix_copy"))
		})
	})
}

// cancel ends a context; the driver sends the request and gives the connection up.
func cancel() {
	checked("cancel", func() error {
		return opened(func(db *sql.DB) error {
			short, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			defer stop()
			began := time.Now()
			_, err := db.ExecContext(short, "SELECT pg_sleep(30)")
			if err == nil || time.Since(began) > 5*time.Second {
				return fmt.Errorf("%v after %v", err, time.Since(began))
			}
			gone := "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active'" +
				" AND pid <> pg_backend_pid()"
			return inOrder(answers(db, int64(5), "SELECT 5"), func() error {
				// The request and the answer to the next query may cross.
				for try := 0; ; try++ {
					err := answers(db, int64(0), gone, "SELECT pg_sleep(30)%")()
					if err == nil || try == 50 {
						return err
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		})
	})
}

func notice() {
	checked("notice", func() error {
		base, err := pq.NewConnector("sslmode=disable")
		if err != nil {
			return err
		}
		heard := ""
		db := sql.OpenDB(pq.ConnectorWithNoticeHandler(base, func(message *pq.Error) { heard = message.Message }))
		defer db.Close()
		return inOrder(executes(db, raiseNotice), func() error { return same("heard 7", heard) })
	})
}

func main() {
	types()
	prepared()
	unnamed()
	rollback()
	batch()
	copies()
	cancel()
	notice()
	end()
}
