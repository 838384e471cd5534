//! A headless Chromium over the pipe of its `DevTools`: no port to race for, no crate to trust.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest wait for an answer: beyond it something hangs.
const PATIENCE: Duration = Duration::from_mins(1);
/// Maps the pipe's descriptors, which Chromium wants as 3 and 4, onto the standard ones.
const WIRING: &str = r#"exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1"#;
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct View {
    /// Pixels across; below 700 it is a phone.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Whether the reader wants dark colours.
    pub dark: bool,
}

/// A running browser; it ends with this value.
pub struct Browser {
    child: Child,
    wire: RefCell<Wire>,
    _profile: tempfile::TempDir,
}

struct Wire {
    input: ChildStdin,
    output: Receiver<Value>,
    next_id: u64,
    /// Problems that pages reported: exceptions, console errors, refused loads.
    problems: Vec<String>,
}

/// One open page.
pub struct Page<'a> {
    browser: &'a Browser,
    target: String,
    session: String,
}

/// Where Chromium is. In CI its absence fails the test; elsewhere the test says that it was skipped.
#[must_use]
pub fn find() -> Option<&'static str> {
    let found = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "no Chromium: run scripts/chromium.sh");
        eprintln!("SKIPPED: no Chromium here, so the page was not looked at; run scripts/chromium.sh");
    }
    found
}

impl Browser {
    /// Starts the program at this path.
    #[must_use]
    pub fn launch(path: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", WIRING, "sh", path])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while reader.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else {
                    break;
                };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        Self {
            child,
            wire: RefCell::new(Wire {
                input,
                output,
                next_id: 0,
                problems: Vec::new(),
            }),
            _profile: profile,
        }
    }

    /// Opens an address.
    #[must_use]
    pub fn open(&self, url: &str, view: View) -> Page<'_> {
        let target = self.call(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attached = self.call(
            None,
            "Target.attachToTarget",
            &json!({"targetId": target, "flatten": true}),
        );
        let page = Page {
            browser: self,
            target,
            session: attached["sessionId"].as_str().unwrap().to_owned(),
        };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, &json!({}));
        }
        page.look(view);
        page.call("Page.navigate", &json!({"url": url}));
        page.wait_for("location.href !== 'about:blank'");
        page
    }

    /// What pages complained of since the last call.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        std::mem::take(&mut self.wire.borrow_mut().problems)
    }

    fn call(&self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.try_call(session, method, parameters)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&self, session: Option<&str>, method: &str, parameters: &Value) -> Result<Value, String> {
        let mut wire = self.wire.borrow_mut();
        wire.next_id += 1;
        let id = wire.next_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        wire.input.write_all(&bytes).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut answer = wire.output.recv_timeout(left).map_err(|error| error.to_string())?;
            if answer["id"] == id {
                return match answer.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(answer["result"].take()),
                };
            }
            wire.note(&answer);
        }
    }
}

impl Wire {
    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        let bad = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => parameters["type"] == "error",
            Some("Log.entryAdded") => parameters["entry"]["level"] == "error",
            _ => false,
        };
        if bad {
            self.problems.push(parameters.to_string());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.try_call(None, "Browser.close", &json!({})).is_err() {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

impl Page<'_> {
    fn call(&self, method: &str, parameters: &Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// Changes size and colour scheme.
    pub fn look(&self, view: View) {
        let View { width, height, dark } = view;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Value of an expression, which may be a promise.
    #[allow(clippy::must_use_candidate, reason = "often it is run for what it does")]
    pub fn eval(&self, expression: &str) -> Value {
        let mut answer = self
            .evaluate(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        self.browser
            .try_call(Some(&self.session), "Runtime.evaluate", &parameters)
    }

    /// Waits until an expression is true, whatever page it finds itself on.
    pub fn wait_for(&self, condition: &str) {
        let promise = format!(
            "new Promise((done, fail) => {{
                const end = Date.now() + {};
                // On a page that is still loading the elements asked for may be missing.
                const holds = () => {{ try {{ return document.readyState === 'complete' && ({condition}); }} catch {{ return false; }} }};
                const look = () => holds() ? done(true) : Date.now() > end ? fail('waited') : setTimeout(look, 20);
                look();
            }})",
            PATIENCE.as_millis() / 2
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A navigation takes the promise away with its page: ask the next one.
            match self.evaluate(&promise) {
                Ok(answer) if answer.get("exceptionDetails").is_none() => return,
                Ok(answer) => panic!(
                    "waited in vain for {condition}: {answer}\n{}",
                    self.eval("document.body.innerText")
                ),
                Err(error) => assert!(Instant::now() < deadline, "waited in vain for {condition}: {error}"),
            }
        }
    }

    /// Presses a key that has a name, such as `Tab`.
    pub fn press(&self, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Writes the whole page as a PNG.
    pub fn screenshot(&self, path: &Path) {
        let size = self.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].take();
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let shot = self.call("Page.captureScreenshot", &parameters);
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        let target = json!({"targetId": self.target});
        drop(self.browser.try_call(None, "Target.closeTarget", &target));
    }
}
