//! The sums behind the rows, and how members change them.

use crate::{
    replies::InRows,
    series::{Horizon, Series},
    windows::Windows,
};
use hilo_contracts::stored::{Dimension, Window};
use hilo_domain::{Millis, hash::IdHasher};
use hilo_stream::{
    ProcessorError, ShapeError, Shapes, StateStore, Store, StoreError, Timers,
    store::{Backend, Change as Stored},
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A deadline that only an event can lift.
const OPEN_ENDED: Millis = Millis::MAX;
/// When a changed row is due: at the next tick, whatever its time.
const NEXT_TICK: Millis = Millis::MIN;
/// Row sets kept in memory.
const CACHED: usize = 50_000;

/// Dimensions of a row, in the order of the definition.
pub(crate) type Grouping<'a> = Vec<(&'static str, &'a str)>;

/// First 64 bits of a hash of the row's name: 10 million rows share one with a chance of 3 in a million.
type RowId = [u8; 8];

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    pub tenant: String,
    pub series: Series,
    pub dimensions: Vec<Dimension>,
    pub window: Option<Window>,
}

/// A state that was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observation {
    pub value: Option<i64>,
    /// The dimension `rating`.
    pub rating: Option<String>,
}

/// A row as it was published last, whole numbers in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Published {
    /// Index in [`crate::publish::METRICS`].
    pub metric: u8,
    /// Dimension that the series does not have.
    pub extra: Option<Dimension>,
    pub content: crate::publish::Content,
    pub revision: i64,
}

/// Sums of one series, grouping and window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub name: Name,
    /// By slot; missing ones are zero.
    pub counts: Vec<i64>,
    /// Durations and how often each.
    pub times: BTreeMap<Millis, u32>,
    /// Sum of the durations.
    pub total: Millis,
    /// By (time, id of the fact).
    pub states: BTreeMap<(Millis, String), Observation>,
    /// Members that may still change, by the time after which they cannot.
    pub open: BTreeMap<Millis, u32>,
    /// Waits for the next tick.
    pub dirty: bool,
    pub published: Vec<Published>,
}

impl Sums {
    fn new(name: Name) -> Self {
        Self {
            name,
            counts: Vec::new(),
            times: BTreeMap::new(),
            total: 0,
            states: BTreeMap::new(),
            open: BTreeMap::new(),
            dirty: false,
            published: Vec::new(),
        }
    }

    pub(crate) fn count(&self, slot: usize) -> i64 {
        self.counts.get(slot).copied().unwrap_or(0)
    }

    fn add(&mut self, slot: usize, amount: i64) {
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += amount;
    }

    fn change(&mut self, change: &Change, end: Millis) {
        match change {
            Change::Count(slot, amount) => self.add(*slot, *amount),
            Change::Time(time, true) => {
                *self.times.entry(*time).or_default() += 1;
                self.total += time;
            }
            Change::Time(time, false) => {
                release(&mut self.times, *time);
                self.total -= time;
            }
            Change::State(key, Some(state)) => {
                self.states.insert((*key).clone(), (*state).clone());
            }
            Change::State(key, None) => {
                self.states.remove(key);
            }
            Change::Horizon(horizon, add) => match (deadline(*horizon, end), add) {
                (Some(deadline), true) => *self.open.entry(deadline).or_default() += 1,
                (Some(deadline), false) => release(&mut self.open, deadline),
                (None, _) => {}
            },
        }
    }

    /// When the row can be final at the earliest; `None` while only an event can make it so.
    pub(crate) fn final_from(&self) -> Option<Millis> {
        let end = self.name.window.map_or(Millis::MIN, |window| window.end);
        match self.open.last_key_value() {
            Some((&OPEN_ENDED, _)) => None,
            Some((&deadline, _)) => Some(deadline.max(end)),
            None => Some(end),
        }
    }
}

