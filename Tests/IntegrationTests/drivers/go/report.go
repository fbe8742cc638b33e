// What a driver's program says: one line a check, `ok NAME` or `not ok NAME: why`.

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

const (
	clients    = 50
	executions = 20

	isNamed     = "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'"
	raiseNotice = "DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$"
)

var failed = false

// check runs a check and says how it went; what it returns beside an error stands in the line.
func check(name string, run func() (string, error)) {
	details, err := run()
	if err != nil {
		failed = true
		fmt.Println("not ok "+name+":", strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Println(strings.TrimSpace("ok " + name + " " + details))
}

// checked is check without details.
func checked(name string, run func() error) {
	check(name, func() (string, error) { return "", run() })
}

func end() {
	if failed {
		os.Exit(1)
	}
}

func factor(client int) int { return 2 + client%5 }

func probe(client int) string {
	return fmt.Sprintf("SELECT $1::int4 * %d AS matrix_probe, pg_backend_pid()", factor(client))
}

// probed lets every client execute its statement 20 times, side by side with the others, and gives the
// details of the check: execute(client, number) gives the answer and the server's process.
func probed(execute func(client, number int) (int, int, error), named func() (bool, error)) (string, error) {
	pids := make([]map[int]bool, clients)
	errs := make([]error, clients)
	var group sync.WaitGroup
	for client := 0; client < clients; client++ {
		group.Add(1)
		go func(client int) {
			defer group.Done()
			pids[client] = map[int]bool{}
			for round := 0; round < executions; round++ {
				number := round*clients + client
				found, pid, err := execute(client, number)
				if err == nil && found != number*factor(client) {
					err = fmt.Errorf("%d for %d times %d", found, number, factor(client))
				}
				if err != nil {
					errs[client] = err
					return
				}
				pids[client][pid] = true
			}
		}(client)
	}
	group.Wait()
	servers, moved := map[int]bool{}, 0
	for client, seen := range pids {
		if errs[client] != nil {
			return "", errs[client]
		}
		if len(seen) > 1 {
			moved++
		}
		for pid := range seen {
			servers[pid] = true
		}
	}
	word := "no"
	is, err := named()
	if is {
		word = "yes"
	}
	return fmt.Sprintf("clients=%d executions=%d servers=%d moved=%d named=%s", clients, clients*executions,
		len(servers), moved, word), err
}

// same is an error unless both print the same.
func same(expected, found interface{}) error {
	if fmt.Sprintf("%#v", expected) == fmt.Sprintf("%#v", found) {
		return nil
	}
	return fmt.Errorf("%#v for %#v", found, expected)
}

// inOrder runs steps up to the first error.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
