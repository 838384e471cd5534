//! Deliveries over real HTTP, as the platform makes them: signed, concurrent, and again until they are acknowledged.

use crate::{Event, Kind, Tally};
use hilo_domain::Millis;
use hmac::{Hmac, Mac as _};
use reqwest::{Client, StatusCode, header};
use sha2::Sha256;
use std::{collections::BTreeMap, fmt::Write as _, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

/// Where deliveries go.
pub struct Target {
    /// Address of the gateway, without a path: `http://127.0.0.1:8080`.
    pub base_url: String,
    /// What each tenant signs and identifies itself with.
    pub tenants: BTreeMap<String, Credentials>,
    /// How long, after the stop, what is not acknowledged is tried again.
    pub patience: Duration,
}

/// A tenant's secrets. There is no `Debug`: they are never printed.
pub struct Credentials {
    /// Signs webhooks.
    pub app_secret: String,
    /// Bearer token of the lines.
    pub api_token: String,
}

/// What became of the deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Counts of what was acknowledged. A delivery whose acknowledgement got lost was sent again and is counted once;
    /// the other side has it twice.
    pub acknowledged: Tally,
    /// Deliveries that were tried and not acknowledged in time; the other side may have them.
    pub unacknowledged: u64,
    /// Deliveries refused for good: trying again would not mend them.
    pub refused: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Why the first refused one was refused.
    pub first_refusal: Option<String>,
}

/// Requests under way at a time; the platform has several, too.
const CONCURRENCY: usize = 64;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(2);

/// Sends `events` until `stop` completes, each at its time: `start` is now. When the other side is slow or gone, what
/// is due waits its turn. Then waits for what is under way.
pub async fn send(
    events: impl Iterator<Item = Event>,
    start: Millis,
    target: &Target,
    stop: impl Future<Output = ()>,
) -> reqwest::Result<Report> {
    let client = Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .pool_max_idle_per_host(CONCURRENCY)
        .build()?;
    let slots = Arc::new(Semaphore::new(CONCURRENCY));
    let mut stop = pin!(stop);
    let mut tasks = JoinSet::new();
    let mut report = Report::default();
    let begun = Instant::now();
    for event in events {
        let due = begun + Duration::from_millis((event.send_at - start).max(0).unsigned_abs());
        let slot = async {
            sleep_until(due).await;
            Arc::clone(&slots).acquire_owned().await
        };
        let slot = tokio::select! {
            biased;
            () = &mut stop => break,
            slot = slot => slot,
        };
        let tally = event.tally;
        match request(target, &event) {
            Ok(request) => {
                let client = client.clone();
                tasks.spawn(async move {
                    let _slot = slot;
                    let (outcome, retries) = deliver(&client, &request).await;
                    (outcome, retries, tally)
                });
            }
            Err(reason) => report.refuse(reason),
        }
        while let Some(done) = tasks.try_join_next() {
            report.settle(done.ok());
        }
    }
    let last_moment = Instant::now() + target.patience;
    while let Ok(Some(done)) = timeout_at(last_moment, tasks.join_next()).await {
        report.settle(done.ok());
    }
    report.unacknowledged += tasks.len() as u64;
    tasks.shutdown().await;
    Ok(report)
}

/// `X-Hub-Signature-256` of a body.
#[must_use]
pub fn signature(app_secret: &str, body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    // HMAC takes keys of every length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

struct Request {
    url: String,
    header: (&'static str, String),
    body: String,
    webhook: bool,
}

enum Outcome {
    Acknowledged,
    Refused(String),
}

fn request(target: &Target, event: &Event) -> Result<Request, String> {
    let tenant = &*event.tenant;
    let credentials = target
        .tenants
        .get(tenant)
        .ok_or_else(|| format!("tenant {tenant:?} has no credentials: add them"))?;
    let base = target.base_url.trim_end_matches('/');
    Ok(match &event.kind {
        Kind::Webhook { body } => Request {
            url: format!("{base}/webhooks/whatsapp/{tenant}"),
            header: (
                "x-hub-signature-256",
                signature(&credentials.app_secret, body.as_bytes()),
            ),
            body: body.clone(),
            webhook: true,
        },
        Kind::Line { path, json } => Request {
            url: format!("{base}{}", path.as_url()),
            header: ("authorization", format!("Bearer {}", credentials.api_token)),
            body: json.clone(),
            webhook: false,
        },
    })
}

async fn deliver(client: &Client, request: &Request) -> (Outcome, u64) {
    let mut back_off = FIRST_BACK_OFF;
    let mut retries = 0;
    loop {
        let attempt = client
            .post(&request.url)
            .header(request.header.0, &request.header.1)
            .header(header::CONTENT_TYPE, "application/json")
            .body(request.body.clone())
            .send()
            .await;
        match attempt {
            // Any other success leaves it open whether the platform's delivery is durable.
            Ok(response) if response.status() == StatusCode::OK => return (Outcome::Acknowledged, retries),
            Ok(response) if response.status().is_success() && !request.webhook => {
                return (Outcome::Acknowledged, retries);
            }
            Ok(response) if is_final(response.status()) => {
                return (
                    Outcome::Refused(format!("{} answers {}", request.url, response.status())),
                    retries,
                );
            }
            Err(error) if error.is_builder() => return (Outcome::Refused(error.to_string()), retries),
            Ok(_) | Err(_) => {}
        }
        sleep(back_off).await;
        back_off = (back_off * 2).min(LONGEST_BACK_OFF);
        retries += 1;
    }
}

/// The platform would try these again for days; here nothing is going to change.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT && status != StatusCode::TOO_MANY_REQUESTS
}

impl Report {
    /// `None`: the task was lost, and with it whether the delivery was acknowledged.
    fn settle(&mut self, done: Option<(Outcome, u64, Tally)>) {
        let Some((outcome, retries, tally)) = done else {
            self.unacknowledged += 1;
            return;
        };
        self.retries += retries;
        match outcome {
            Outcome::Acknowledged => self.acknowledged.add(&tally),
            Outcome::Refused(reason) => self.refuse(reason),
        }
    }

    fn refuse(&mut self, reason: String) {
        self.refused += 1;
        self.first_refusal.get_or_insert(reason);
    }
}