/// What a member adds to each row of a set, or takes away.
#[derive(Clone, Debug)]
pub(crate) enum Change<'a> {
    /// An amount in a slot.
    Count(usize, i64),
    /// A duration, once more or once less.
    Time(Millis, bool),
    /// A state, or none any more.
    State(&'a (Millis, String), Option<&'a Observation>),
    /// A member that is open until its horizon, once more or once less.
    Horizon(Horizon, bool),
}

struct RowRef {
    id: RowId,
    /// End of the window, else of the member's hour: horizons count from it.
    end: Millis,
}

/// Rows of one member: its groupings by hour, day and all input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSet(usize);

/// All rows.
pub(crate) struct Rows {
    sums: Store<Sums>,
    sets: Vec<Box<[RowRef]>>,
    by_key: FxHashMap<Box<[u8]>, usize>,
    by_profile: FxHashMap<(Series, u64, Millis), usize>,
    key: Vec<u8>,
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self {
            sums: Store::new("rows"),
            sets: Vec::new(),
            by_key: FxHashMap::default(),
            by_profile: FxHashMap::default(),
            key: Vec::new(),
        }
    }

    /// Rows of a series for some groupings of a tenant. A set is good until the next call.
    pub(crate) fn set(
        &mut self,
        series: Series,
        tenant: &str,
        groupings: &[Grouping],
        windows: Windows,
    ) -> Result<RowSet, ProcessorError> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.push(series as u8);
        key.extend_from_slice(&windows.hour.start.to_le_bytes());
        push(&mut key, tenant);
        for grouping in groupings {
            key.push(grouping.len() as u8);
            for (name, value) in grouping {
                push(&mut key, name);
                push(&mut key, value);
            }
        }
        let place = if let Some(place) = self.by_key.get(key.as_slice()) {
            *place
        } else {
            let place = self.build(series, tenant, groupings, windows)?;
            self.by_key.insert(key.as_slice().into(), place);
            place
        };
        self.key = key;
        Ok(RowSet(place))
    }

    /// As [`Rows::set`], for members whose groupings hang on a profile alone.
    pub(crate) fn profile_set<'a>(
        &mut self,
        series: Series,
        tenant: &str,
        profile: u64,
        groupings: impl FnOnce() -> Vec<Grouping<'a>>,
        windows: Windows,
    ) -> Result<RowSet, ProcessorError> {
        let key = (series, profile, windows.hour.start);
        if let Some(place) = self.by_profile.get(&key) {
            return Ok(RowSet(*place));
        }
        let place = self.build(series, tenant, &groupings(), windows)?;
        self.by_profile.insert(key, place);
        Ok(RowSet(place))
    }

    fn build(
        &mut self,
        series: Series,
        tenant: &str,
        groupings: &[Grouping],
        windows: Windows,
    ) -> Result<usize, ProcessorError> {
        if self.sets.len() >= CACHED {
            self.forget();
        }
        let mut set = Vec::with_capacity(groupings.len() * 3);
        for grouping in groupings {
            for window in [None, Some(windows.hour), Some(windows.day)] {
                let id = row_id(series, tenant, grouping, window);
                self.sums.get_or_insert_with(&id, || {
                    Sums::new(Name {
                        tenant: tenant.to_owned(),
                        series,
                        dimensions: grouping
                            .iter()
                            .map(|(name, value)| Dimension {
                                name: (*name).to_owned(),
                                value: (*value).to_owned(),
                            })
                            .collect(),
                        window,
                    })
                })?;
                set.push(RowRef {
                    id,
                    end: window.unwrap_or(windows.hour).end,
                });
            }
        }
        self.sets.push(set.into_boxed_slice());
        Ok(self.sets.len() - 1)
    }

    /// Makes the changes to every row of a set.
    pub(crate) fn apply(&mut self, due: &mut Timers, set: RowSet, changes: &[Change]) -> Result<(), ProcessorError> {
        let Self { sums, sets, .. } = self;
        for row in &sets[set.0] {
            let sums = find(sums, row)?;
            for change in changes {
                sums.change(change, row.end);
            }
            mark(due, row.id, sums)?;
        }
        Ok(())
    }

    /// Counts persons, each once a row: `told` holds how often a person stands in each row and slot.
    pub(crate) fn apply_person(
        &mut self,
        due: &mut Timers,
        set: RowSet,
        told: &mut InRows,
        slot: usize,
        add: bool,
    ) -> Result<(), ProcessorError> {
        let Self { sums, sets, .. } = self;
        for row in &sets[set.0] {
            let times = told.entry(row.id).or_default();
            let changes = if add {
                times[slot] += 1;
                times[slot] == 1
            } else {
                times[slot] = times[slot].saturating_sub(1);
                times[slot] == 0
            };
            if *times == [0; 3] {
                told.remove(&row.id);
            }
            if changes {
                let sums = find(sums, row)?;
                sums.add(slot, if add { 1 } else { -1 });
                mark(due, row.id, sums)?;
            }
        }
        Ok(())
    }

    /// The sums of a row that is due.
    pub(crate) fn due(&mut self, key: &[u8]) -> Result<Option<&mut Sums>, StoreError> {
        self.sums.get_mut(key)
    }

    fn forget(&mut self) {
        self.sets.clear();
        self.by_key.clear();
        self.by_profile.clear();
    }
}

