//! The index from ids to the places of the records that name them.
//!
//! Ids are random, so one row for each would make a batch write a page for each. Entries are kept as sorted runs instead:
//! a batch adds one run, eight runs of a size are merged into one of the next size, and a look-up asks each run for one
//! block. An entry is 16 bytes, in this order of bits: 48 of the id's hash, 20 of the tenant's number, 4 of the topic,
//! 16 of the partition, 40 of the offset. A hash may be that of another id too: who reads the record compares.

use hilo_contracts::topics;
use hilo_domain::hash::IdHasher;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Topic.
    pub topic: &'static str,
    /// Partition; 0 in the embedded log, which has one.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
}

/// Topics whose records are indexed. The position of a topic is stored, so a new one is added at the end.
const TOPICS: [&str; 10] = [
    topics::RAW,
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::CONSENT,
    topics::ACCOUNT,
    topics::DEAD_LETTER,
    topics::UNCLASSIFIED,
    topics::CRM_RECORD,
    topics::CRM_WRITE,
];

const HASH_BITS: u32 = 48;
const TENANT_BITS: u32 = 20;
const TOPIC_BITS: u32 = 4;
const PARTITION_BITS: u32 = 16;
const OFFSET_BITS: u32 = 40;

/// Bytes of an entry.
const ENTRY: usize = 16;
/// Entries of a block, on average: what fits into a page of SQLite, and little enough to read at once.
const BLOCK: usize = 128;
/// Runs of one size that become one of the next, and the factor between sizes.
const FAN: usize = 8;
/// Runs of this size and above are not merged: a merge holds all its entries in memory, and the page waits for it.
const LARGEST: usize = 1 << 20;
/// Bits of a block's number within the key of its row.
const BLOCK_BITS: u32 = 20;

/// The entries of a batch.
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<u128>);

impl Entries {
    /// Notes that the record at `place` names `id`. `None`: the place is beyond what an entry can hold.
    pub(crate) fn add(&mut self, id: &str, tenant: u32, place: Place) -> Option<()> {
        if id.is_empty() {
            return Some(());
        }
        let topic = TOPICS.iter().position(|topic| *topic == place.topic)?;
        let partition = u128::try_from(place.partition).ok()?;
        let offset = u128::try_from(place.offset).ok()?;
        let fits = tenant >> TENANT_BITS == 0 && partition >> PARTITION_BITS == 0 && offset >> OFFSET_BITS == 0;
        let mut entry = (u128::from(hash(id)) << TENANT_BITS) | u128::from(tenant);
        entry = (entry << TOPIC_BITS) | topic as u128;
        entry = (entry << PARTITION_BITS) | partition;
        entry = (entry << OFFSET_BITS) | offset;
        fits.then(|| self.0.push(entry))
    }
}

/// The first 48 bits of the hash of an id.
fn hash(id: &str) -> u64 {
    let mut hasher = IdHasher::new("place");
    hasher.update(id.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.bytes()[..8]);
    u64::from_be_bytes(first) >> (u64::BITS - HASH_BITS)
}

fn tenant(entry: u128) -> u32 {
    (entry >> (OFFSET_BITS + PARTITION_BITS + TOPIC_BITS)) as u32 & ((1 << TENANT_BITS) - 1)
}

fn place(entry: u128) -> Option<Place> {
    let topic = (entry >> (OFFSET_BITS + PARTITION_BITS)) as usize & ((1 << TOPIC_BITS) - 1);
    Some(Place {
        topic: TOPICS.get(topic)?,
        partition: (entry >> OFFSET_BITS) as i32 & ((1 << PARTITION_BITS) - 1),
        offset: (entry & ((1 << OFFSET_BITS) - 1)) as i64,
    })
}

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// Adds a batch, and merges what has become many.
pub(crate) fn write(transaction: &Transaction, Entries(mut entries): Entries) -> Result<()> {
    entries.sort_unstable();
    entries.dedup();
    if entries.is_empty() {
        return Ok(());
    }
    write_run(transaction, &entries)?;
    while let Some(runs) = mergeable(transaction)? {
        let mut merged = Vec::new();
        for run in runs {
            let keys = params![run << BLOCK_BITS, (run + 1) << BLOCK_BITS];
            let mut read = transaction.prepare_cached("SELECT entries FROM places WHERE block >= ?1 AND block < ?2")?;
            let mut blocks = read.query(keys)?;
            while let Some(block) = blocks.next()? {
                merged.extend(decoded(block.get_ref(0)?.as_blob()?));
            }
            transaction
                .prepare_cached("DELETE FROM places WHERE block >= ?1 AND block < ?2")?
                .execute(keys)?;
            transaction
                .prepare_cached("DELETE FROM place_runs WHERE run = ?1")?
                .execute([run])?;
        }
        merged.sort_unstable();
        write_run(transaction, &merged)?;
    }
    Ok(())
}

