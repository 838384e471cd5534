//! What several tests need: samples of every version, and every struct by the topic that it is written to.
#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use hilo_contracts::{
    codec::{self, Codec},
    facts, topics,
};
use std::{env, fs, path::PathBuf};

mod encode;

/// The golden folder of a subject.
pub(crate) fn golden(subject: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(subject)
}

/// The schemas of the project.
pub(crate) fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

/// The stored datum of one version, and what it is as JSON. For a new version write the JSON by hand, one line as
/// `hilo export` would print it; `HILO_REGENERATE=1` has apache-avro encode the datum beside it.
pub(crate) fn sample(subject: &str, version: u32) -> (Vec<u8>, String) {
    let place = |ending: &str| golden(subject).join(format!("v{version}.{ending}"));
    let read = |ending: &str| {
        let path = place(ending);
        fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; every released version needs a stored datum and its JSON: write the JSON by hand, and run \
                 HILO_REGENERATE=1 cargo test -p hilo-contracts --test golden",
                path.display()
            )
        })
    };
    if env::var_os("HILO_REGENERATE").is_some() && !place("hex").exists() {
        let json = serde_json::from_str(&read("json")).unwrap();
        let datum = encode::datum(subject, version, &json);
        fs::write(place("hex"), format!("{}\n", hilo_domain::hash::to_hex(&datum))).unwrap();
    }
    let hex: Vec<u8> = read("hex").bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    (hex.chunks(2).map(byte).collect(), read("json").trim_end().to_owned())
}

/// Decodes a datum into the struct of its topic and encodes that again; `None` for a topic of another crate.
pub(crate) fn through_the_struct(subject: &str, datum: &[u8]) -> Option<Vec<u8>> {
    fn through<T>(codec: &impl Codec<T>, datum: &[u8]) -> Vec<u8> {
        codec.encode(&codec.decode(datum).unwrap()).unwrap()
    }
    Some(match subject {
        topics::RAW => through::<facts::Raw>(&codec::raw(), datum),
        topics::IDENTITY => through::<facts::Identity>(&codec::identity(), datum),
        topics::CONSENT => through::<facts::Consent>(&codec::consent(), datum),
        topics::CONVERSATION => through::<facts::Conversation>(&codec::conversation(), datum),
        topics::STATUS => through::<facts::Status>(&codec::status(), datum),
        topics::ACCOUNT => through::<facts::Account>(&codec::account(), datum),
        topics::COUNT => through::<facts::Count>(&codec::count(), datum),
        topics::CRM_RECORD => through::<facts::CrmRecord>(&codec::crm_record(), datum),
        topics::CRM_WRITE => through::<facts::CrmWrite>(&codec::crm_write(), datum),
        topics::METRIC => through::<facts::Metric>(&codec::metric(), datum),
        topics::DEAD_LETTER => through::<facts::DeadLetter>(&codec::dead_letter(), datum),
        topics::UNCLASSIFIED => through::<facts::Unclassified>(&codec::unclassified(), datum),
        _ => return None,
    })
}
