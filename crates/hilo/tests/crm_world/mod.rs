//! The records of `hilo.crm_record` that an input comes to, named by what they are of instead of by what depends on
//! arrival, and held against the golden record of the same run.

mod golden;

use crate::nasty::records;
use hilo::{pipeline, topology};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::CrmRecord,
    topics,
};
use hilo_crm::{
    campaigns::Campaigns,
    mapping::Mappings,
    project::{Config, Target},
    record_key,
    values::Object,
};
use hilo_golden::{Golden, Placed};
use hilo_stream::{PartitionedDriver, Record};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Properties that say which records became part of one: that depends on who came first.
const OF_ARRIVAL: [&str; 1] = ["wa_key_aliases"];

/// The campaigns of the tests: an ad, and a tracked word.
const CAMPAIGNS: &str =
    "ad1 = \"cyber\"\nPROMO10 = { campaign = \"promo\", source = \"volante\", medium = \"papel\" }\n";

/// Records of a run, named and sorted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub lines: BTreeMap<String, String>,
}

impl Found {
    /// How many records of an object there are.
    pub(crate) fn count(&self, object: &str) -> usize {
        self.lines.keys().filter(|name| name.starts_with(object)).count()
    }
}

/// Where the two differ, as text; nothing where they are the same.
pub(crate) fn difference(want: &Found, got: &Found) -> Option<String> {
    let names: BTreeSet<&String> = want.lines.keys().chain(got.lines.keys()).collect();
    let text = |found: &Found, name: &String| found.lines.get(name).cloned().unwrap_or_default();
    let only = |one: &str, other: &str, sign: &str| -> String {
        let lines = one.lines().filter(|line| !other.lines().any(|had| had == *line));
        lines.fold(String::new(), |text, line| format!("{text}\n{sign} {}", line.trim()))
    };
    let differing = names
        .into_iter()
        .filter(|name| want.lines.get(*name) != got.lines.get(*name));
    let told: Vec<String> = differing
        .take(4)
        .map(|name| {
            let (want, got) = (text(want, name), text(got, name));
            format!("{name}{}{}", only(&want, &got, "-"), only(&got, &want, "+"))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

/// A topology with a CRM for every tenant.
pub(crate) struct Run {
    tenants: topology::Tenants,
}

impl Run {
    /// With the built-in mapping, whose timeline has an entry a message or a session.
    pub(crate) fn new(timeline: &str) -> Self {
        let mapping = format!(
            "schema_version = 1\nextends = \"default\"\nname = \"test\"\n[policy]\ntimeline = \"{timeline}\"\n"
        );
        let files = [("mapping.toml".to_owned(), mapping)];
        let target = Target {
            sink: "hubspot".to_owned(),
            mappings: Mappings::parse(&files).unwrap_or_else(|findings| panic!("{findings}")),
            campaigns: Campaigns::parse(CAMPAIGNS).unwrap(),
        };
        let crm = Config {
            tenants: BTreeMap::new(),
            others: Some(target),
        };
        let tenants = topology::Tenants {
            crm,
            ..topology::Tenants::default()
        };
        Self { tenants }
    }

    fn rules(&self) -> Vec<String> {
        let mappings = &self.tenants.crm.others.as_ref().unwrap().mappings;
        let rules = mappings.all().flat_map(|mapping| &mapping.policy().rules);
        rules.map(|rule| rule.name.clone()).collect()
    }

    /// A replay, in memory.
    pub(crate) fn replayed(&self, lines: &[Value]) -> Found {
        let mut readers = Readers::new();
        pipeline::run(&self.tenants, records(lines).into_iter().map(Ok), |batch| {
            readers.apply(0, &batch);
            Ok(())
        })
        .unwrap();
        readers.found(self)
    }

    /// The same on several partitions, whose processors take turns and move as `seed` says. Time comes when all is through.
    pub(crate) fn partitioned(&self, lines: &[Value], partitions: usize, seed: u64) -> Found {
        let topology = topology::topology(&self.tenants).unwrap();
        let mut driver = PartitionedDriver::new(&topology, partitions, seed, topology::dead_letter).unwrap();
        let (clocks, lines): (Vec<Value>, Vec<Value>) =
            lines.iter().cloned().partition(|line| line["source"] == "clock");
        let raw = records(&lines);
        for part in raw.chunks(raw.len() / 3 + 1) {
            for record in part {
                driver.append(record.clone());
            }
            driver.run().unwrap();
            driver.move_one().unwrap();
        }
        // The last one more than once: what the first closes is told to whoever reads after it.
        let mut clocks: Vec<Record> = records(&clocks);
        clocks.sort_by_key(|clock| clock.timestamp);
        for clock in clocks.iter().chain(clocks.last()).chain(clocks.last()) {
            driver.append(clock.clone());
            driver.run().unwrap();
        }
        let mut readers = Readers::new();
        for topic in hilo_golden::TOPICS {
            for (partition, log) in (0..).zip(driver.topic(topic)) {
                readers.apply(partition, log);
            }
        }
        readers.found(self)
    }
}

/// Who reads: the golden record, and the last revision of each desired record.
struct Readers {
    golden: Golden,
    folder: tempfile::TempDir,
    offsets: BTreeMap<(&'static str, i32), i64>,
    codec: AvroCodec<CrmRecord>,
    desired: BTreeMap<(String, String), CrmRecord>,
}

impl Readers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            golden: Golden::open(&folder.path().join("golden.db")).unwrap(),
            folder,
            offsets: BTreeMap::new(),
            codec: codec::crm_record(),
            desired: BTreeMap::new(),
        }
    }

    fn apply(&mut self, partition: i32, records: &[Record]) {
        let mut placed = Vec::with_capacity(records.len());
        for record in records {
            if record.topic == topics::CRM_RECORD {
                let desired = self.codec.decode(&record.value).unwrap();
                let key = (desired.tenant.clone(), desired.record_key.clone());
                let had = self.desired.get(&key).map_or(0, |had| had.revision);
                assert!(desired.revision > had, "revisions of a record grow along its partition");
                self.desired.insert(key, desired);
            }
            let offset = self.offsets.entry((record.topic, partition)).or_default();
            *offset += 1;
            placed.push(Placed {
                partition,
                offset: *offset,
                record: record.clone(),
            });
        }
        self.golden.apply(&placed).unwrap();
    }

    fn found(self, run: &Run) -> Found {
        drop(self.golden);
        let db = Connection::open(self.folder.path().join("golden.db")).unwrap();
        // What stands for a record that is part of another one, or was taken back, depends on who came first.
        let desired: Vec<CrmRecord> = self
            .desired
            .into_values()
            .filter(|record| record.kind == "desired")
            .collect();
        golden::agrees(&db, &desired, run);
        let names = Names::new(&db, &run.rules());
        let mut named: Vec<(String, String)> = desired
            .iter()
            .map(|record| {
                let name = format!("{} {}", record.object, names.of(&record.record_key));
                (name, names.line(record))
            })
            .collect();
        named.sort();
        let (mut lines, mut alike) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
        for (name, line) in named {
            // People whose numbers all went over to others may have been known by the same ones.
            let count = alike.entry(name.clone()).or_default();
            *count += 1;
            lines.insert(format!("{name} ({count})"), line);
        }
        Found { lines }
    }
}

/// Ids that are made on arrival, and what they are of.
struct Names(BTreeMap<String, String>);

impl Names {
    fn new(db: &Connection, rules: &[String]) -> Self {
        let mut names = BTreeMap::new();
        let mut people = BTreeMap::new();
        let sql = "SELECT c.person_id, c.tenant, i.kind, i.value, i.valid_to IS NULL FROM contacts c
            LEFT JOIN identifiers i ON i.person_id = c.person_id AND i.kind <> 'username' ORDER BY c.person_id, 3, 4, 5";
        let mut statement = db.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let text = |place| row.get::<_, Option<String>>(place).unwrap().unwrap_or_default();
            let (id, tenant) = (text(0), text(1));
            let (_, name) = people.entry(id).or_insert_with(|| (tenant.clone(), tenant));
            let is_current = row.get::<_, bool>(4).unwrap();
            let former = if is_current { "" } else { "former " };
            write!(name, " {former}{} {}", text(2), text(3)).unwrap();
        }
        for (id, (tenant, name)) in &people {
            names.insert(record_key(tenant, Object::Contact, &[id]), format!("contact of {name}"));
            names.insert(id.clone(), name.clone());
        }
        let sql = "SELECT session_id, tenant, person_id, phone_number_id, opened_at, conversation_id FROM sessions";
        let mut statement = db.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let text = |place| row.get::<_, Option<String>>(place).unwrap().unwrap_or_default();
            let (id, tenant) = (text(0), text(1));
            let who = people.get(&text(2)).map_or("nobody", |(_, name)| name);
            let name = format!("session of {who} with {} at {}", text(3), row.get::<_, i64>(4).unwrap());
            names.insert(record_key(&tenant, Object::Ticket, &[&id]), format!("ticket of {name}"));
            names.insert(
                record_key(&tenant, Object::Deal, &["session", &id]),
                format!("deal of {name}"),
            );
            names.insert(
                record_key(&tenant, Object::Communication, &["digest", &id]),
                format!("digest of {name}"),
            );
            for rule in rules {
                names.insert(
                    record_key(&tenant, Object::Task, &[rule, &id]),
                    format!("{rule} of {name}"),
                );
            }
            names.insert(id, name);
        }
        let sql = "SELECT DISTINCT conversation_id, person_id, phone_number_id FROM message_parts WHERE conversation_id IS NOT NULL
            UNION SELECT DISTINCT conversation_id, person_id, phone_number_id FROM sessions WHERE conversation_id IS NOT NULL";
        let mut statement = db.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let text = |place| row.get::<_, Option<String>>(place).unwrap().unwrap_or_default();
            let who = people.get(&text(1)).map_or("nobody", |(_, name)| name);
            names.insert(text(0), format!("thread of {who} with {}", text(2)));
        }
        Self(names)
    }

    /// What an id is of; itself where it does not depend on arrival.
    fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }

    fn line(&self, record: &CrmRecord) -> String {
        // Not by which overlay it was made: a record that another one makes the same is not told again.
        let mut line = format!(
            "{} rule {:?} adopts {:?} test {}",
            self.of(record.person_id.as_deref().unwrap_or("nobody")),
            record.rule,
            record.adopt_id,
            record.test
        );
        for field in record
            .fields
            .iter()
            .filter(|field| !OF_ARRIVAL.contains(&field.name.as_str()))
        {
            let value = field.value.as_deref().map(|value| self.of(value));
            write!(line, "\n    {} {} {value:?}", field.write, field.name).unwrap();
        }
        let mut associations: Vec<String> = record
            .associations
            .iter()
            .map(|other| format!("\n    belongs to {} {}", other.object, self.of(&other.record_key)))
            .collect();
        associations.sort();
        line.push_str(&associations.concat());
        line
    }
}