/// The runs of a size of which there are enough.
fn mergeable(transaction: &Transaction) -> Result<Option<Vec<i64>>> {
    let mut sizes: [Vec<i64>; LARGEST.ilog(FAN) as usize + 1] = Default::default();
    let mut runs = transaction.prepare_cached("SELECT run, entries FROM place_runs WHERE entries < ?1")?;
    let mut rows = runs.query([LARGEST as i64])?;
    while let Some(row) = rows.next()? {
        let entries: i64 = row.get(1)?;
        let size = entries.unsigned_abs().max(1).ilog(FAN as u64) as usize;
        sizes[size].push(row.get(0)?);
    }
    Ok(sizes.into_iter().find(|runs| runs.len() >= FAN))
}

fn write_run(transaction: &Transaction, entries: &[u128]) -> Result<()> {
    let bits = entries
        .len()
        .div_ceil(BLOCK)
        .next_power_of_two()
        .ilog2()
        .min(BLOCK_BITS);
    let run: i64 = transaction
        .prepare_cached(
            "INSERT INTO place_runs SELECT coalesce(max(run), 0) + 1, ?1, ?2 FROM place_runs RETURNING run",
        )?
        .query_row(params![entries.len() as i64, bits], |row| row.get(0))?;
    let mut put = transaction.prepare_cached("INSERT INTO places VALUES (?1, ?2)")?;
    let mut bytes = Vec::with_capacity(BLOCK * 2 * ENTRY);
    for block in entries.chunk_by(|one, next| number(*one, bits) == number(*next, bits)) {
        bytes.clear();
        bytes.extend(block.iter().flat_map(|entry| entry.to_be_bytes()));
        put.execute(params![(run << BLOCK_BITS) | number(block[0], bits), bytes])?;
    }
    Ok(())
}

/// Number of the block that holds an entry, in a run of `1 << bits` blocks.
fn number(entry: u128, bits: u32) -> i64 {
    entry.checked_shr(u128::BITS - bits).unwrap_or_default() as i64
}

fn decoded(block: &[u8]) -> impl DoubleEndedIterator<Item = u128> {
    block
        .as_chunks::<ENTRY>()
        .0
        .iter()
        .map(|entry| u128::from_be_bytes(*entry))
}

