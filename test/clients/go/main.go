// Command go-client calls auth as a service in Go would, and prints what it saw as JSON.
//
//	go-client answers HOST:PORT
//	go-client balance HOST:PORT HOST:PORT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx := context.Background()
	var seen any
	var err error
	switch {
	case len(args) == 2 && args[0] == "answers":
		seen, err = answers(ctx, args[1])
	case len(args) == 3 && args[0] == "balance":
		seen, err = balance(ctx, args[1:])
	default:
		err = fmt.Errorf("usage: go-client answers HOST:PORT | balance HOST:PORT HOST:PORT")
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}
