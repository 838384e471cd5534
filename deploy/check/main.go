// Reads the deployment files with the parsers of those who will read them: compose's own, BuildKit's
// own, Prometheus' own.
package main

import (
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	var problems []error
	for _, check := range []func(string) []error{compose, dockerfile, rules, dashboards} {
		problems = append(problems, check(root)...)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}
