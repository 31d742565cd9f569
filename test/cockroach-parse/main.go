// Says which SQL statements CockroachDB's own parser refuses: a JSON array of statements on standard input, a JSON array
// of {"statement", "error"} on standard output. A statement is refused, too, where it is not exactly one.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
)

type refusal struct {
	Statement string `json:"statement"`
	Error     string `json:"error"`
}

func main() {
	var statements []string
	if err := json.NewDecoder(os.Stdin).Decode(&statements); err != nil {
		log.Fatalf("standard input is no JSON array of statements: %v", err)
	}
	refused := []refusal{}
	for _, statement := range statements {
		if err := parseOne(statement); err != nil {
			refused = append(refused, refusal{statement, err.Error()})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(refused); err != nil {
		log.Fatal(err)
	}
}

// parseOne parses a text that must be one statement, as one in the extended protocol must.
func parseOne(text string) error {
	parsed, err := parser.Parse(text)
	if err != nil {
		return err
	}
	if len(parsed) != 1 {
		return fmt.Errorf("%d statements, not one", len(parsed))
	}
	return nil
}
