"""Reads requests that the writer sent, one a line, as the types of HubSpot's own client. Each body has to come out as it went
in: a key that a type does not know is lost, a missing or mistyped one is refused."""

import json
import re
import sys

from hubspot.crm import associations, contacts, pipelines, properties
from hubspot.crm.associations import v4

TYPES = [
    (r"POST /crm/objects/[^/]+/[^/]+/batch/upsert$", contacts, "BatchInputSimplePublicObjectBatchInputUpsert"),
    (r"POST /crm/objects/[^/]+/[^/]+/batch/update$", contacts, "BatchInputSimplePublicObjectBatchInput"),
    (r"POST /crm/objects/[^/]+/[^/]+/batch/read$", contacts, "BatchReadInputSimplePublicObjectId"),
    (r"POST /crm/objects/[^/]+/[^/]+/merge$", contacts, "PublicMergeInput"),
    (r"POST /crm/associations/.*/batch/associate/default$", v4, "BatchInputPublicDefaultAssociationMultiPost"),
    (r"POST /crm/associations/.*/batch/read$", v4, "BatchInputPublicFetchAssociationsBatchRequest"),
    (r"POST /crm/associations/.*/batch/archive$", v4, "BatchInputPublicAssociationMultiArchive"),
    (r"POST /crm/properties/[^/]+/[^/]+/groups$", properties, "PropertyGroupCreate"),
    (r"POST /crm/properties/[^/]+/[^/]+$", properties, "PropertyCreate"),
    (r"PATCH /crm/properties/[^/]+/[^/]+/[^/]+$", properties, "PropertyUpdate"),
    (r"POST /crm/pipelines/[^/]+/[^/]+$", pipelines, "PipelineInput"),
    (r"POST /crm/pipelines/[^/]+/[^/]+/[^/]+/stages$", pipelines, "PipelineStageInput"),
]


class Answer:
    """What the client's own reader takes."""

    def __init__(self, text):
        self.data = text


def complete(module, value):
    """Makes each part anew by its constructor, which refuses one that lacks what it has to have: the reader does not look."""
    if isinstance(value, list):
        for part in value:
            complete(module, part)
    elif hasattr(value, "openapi_types"):
        parts = {name: getattr(value, name) for name in value.openapi_types}
        strict = module.Configuration()
        strict.client_side_validation = True
        type(value)(local_vars_configuration=strict, **parts)
        for part in parts.values():
            complete(module, part)


seen = {}
for line in open(sys.argv[1], encoding="utf-8"):
    request = json.loads(line)
    call = f"{request['method']} {request['path']}"
    found = [(module, name) for pattern, module, name in TYPES if re.match(pattern, call)]
    if not found:
        raise SystemExit(f"no type of the client is for {call}")
    module, name = found[0]
    client = module.ApiClient()
    body = request["body"]
    try:
        read = client.deserialize(Answer(json.dumps(body)), name)
        complete(module, read)
    except ValueError as refused:
        raise SystemExit(f"{call}: {name} refuses it: {refused}") from refused
    written = json.loads(json.dumps(client.sanitize_for_serialization(read), default=str))
    if written != body:
        raise SystemExit(f"{call}: {name} reads {body} as {written}")
    seen[name] = seen.get(name, 0) + 1
print(json.dumps(seen, sort_keys=True))
