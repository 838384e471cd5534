// What a customer does with HubSpot's own client for Node, against the simulator. Each check can fail.
const { createRequire } = require("node:module");
const { Client } = createRequire(`${process.env.CLIENT_HOME}/`)("@hubspot/api-client");

const { BASE, TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN } = process.env;
const client = new Client({ accessToken: TOKEN, basePath: BASE });
const { crm } = client;
let checks = 0;

function check(held, what) {
  checks += 1;
  if (!held) throw new Error(`failed: ${what}`);
}

async function refused(status, act) {
  try {
    await act();
  } catch (refusal) {
    check(refusal.code === status, `${status} was expected: ${refusal.message}`);
    return JSON.stringify(refusal.body);
  }
  throw new Error(`failed: ${status} was expected`);
}

const upsert = (api, inputs) =>
  api.batchApi.upsert({
    inputs: inputs.map(([id, objectWriteTraceId, properties]) => ({ id, idProperty: "wa_key", objectWriteTraceId, properties })),
  });

async function main() {
  // A group, a unique property, and 409 where it is there already.
  for (const type of ["contacts", "tickets", "communications"]) {
    const group = await crm.properties.groupsApi.create(type, { name: "whatsapp", label: "WhatsApp", displayOrder: -1 });
    check(group.name === "whatsapp", "the group");
    const key = { name: "wa_key", label: "Key", groupName: "whatsapp", type: "string", fieldType: "text", hasUniqueValue: true };
    const made = await crm.properties.coreApi.create(type, key);
    check(made.hasUniqueValue === true && made.createdAt instanceof Date, "the property");
    await refused(409, () => crm.properties.coreApi.create(type, key));
  }

  // Two upserts are one contact.
  const first = await upsert(crm.contacts, [["js-1", "op1", { firstname: "Ana", phone: "+573211234567" }]]);
  check(first.status === "COMPLETE" && first.results[0]._new === true, "a new contact");
  const second = await upsert(crm.contacts, [["js-1", "op2", { firstname: "Ana María" }]]);
  const contact = second.results[0].id;
  check(contact === first.results[0].id && second.results[0]._new === false, "the same contact");

  // Read by key.
  const read = await crm.contacts.batchApi.read({
    idProperty: "wa_key", properties: ["firstname", "phone"], propertiesWithHistory: [], inputs: [{ id: "js-1" }],
  });
  check(read.results[0].properties.firstname === "Ana María" && read.results[0].properties.phone === "+573211234567", "its values");
  const one = await crm.contacts.basicApi.getById("js-1", ["firstname"], undefined, undefined, false, "wa_key");
  check(one.id === contact, "the contact by its key");

  // 207: one of two fails, and says which.
  const partly = await upsert(crm.contacts, [["js-2", "op3", { firstname: "Luz" }], ["js-3", "op4", { nonsense: "1" }]]);
  check(partly.numErrors === 1 && partly.results.length === 1, "a batch that fails in part");
  check(partly.errors[0].context.objectWriteTraceId[0] === "op4", "the input that failed");
  await refused(400, () => upsert(crm.contacts, [["js-2", undefined, {}], ["js-3", undefined, { nonsense: "1" }]]));
  const taken = await refused(409, () => crm.contacts.basicApi.create({ properties: { wa_key: "js-1" }, associations: [] }));
  check(taken.includes(contact), "who holds the key");

  // A ticket, a message, and who they belong to.
  const tickets = await upsert(crm.tickets, [["js-t1", "op5", { subject: "Reprogramar", hs_pipeline: "0", hs_pipeline_stage: "1" }]]);
  const ticket = tickets.results[0].id;
  const both = await crm.associations.v4.basicApi.createDefault("contacts", contact, "tickets", ticket);
  check(both.results[0].associationSpec.associationTypeId === 15 && both.results[0]._from.id === contact, "the default association");
  const types = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 16 }];
  const pair = await crm.associations.v4.basicApi.create("tickets", ticket, "contacts", contact, types);
  check(pair.toObjectId === contact, "the association with a type");
  const ends = { _from: { id: ticket }, to: { id: contact } };
  check((await crm.associations.v4.batchApi.create("tickets", "contacts", { inputs: [{ ...ends, types }] })).results.length === 1, "a batch");
  check((await crm.associations.v4.batchApi.createDefault("tickets", "contacts", { inputs: [ends] })).results.length === 2, "a batch by default");
  const found = await crm.associations.v4.batchApi.getPage("tickets", "contacts", { inputs: [{ id: ticket }] });
  check(found.results[0].to[0].toObjectId === contact, "associations that are read");
  const message = {
    properties: {
      hs_communication_channel_type: "WHATS_APP", hs_communication_logged_from: "CRM",
      hs_communication_body: "Hola", hs_timestamp: "2026-11-30T12:00:00.000Z",
    },
    associations: [{ to: { id: contact }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 81 }] }],
  };
  const created = await crm.objects.basicApi.create("communications", message);
  check(created.createdAt instanceof Date, "a message on the timeline");

  // Pipelines and owners.
  const pipelines = await crm.pipelines.pipelinesApi.getAll("tickets");
  check(pipelines.results[0].stages.map((stage) => stage.id).join() === "1,2,3,4", "the stages of tickets");
  const owners = await crm.owners.ownersApi.getPage(undefined, undefined, 100, false);
  check(owners.results.length === 2, "the owners");

  // A search sees it some calls later.
  const totals = [];
  for (let call = 0; call < 8; call += 1) {
    const answer = await crm.contacts.searchApi.doSearch({
      limit: 10, after: "0", sorts: ["-createdate"], properties: ["firstname"],
      filterGroups: [{ filters: [{ propertyName: "wa_key", value: "js-2", operator: "EQ" }] }],
    });
    totals.push(answer.total);
  }
  check(totals[7] === 1, `a search that finds it in the end: ${totals}`);

  // Two become one, with a new id; one is put away, one erased.
  const other = (await upsert(crm.contacts, [["js-4", "op6", { firstname: "Otra" }]])).results[0].id;
  const merged = await crm.contacts.basicApi.merge({ primaryObjectId: contact, objectIdToMerge: other });
  check(merged.id !== contact && merged.id !== other, "the merged contact");
  check((await crm.contacts.basicApi.getById(other)).id === merged.id, "an old id leads to it");
  const away = (await upsert(crm.contacts, [["js-5", "op7", {}]])).results[0].id;
  await crm.contacts.basicApi.archive(away);
  await refused(404, () => crm.contacts.basicApi.getById(away));
  await upsert(crm.contacts, [["js-6", "op8", {}]]);
  await crm.contacts.basicApi.purge({ objectId: "js-6", idProperty: "wa_key" });
  await refused(404, () => crm.contacts.basicApi.getById("js-6", undefined, undefined, undefined, false, "wa_key"));

  // The dated addresses, by the client's raw call.
  const raw = await client.apiRequest({
    method: "POST", path: "/crm/objects/2026-09/contacts/batch/upsert",
    body: { inputs: [{ id: "js-7", idProperty: "wa_key", objectWriteTraceId: "op9", properties: { firstname: "Eva" } }] },
  });
  check(raw.status === 200 && (await raw.json()).results[0].new === true, "a dated address");

  // Misbehaviour: the client's own retries end in success.
  const order = { what: { kind: "server_error" }, when: { times: 2 } };
  await fetch(`${BASE}/_simulator/misbehave`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) });
  const patient = new Client({ accessToken: TOKEN, basePath: BASE, numberOfApiCallRetries: 4 });
  check((await patient.crm.contacts.basicApi.getById(merged.id)).id === merged.id, "a call that was tried again");

  // A token of an application.
  const token = await client.oauth.tokensApi.create("refresh_token", undefined, undefined, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN);
  check(token.tokenType === "bearer" && token.expiresIn > 0, "a token");
  const app = new Client({ accessToken: token.accessToken, basePath: BASE });
  check((await app.crm.contacts.basicApi.getById(merged.id)).id === merged.id, "a call with the token");
  await refused(401, () => new Client({ accessToken: "wrong", basePath: BASE }).crm.contacts.basicApi.getById(merged.id));
}

main().then(
  () => console.log(`${checks} checks held`),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
