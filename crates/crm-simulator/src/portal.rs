//! Everything that the portal knows, and what a call is checked against before it is carried out.

use crate::{
    association::{Associations, Place},
    clock::Time,
    inspect::Counts,
    misbehaviour::Active,
    object::Object,
    options::{Options, Rule},
    rate::Rate,
    table::{Record, Table},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::collections::{BTreeMap, HashMap};

/// The first id. Ids are never used twice, for whatever object, so that an id of another object is found out.
const FIRST_ID: u64 = 40_001;

/// A portal.
pub(crate) struct Portal {
    pub(crate) options: Options,
    pub(crate) time: Time,
    pub(crate) tables: BTreeMap<Object, Table>,
    pub(crate) associations: Associations,
    pub(crate) rules: Vec<Rule>,
    pub(crate) rate: Rate,
    /// Tokens that were given out, and until when they are good.
    pub(crate) tokens: HashMap<String, i64>,
    pub(crate) misbehaviours: Vec<Active>,
    /// The share of a batch that fails while a call is carried out.
    pub(crate) failing_share: Option<f64>,
    pub(crate) counts: Counts,
    pub(crate) dice: StdRng,
    /// Calls until now.
    pub(crate) calls: u64,
    next_id: u64,
    undo: Option<Vec<(Place, Option<Record>)>>,
}

impl Portal {
    pub(crate) fn new(options: Options) -> Self {
        let time = Time::new(options.clock);
        let now = time.now();
        Self {
            tables: Object::ALL.into_iter().map(|one| (one, Table::new(one, now))).collect(),
            rules: options.rules.clone(),
            dice: StdRng::seed_from_u64(options.seed),
            rate: Rate::default(),
            associations: Associations::default(),
            tokens: HashMap::new(),
            misbehaviours: Vec::new(),
            failing_share: None,
            counts: Counts::default(),
            calls: 0,
            next_id: FIRST_ID,
            undo: None,
            time,
            options,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.time.now()
    }

    pub(crate) fn table(&self, object: Object) -> Option<&Table> {
        self.tables.get(&object)
    }

    /// The table of an object. All objects have one from the beginning.
    pub(crate) fn table_mut(&mut self, object: Object) -> &mut Table {
        let now = self.time.now();
        self.tables.entry(object).or_insert_with(|| Table::new(object, now))
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// A token, correlation or request id.
    pub(crate) fn random_id(&mut self) -> String {
        let [high, low]: [u64; 2] = self.dice.random();
        let text = format!("{high:016x}{low:016x}");
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }

    pub(crate) fn record(&self, place: Place) -> Option<&Record> {
        self.table(place.0)?.living(place.1)
    }

    /// Puts a record; what it replaces is kept while a batch may still be taken back.
    pub(crate) fn put(&mut self, object: Object, record: Record) {
        let place = (object, record.id);
        let before = self.table_mut(object).put(record);
        if let Some(undo) = &mut self.undo {
            undo.push((place, before));
        }
    }

    /// From here on, changes can be taken back.
    pub(crate) fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// Changes stay.
    pub(crate) fn commit(&mut self) {
        self.undo = None;
    }

    /// Takes all changes since [`Self::begin`] back.
    pub(crate) fn roll_back(&mut self) {
        for (place, before) in self.undo.take().unwrap_or_default().into_iter().rev() {
            match before {
                Some(record) => {
                    self.table_mut(place.0).put(record);
                }
                None => {
                    self.table_mut(place.0).take(place.1);
                    self.associations.forget(place);
                }
            }
        }
    }
}
