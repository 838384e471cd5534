//! A node of the embedded engine in a test's own process: a capture goes in, its pages come out.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod visit;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use hilo::{captures, topology};
use hilo_contracts::topics;
use hilo_dashboard::Audit;
use hilo_service::{Access, Reader, Readers, Role, Scope};
use hilo_simulator::{Profile, capture};
use hilo_stream::{
    Record, Topology,
    embedded::{DataDir, Engine, Log, RawLog},
};
use hilo_views::{Embedded, Follower, Pulse, View};
use std::{collections::BTreeSet, fs, net::SocketAddr, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt as _;

/// When the captures begin.
pub(crate) const START: i64 = 1_795_510_800_000;

/// After everything in a capture: what is open ends.
pub(crate) const CLOCK: &str = "{\"source\":\"clock\",\"at\":\"2026-12-20T00:00:00Z\"}\n";

const ADDRESS: &str = "127.0.0.1:8090";
pub(crate) const TOKEN: &str = "a-token-of-a-reader-in-a-test";

/// Nothing is revealed in these tests.
struct Unseen;

impl Audit for Unseen {
    fn revealed(&self, _: &str, _: &str, _: &str) -> Result<(), String> {
        Err("nothing is revealed in this test".to_owned())
    }
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: String,
    /// Where the next page is.
    pub next: Option<String>,
}

pub(crate) struct Stand {
    pub view: Arc<View>,
    pub topology: Topology,
    dir: PathBuf,
    _folder: TempDir,
}

impl Stand {
    /// A node that has processed these lines and was stopped.
    pub(crate) fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        let file = folder.path().join("capture.ndjson");
        fs::write(&file, lines).unwrap();
        let topology = topology::topology(&topology::Tenants::default()).unwrap();
        let directory = DataDir::open(&dir).unwrap();
        let raw = RawLog::open(&directory, topics::RAW).unwrap();
        let engine = Engine::open(&directory, &topology, &raw, topology::dead_letter).unwrap();
        let engine = engine.start().unwrap();
        let topics = Arc::new(Embedded::new(&dir, &topology, Some(engine.watch())));
        let follower = Follower::start(&topics, &dir).unwrap();
        let records: Vec<Record> = captures::records(&[file]).unwrap().map(Result::unwrap).collect();
        raw.append(records).wait().unwrap();
        engine.watch().wait_for(raw.len());
        let pulse = follower.pulse();
        follower.finish().unwrap();
        engine.stop().unwrap();
        assert_eq!(pulse.behind(), 0);
        let view = Arc::new(View::new("test", &dir, &topology, topics, Pulse::of_a_copy()).unwrap());
        Self {
            view,
            topology,
            dir,
            _folder: folder,
        }
    }

    pub(crate) fn scope(tenants: &[&str]) -> Scope {
        Scope::Tenants(tenants.iter().map(|tenant| (*tenant).to_owned()).collect())
    }

    /// All records of a topic.
    pub(crate) fn records(&self, topic: &str) -> Vec<Record> {
        let mut log = Log::open(&self.dir, &self.topology);
        let mut all = Vec::new();
        loop {
            let records = log.read(topic, all.len() as u64, 10_000).unwrap();
            if records.is_empty() {
                return all;
            }
            all.extend(records.into_iter().map(|(_, record)| record));
        }
    }

    /// The pages for a reader with [`TOKEN`].
    fn router(&self, address: SocketAddr, scope: Scope, closing: watch::Receiver<bool>) -> Router {
        let reader = Reader {
            name: "ana".to_owned(),
            role: Role::Operator,
            scope,
        };
        let readers = Readers::new([(reader, TOKEN.as_bytes())]).unwrap();
        let access = Arc::new(Access::new(address, &[], readers, None));
        let view: Arc<View> = Arc::clone(&self.view);
        hilo_dashboard::routes(view, Arc::new(Unseen), closing)
            .merge(hilo_dashboard::login_routes(&access))
            .behind(access)
    }

    /// Serves the pages to a reader of everything with [`TOKEN`] while `look` looks at them.
    pub(crate) fn served<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        let app = self.router(address, Scope::All, closing);
        runtime.spawn(async move { axum::serve(listener, app).await });
        look(&format!("http://{address}"))
    }

    /// What a reader of these tenants gets.
    pub(crate) fn get(&self, scope: &Scope, path: &str) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (_close, closing) = watch::channel(false);
            let app = self.router(ADDRESS.parse().unwrap(), scope.clone(), closing);
            let request = Request::get(path)
                .header(header::HOST, ADDRESS)
                .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
                .body(Body::empty())
                .unwrap();
            let response = app.oneshot(request).await.unwrap();
            let next = response.headers().get(header::LINK).map(|link| {
                let link = link.to_str().unwrap();
                let (address, relation) = link.strip_prefix('<').unwrap().split_once(">; ").unwrap();
                assert_eq!(relation, "rel=\"next\"");
                address.to_owned()
            });
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            Answer {
                status,
                body: String::from_utf8(body.to_vec()).unwrap(),
                next,
            }
        })
    }
}

