"""What a customer does with HubSpot's own client for Python, against the simulator. Each check can fail."""

import os

from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    AssociationSpec,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicDefaultAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicAssociationMultiPost,
    PublicDefaultAssociationMultiPost,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.associations.v4.models import PublicObjectId
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicGdprDeleteInput,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.objects import (
    AssociationSpec as NewSpec,
    BatchInputSimplePublicObjectBatchInputForCreate,
    PublicAssociationsForObject,
    PublicObjectId as NewTarget,
    SimplePublicObjectBatchInputForCreate,
)
from hubspot.crm.pipelines import PipelineInput, PipelineStageInput
from hubspot.crm.properties import ApiException as PropertyException
from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate

BASE = os.environ["BASE"]
client = HubSpot(access_token=os.environ["TOKEN"])
checks = 0


def at(api):
    """The API at the simulator's address."""
    api.api_client.configuration.host = BASE
    return api


def check(held, what):
    global checks
    checks += 1
    if not held:
        raise SystemExit(f"failed: {what}")


def upsert(api, inputs):
    inputs = [
        SimplePublicObjectBatchInputUpsert(id=key, id_property="wa_key", object_write_trace_id=trace, properties=properties)
        for key, trace, properties in inputs
    ]
    return at(api.batch_api).upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))


def refused(status, act, error=ApiException):
    try:
        act()
    except error as refusal:
        check(refusal.status == status, f"{refusal.status} instead of {status}: {refusal.body}")
        return refusal
    raise SystemExit(f"failed: {status} was expected")


crm = client.crm

# A group, a unique property, and 409 where it is there already.
for object_type in ("contacts", "tickets", "communications"):
    group = at(crm.properties.groups_api).create(object_type, PropertyGroupCreate(name="whatsapp", label="WhatsApp"))
    check(group.name == "whatsapp" and group.archived is False, "the group")
    key = PropertyCreate(
        name="wa_key", label="Key", group_name="whatsapp", type="string", field_type="text", has_unique_value=True
    )
    made = at(crm.properties.core_api).create(object_type, key)
    check(made.name == "wa_key" and made.has_unique_value is True, "the property")
    refused(409, lambda: at(crm.properties.core_api).create(object_type, key), PropertyException)
names = [one.name for one in at(crm.properties.core_api).get_all("contacts", archived=False).results]
check("wa_key" in names and "firstname" in names, "the list of properties")

# Two upserts are one contact.
first = upsert(crm.contacts, [("py-1", "op1", {"firstname": "Ana", "phone": "+56961234567"})])
check(first is not None and first.status == "COMPLETE" and first.results[0].new is True, "a new contact")
second = upsert(crm.contacts, [("py-1", "op2", {"firstname": "Ana María"})])
contact = second.results[0].id
check(contact == first.results[0].id and second.results[0].new is False, "the same contact")
check(second.results[0].object_write_trace_id == "op2", "the trace id")

# Read by key, in a batch and alone.
wanted = BatchReadInputSimplePublicObjectId(
    id_property="wa_key", properties=["firstname", "phone"], properties_with_history=[], inputs=[SimplePublicObjectId(id="py-1")]
)
read = at(crm.contacts.batch_api).read(wanted)
check(read.results[0].properties["firstname"] == "Ana María", "what was written last")
check(read.results[0].properties["phone"] == "+56961234567", "what was written before")
one = at(crm.contacts.basic_api).get_by_id("py-1", properties=["firstname"], id_property="wa_key", archived=False)
check(one.id == contact, "the contact by its key")
missing = at(crm.contacts.batch_api).read(
    BatchReadInputSimplePublicObjectId(id_property="wa_key", properties=[], properties_with_history=[], inputs=[SimplePublicObjectId(id="nobody")])
)
check(missing.num_errors == 1 and missing.errors[0].category == "OBJECT_NOT_FOUND", "one who is not there")

# 207: one of two fails, and says which.
partly = upsert(crm.contacts, [("py-2", "op3", {"firstname": "Luz"}), ("py-3", "op4", {"nonsense": "1"})])
check(partly.num_errors == 1 and len(partly.results) == 1, "a batch that fails in part")
check(partly.errors[0].context["objectWriteTraceId"] == ["op4"], "the input that failed")
refused(400, lambda: upsert(crm.contacts, [("py-2", None, {}), ("py-3", None, {"nonsense": "1"})]))
twice = refused(400, lambda: upsert(crm.contacts, [("py-2", "a", {}), ("py-2", "b", {})]))
check("Duplicate IDs found in batch input" in twice.body, "the same id twice")
taken = SimplePublicObjectInputForCreate(properties={"wa_key": "py-1"}, associations=[])
check(contact in refused(409, lambda: at(crm.contacts.basic_api).create(taken)).body, "who holds the key")
changed = at(crm.contacts.basic_api).update("py-2", SimplePublicObjectInput(properties={"lastname": "Rojas"}), id_property="wa_key")
check(changed.properties["lastname"] == "Rojas", "a change of one")

