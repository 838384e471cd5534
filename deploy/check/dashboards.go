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
				// Grafana puts it in; its other variables stand in quotes.
				query := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
				expression, err := parser.NewParser(parser.Options{}).ParseExpr(query)
				if err != nil {
					problems = append(problems, fmt.Errorf("%s: panel %q: %w", file, panel.Title, err))
					continue
				}
				for _, missing := range unchosen(expression) {
					problems = append(problems, fmt.Errorf("%s: panel %q: %s shows all Hilos at once: it needs cluster=~\"$cluster\" and namespace=~\"$namespace\"", file, panel.Title, missing))
				}
			}
		}
		fmt.Printf("%s: %d queries\n", file, queries)
	}
	return problems
}

// unchosen names the series of a query that do not go by the dashboard's variables.
func unchosen(expression parser.Expr) []string {
	var missing []string
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		series, is := node.(*parser.VectorSelector)
		if !is {
			return nil
		}
		chosen := 0
		for _, matcher := range series.LabelMatchers {
			if (matcher.Name == "cluster" || matcher.Name == "namespace") && matcher.Value == "$"+matcher.Name {
				chosen++
			}
		}
		if chosen != 2 {
			missing = append(missing, series.Name)
		}
		return nil
	})
	return missing
}