/// Addresses of traces on a page.
pub(crate) fn links(page: &str) -> BTreeSet<String> {
    page.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with("/trace/"))
        .map(str::to_owned)
        .collect()
}

/// A capture of two tenants that share phones, message ids, commands and deals, as two customers of one platform may.
pub(crate) fn two_tenants() -> String {
    let mut bytes = Vec::new();
    let profile = Profile {
        tenants: vec!["alpha-inc".to_owned(), "beta-corp".to_owned()],
        people: 12,
        ..Profile::demo(START, 400)
    };
    capture::write(&mut bytes, 7, profile, 250).unwrap();
    let mut lines = String::from_utf8(bytes).unwrap();
    for tenant in ["alpha-inc", "beta-corp"] {
        let webhook = |field: &str, value: serde_json::Value| {
            serde_json::json!({"source": "whatsapp", "tenant": tenant, "received_at": "2026-11-24T13:00:01Z", "body": {
                "object": "whatsapp_business_account",
                "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}})
        };
        let metadata = serde_json::json!({"display_phone_number": "15550783881", "phone_number_id": "2"});
        let said = format!("hola de {tenant}");
        for line in [
            webhook(
                "messages",
                serde_json::json!({"metadata": metadata, "contacts": [{"wa_id": "56961230002", "profile": {"name": "Ana Beltran"}}],
                    "messages": [{"id": "wamid.shared", "from": "56961230002", "type": "text", "text": {"body": said},
                        "timestamp": "1795525200"}]}),
            ),
            serde_json::json!({"source": "outbound", "tenant": tenant, "at": "2026-11-24T14:00:00Z", "phone_number_id": "2",
                "message_id": "wamid.out", "command_id": "order-77", "to": {"phone": "+56961230002"}, "type": "template",
                "template": {"name": "promo", "language": "es", "category": "marketing"}}),
            webhook(
                "messages",
                serde_json::json!({"metadata": metadata, "statuses": [{"id": "wamid.out", "status": "delivered",
                    "timestamp": "1795528805", "recipient_id": "56961230002"}]}),
            ),
            serde_json::json!({"source": "crm", "tenant": tenant, "at": "2026-11-24T14:30:00Z", "event": "deal_won",
                "system": "hubspot", "deal_id": "deal-5", "user": {"phone": "+56961230002"}, "stage": "new"}),
            webhook("a_field_of_tomorrow", serde_json::json!({"tenant": tenant})),
            webhook(
                "messages",
                serde_json::json!({"metadata": metadata, "messages": [{"type": "text"}]}),
            ),
        ] {
            lines.extend([line.to_string().as_str(), "\n"]);
        }
    }
    lines
}
