package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// dashboards parses every query of every panel.
func dashboards(root string) []error {
	files, err := filepath.Glob(filepath.Join(root, "deploy/grafana/dashboards/*.json"))
	if err != nil || len(files) == 0 {
		return []error{fmt.Errorf("there are no dashboards: %w", err)}
	}
	var problems []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
			continue
		}
		queries := 0
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				queries++
				// The one variable that Grafana puts in.
				query := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
				if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); err != nil {
					problems = append(problems, fmt.Errorf("%s: panel %q: %w", file, panel.Title, err))
				}
			}
		}
		fmt.Printf("%s: %d queries\n", file, queries)
	}
	return problems
}
