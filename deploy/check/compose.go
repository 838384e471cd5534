package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
)

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
		} else if !versioned(service.Image) {
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
