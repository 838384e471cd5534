//! All findings, and the attack on each.

mod answers;
mod clients;
mod disk;
mod host;
mod identity;
mod mask;
mod probes;
mod readers;
mod roles;
mod start;
mod tables;
mod terminal;
mod time;
mod traces;
mod writes;

use crate::{judge::Judge, room::node::Room, scale::Scale};
use anyhow::Result;
use std::{future::Future, pin::Pin};

type Attacking<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Engines on which a finding can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Both,
    Embedded,
    Kafka,
}

/// A finding and its attack.
pub(crate) struct Attack {
    pub finding: &'static str,
    pub title: &'static str,
    on: On,
    pub run: for<'a> fn(&'a Room, &'a Scale, &'a mut Judge) -> Attacking<'a>,
}

impl Attack {
    pub(crate) fn runs_on(&self, kafka: bool) -> bool {
        match self.on {
            On::Both => true,
            On::Embedded => !kafka,
            On::Kafka => kafka,
        }
    }
}

macro_rules! attacks {
    ($($finding:literal $on:ident $run:path: $title:literal;)*) => {
        /// In the order in which they run.
        pub(crate) const ALL: &[Attack] = &[$(Attack {
            finding: $finding,
            title: $title,
            on: On::$on,
            run: |room, scale, judge| Box::pin($run(room, scale, judge)),
        }),*];
    };
}

attacks! {
    "C1" Both readers::attack: "who reads without a right";
    "C2" Both mask::attack: "personal data through the mask, and search by text";
    "C3" Both identity::crowd: "one number with thousands of people";
    "H1" Both traces::attack: "many traces at once";
    "H2" Both clients::silent: "connections that never read, and half heads";
    "H3" Both tables::attack: "many answers with all numbers, unread";
    "H4" Both time::attack: "a line that moves time for everybody";
    "H5" Both start::numbers: "wrong numbers after a start";
    "H6" Embedded disk::full: "a full disk";
    "H8" Both clients::bodies: "bodies that stall, without a signature";
    "M1" Both clients::heads: "endless heads";
    "M2" Both writes::fan_out: "one body that fans out";
    "M3" Both writes::lines: "lines that cannot become facts";
    "M4" Embedded probes::attack: "a stall that no probe sees";
    "M6" Embedded disk::modes: "data files that others can read";
    "M7" Both host::attack: "a page that rebinds its name to this machine";
    "M8" Both identity::threads: "a long thread, and many contacts in one body";
    "M9" Both start::end: "SIGTERM with a backlog";
    "L1" Embedded terminal::attack: "escape sequences in a terminal";
    "L2" Both answers::tenants: "time that tells which tenants exist";
    "L3" Embedded disk::damage: "damaged files";
    "L4" Embedded disk::read_only: "a read-only copy";
    "L5" Both answers::shape: "errors in many shapes";
    "K1" Kafka roles::time: "a foreign record in the topic of time";
    "K2" Kafka roles::orphans: "partitions without an owner";
    "K3" Kafka roles::ready: "ready before it caught up";
    "K4" Kafka roles::everywhere: "garbage on each topic";
}

/// Names of all findings, for a message.
pub(crate) fn names() -> String {
    let names: Vec<&str> = ALL.iter().map(|attack| attack.finding).collect();
    names.join(", ")
}