# A ticket, a message, and who they belong to.
ticket = upsert(crm.tickets, [("py-t1", "op5", {"subject": "Reprogramar", "hs_pipeline": "0", "hs_pipeline_stage": "1"})]).results[0].id
both = at(crm.associations.v4.basic_api).create_default("contacts", contact, "tickets", ticket)
check(both.status == "COMPLETE" and both.results[0].association_spec.association_type_id == 15, "the default association")
specs = [AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=16)]
pair = at(crm.associations.v4.basic_api).create("tickets", ticket, "contacts", contact, specs)
check(pair.from_object_type_id == "0-5" and pair.to_object_id == contact, "the association with a type")
ends = {"_from": PublicObjectId(id=ticket), "to": PublicObjectId(id=contact)}
typed = BatchInputPublicAssociationMultiPost(inputs=[PublicAssociationMultiPost(types=specs, **ends)])
check(len(at(crm.associations.v4.batch_api).create("tickets", "contacts", typed).results) == 1, "a batch of associations")
plain = BatchInputPublicDefaultAssociationMultiPost(inputs=[PublicDefaultAssociationMultiPost(**ends)])
check(len(at(crm.associations.v4.batch_api).create_default("tickets", "contacts", plain).results) == 2, "a batch by default")
asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[PublicFetchAssociationsBatchRequest(id=ticket)])
found = at(crm.associations.v4.batch_api).get_page("tickets", "contacts", asked)
check([one.to_object_id for one in found.results[0].to] == [contact], "associations that are read")
message = SimplePublicObjectBatchInputForCreate(
    properties={
        "hs_communication_channel_type": "WHATS_APP",
        "hs_communication_logged_from": "CRM",
        "hs_communication_body": "Hola",
        "hs_timestamp": "2026-11-30T12:00:00.000Z",
    },
    associations=[
        PublicAssociationsForObject(
            to=NewTarget(id=contact), types=[NewSpec(association_category="HUBSPOT_DEFINED", association_type_id=81)]
        )
    ],
)
created = at(crm.objects.batch_api).create("communications", BatchInputSimplePublicObjectBatchInputForCreate(inputs=[message]))
check(created is not None and len(created.results) == 1, "a message on the timeline")

# Pipelines and owners.
stages = at(crm.pipelines.pipelines_api).get_all("tickets").results[0].stages
check([stage.id for stage in stages] == ["1", "2", "3", "4"], "the stages of tickets")
sale = PipelineInput(
    label="WhatsApp",
    display_order=1,
    stages=[PipelineStageInput(label="Nuevo", display_order=0, metadata={"probability": "0.1"})],
)
check(at(crm.pipelines.pipelines_api).create("deals", sale).stages[0].label == "Nuevo", "a pipeline of deals")
owners = at(crm.owners.owners_api).get_page(limit=100, archived=False).results
check([owner.email for owner in owners] == ["ana@example.test", "luis@example.test"], "the owners")

# A search sees it some calls later.
request = PublicObjectSearchRequest(
    limit=10,
    after="0",
    sorts=["-createdate"],
    properties=["firstname"],
    filter_groups=[{"filters": [{"propertyName": "wa_key", "value": "py-2", "operator": "EQ"}]}],
)
totals = [at(crm.contacts.search_api).do_search(request).total for _ in range(8)]
check(totals[-1] == 1 and sorted(totals) == totals, f"a search that finds it in the end: {totals}")

# Two become one, with a new id; one is put away, one erased.
other = upsert(crm.contacts, [("py-4", "op6", {"firstname": "Otra"})]).results[0].id
merged = at(crm.contacts.basic_api).merge(PublicMergeInput(primary_object_id=contact, object_id_to_merge=other))
check(merged.id not in (contact, other), "the merged contact")
check(at(crm.contacts.basic_api).get_by_id(other, archived=False).id == merged.id, "an old id leads to it")
away = upsert(crm.contacts, [("py-5", "op7", {})]).results[0].id
at(crm.contacts.basic_api).archive(away)
refused(404, lambda: at(crm.contacts.basic_api).get_by_id(away, archived=False))
upsert(crm.contacts, [("py-6", "op8", {})])
at(crm.contacts.basic_api).purge(PublicGdprDeleteInput(object_id="py-6", id_property="wa_key"))
refused(404, lambda: at(crm.contacts.basic_api).get_by_id("py-6", id_property="wa_key", archived=False))

# A token of an application.
token = at(client.oauth.tokens_api).create(
    grant_type="refresh_token",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    refresh_token=os.environ["REFRESH_TOKEN"],
)
check(token.token_type == "bearer" and token.expires_in > 0, "a token")
app = HubSpot(access_token=token.access_token)
check(at(app.crm.contacts.basic_api).get_by_id(merged.id, archived=False).id == merged.id, "a call with the token")
stranger = HubSpot(access_token="wrong")
refused(401, lambda: at(stranger.crm.contacts.basic_api).get_page())

print(f"{checks} checks held")
