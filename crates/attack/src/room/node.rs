//! The node under attack: `hilo up`, or the roles as processes on Kafka, with tenants and readers of its own.

use super::{
    capture::{ACME, BETA, Tenant},
    http::{self, Answer, Request},
    process::Process,
    until,
};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    future::Future,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, process::Command};

/// A node that does not answer within this time never will.
const PATIENCE: Duration = Duration::from_mins(2);
/// A command that does not end within this time hangs.
const COMMAND: Duration = Duration::from_mins(5);
/// Below what Linux gives to clients.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// A broker has this many attempts to make topics.
const ATTEMPTS: usize = 5;
/// Between TERM and the end: more than the contract allows, so that the excess is measured.
const END: Duration = Duration::from_secs(40);

/// A reader of the attacked node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    pub name: &'static str,
    pub token: &'static str,
    pub role: &'static str,
    /// Nobody's in particular: all.
    pub tenant: Option<&'static str>,
}

pub(crate) const ANA: Reader = Reader {
    name: "ana",
    token: "ana-viewer-of-acme-1f4c",
    role: "viewer",
    tenant: Some("acme"),
};
pub(crate) const BEA: Reader = Reader {
    name: "bea",
    token: "bea-viewer-of-beta-7d21",
    role: "viewer",
    tenant: Some("beta"),
};
pub(crate) const NUMA: Reader = Reader {
    name: "numa",
    token: "numa-analyst-of-acme-93b0",
    role: "analyst",
    tenant: Some("acme"),
};
pub(crate) const OLGA: Reader = Reader {
    name: "olga",
    token: "olga-operator-of-all-c55e",
    role: "operator",
    tenant: None,
};

/// Where the attacked roles run.
#[derive(Clone, Debug)]
pub enum Engine {
    /// `hilo up`.
    Embedded,
    /// `hilo run ROLE...` on a broker and a registry.
    Kafka {
        /// `host:port`.
        bootstrap: String,
        /// Address of Confluent's API.
        registry: String,
    },
}

/// What is attacked, and where the harness keeps its files.
pub(crate) struct Room {
    pub hilo: PathBuf,
    pub engine: Engine,
    /// An older binary, with its read side on the public listener and without readers.
    pub one_listener: bool,
    folder: TempDir,
    nodes: AtomicUsize,
}

impl Room {
    pub(crate) fn new(hilo: &Path, engine: Engine, one_listener: bool) -> Result<Self> {
        let hilo = hilo
            .canonicalize()
            .with_context(|| format!("there is no binary {}", hilo.display()))?;
        Ok(Self {
            hilo,
            engine,
            one_listener,
            folder: tempfile::Builder::new().prefix("hilo-attack-").tempdir()?,
            nodes: AtomicUsize::new(0),
        })
    }

    /// A folder that nobody used before.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let number = self.nodes.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(number.to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    pub(crate) fn is_kafka(&self) -> bool {
        matches!(self.engine, Engine::Kafka { .. })
    }

    /// A command of the attacked binary, killed where it hangs.
    pub(crate) async fn command(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output> {
        let mut child = Command::new(&self.hilo)
            .args(arguments)
            .env("USER", "attack")
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let written = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A command that ends early says why itself.
                drop(stdin.write_all(input).await);
            }
        };
        let ended = async { tokio::join!(written, child.wait_with_output()).1 };
        tokio::time::timeout(COMMAND, ended)
            .await
            .with_context(|| format!("hilo {arguments:?} has not ended in {} s", COMMAND.as_secs()))?
            .with_context(|| format!("hilo {arguments:?}"))
    }
}

/// How a node is configured.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address that the read side binds.
    pub admin: Ipv4Addr,
    /// Data directory elsewhere than in the node's folder.
    pub data_dir: Option<PathBuf>,
    /// `HILO_LOG`.
    pub log: Option<&'static str>,
    /// Start it before it is whole.
    pub wait: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            admin: Ipv4Addr::LOCALHOST,
            data_dir: None,
            log: None,
            wait: true,
        }
    }
}

