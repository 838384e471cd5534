//! What is stored, and what travels on internal topics, keeps its shape as long as `hilo_stream::wire::VERSION` is the same.
//!
//! Each processor with stores has a golden file in `shapes`, and the records of internal topics have one. After a change raise the
//! version, then write the files anew: `HILO_REGENERATE=1 cargo test -p hilo --test shapes`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo::topology::{Tenants, topology};
use hilo_contracts::facts;
use hilo_stream::{Shapes, TopicKind, wire};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

const COMMAND: &str = "HILO_REGENERATE=1 cargo test -p hilo --test shapes";
const RECORDS: &str = "internal_topics";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes")
}

/// Shapes by file: of each processor's stores, and of what travels.
fn traced() -> BTreeMap<String, Shapes> {
    let mut all = BTreeMap::new();
    for processor in topology(&Tenants::default()).unwrap().processors() {
        let mut made = (processor.factory)();
        let stores = made.stores();
        if stores.is_empty() {
            continue;
        }
        let mut shapes = Shapes::default();
        for store in stores {
            store.shape(&mut shapes).unwrap();
        }
        all.insert(processor.name.to_owned(), shapes);
    }
    let mut shapes = Shapes::default();
    for records in wire::records() {
        records.shape(&mut shapes).unwrap();
    }
    all.insert(RECORDS.to_owned(), shapes);
    all
}

fn header(version: u8) -> String {
    format!("wire version {version}\n# Written by {COMMAND}, after the version was raised.\n")
}

/// What is wrong with a file; `None`: nothing. `now` are the shapes of this build.
fn problem(file: Option<&str>, version: u8, now: &str) -> Option<String> {
    let wanted = header(version) + now;
    match file {
        Some(text) if text == wanted => None,
        Some(text) if text.starts_with(&header(version)) => Some(format!(
            "this is another shape under the same version: old state and old records would be read as something else. Raise \
             VERSION in crates/stream/src/wire.rs to {}, then write the files anew: {COMMAND}",
            version + 1
        )),
        _ => Some(format!(
            "this file is not of version {version}: write the files anew: {COMMAND}"
        )),
    }
}

#[test]
fn shapes_are_those_of_their_version() {
    let mut problems = Vec::new();
    let traced = traced();
    for (name, shapes) in &traced {
        let path = folder().join(format!("{name}.txt"));
        let now = shapes.to_string();
        let file = fs::read_to_string(&path).ok();
        let Some(problem) = problem(file.as_deref(), wire::VERSION, &now) else {
            continue;
        };
        let is_of_this_version = file.is_some_and(|text| text.starts_with(&header(wire::VERSION)));
        if env::var_os("HILO_REGENERATE").is_some() && !is_of_this_version {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, header(wire::VERSION) + &now).unwrap();
        } else {
            problems.push(format!("{}: {problem}", path.display()));
        }
    }
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if !traced.contains_key(name) {
            problems.push(format!(
                "{}: no processor of this name has stores: raise VERSION, remove the file",
                path.display()
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn another_shape_needs_another_version() {
    let file = header(5) + "struct A\n  b: u32\n";
    assert_eq!(problem(Some(&file), 5, "struct A\n  b: u32\n"), None);
    let changed = problem(Some(&file), 5, "struct A\n  b: u64\n").unwrap();
    assert!(
        changed.contains("Raise VERSION") && changed.contains(" to 6"),
        "{changed}"
    );
    for (file, now) in [
        (Some(&*file), "struct A\n  b: u64\n"),
        (Some(&*file), "struct A\n  b: u32\n"),
        (None, ""),
    ] {
        let stale = problem(file, 6, now).unwrap();
        assert!(stale.contains(COMMAND) && !stale.contains("Raise"), "{stale}");
    }
}

#[test]
fn each_internal_topic_has_its_records_pinned() {
    let topology = topology(&Tenants::default()).unwrap();
    let internal = topology
        .topics()
        .iter()
        .filter(|topic| topic.kind == TopicKind::Internal);
    let internal: BTreeSet<&str> = internal.map(|topic| topic.name).collect();
    let records = wire::records();
    let pinned: Vec<&str> = records.iter().flat_map(|records| records.topics).copied().collect();
    assert_eq!(pinned.iter().copied().collect::<BTreeSet<_>>(), internal);
    assert_eq!(pinned.len(), internal.len(), "a topic has two kinds of records");
}

/// Where a type is declared, in the path of the visitor that the compiler makes for it.
const FACTS: &str = " for hilo_contracts::facts::";

#[test]
fn facts_are_not_inside_of_state_or_of_internal_records() {
    let mut inside = Vec::new();
    for (name, shapes) in traced() {
        for path in shapes.paths() {
            if let Some((_, fact)) = path.split_once(FACTS) {
                inside.push(format!("{name}: {}", fact.split('>').next().unwrap()));
            }
        }
    }
    assert_eq!(
        inside,
        Vec::<String>::new(),
        "a new field of a contract would change what is stored: keep a type of your own"
    );
    // The compiler may name visitors otherwise one day.
    let mut shapes = Shapes::default();
    shapes.add::<Option<facts::Session>>("session").unwrap();
    assert!(
        shapes.paths().iter().any(|path| path.contains(FACTS)),
        "{:?}",
        shapes.paths()
    );
}

/// Bytes inside of a record, whose shape the record does not show, are those of a type that is stored too.
#[test]
fn what_travels_inside_of_a_record_as_bytes_is_pinned_as_state() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut callers = Vec::new();
    for_each_source(crates, &mut |path, text| {
        let is_test =
            path.components().any(|part| part.as_os_str() == "tests") || path.to_str().unwrap().ends_with("tests.rs");
        if !is_test && text.contains("Encoded") && (text.contains(".into_bytes()") || text.contains("from_vec(")) {
            callers.push(path.strip_prefix(crates).unwrap().to_str().unwrap().to_owned());
        }
    });
    callers.sort();
    // An event of a thread moves to another person. It is in the store `segments`.
    let known = [
        "conversation/src/processor.rs",
        "conversation/src/processor/moves.rs",
        "stream/src/wire.rs",
    ];
    assert_eq!(callers, known);
    assert!(traced()["conversation"].to_string().contains("\nstruct Event\n"));
}

fn for_each_source(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_source(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
