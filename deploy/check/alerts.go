package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

var sections = []string{"Meaning", "Impact", "Diagnosis", "Mitigation"}

// rules reads alerts and recording rules as `promtool check rules` does, and holds the alerts against their runbooks.
func rules(root string) []error {
	var problems []error
	runbooks := map[string]bool{}
	found, err := filepath.Glob(filepath.Join(root, "deploy/runbooks/*.md"))
	if err != nil {
		return append(problems, err)
	}
	for _, path := range found {
		runbooks[filepath.Base(path)] = false
		problems = append(problems, runbook(path)...)
	}
	alerts, records := 0, 0
	for _, name := range []string{"alerts.yml", "slo.yml"} {
		file := filepath.Join(root, "deploy/prometheus", name)
		groups, wrong := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
		problems = append(problems, wrong...)
		if groups == nil {
			continue
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				if rule.Record != "" {
					records++
					continue
				}
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
	}
	for name, used := range runbooks {
		if !used {
			problems = append(problems, fmt.Errorf("deploy/runbooks/%s belongs to no alert", name))
		}
	}
	fmt.Printf("deploy/prometheus: %d alerts, each with its runbook, and %d recording rules\n", alerts, records)
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
