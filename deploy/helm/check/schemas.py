"""Schemas for kubeconform, in a folder: of Kubernetes from the package kubernetes-validate, of other kinds from CRDs.

    schemas.py FOLDER crds|kubernetes VERSION...
"""
import importlib.util
import json
import pathlib
import sys

import yaml


def kubernetes(folder, versions):
    """The package's own are made for its own reader: without an absolute address in them they fit."""
    # Its code needs more than its files do.
    package = importlib.util.find_spec("kubernetes_validate").submodule_search_locations[0]
    source = pathlib.Path(package) / "kubernetes-json-schema"
    for version in versions:
        target = folder / f"v{version}-standalone-strict"
        target.mkdir(parents=True, exist_ok=True)
        for file in (source / f"v{version}-local-strict").glob("*.json"):
            schema = json.loads(file.read_text())
            schema.pop("$id", None)
            text = json.dumps(schema).replace('"$ref": "/api/_definitions.json', '"$ref": "_definitions.json')
            (target / file.name).write_text(text)


def closed(schema):
    """The same, but nothing is allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(part) for key, part in schema.items()}
    if schema.get("properties") and "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    return schema


def one_of(*names):
    return {"type": "string", "enum": list(names)}


# What the generator misses of Strimzi's: a free map, and fields that go by a `type`. By its documentation.
REPAIRS = {
    "KafkaTopic": {"config": {"type": "object", "additionalProperties": {"type": "string"}}},
    "KafkaUser": {
        "authentication": {"type": "object", "required": ["type"], "properties": {"type": one_of("scram-sha-512", "tls")}},
        "authorization": {
            "type": "object",
            "required": ["type", "acls"],
            "properties": {
                "type": one_of("simple"),
                "acls": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["resource", "operations"],
                        "properties": {
                            "resource": {
                                "type": "object",
                                "required": ["type", "name", "patternType"],
                                "properties": {
                                    "type": one_of("topic", "group", "transactionalId", "cluster"),
                                    "name": {"type": "string"},
                                    "patternType": one_of("literal", "prefix"),
                                },
                            },
                            "operations": {
                                "type": "array",
                                "minItems": 1,
                                "items": one_of("Read", "Write", "Create", "Describe", "DescribeConfigs", "AlterConfigs"),
                            },
                        },
                    },
                },
            },
        },
    },
}


def crds(folder):
    for file in sorted((folder / "crds").glob("*.y*ml")):
        crd = yaml.safe_load(file.read_text())
        group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
        for version in crd["spec"]["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            for name, what in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
                schema["properties"].setdefault(name, {"type": what})
            if group == "kafka.strimzi.io":
                schema["properties"]["spec"]["properties"].update(REPAIRS[kind])
            text = json.dumps(closed(schema))
            (folder / "crdschemas").mkdir(exist_ok=True)
            (folder / "crdschemas" / f"{group}_{kind.lower()}_{version['name']}.json").write_text(text)
        file.write_text(yaml.safe_dump(crd))


if __name__ == "__main__":
    if sys.argv[2] == "crds":
        crds(pathlib.Path(sys.argv[1]))
    else:
        kubernetes(pathlib.Path(sys.argv[1]), sys.argv[3:])
