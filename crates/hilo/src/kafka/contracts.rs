//! The ids of the contracts, as a start needs them: from the registry and, while it does not answer, from where they were
//! used before. So a node that is drained while the registry is away comes back.

use super::Place;
use hilo_contracts::{
    codec::{self, Codec as _},
    door::Versions,
    topics,
};
use hilo_kafka::{EngineError, Framing, Lookup, registry::Ids};
use hilo_stream::embedded::private;
use serde::{Deserialize, Serialize};
use std::{fs, io::Write as _, path::Path, sync::Arc};

/// Name of the copy in a data directory.
const FILE: &str = "schema_ids.json";
/// Newest records of each partition that may show which id is in use.
const NEWEST: i64 = 10;
/// Length of the registry's header: a zero byte and the id.
const HEADER: usize = 5;

/// What a registry said once.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Copy {
    registry: String,
    prefix: String,
    ids: Ids,
}

/// All contracts, for a process that keeps `dir`.
pub(crate) fn framing(place: &Place, dir: &Path) -> Result<Framing, EngineError> {
    let client = place.registry()?;
    let subjects: Vec<&'static str> = place
        .topology
        .topics()
        .iter()
        .filter_map(|topic| topic.schema)
        .collect();
    let versions = released(place)?;
    let mut copy = Copy {
        registry: place.registry.url.clone(),
        prefix: place.cluster.prefix.clone(),
        ids: Ids::default(),
    };
    let path = dir.join(FILE);
    match client.ids(&subjects, &versions) {
        Ok(ids) => {
            copy.ids = ids;
            let framing = client.framing_of(&copy.ids, &subjects, &versions)?;
            if let Err(error) = keep(&path, &copy) {
                tracing::warn!(%error, path = %path.display(), "the ids of the contracts cannot be kept: the next start needs the registry");
            }
            Ok(framing)
        }
        Err(silent @ EngineError::RegistrySilent { .. }) => {
            let Some(kept) = kept(&path, &copy) else {
                return Err(silent);
            };
            // Where the copy lacks a version of this release, only the registry helps.
            let framing = client.framing_of(&kept.ids, &subjects, &versions).map_err(|_| silent)?;
            tracing::warn!(path = %path.display(), "the registry does not answer: this start takes the ids of the contracts that it gave before");
            Ok(framing)
        }
        Err(error) => Err(error),
    }
}

/// The raw topic's contract, for a gateway, which keeps nothing. While the registry does not answer, the newest records of
/// the topic show the id.
pub(crate) fn of_raw(place: &Place) -> Result<Framing, EngineError> {
    let silent = match place.registry()?.framing([topics::RAW], &released(place)?) {
        Err(silent @ EngineError::RegistrySilent { .. }) => silent,
        other => return other,
    };
    // Without ids a value comes as it is.
    let mut newest = Lookup::open(&place.cluster, Arc::new(Framing::default()))?;
    let mut records = newest.latest(topics::RAW, NEWEST)?;
    records.sort_by_key(|record| record.timestamp);
    let Some(id) = records.iter().rev().find_map(|record| id_in_use(&record.value)) else {
        return Err(silent);
    };
    tracing::warn!(
        id,
        "the registry does not answer: this start takes the id of the raw topic's contract from its newest record"
    );
    Ok(Framing::new([(topics::RAW, id)]))
}

/// The id of a value that has exactly the newest contract: written again it is the same bytes. A value of another version
/// has a field more or less.
fn id_in_use(value: &[u8]) -> Option<u32> {
    let (header, datum) = value.split_first_chunk::<HEADER>()?;
    let [0, a, b, c, d] = *header else { return None };
    let codec = codec::raw();
    let read = codec.decode(datum).ok()?;
    (codec.encode(&read).ok()? == datum).then(|| u32::from_be_bytes([a, b, c, d]))
}

fn released(place: &Place) -> Result<Versions, EngineError> {
    Versions::released().map_err(|error| EngineError::Registry {
        url: place.registry.url.clone(),
        problem: error.to_string(),
    })
}

fn kept(path: &Path, wanted: &Copy) -> Option<Copy> {
    let kept: Copy = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (kept.registry == wanted.registry && kept.prefix == wanted.prefix).then_some(kept)
}

/// Written beside and then renamed, so that a kill leaves the old one or the new one.
fn keep(path: &Path, copy: &Copy) -> std::io::Result<()> {
    if kept(path, copy).as_ref() == Some(copy) {
        return Ok(());
    }
    let beside = path.with_extension("new");
    let mut file = private::file(&beside)?;
    file.set_len(0)?;
    file.write_all(serde_json::to_string(copy)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::facts::Raw;
    use proptest::prelude::*;

    fn framed(id: u32, datum: &[u8]) -> Vec<u8> {
        [&[0][..], &id.to_be_bytes(), datum].concat()
    }

    proptest! {
        /// A later version adds fields; a value of it, or one that lacks a field, shows no id.
        #[test]
        fn only_a_value_of_the_newest_contract_shows_its_id(
            id in any::<u32>(), tenant in "[a-z]{1,8}", body in proptest::collection::vec(any::<u8>(), 0..40),
            more in proptest::collection::vec(any::<u8>(), 1..10), cut in 1_usize..10,
        ) {
            let raw = Raw { tenant, body, ..Raw::default() };
            let datum = codec::raw().encode(&raw).unwrap();
            prop_assert_eq!(id_in_use(&framed(id, &datum)), Some(id));
            let longer = [datum.as_slice(), &more].concat();
            prop_assert_eq!(id_in_use(&framed(id, &longer)), None);
            prop_assert_eq!(id_in_use(&framed(id, &datum[..datum.len() - cut.min(datum.len())])), None);
        }
    }
}