/// Where records of these tenants name `id`, in the order of topic, partition and offset.
pub(crate) fn find(connection: &Connection, tenants: &[u32], id: &str) -> Result<Vec<Place>> {
    let first = u128::from(hash(id)) << (u128::BITS - HASH_BITS);
    let last = first | ((1 << (u128::BITS - HASH_BITS)) - 1);
    let mut runs = connection.prepare_cached("SELECT run, bits FROM place_runs")?;
    let mut get = connection.prepare_cached("SELECT entries FROM places WHERE block = ?1")?;
    let mut found = Vec::new();
    let mut rows = runs.query([])?;
    while let Some(row) = rows.next()? {
        let (run, bits): (i64, u32) = (row.get(0)?, row.get(1)?);
        let of_id = |row: &rusqlite::Row| {
            let (entries, _) = row.get_ref(0)?.as_blob()?.as_chunks::<ENTRY>();
            let from = entries.partition_point(|entry| u128::from_be_bytes(*entry) < first);
            let upto = entries.partition_point(|entry| u128::from_be_bytes(*entry) <= last);
            let wanted = entries[from..upto].iter().map(|entry| u128::from_be_bytes(*entry));
            found.extend(
                wanted
                    .filter(|entry| tenants.contains(&tenant(*entry)))
                    .filter_map(place),
            );
            Ok(())
        };
        get.query_row([(run << BLOCK_BITS) | number(first, bits)], of_id)
            .optional()?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn file() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE place_runs(run INTEGER PRIMARY KEY, entries INTEGER NOT NULL, bits INTEGER NOT NULL);
                 CREATE TABLE places(block INTEGER PRIMARY KEY, entries BLOB NOT NULL);",
            )
            .unwrap();
        connection
    }

    fn runs(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM place_runs", [], |row| row.get(0))
            .unwrap()
    }

    /// The hash is stored: with another one nothing would be found in a file of today.
    #[test]
    fn the_hash_of_an_id_stays() {
        assert_eq!(hash("p_1"), 0x0e85_8204_4d07);
    }

    #[test]
    fn what_an_entry_cannot_hold_is_refused() {
        let mut entries = Entries::default();
        let place = |topic, partition, offset| Place {
            topic,
            partition,
            offset,
        };
        assert!(entries.add("a", 0, place(topics::RAW, 65_535, (1 << 40) - 1)).is_some());
        for (tenant, place) in [
            (1 << 20, place(topics::RAW, 0, 0)),
            (0, place(topics::RAW, 65_536, 0)),
            (0, place(topics::RAW, -1, 0)),
            (0, place(topics::RAW, 0, 1 << 40)),
            (0, place(topics::METRIC, 0, 0)),
        ] {
            assert_eq!(entries.add("a", tenant, place), None);
        }
    }

    #[test]
    fn many_small_batches_leave_few_runs() {
        let mut connection = file();
        for batch in 0..1_000 {
            let transaction = connection.transaction().unwrap();
            let mut entries = Entries::default();
            for one in 0..10 {
                let offset = batch * 10 + one;
                let place = Place {
                    topic: topics::STATUS,
                    partition: 0,
                    offset,
                };
                entries.add(&format!("id{offset}"), 1, place).unwrap();
            }
            write(&transaction, entries).unwrap();
            transaction.commit().unwrap();
        }
        // At most seven of each size up to 8^4 entries.
        assert!(runs(&connection) <= 7 * 5, "{}", runs(&connection));
        for offset in [0, 17, 9_999] {
            let found = find(&connection, &[1], &format!("id{offset}")).unwrap();
            assert_eq!(found.iter().map(|place| place.offset).collect::<Vec<_>>(), [offset]);
        }
        assert_eq!(find(&connection, &[1], "id10000").unwrap(), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever came in which batch: an id leads to its places, and to no other tenant's.
        #[test]
        fn an_id_leads_to_the_places_of_its_tenants(
            batches in prop::collection::vec(
                prop::collection::vec((0_u8..12, 0_u32..3, 0_usize..8, 0_i32..3, 0_i64..500), 1..60), 1..40)
        ) {
            let mut connection = file();
            let mut model: BTreeMap<(u8, u32), BTreeSet<Place>> = BTreeMap::new();
            for batch in &batches {
                let transaction = connection.transaction().unwrap();
                let mut entries = Entries::default();
                for &(id, tenant, topic, partition, offset) in batch {
                    let place = Place { topic: TOPICS[topic], partition, offset };
                    entries.add(&format!("id{id}"), tenant, place).unwrap();
                    model.entry((id, tenant)).or_default().insert(place);
                }
                write(&transaction, entries).unwrap();
                transaction.commit().unwrap();
            }
            for id in 0..12 {
                for tenants in [&[0][..], &[1, 2], &[]] {
                    let found: BTreeSet<Place> =
                        find(&connection, tenants, &format!("id{id}")).unwrap().into_iter().collect();
                    let wanted: BTreeSet<Place> = tenants
                        .iter()
                        .flat_map(|tenant| model.get(&(id, *tenant)).cloned().unwrap_or_default())
                        .collect();
                    prop_assert_eq!(found, wanted);
                }
            }
        }
    }
}
