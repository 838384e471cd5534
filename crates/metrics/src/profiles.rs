//! Profiles of sends, each kept once.

use crate::{members::Profile, rows::short};
use hilo_contracts::facts::Status;
use hilo_domain::hash::IdHasher;
use hilo_stream::{
    ProcessorError, ShapeError, Shapes, StateStore, Store, StoreError,
    store::{Backend, Change},
};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Profiles kept in memory.
const CACHED: usize = 50_000;

/// Profiles by id, the first 64 bits of a hash of what they hold.
pub(crate) struct Profiles {
    stored: Store<Profile>,
    ids: FxHashMap<Box<[u8]>, u64>,
    read: FxHashMap<u64, Arc<Profile>>,
    key: Vec<u8>,
}

impl Profiles {
    pub(crate) fn new() -> Self {
        Self {
            stored: Store::new("profiles"),
            ids: FxHashMap::default(),
            read: FxHashMap::default(),
            key: Vec::new(),
        }
    }

    /// The profile of a fact's message, for a person of this country.
    pub(crate) fn of(&mut self, fact: &Status, country: Option<&str>) -> u64 {
        let template = fact.template.as_ref();
        self.key.clear();
        self.key.push(u8::from(fact.orphan));
        for part in [
            Some(fact.tenant.as_str()),
            fact.phone_number_id.as_deref(),
            template.map(|template| template.name.as_str()),
            template.and_then(|template| template.language.as_deref()),
            fact.category.as_deref(),
            fact.campaign.as_deref(),
            fact.segment.as_deref(),
            country,
        ] {
            // 0: unknown, which differs from empty.
            self.key
                .extend_from_slice(&part.map_or(0, |part| part.len() as u32 + 1).to_le_bytes());
            self.key.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
        if let Some(id) = self.ids.get(self.key.as_slice()) {
            return *id;
        }
        let id = self.put(Profile::of(fact, country));
        self.ids.insert(self.key.as_slice().into(), id);
        id
    }

    /// The profile like `id` with another country.
    pub(crate) fn with_country(&mut self, id: u64, country: Option<&str>) -> Result<u64, ProcessorError> {
        let profile = self.get(id)?;
        if profile.country.as_deref() == country {
            return Ok(id);
        }
        Ok(self.put(Profile {
            country: country.map(str::to_owned),
            ..(*profile).clone()
        }))
    }

    pub(crate) fn get(&mut self, id: u64) -> Result<Arc<Profile>, ProcessorError> {
        if let Some(profile) = self.read.get(&id) {
            return Ok(Arc::clone(profile));
        }
        let stored = self.stored.get(&id.to_le_bytes())?.cloned().ok_or_else(|| {
            ProcessorError::Contract(
                "the profile of a send is gone from its store: rebuild from the raw topic".to_owned(),
            )
        })?;
        Ok(self.keep(id, stored))
    }

    fn put(&mut self, profile: Profile) -> u64 {
        let mut hasher = IdHasher::new("send_profile");
        hasher
            .update(&[u8::from(profile.orphan)])
            .update(profile.tenant.as_bytes());
        for part in [
            &profile.phone_number_id,
            &profile.template,
            &profile.language,
            &profile.category,
            &profile.campaign,
            &profile.segment,
            &profile.country,
        ] {
            hasher
                .update(&[u8::from(part.is_some())])
                .update(part.as_deref().unwrap_or_default().as_bytes());
        }
        let id = u64::from_le_bytes(short(&hasher));
        self.stored.put(&id.to_le_bytes(), profile.clone());
        self.keep(id, profile);
        id
    }

    fn keep(&mut self, id: u64, profile: Profile) -> Arc<Profile> {
        if self.read.len() >= CACHED {
            self.forget();
        }
        let profile = Arc::new(profile);
        self.read.insert(id, Arc::clone(&profile));
        profile
    }

    fn forget(&mut self) {
        self.ids.clear();
        self.read.clear();
    }
}

impl StateStore for Profiles {
    fn name(&self) -> &'static str {
        self.stored.name()
    }

    fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError> {
        self.stored.shape(shapes)
    }

    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError> {
        self.forget();
        self.stored.attach(backend)
    }

    fn is_dirty(&self) -> bool {
        self.stored.is_dirty()
    }

    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError> {
        self.stored.drain_dirty(visit)
    }

    fn discard_dirty(&mut self) -> Result<(), StoreError> {
        // Profiles that were made since the last commit are gone.
        self.forget();
        self.stored.discard_dirty()
    }
}