fn find<'a>(sums: &'a mut Store<Sums>, row: &RowRef) -> Result<&'a mut Sums, ProcessorError> {
    let missing =
        || ProcessorError::Contract("a metric row is gone from its store: rebuild from the raw topic".to_owned());
    sums.get_mut(&row.id)?.ok_or_else(missing)
}

fn mark(due: &mut Timers, id: RowId, sums: &mut Sums) -> Result<(), StoreError> {
    if !std::mem::replace(&mut sums.dirty, true) {
        due.schedule(&id, NEXT_TICK)?;
    }
    Ok(())
}

fn deadline(horizon: Horizon, end: Millis) -> Option<Millis> {
    match horizon {
        Horizon::Settled => None,
        Horizon::After(time) => Some(end.saturating_add(time).min(OPEN_ENDED - 1)),
        Horizon::Open => Some(OPEN_ENDED),
    }
}

/// One less of `key`. A deadline that passed is not kept, so it may be gone already.
fn release(counts: &mut BTreeMap<Millis, u32>, key: Millis) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

fn push(key: &mut Vec<u8>, text: &str) {
    key.extend_from_slice(&(text.len() as u32).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}

fn row_id(series: Series, tenant: &str, grouping: &Grouping, window: Option<Window>) -> RowId {
    let mut hasher = IdHasher::new("metric_row");
    hasher.update(&[series as u8]).update(tenant.as_bytes());
    if let Some(window) = window {
        hasher
            .update(&window.start.to_le_bytes())
            .update(&window.end.to_le_bytes());
    }
    for (name, value) in grouping {
        hasher.update(name.as_bytes()).update(value.as_bytes());
    }
    short(&hasher)
}

/// The first 64 bits of a hash.
pub(crate) fn short(hasher: &IdHasher) -> [u8; 8] {
    let mut id = [0; 8];
    id.copy_from_slice(&hasher.bytes()[..8]);
    id
}

impl StateStore for Rows {
    fn name(&self) -> &'static str {
        self.sums.name()
    }

    fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError> {
        self.sums.shape(shapes)
    }

    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError> {
        self.forget();
        self.sums.attach(backend)
    }

    fn is_dirty(&self) -> bool {
        self.sums.is_dirty()
    }

    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Stored)) -> Result<(), StoreError> {
        self.sums.drain_dirty(visit)
    }

    fn discard_dirty(&mut self) -> Result<(), StoreError> {
        // A set may name rows that were made since the last commit.
        self.forget();
        self.sums.discard_dirty()
    }
}
