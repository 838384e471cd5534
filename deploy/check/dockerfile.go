package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// dockerfile parses the image's recipe as a build does, warnings included: bases with a version, and no root at the end.
func dockerfile(root string) []error {
	path := filepath.Join(root, "deploy/Dockerfile")
	file, err := os.Open(path)
	if err != nil {
		return []error{err}
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", path, err)}
	}
	var problems []error
	warn := func(rule, description, _, message string, _ []parser.Range) {
		problems = append(problems, fmt.Errorf("%s: %s: %s (%s)", path, rule, message, description))
	}
	stages, arguments, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		return append(problems, fmt.Errorf("%s: %w", path, err))
	}
	given := map[string]string{}
	for _, argument := range arguments {
		for _, pair := range argument.Args {
			if pair.Value != nil {
				given[pair.Key] = *pair.Value
			}
		}
	}
	names := map[string]bool{}
	for _, stage := range stages {
		base := os.Expand(stage.BaseName, func(name string) string { return given[name] })
		if !names[base] && !versioned(base) {
			problems = append(problems, fmt.Errorf("%s: the base %s has no version", path, base))
		}
		names[stage.Name] = true
	}
	user := ""
	for _, command := range stages[len(stages)-1].Commands {
		if command, is := command.(*instructions.UserCommand); is {
			user = command.User
		}
	}
	if user == "" || user == "root" || strings.HasPrefix(user, "0") {
		problems = append(problems, fmt.Errorf("%s: it runs as root", path))
	}
	fmt.Printf("%s: %d stages\n", path, len(stages))
	return problems
}

// versioned tells whether an image's name says which one is meant.
func versioned(image string) bool {
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return tagged && tag != "latest"
}
