//! A source whose numbers change with every snapshot, and a server for it.
#![allow(dead_code, reason = "each test file uses its part")]

use hilo_contracts::facts::{Dimension, Metric, Window};
use hilo_dashboard::mask::Masked;
use hilo_dashboard::model::{
    ConversationRow, CrmBudget, CrmCard, CrmObject, CrmRejection, CrmStanding, Flow, Lag, NumberCard, Outcomes, Point,
    ReasonCount, SenderRow, SessionState, Severity, Snapshot, TemplateRow, Warning,
};
use hilo_dashboard::trace::Link;
use hilo_dashboard::{
    Asked, Audit, MetricPage, MetricQuery, Source, SourceError, Stage, Step, Trace, login_routes, routes,
};
use hilo_service::{Access, LoginCodes, Reader, Readers, Role, Scope, clock};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::watch;

/// 2026-05-04T13:00:00Z.
pub(crate) const START: i64 = 1_777_899_600_000;
/// A message id as the platform makes them; it embeds the phone 56961234567.
pub(crate) const MESSAGE: &str = "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQTdGMjEyRjY0";
/// Markup where words should be.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// The source; `step` counts its snapshots.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) step: AtomicU64,
    pub(crate) broken: AtomicBool,
    /// Traces of `endless` under way.
    pub(crate) running: AtomicU64,
}

impl Source for Fake {
    fn snapshot(&self, _scope: &Scope) -> Result<Snapshot, SourceError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(SourceError::Unavailable("golden.db does not answer".into()));
        }
        Ok(snapshot(self.step.fetch_add(1, Ordering::SeqCst)))
    }

    fn trace(&self, _scope: &Scope, id: &str, asked: &Asked) -> Result<Trace, SourceError> {
        if id == "endless" {
            self.running.fetch_add(1, Ordering::SeqCst);
            let ended = loop {
                if let Err(ended) = asked.still() {
                    break ended;
                }
                std::thread::yield_now();
            };
            self.running.fetch_sub(1, Ordering::SeqCst);
            return Err(ended);
        }
        if id.starts_with("missing") || id.starts_with('<') {
            return Err(SourceError::NotFound);
        }
        Ok(story(id))
    }

    /// Each card's row, 100 times: a cursor is the number of the next row.
    fn metrics(&self, scope: &Scope, query: &MetricQuery) -> Result<MetricPage, SourceError> {
        let cards = snapshot(1).numbers.into_iter().map(|card| card.row);
        let wanted = cards.filter(|row| {
            scope.has(&row.tenant)
                && query
                    .definition
                    .as_ref()
                    .is_none_or(|name| *name == row.definition || *name == row.metric)
                && query
                    .since
                    .is_none_or(|since| row.window.is_none_or(|window| window.end > since))
        });
        let rows: Vec<Metric> = wanted.flat_map(|row| (0..100).map(move |_| row.clone())).collect();
        let from = match &query.after {
            None => 0,
            Some(after) => after.parse().map_err(|_| SourceError::BadCursor)?,
        };
        let upto = rows.len().min(from + query.limit);
        Ok(MetricPage {
            next: (upto < rows.len()).then(|| upto.to_string()),
            rows: rows[from..upto].to_vec(),
        })
    }
}

/// Token of an operator.
pub(crate) const OPERATOR: &str = "operator-token";
/// Token of a viewer.
pub(crate) const VIEWER: &str = "viewer-token";
/// Token of an analyst.
pub(crate) const ANALYST: &str = "analyst-token";

/// Who revealed what, and why.
#[derive(Clone, Default)]
pub(crate) struct Seen(pub(crate) Arc<Mutex<Vec<[String; 3]>>>);

impl Audit for Seen {
    fn revealed(&self, reader: &str, reason: &str, id: &str) -> Result<(), String> {
        if reason == "the disk is full" {
            return Err("who looks cannot be recorded".to_owned());
        }
        self.0.lock().unwrap().push([reader, reason, id].map(str::to_owned));
        Ok(())
    }
}

/// A server of the pages.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    /// Ends the streams.
    pub(crate) close: watch::Sender<bool>,
    pub(crate) seen: Seen,
    /// Folder of the one-time codes.
    pub(crate) folder: TempDir,
}

impl Served {
    /// A link that lets in once.
    pub(crate) fn link(&self) -> String {
        LoginCodes::new(self.folder.path())
            .link(&format!("http://{}", self.address), clock::now())
            .unwrap()
    }
}

