"""Holds what the chart renders against what the repository says elsewhere, and cuts the configurations out for the binary.

    rendered.py FOLDER SCALERS ROOT      FOLDER/*.yaml are rendered; SCALERS is KEDA's own list of its triggers' parameters
"""
import json
import pathlib
import re
import sys

import yaml

folder, scalers, root = map(pathlib.Path, sys.argv[1:4])
problems = []
parameters = {}
for scaler in json.loads(scalers.read_text())["scalers"]:
    parameters[scaler["type"]] = {parameter["name"] for parameter in scaler["parameters"]}
rules = [group for name in ("alerts", "slo") for group in yaml.safe_load((root / f"deploy/prometheus/{name}.yml").read_text())["groups"]]
dashboards = {f"hilo-{file.name}": file.read_text() for file in (root / "deploy/grafana/dashboards").glob("*.json")}
(folder / "config").mkdir()


def stand_in(path):
    """A file, or a mapping's folder, where the binary will look for one of the pod's."""
    if "/mapping/" in path:
        path += "/mapping.toml"
    file = folder / "pod" / path.removeprefix("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('schema_version = 1\nextends = "default"\nname = "own"\n')


triggers = rulesets = boards = 0
for file in sorted(folder.glob("*.yaml")):
    for found in yaml.safe_load_all(file.read_text()):
        if not found:
            continue
        where = f"{file.stem}: {found['kind']} {found['metadata']['name']}"
        if found["kind"] == "ScaledObject":
            for trigger in found["spec"]["triggers"]:
                triggers += 1
                unknown = set(trigger["metadata"]) - parameters[trigger["type"]]
                if unknown:
                    problems.append(f"{where}: KEDA knows no {', '.join(sorted(unknown))}")
        elif found["kind"] == "PrometheusRule":
            rulesets += 1
            if found["spec"]["groups"][: len(rules)] != rules:
                problems.append(f"{where}: its rules are not those of deploy/prometheus")
        elif found["kind"] == "ConfigMap":
            for name, text in found["data"].items():
                if name.endswith(".toml"):
                    for path in re.findall(r"/etc/hilo/[^\"]+", text):
                        stand_in(path)
                    (folder / "config" / f"{file.stem}-{name}").write_text(text.replace("/etc/hilo/", f"{folder}/pod/etc/hilo/"))
                else:
                    boards += 1
                    if dashboards[name] != text:
                        problems.append(f"{where}: {name} is not that of deploy/grafana")
if not (triggers and rulesets and boards):
    problems.append(f"only {triggers} triggers, {rulesets} sets of rules and {boards} dashboards were rendered")
for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(bool(problems))
