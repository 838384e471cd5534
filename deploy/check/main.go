// Reads the deployment files with the parsers of those who will read them: compose's own, and Prometheus' own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	problems := append(compose(root), rules(root)...)
	problems = append(problems, dashboards(root)...)
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// compose loads docker-compose.yml as `docker compose config` does, and looks at what the parser leaves to the engine:
// images with a version, files that are there.
func compose(root string) []error {
	file := filepath.Join(root, "docker-compose.yml")
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(root), cli.WithDotEnv)
	if err != nil {
		return []error{err}
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return []error{fmt.Errorf("%s: %w", file, err)}
	}
	var problems []error
	wrong := func(service, problem string) {
		problems = append(problems, fmt.Errorf("%s: service %s: %s", file, service, problem))
	}
	for name, service := range project.Services {
		if service.Build != nil {
			path := filepath.Join(service.Build.Context, service.Build.Dockerfile)
			if _, err := os.Stat(path); err != nil {
				wrong(name, err.Error())
			}
		} else if _, tag, tagged := strings.Cut(service.Image, ":"); !tagged || tag == "latest" {
			wrong(name, "its image has no version: "+service.Image)
		}
		for _, volume := range service.Volumes {
			if volume.Type != "bind" {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				wrong(name, err.Error())
			}
		}
	}
	fmt.Printf("%s: %d services\n", file, len(project.Services))
	return problems
}

var sections = []string{"Meaning", "Impact", "Diagnosis", "Mitigation"}

// rules reads the alerts as `promtool check rules` does, and holds them against their runbooks.
func rules(root string) []error {
	file := filepath.Join(root, "deploy/prometheus/alerts.yml")
	groups, problems := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if groups == nil {
		return problems
	}
	runbooks := map[string]bool{}
	found, err := filepath.Glob(filepath.Join(root, "deploy/runbooks/*.md"))
	if err != nil {
		return append(problems, err)
	}
	for _, path := range found {
		runbooks[filepath.Base(path)] = false
		problems = append(problems, runbook(path)...)
	}
	alerts := 0
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			alerts++
			name := rule.Alert + ".md"
			if _, there := runbooks[name]; !there {
				problems = append(problems, fmt.Errorf("%s: %s has no runbook", file, rule.Alert))
			}
			runbooks[name] = true
			if rule.Annotations["runbook_url"] != "deploy/runbooks/"+name {
				problems = append(problems, fmt.Errorf("%s: %s has another runbook_url", file, rule.Alert))
			}
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
				problems = append(problems, fmt.Errorf("%s: %s has no severity or no summary", file, rule.Alert))
			}
		}
	}
	for name, used := range runbooks {
		if !used {
			problems = append(problems, fmt.Errorf("deploy/runbooks/%s belongs to no alert", name))
		}
	}
	fmt.Printf("%s: %d alerts, each with its runbook\n", file, alerts)
	return problems
}

// runbook looks for the four sections, in order and none empty, and for commands to copy.
func runbook(path string) []error {
	text, err := os.ReadFile(path)
	if err != nil {
		return []error{err}
	}
	var problems []error
	parts := strings.Split(string(text), "\n## ")
	if strings.TrimSpace(parts[0]) != "# "+strings.TrimSuffix(filepath.Base(path), ".md") {
		problems = append(problems, fmt.Errorf("%s: its title is not its alert's name", path))
	}
	if len(parts) != len(sections)+1 {
		return append(problems, fmt.Errorf("%s: it needs the sections %v", path, sections))
	}
	for place, section := range sections {
		title, body, _ := strings.Cut(parts[place+1], "\n")
		if title != section || strings.TrimSpace(body) == "" {
			problems = append(problems, fmt.Errorf("%s: section %d is %q and should be %s, with text", path, place+1, title, section))
		}
	}
	if !strings.Contains(parts[3], "```sh\n") {
		problems = append(problems, fmt.Errorf("%s: its diagnosis has no command to copy", path))
	}
	return problems
}

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