/// Serves the source to three readers and, by one-time codes, to the local user.
pub(crate) async fn serve(source: Arc<Fake>) -> Served {
    let (close, closing) = watch::channel(false);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reader = |name: &str, role| Reader {
        name: name.into(),
        role,
        scope: Scope::All,
    };
    let readers = [
        (reader("olga", Role::Operator), OPERATOR.as_bytes()),
        (reader("vera", Role::Viewer), VIEWER.as_bytes()),
        (reader("ana", Role::Analyst), ANALYST.as_bytes()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let codes = LoginCodes::new(folder.path());
    let access = Arc::new(Access::new(address, &[], Readers::new(readers).unwrap(), Some(codes)));
    let seen = Seen::default();
    let app = routes(source, Arc::new(seen.clone()), closing)
        .merge(login_routes(&access))
        .behind(access);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Served {
        address,
        close,
        seen,
        folder,
    }
}

fn wave(step: u64, length: u64, value: impl Fn(f64) -> f64) -> Vec<Point> {
    (0..length)
        .map(|index| Point {
            at: START + (step + index) as i64 * 1_000,
            value: value((step + index) as f64),
        })
        .collect()
}

fn row(metric: &str, numerator: f64, denominator: f64) -> Metric {
    Metric {
        tenant: "acme".into(),
        metric: metric.into(),
        definition: format!("{metric}@1"),
        numerator: Some(numerator),
        denominator: Some(denominator),
        value: Some(numerator / denominator),
        count: denominator as i64,
        revision: denominator as i64,
        ..Metric::default()
    }
}

fn card(row: Metric, trend: Vec<Point>) -> NumberCard {
    let trace = row.definition.clone();
    NumberCard { row, trend, trace }
}

fn snapshot(step: u64) -> Snapshot {
    let sent = 12_000 + step * 37;
    let part = |share: f64| (sent as f64 * share).round();
    let flow = |name: &str, trace: &str, level: f64, total| {
        let trend = wave(step, 180, |x| {
            level * (1.0 + 0.18 * (x / 9.0).sin() + 0.07 * (x / 2.3).cos())
        });
        Flow {
            name: name.into(),
            per_second: trend.last().unwrap().value,
            total,
            trend,
            trace: trace.into(),
        }
    };
    let ratio = |metric: &str, share: f64, of: f64| {
        let base = part(of);
        let drift = |x: f64| share + 0.012 * (x / 40.0).sin();
        card(row(metric, (base * share).round(), base), wave(step, 120, drift))
    };
    let time = |metric: &str, median: f64| Metric {
        value: Some(median * 1.7),
        p50: Some(median + step as f64 * 0.1),
        p90: Some(median * 4.4),
        ..row(metric, median * 1.7 * 812.0, 812.0)
    };
    let mut csat = ratio("csat_rate", 0.87, 0.02);
    csat.row.is_final = true;
    csat.row.dimensions = vec![Dimension {
        name: "handled_by".into(),
        value: "human".into(),
    }];
    let mut fcr = ratio("fcr_rate", 0.742, 0.04);
    fcr.row.window = Some(Window {
        start: START,
        end: START + 3_600_000,
    });
    let mut waiting = row("unanswered", 9.0, 812.0);
    waiting.value = Some(9.0);
    Snapshot {
        now: START + 180_000 + step as i64 * 1_000,
        label: "demo".into(),
        outcomes: Outcomes {
            items: 41_220 + step * 211,
            emitted: 37_800 + step * 200,
            duplicate: 3_107 + step * 10,
            unclassified: 242,
            dead_letter: 71 + step,
            trace_prefix: "outcome:".into(),
        },
        flows: vec![
            flow("Messages received", "received", 92.0, 15_310 + step * 92),
            flow("Messages sent", "sent", 37.0, sent),
            flow("Statuses", "statuses", 81.0, 30_014 + step * 81),
        ],
        lag: Lag {
            records: 14 + step % 5,
            seconds: 0.2 + (step % 3) as f64 / 10.0,
            trend: wave(step, 180, |x| 0.3 + 0.15 * (x / 5.0).sin()),
            trace: "lag".into(),
        },
        crms: vec![crm(step), stopped_crm()],
        numbers: vec![
            fcr,
            ratio("bot_containment_rate", 0.328, 0.05),
            ratio("delivery_rate", 0.962, 1.0),
            ratio("read_rate", 0.681, 0.96),
            ratio("reply_rate", 0.214, 0.7),
            ratio("failure_rate", 0.024, 1.0),
            card(
                time("frt_human_seconds", 74.0),
                wave(step, 120, |x| 80.0 + 9.0 * (x / 30.0).sin()),
            ),
            card(time("reply_time_seconds", 41.0), wave(step, 120, |x| 44.0 - x / 40.0)),
            card(time("frt_human_business_seconds", 51.0), Vec::new()),
            card(waiting, wave(step, 120, |x| (6.0 + 4.0 * (x / 20.0).sin()).round())),
            csat,
            card(row("a_metric_of_tomorrow", 3.0, 4.0), Vec::new()),
        ],
        templates: vec![
            template("cita_manana", "es_MX", "utility", sent * 55 / 100, 970, 0),
            template("promo_primavera", "es_CL", "marketing", sent * 38 / 100, 910, 311),
            template(
                "codigo_de_acceso_con_un_nombre_bastante_largo",
                "pt_BR",
                "authentication",
                sent / 20,
                990,
                0,
            ),
            template("unknown", "", "", 214, 880, 0),
        ],
        conversations: vec![
            talk(
                "CL",
                "+56961234567",
                "text",
                true,
                2,
                SessionState::Waiting,
                Some("soporte"),
            ),
            talk("MX", "+5215512349876", "template", false, 5, SessionState::None, None),
            talk(
                "BR",
                "BR.9931",
                "interactive",
                false,
                11,
                SessionState::Bot,
                Some("ventas"),
            ),
            talk(
                "CL",
                "+56977001122",
                "image",
                true,
                48,
                SessionState::Answered,
                Some(HOSTILE),
            ),
            talk(
                "AR",
                "+5491160000031",
                "text",
                false,
                260,
                SessionState::Resolved,
                Some("soporte"),
            ),
            talk(
                "CO",
                "+573005550199",
                "audio",
                true,
                4_000,
                SessionState::Inactive,
                None,
            ),
        ],
        senders: vec![
            sender("phone_number", "210000000000001", Some("GREEN"), None),
            sender("template", "promo_primavera", Some("YELLOW"), None),
            sender("template", "promo_invierno", Some("RED"), None),
            sender("portfolio", "510000000000009", None, Some(10_000)),
        ],
        dead_letters: vec![
            reason("not_json", 52 + step),
            reason("element_without_id", 18),
            reason("invalid_utf8", 1),
        ],
        warnings: vec![Warning {
            severity: Severity::Notice,
            text: format!("Tenant acme has no opening hours {HOSTILE}, so no number has its twin in business hours."),
            action: "Set them in hilo.toml.".into(),
        }],
    }
}

/// Key of a record that a CRM refused.
pub(crate) const RECORD: &str = "gr_0190b7c2aa0f4e7d12345678";
/// What a writer says of a property that is not there.
const MISSING: &str = "Run `hilo crm apply`, or take the field out of the mapping; then retry the code.";

fn crm(step: u64) -> CrmCard {
    let object = |name: &str, desired: u64, rejected: u64| CrmObject {
        object: name.into(),
        desired,
        written: Some(desired - rejected - step % 3),
        rejected: Some(rejected),
        trace: format!("crm:hubspot:{name}"),
    };
    let outcome = |kind: &str, count| ReasonCount {
        reason: kind.into(),
        count,
        trace: format!("crm:hubspot:{kind}"),
    };
    let rejection = |code: &str, field: Option<&str>, action, count| CrmRejection {
        code: Masked::crm_code(code),
        field: field.map(Masked::property),
        action: Masked::crm_action(action),
        count,
        example: RECORD.into(),
    };
    CrmCard {
        tenant: "acme".into(),
        sink: "hubspot".into(),
        standing: CrmStanding::Open,
        waiting: 14 + step % 3,
        waiting_since: Some(START + 171_000),
        last_at: Some(START + 180_000 + step as i64 * 1_000),
        last_minute: 1_914 + step,
        budget: Some(CrmBudget {
            used: 306_112 + step * 3,
            limit: 500_000,
        }),
        objects: vec![
            object("contact", 5_102 + step, 12),
            object("ticket", 6_313 + step, 0),
            object("deal", 431, 31),
            object("communication", 41_220 + step * 9, 0),
            object("task", 88, 0),
        ],
        outcomes: vec![
            outcome("rejected", 43),
            outcome("skipped", 317),
            outcome("written", 52_780 + step * 11),
        ],
        rejected: vec![
            rejection(
                "missing_property",
                Some("motivo_de_la_consulta_de_la_paciente"),
                MISSING,
                31,
            ),
            rejection("invalid_option", Some(HOSTILE), "Ask Camila Rojas at once.", 12),
        ],
        ..CrmCard::default()
    }
}

fn stopped_crm() -> CrmCard {
    CrmCard {
        tenant: "beta".into(),
        sink: "hubspot".into(),
        standing: CrmStanding::Stopped,
        code: Some(Masked::crm_code("unauthorized")),
        waiting: 1_204,
        waiting_since: Some(START - 7_000_000),
        ..CrmCard::default()
    }
}

fn template(name: &str, language: &str, category: &str, sent: u64, per_mille: u64, marketing_cap: u64) -> TemplateRow {
    let delivered = sent * per_mille / 1_000;
    TemplateRow {
        tenant: "acme".into(),
        template: name.into(),
        language: (!language.is_empty()).then(|| language.into()),
        category: (!category.is_empty()).then(|| category.into()),
        sent,
        delivered,
        read: delivered * 7 / 10,
        failed: sent / 60 + marketing_cap,
        marketing_cap,
        persons: delivered * 9 / 10,
        replied: delivered / 6,
        is_final: category == "authentication",
        trace: format!("template:{name}"),
    }
}

fn talk(
    country: &str,
    identifier: &str,
    kind: &str,
    inbound: bool,
    seconds: i64,
    state: SessionState,
    queue: Option<&str>,
) -> ConversationRow {
    ConversationRow {
        tenant: "acme".into(),
        person: Masked::person(Some(country), Some(identifier)),
        message_type: kind.into(),
        inbound,
        at: START + 180_000 - seconds * 1_000,
        state,
        queue: queue.map(Masked::by_length),
        trace: format!("person-{seconds}"),
    }
}

fn sender(kind: &str, id: &str, quality: Option<&str>, limit: Option<i64>) -> SenderRow {
    SenderRow {
        kind: kind.into(),
        id: id.into(),
        quality: quality.map(Into::into),
        limit,
        observed_at: Some(START),
        trace: format!("{kind}:{id}"),
    }
}

fn reason(name: &str, count: u64) -> ReasonCount {
    ReasonCount {
        reason: name.into(),
        count,
        trace: format!("dead_letter:{name}"),
    }
}

fn story(id: &str) -> Trace {
    let step = |stage, second: i64, title: &str, topic: &str, content, links| Step {
        stage,
        at: START + second * 1_000,
        title: title.into(),
        topic: Some(topic.into()),
        content,
        links,
    };
    let link = |label: &str, id: &str| Link {
        label: label.into(),
        id: id.into(),
    };
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "310000000000001", "changes": [{
        "field": "messages", "value": {"messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "56229876543", "phone_number_id": "210000000000001"},
        "contacts": [{"profile": {"name": "Camila Rojas"}, "wa_id": "56961234567", "user_id": "CL.1001"}],
        "messages": [{"from": "56961234567", "id": MESSAGE, "timestamp": "1777899600", "type": "text",
            "text": {"body": "Hola, ¿tienen hora mañana?"}}]}}]}]});
    let fact = json!({"event_id": "5f0e7b1c2a", "tenant": "acme", "event_time": START, "kind": "message_received",
        "person_id": "p_0190b7c2aa0f4e7d12345678", "conversation_id": "c0ffee", "message_id": MESSAGE, "message_type": "text",
        "direction": "inbound", "phone_number_id": "210000000000001", "country": "CL",
        "content": "Hola, ¿tienen hora mañana?", "session": null, "opt_out": false, "revision": 1});
    let sighting = json!({"kind": "observed", "person_id": "p_0190b7c2aa0f4e7d12345678", "rule": "same_item", "confidence": 1.0,
        "identifiers": [{"kind": "bsuid", "value": "CL.1001", "valid_from": START, "valid_to": null},
            {"kind": "phone", "value": "+56961234567", "valid_from": START, "valid_to": null}]});
    let steps = vec![
        step(
            Stage::Raw,
            1,
            "whatsapp",
            "hilo.raw",
            json!({"source": "whatsapp", "tenant": "acme", "body": body.to_string()}),
            vec![link("delivery", "d-771")],
        ),
        step(
            Stage::Item,
            1,
            "text",
            "hilo.item",
            json!({"entry": 0, "change": 0, "item": 0, "content": body["entry"][0]["changes"][0]["value"]["messages"][0]}),
            vec![],
        ),
        step(
            Stage::Fact,
            0,
            "observed",
            "hilo.identity",
            sighting,
            vec![link("person", "p_0190b7c2aa0f4e7d12345678")],
        ),
        step(
            Stage::Fact,
            0,
            "message_received",
            "hilo.conversation",
            fact,
            vec![link("person", "p_0190b7c2aa0f4e7d12345678")],
        ),
        step(
            Stage::Metric,
            74,
            "frt_human_seconds@1",
            "hilo.metric",
            json!({"metric": "frt_human_seconds", "numerator": 59_892.5, "denominator": 812, "value": 73.76, "is_final": false,
                "dimensions": {"queue": "soporte"}}),
            vec![link("number", "frt_human_seconds@1")],
        ),
    ];
    Trace {
        id: id.into(),
        kind: if id.contains('@') { "number" } else { "message" }.into(),
        steps,
        total: 128,
    }
}
