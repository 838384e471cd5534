//! Parts of facts as processors store them, and as they send them to each other. A new field of a contract changes none of them.
//! Who adds a field decides here whether it is stored. A stored field changes the shape of the state (`hilo_stream::shape`).
//!
//! They have the names of the facts that they become, and [`Convert`] goes both ways.

mod convert;

pub use convert::Convert;

use crate::{facts, item::Position};
use convert::mirror;
use hilo_domain::Millis;

mirror! {
    /// Where a fact came from.
    #[derive(Eq)]
    Source {
        delivery_id: String,
        entry: i32,
        change: i32,
        item: i32,
    }

    /// Template of a message.
    #[derive(Eq)]
    TemplateRef {
        name: String,
        language: Option<String>,
        category: Option<String>,
    }

    /// One stopped or running clock of a session.
    #[derive(Eq)]
    Clock {
        started_at: Millis,
        stopped_at: Option<Millis>,
        agent: Option<String>,
        agent_started_at: Option<Millis>,
    }

    /// Time that one person gave to a session.
    #[derive(Eq)]
    Work {
        agent: String,
        active_millis: Option<Millis>,
        assigned_millis: Option<Millis>,
    }

    /// The winning answer to one survey.
    #[derive(Eq)]
    Rating {
        instrument: String,
        score: String,
        scale: String,
        rated_at: Millis,
    }

    /// The state of a session, complete at each revision.
    #[derive(Eq)]
    Session {
        opened_at: Millis,
        opened_by: String,
        closed_at: Option<Millis>,
        close_reason: Option<String>,
        first_customer_at: Option<Millis>,
        frt_human: Option<Clock>,
        frt_any: Option<Clock>,
        outcome: Option<String>,
        queue: Option<String>,
        reason: Option<String>,
        reopens: Option<String>,
        bot: Option<String>,
        agent: Option<String>,
        answered_by_human: bool,
        owners: Vec<String>,
        turns: Vec<Clock>,
        work: Vec<Work>,
        ratings: Vec<Rating>,
        repeated_at: Option<Millis>,
        entry_point_ends_at: Option<Millis>,
    }

    /// One error of a send.
    #[derive(Eq)]
    ErrorRef {
        code: Option<i64>,
        title: Option<String>,
        details: Option<String>,
    }

    /// Pricing as the platform reported it.
    #[derive(Eq)]
    PricingRef {
        model: Option<String>,
        kind: Option<String>,
        category: Option<String>,
        billable: Option<bool>,
    }

    /// The conversation that the platform charges or waives, as a status names it.
    #[derive(Eq)]
    ChargedRef {
        id: Option<String>,
        origin: Option<String>,
        expires_at: Option<Millis>,
    }

    /// A payment that a message asked for, as a status of type `payment` tells it.
    #[derive(Eq)]
    PaymentRef {
        reference_id: Option<String>,
        transaction_id: Option<String>,
        transaction_status: Option<String>,
    }

    /// What an account fact is about.
    #[derive(Eq)]
    Subject {
        kind: String,
        id: String,
    }

    /// `hilo.account`: numbers, templates, WABAs, portfolios.
    #[derive(Eq)]
    Account {
        event_id: String,
        tenant: String,
        event_time: Millis,
        ingest_time: Millis,
        source: Source,
        kind: String,
        revision: i64,
        subject: Subject,
        waba_id: Option<String>,
        portfolio_id: Option<String>,
        event: Option<String>,
        quality: Option<String>,
        limit: Option<i64>,
        limit_told: bool,
        template: Option<TemplateRef>,
        reason: Option<String>,
        previous: Option<String>,
        announced: Option<String>,
        effective_at: Option<Millis>,
        restrictions: Vec<Restriction>,
        attributes: Vec<Attribute>,
        content: Option<String>,
        test: bool,
    }

    /// What the platform forbids.
    #[derive(Eq)]
    Restriction {
        kind: String,
        expires_at: Option<Millis>,
        expiration: Option<String>,
        remediation: Option<String>,
    }

    /// One more thing that an account fact says.
    #[derive(Eq)]
    Attribute {
        name: String,
        value: String,
    }

    /// `hilo.consent`: one entry of a person's consent ledger.
    #[derive(Eq)]
    Consent {
        event_id: String,
        tenant: String,
        event_time: Millis,
        ingest_time: Millis,
        source: Source,
        kind: String,
        person_id: String,
        revision: i64,
        entry_id: String,
        sequence: i64,
        channel: String,
        purpose: String,
        state: String,
        effective: String,
        method: String,
        system: Option<String>,
        word: Option<String>,
        language: Option<String>,
        legal_basis: Option<String>,
        jurisdiction: Option<String>,
        text_version: Option<String>,
        actor: Option<String>,
        reference: Option<String>,
        valid_to: Option<Millis>,
        evidence: String,
        subjects: Vec<String>,
        previous_hash: String,
        hash: String,
    }

    /// One identifier that names a side of a suggestion or a decision.
    #[derive(Eq)]
    NamedRef {
        kind: String,
        value: String,
    }

    /// A suggestion that two people are one, which waits for a decision.
    #[derive(Eq)]
    Proposal {
        other_person_id: Option<String>,
        rule: String,
        rule_version: i32,
        confidence_percent: i32,
        blocker: Option<String>,
        proposed_at: Millis,
        evidence: Vec<NamedRef>,
    }

    /// A decision about who is who that holds.
    #[derive(Eq)]
    DecisionRef {
        ruling: String,
        decided_at: Millis,
        actor: String,
        reason: String,
        user: Vec<NamedRef>,
        other: Vec<NamedRef>,
    }

    /// One dimension of a metric row. A list keeps the order of the definition.
    #[derive(Eq, PartialOrd, Ord)]
    Dimension {
        name: String,
        value: String,
    }

    /// Window of a metric row, `[start, end)`.
    #[derive(Copy, Eq, PartialOrd, Ord)]
    Window {
        start: Millis,
        end: Millis,
    }
}

impl Source {
    /// The source of an item.
    #[must_use]
    pub fn new(delivery_id: &str, position: Position) -> Self {
        facts::Source::new(delivery_id, position).convert()
    }
}
