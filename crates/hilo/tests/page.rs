//! The page of a running demo: its numbers change, add up, and lead to their facts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use reqwest::{blocking::Client, redirect::Policy};
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The machine would have to be very slow.
const PATIENCE: Duration = Duration::from_mins(1);

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // Only when the test failed before its end.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Digits after `before` in the page, without the separators of thousands.
fn number(page: &str, before: &str) -> u64 {
    let at = page
        .find(before)
        .unwrap_or_else(|| panic!("the page has no {before:?}"))
        + before.len();
    let text = page[at..]
        .chars()
        .take_while(|sign| sign.is_ascii_digit() || *sign == ',');
    text.filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn a_demo_shows_numbers_that_change_add_up_and_lead_to_their_facts() {
    let command = env!("CARGO_BIN_EXE_hilo");
    let child = Command::new(command)
        .args(["demo", "--port", "0", "--rate", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut demo = Demo(child);
    let mut said = BufReader::new(demo.0.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    let link = first.split_whitespace().nth(1).unwrap();
    let (base, _) = link.split_once("/login").unwrap();
    let client = Client::builder()
        .timeout(Duration::from_secs(10))
        .redirect(Policy::none())
        .build()
        .unwrap();
    // One click lets the user of this machine in.
    let entered = client.get(link).send().unwrap();
    assert_eq!(entered.status(), 200);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let again = client.get(link).send().unwrap();
    assert_eq!(again.status(), 401, "the link is good once");
    assert_eq!(
        client.get(base).send().unwrap().status(),
        303,
        "who has no session sees nothing"
    );
    let get = |path: &str| {
        client
            .get(format!("{base}{path}"))
            .header("cookie", &cookie)
            .send()
            .unwrap()
    };
    let items = |page: &str| number(page, "<p class=\"account\">");

    let begun = Instant::now();
    let mut seen = BTreeSet::new();
    let mut page = String::new();
    // Until several readings differ and there are conversations to follow.
    while seen.len() < 4 || !page.contains("/trace/p_") {
        assert!(begun.elapsed() < PATIENCE, "the page does not change: {seen:?}");
        page = get("/").text().unwrap();
        if !page.contains("<p class=\"account\">") {
            // It catches up with what was there at the start.
            continue;
        }
        assert!(!page.contains("too many"), "more outcomes than items");
        seen.insert(items(&page));
        thread::yield_now();
    }
    let links: BTreeSet<&str> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with("/trace/"))
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        let answer = get(link);
        assert_eq!(answer.status(), 200, "{link}");
        assert_eq!(get(&format!("/v1{link}")).status(), 200, "/v1{link}");
    }
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/metrics?definition=delivery_rate",
    ] {
        assert_eq!(get(path).status(), 200, "{path}");
    }

    let id = demo.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut summary = String::new();
    said.read_to_string(&mut summary).unwrap();
    assert!(demo.0.wait().unwrap().success(), "{summary}");
    assert!(summary.contains("hilo counted"), "{summary}");
}