/// A process of a node: its roles, and where it listens.
struct Part {
    name: &'static str,
    roles: &'static [&'static str],
    /// Where its probes are.
    admin: SocketAddr,
    process: Option<Process>,
}

/// A running node.
pub(crate) struct Node<'r> {
    pub room: &'r Room,
    settings: Settings,
    pub folder: PathBuf,
    /// Where deliveries go.
    pub http: SocketAddr,
    /// Where the read side is.
    pub admin: SocketAddr,
    parts: Vec<Part>,
}

const WORK: [&str; 7] = [
    "normalize",
    "identity",
    "conversation",
    "status",
    "account",
    "consent",
    "metrics",
];

/// A port that nobody uses now, and that the system gives to no client: those of the attacks are many.
pub(crate) fn free_port() -> Result<u16> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for _ in PORTS {
        let number = NEXT.fetch_add(1, Ordering::Relaxed) + 7 * std::process::id() as usize;
        let port = PORTS.start + (number % PORTS.len()) as u16;
        // Also the address of all: a node may bind it.
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("all ports from {} to {} are in use", PORTS.start, PORTS.end)
}

/// Runs a command until it does what it should: a broker under load makes topics late.
pub(crate) async fn set_up<F>(what: &str, run: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<Output>>,
{
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let output = run().await?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    bail!("{what}: {said}")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl<'r> Node<'r> {
    /// Starts one and waits until it is ready.
    pub(crate) async fn start(room: &'r Room, settings: Settings) -> Result<Self> {
        let mut node = Self::prepare(room, settings).await?;
        node.start_again().await?;
        Ok(node)
    }

    /// Configures one; on Kafka also its topics and contracts.
    pub(crate) async fn prepare(room: &'r Room, settings: Settings) -> Result<Self> {
        let folder = room.folder()?;
        let http = local(free_port()?);
        let admin = if room.one_listener && !room.is_kafka() {
            http
        } else {
            local(free_port()?)
        };
        let part = |name, roles, admin| Part {
            name,
            roles,
            admin,
            process: None,
        };
        let parts = match room.engine {
            Engine::Embedded => vec![part("node", &[][..], admin)],
            Engine::Kafka { .. } => {
                // An older role has everything on one listener.
                let gateway = if room.one_listener { http } else { local(free_port()?) };
                vec![
                    part("gateway", &["gateway"][..], gateway),
                    part("work", &WORK[..], local(free_port()?)),
                    part("golden", &["golden"][..], admin),
                ]
            }
        };
        let node = Self {
            room,
            settings,
            folder,
            http,
            admin,
            parts,
        };
        fs::write(node.config(), node.configuration())?;
        if room.is_kafka() {
            set_up("topics", || node.hilo(&["topics", "apply"])).await?;
            set_up("schemas", || node.hilo(&["schemas", "register"])).await?;
        }
        Ok(node)
    }

    /// File of the configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("hilo.toml")
    }

    /// Folder of the embedded engine, or of golden's data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        let name = if self.room.is_kafka() { "golden" } else { "data" };
        let default = || self.folder.join(name);
        self.settings.data_dir.clone().unwrap_or_else(default)
    }

    fn configuration(&self) -> String {
        let mut text = format!("[http]\nlisten = \"{}\"\n", self.http);
        if !self.room.one_listener {
            text.push_str(&format!(
                "[admin]\nlisten = \"{}:{}\"\n",
                self.settings.admin,
                self.admin.port()
            ));
            text.push_str(&readers());
        }
        text.push_str(&format!("[storage]\ndata_dir = \"{}\"\n", self.data_dir().display()));
        if let Engine::Kafka { bootstrap, registry } = &self.room.engine {
            text.push_str(&format!(
                "[kafka]\nbootstrap_servers = \"{bootstrap}\"\ntopic_prefix = \"{}\"\npartitions = 2\nlanes = 1\n\
                 session_timeout_ms = 6000\n[registry]\nurl = \"{registry}\"\n",
                self.prefix()
            ));
        }
        text.push_str(&tenants());
        text
    }

    /// What the node's topics and groups begin with.
    pub(crate) fn prefix(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        format!("attack-{}-{name}-", std::process::id())
    }

    /// Starts its processes with what they had, and waits until they are ready.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        for index in 0..self.parts.len() {
            self.start_part(index)?;
        }
        if !self.settings.wait {
            return Ok(());
        }
        self.ready(PATIENCE).await
    }

    fn start_part(&mut self, index: usize) -> Result<()> {
        let part = &self.parts[index];
        let mut command = Command::new(&self.room.hilo);
        if part.roles.is_empty() {
            command.arg("up");
        } else {
            command.arg("run").args(part.roles);
            command.env("HILO__STORAGE__DATA_DIR", self.folder.join(part.name));
            let http = match part.name {
                "gateway" => self.http,
                _ if self.room.one_listener => part.admin,
                _ => local(free_port()?),
            };
            command.env("HILO__HTTP__LISTEN", http.to_string());
            if !self.room.one_listener {
                let admin = SocketAddr::from((self.settings.admin, part.admin.port()));
                command.env("HILO__ADMIN__LISTEN", admin.to_string());
            }
        }
        command.arg("--config").arg(self.config());
        if let Some(log) = self.settings.log {
            command.env("HILO_LOG", log);
        }
        let log = self.folder.join(format!("{}.log", part.name));
        self.parts[index].process = Some(Process::start(&mut command, log)?);
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&mut self, patience: Duration) -> Result<()> {
        let admin = self.admin;
        let begun = std::time::Instant::now();
        loop {
            for part in &mut self.parts {
                if let Some(process) = &mut part.process
                    && let Some(status) = process.ended()?
                {
                    bail!("{} ended at its start with {status}: {}", part.name, process.tail());
                }
            }
            let http = http::connect(self.http, http::DECENT, None).await.is_ok();
            let ready = Request::get("/readyz").send_within(admin, Duration::from_secs(5)).await;
            match ready {
                Ok(answer) if answer.status == 200 && http => return Ok(()),
                Ok(answer) if begun.elapsed() > patience => bail!("it is never ready: {}", answer.brief()),
                Err(error) if begun.elapsed() > patience => bail!("it never answers: {error:#}"),
                _ => tokio::time::sleep(Duration::from_millis(25)).await,
            }
        }
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.parts.iter().filter_map(|part| part.process.as_ref())
    }

    /// Names of the processes that have ended by themselves, with the end of their logs.
    pub(crate) fn fallen(&mut self) -> Result<Vec<String>> {
        let mut fallen = Vec::new();
        for part in &mut self.parts {
            if let Some(process) = &mut part.process
                && let Some(status) = process.ended()?
            {
                fallen.push(format!("{} ended with {status}: {}", part.name, process.tail()));
            }
        }
        Ok(fallen)
    }

    /// SIGKILL to all of it.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        for part in &mut self.parts {
            if let Some(mut process) = part.process.take() {
                process.kill().await?;
            }
        }
        Ok(())
    }

    fn index(&self, name: &str) -> Result<usize> {
        let found = self.parts.iter().position(|part| part.name == name);
        found.with_context(|| format!("a node without {name}"))
    }

    /// SIGKILL to one of its processes.
    pub(crate) async fn kill_one(&mut self, name: &str) -> Result<()> {
        let index = self.index(name)?;
        if let Some(mut process) = self.parts[index].process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Starts one of its processes again.
    pub(crate) fn start_one(&mut self, name: &str) -> Result<()> {
        let index = self.index(name)?;
        self.start_part(index)
    }

    /// Status of a probe of each process; 0 is no answer.
    pub(crate) async fn probes(&self, path: &str) -> Vec<(&'static str, u16)> {
        let mut answers = Vec::new();
        for part in &self.parts {
            let answer = Request::get(path).send_within(part.admin, Duration::from_secs(5)).await;
            answers.push((part.name, answer.map_or(0, |answer| answer.status)));
        }
        answers
    }

    /// SIGTERM to all of it, one after the other; the longest time that one took, and whether all ended well.
    pub(crate) async fn terminate(&mut self) -> Result<(Duration, bool)> {
        let (mut longest, mut well) = (Duration::ZERO, true);
        for part in &mut self.parts {
            if let Some(mut process) = part.process.take() {
                let (took, status) = process.terminate(END).await?;
                longest = longest.max(took);
                well &= status.is_some_and(|status: ExitStatus| status.success());
            }
        }
        Ok((longest, well))
    }

    /// MiB that its processes hold now.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.processes().map(|process| process.memory("VmRSS")).sum()
    }

    /// The most that they held since [`Node::forget_peak`], in MiB.
    pub(crate) fn peak(&self) -> Result<u64> {
        self.processes().map(|process| process.memory("VmHWM")).sum()
    }

    pub(crate) fn forget_peak(&self) {
        self.processes().for_each(Process::forget_peak);
    }

    /// What its processes said on both outputs.
    pub(crate) fn log(&self) -> String {
        let logs = self
            .parts
            .iter()
            .map(|part| self.folder.join(format!("{}.log", part.name)));
        logs.map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned())
            .collect()
    }

    /// A command with the node's configuration.
    pub(crate) async fn hilo(&self, arguments: &[&str]) -> Result<Output> {
        self.hilo_with(arguments, None).await
    }

    pub(crate) async fn hilo_with(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output> {
        let config = self.config();
        let config = config.to_str().context("a folder that is no text")?;
        let all = [arguments, &["--config", config]].concat();
        self.room.command(&all, input).await
    }

    /// Puts lines into the log as `hilo ingest` does; an embedded node must not run.
    pub(crate) async fn ingest(&self, lines: &str) -> Result<()> {
        let output = self.hilo_with(&["ingest", "-"], Some(lines.as_bytes())).await?;
        ensure!(
            output.status.success(),
            "ingest: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// All lines of a topic.
    pub(crate) async fn export(&self, topic: &str) -> Result<Vec<Value>> {
        let output = self.hilo(&["export", topic]).await?;
        ensure!(
            output.status.success(),
            "export {topic}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// A GET of the read side by a reader of all.
    pub(crate) async fn read(&self, path: &str) -> Result<Answer> {
        Request::get(path).bearer(OLGA.token).send(self.admin).await
    }

    /// A trace by a reader of all, again while too many are asked for.
    pub(crate) async fn trace(&self, id: &str) -> Result<Answer> {
        let path = format!("/v1/trace/{}", http::escape(id));
        until("the queue of traces has room", http::PATIENCE, async || {
            let answer = self.read(&path).await?;
            Ok((answer.status != 429).then_some(answer))
        })
        .await
    }

    /// Status and reason of a probe.
    pub(crate) async fn probe(&self, path: &str) -> Result<Answer> {
        Request::get(path).send(self.admin).await
    }

    /// Sum of a metric over its labels, over the lines that contain `label`; `None` where there is no such series.
    pub(crate) async fn measure(&self, name: &str, label: &str) -> Result<Option<f64>> {
        let text = self.read("/metrics").await?.text();
        let values: Vec<f64> = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label))
            .filter(|line| line[name.len()..].starts_with(['{', ' ']))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        Ok((!values.is_empty()).then(|| values.iter().sum()))
    }

    /// Bytes of a folder.
    pub(crate) fn disk(&self) -> u64 {
        let files = fs::read_dir(self.data_dir()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }
}

/// The readers of every attacked node.
pub(crate) fn readers() -> String {
    let mut text = String::new();
    for reader in [ANA, BEA, NUMA, OLGA] {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "[readers.{}]\ntoken = \"{}\"\nrole = \"{}\"\n",
            reader.name, reader.token, reader.role
        );
        if let Some(tenant) = reader.tenant {
            let _ = writeln!(text, "tenants = [\"{tenant}\"]");
        }
    }
    text
}

/// The tenants of every attacked node: one with a rotated secret, one without.
pub(crate) fn tenants() -> String {
    let tenant = |tenant: &Tenant, more: &str| {
        format!(
            "[tenants.{}]\nverify_token = \"verify\"\napp_secrets = [\"{}\"{more}]\napi_tokens = [\"{}\"]\n",
            tenant.name, tenant.secret, tenant.api_token
        )
    };
    tenant(&ACME, ", \"acme-old-secret\"") + &tenant(&BETA, "")
}
