//! The fuzz targets' bodies under a seeded mutator: the short run that needs no instrumented build.
//! `scripts/fuzz` runs them guided by coverage.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bodies;

use std::{fs, path::Path};

/// xorshift64*: the same bytes for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

/// The committed corpus of a target, in the order of file names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Bytes flipped, cut, doubled, inserted, or crossed with another input.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const WORDS: [&[u8]; 12] = [
        b"\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b"null",
        b"\\ud800",
        b"-1",
        b"1e400",
        b"\xff",
        b"\0",
        b"18446744073709551616",
    ];
    let at = random.below(input.len() + 1);
    let end = (at + random.below(16)).min(input.len());
    match random.below(7) {
        0 => input
            .get_mut(at)
            .into_iter()
            .for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => drop(input.drain(at..end)),
        2 => input.splice(at..at, input[at..end].to_vec()).for_each(drop),
        3 => input
            .splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())
            .for_each(drop),
        4 => input
            .splice(at..end, WORDS[random.below(WORDS.len())].iter().copied())
            .for_each(drop),
        5 => input
            .get_mut(at)
            .into_iter()
            .for_each(|byte| *byte = random.below(256) as u8),
        _ => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied()).for_each(drop);
        }
    }
}

fn feed(target: &str, body: fn(&[u8]), rounds: usize) {
    let corpus = corpus(target);
    for input in &corpus {
        body(input);
    }
    let mut random = Random(0x5eed);
    for _ in 0..rounds {
        let mut input = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(6) {
            let other = &corpus[random.below(corpus.len())];
            mutate(&mut input, other, &mut random);
        }
        body(&input);
    }
}

#[test]
fn capture_lines() {
    feed("normalize", bodies::normalize, 10_000);
}

#[test]
fn posts_to_the_gateway() {
    feed("gateway", bodies::gateway, 500);
}

#[test]
fn phones_statements_and_statuses() {
    feed("domain", bodies::domain, 20_000);
}

#[test]
fn datums() {
    feed("avro", bodies::avro, 20_000);
}
