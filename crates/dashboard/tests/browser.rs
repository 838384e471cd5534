//! The page in a real Chromium: it changes by itself, fits a phone, reads in light and dark, and leads to the facts.
//! Screenshots are left under `target/screenshots` for the eye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use hilo_testbed::chromium::{Browser, Page, View, find};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use support::{Fake, HOSTILE, MESSAGE, Served, VIEWER, serve};
use tokio::runtime::Runtime;

const DESKTOP: View = View {
    width: 1280,
    height: 900,
    dark: false,
};
const PHONE: View = View {
    width: 390,
    height: 844,
    dark: false,
};

/// Texts whose contrast with what lies behind them is below AA: 4.5, or 3 where they are large.
const PALE: &str = r"(() => {
    const parse = (color) => color.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (let n = node; n; n = n.parentElement) {
            const color = parse(getComputedStyle(n).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const pale = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || node.closest('svg, noscript, .visually-hidden')) continue;
        const style = getComputedStyle(node);
        const [one, two] = [light(parse(style.color)), light(behind(node))].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
        const ratio = (one + 0.05) / (two + 0.05);
        if (ratio < wanted) pale.push(walk.currentNode.data.trim() + ' ' + ratio.toFixed(2));
    }
    return pale;
})()";

/// One browser at a time: two of them starve each other on a small machine.
static TURN: Mutex<()> = Mutex::new(());

/// Elements that reach beyond the given width, which makes a phone scroll sideways.
fn too_wide(width: u32) -> String {
    format!(
        "[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > {width} + 0.5 &&
            !one.closest('pre, thead, .visually-hidden')).map((one) => one.outerHTML.slice(0, 120))"
    )
}

struct Stage {
    _runtime: Runtime,
    served: Served,
    browser: Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    fn set() -> Option<Self> {
        let path = find()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = Runtime::new().unwrap();
        let served = runtime.block_on(serve(Arc::new(Fake::default())));
        Some(Self {
            _runtime: runtime,
            served,
            browser: Browser::launch(path),
            _turn: turn,
        })
    }

    fn open(&self, path: &str, view: View) -> Page<'_> {
        self.browser
            .open(&format!("http://{}{path}", self.served.address), view)
    }

    /// One click on a link that lets in once.
    fn enter(&self, view: View) -> Page<'_> {
        let page = self.browser.open(&self.served.link(), view);
        page.wait_for("location.pathname === '/' && document.querySelector('.reader') !== null");
        page
    }

    fn open_live(&self, view: View) -> Page<'_> {
        let page = self.enter(view);
        page.wait_for(&is_connection("live"));
        page
    }

    fn nothing_complained(&self) {
        assert_eq!(self.browser.problems(), Vec::<String>::new());
    }
}

fn is_connection(state: &str) -> String {
    format!("document.getElementById('connection')?.dataset.state === '{state}'")
}

fn shoot(page: &Page, name: &str) {
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    page.screenshot(&screenshots.join(format!("{name}.png")));
}

#[test]
fn numbers_change_by_themselves_and_focus_stays() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open_live(DESKTOP);
    page.eval(
        "window.before = document.querySelector('#flow .num').textContent;
         window.kept = document.querySelector('#templates a.num');
         window.items = document.querySelector('#outcomes .account').textContent;
         kept.focus();",
    );
    page.wait_for("document.querySelector('#flow .num').textContent !== window.before");
    page.wait_for("document.querySelector('#outcomes .account').textContent !== window.items");
    assert_eq!(
        page.eval("document.activeElement === window.kept && kept.isConnected"),
        true
    );
    let text = page
        .eval("document.body.innerText")
        .as_str()
        .unwrap()
        .replace('\u{a0}', " ");
    for told in [
        "Messages received",
        "each with one outcome",
        "Delivery rate",
        "accepted",
        "A floor: people can switch receipts off.",
        "median",
        "provisional",
        "CL ··· 4567",
        "waits for a person",
        "10,000 people in 24 h",
        "not json",
        HOSTILE,
        "demo",
        "sends known only from their statuses",
        "by marketing cap",
        "a metric of tomorrow",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
    assert_eq!(
        page.eval("document.querySelectorAll('main .num:not(a[href^=\"/trace/\"])').length"),
        0
    );
    assert!(
        page.eval("document.querySelectorAll('main a.num').length")
            .as_i64()
            .unwrap()
            > 25
    );
    stage.nothing_complained();
}

#[test]
fn it_fits_and_reads_on_desktop_and_phone_in_light_and_dark() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open_live(DESKTOP);
    for (name, view) in [
        ("desktop", DESKTOP),
        ("phone", PHONE),
        ("narrow", View { width: 320, ..PHONE }),
    ] {
        for dark in [false, true] {
            page.look(View { dark, ..view });
            let scheme = if dark { "dark" } else { "light" };
            page.wait_for(&format!(
                "matchMedia('(prefers-color-scheme: {scheme})').matches && matchMedia('(width: {}px)').matches",
                view.width
            ));
            assert_eq!(page.eval(&too_wide(view.width)), serde_json::json!([]), "{name}");
            assert_eq!(
                page.eval("document.documentElement.scrollWidth"),
                view.width,
                "{name} scrolls sideways"
            );
            assert_eq!(page.eval(PALE), serde_json::json!([]), "{name} {scheme} is too pale");
            let ground = page.eval("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 64");
            assert_eq!(ground, dark, "{name} is not {scheme}");
            shoot(&page, &format!("{name}-{scheme}"));
        }
    }
    stage.nothing_complained();
}

#[test]
fn every_number_leads_to_its_facts() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open_live(DESKTOP);
    page.eval("document.querySelector('#numbers a.num').click()");
    page.wait_for("location.pathname === '/trace/delivery_rate@1' && document.querySelectorAll('.step').length === 5");
    let headings = "[...document.querySelectorAll('.step h2')].map((heading) => heading.textContent)";
    assert_eq!(
        page.eval(headings),
        serde_json::json!(["Raw bytes", "Items", "Facts", "Numbers"])
    );
    page.eval("document.querySelector('a[href=\"/trace/p_0190b7c2aa0f4e7d12345678\"]').click()");
    page.wait_for("location.pathname === '/trace/p_0190b7c2aa0f4e7d12345678'");
    page.eval(&format!(
        "document.getElementById('lookup').value = '{MESSAGE}'; document.querySelector('.lookup').requestSubmit()"
    ));
    page.wait_for("location.pathname === '/trace' && document.querySelector('h1').textContent.includes('wamid ···')");
    page.eval("document.querySelector('details').open = true");
    let text = page.eval("document.body.innerText").to_string();
    assert!(
        !text.contains("56961234567") && !text.contains("Camila") && !text.contains("Hola"),
        "{text}"
    );
    assert!(text.contains("··· 4567"), "{text}");
    for (name, view) in [
        ("trace-desktop", DESKTOP),
        ("trace-phone", View { dark: true, ..PHONE }),
    ] {
        page.look(view);
        page.wait_for(&format!("innerWidth === {}", view.width));
        assert_eq!(
            page.eval("document.documentElement.scrollWidth"),
            view.width,
            "{name} scrolls sideways"
        );
        assert_eq!(page.eval(PALE), serde_json::json!([]), "{name} is too pale");
        shoot(&page, name);
    }
    stage.nothing_complained();
}

#[test]
fn it_reconnects_pauses_and_works_from_the_keyboard() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open_live(DESKTOP);
    page.press("Tab", 9);
    assert_eq!(page.eval("document.activeElement.className"), "skip");
    stage.nothing_complained();

    stage.served.close.send(true).unwrap();
    page.wait_for(&is_connection("broken"));
    stage.served.close.send(false).unwrap();
    page.wait_for(&is_connection("live"));

    page.eval("document.getElementById('pause').click()");
    page.wait_for(&is_connection("paused"));
    page.eval("document.getElementById('pause').click()");
    page.wait_for(&is_connection("live"));
}

#[test]
fn a_token_lets_in_on_a_phone_and_a_log_out_leads_back() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open("/trace/delivery_rate@1", PHONE);
    page.wait_for("location.pathname === '/login' && document.getElementById('token') !== null");
    assert_eq!(page.eval("document.activeElement.id"), "token");
    for dark in [false, true] {
        page.look(View { dark, ..PHONE });
        let scheme = if dark { "dark" } else { "light" };
        page.wait_for(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
        assert_eq!(page.eval(&too_wide(PHONE.width)), serde_json::json!([]));
        assert_eq!(page.eval("document.documentElement.scrollWidth"), PHONE.width);
        assert_eq!(page.eval(PALE), serde_json::json!([]), "{scheme} is too pale");
        shoot(&page, &format!("login-{scheme}"));
    }
    let enter = |token: &str| {
        page.eval(&format!(
            "document.getElementById('token').value = '{token}'; document.querySelector('form').requestSubmit()"
        ));
    };
    enter("wrong");
    page.wait_for("document.querySelector('.error') !== null");
    shoot(&page, "login-refused");
    enter(VIEWER);
    page.wait_for("location.pathname === '/trace/delivery_rate@1' && document.querySelectorAll('.step').length === 5");
    let text = page.eval("document.body.innerText").to_string();
    assert!(
        text.contains("vera") && !text.contains("Camila") && !text.contains("56961234567"),
        "{text}"
    );
    assert_eq!(page.eval("document.cookie"), "", "no script sees the session");
    page.eval("document.querySelector('a.brand').click()");
    page.wait_for(&is_connection("live"));
    page.eval("document.querySelector('.reader').scrollIntoView()");
    shoot(&page, "log-out");
    page.eval("document.querySelector('.reader').requestSubmit()");
    page.wait_for("location.pathname === '/login'");
    page.eval("history.back()");
    page.wait_for("location.pathname === '/login' && document.readyState === 'complete'");
}

#[test]
fn an_operator_asks_and_sees() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.enter(DESKTOP);
    page.eval(&format!(
        "document.getElementById('lookup').value = '{MESSAGE}'; document.querySelector('.lookup').requestSubmit()"
    ));
    page.wait_for("location.pathname === '/trace' && document.querySelector('.reveal') !== null");
    page.eval("document.querySelector('.reveal').open = true");
    shoot(&page, "reveal-asks");
    page.eval(
        "document.getElementById('reason').value = 'she asked'; document.querySelector('.reveal form').requestSubmit()",
    );
    page.wait_for("document.body.innerText.includes('that you saw it is recorded')");
    page.eval("document.querySelector('details').open = true");
    assert!(
        page.eval("document.body.innerText")
            .to_string()
            .contains("Camila Rojas")
    );
    shoot(&page, "revealed");
    assert_eq!(stage.served.seen.0.lock().unwrap().len(), 1);
    stage.nothing_complained();
}

#[test]
fn a_page_leaves_when_its_session_ends() {
    let Some(stage) = Stage::set() else { return };
    let page = stage.open_live(DESKTOP);
    // As another page of the same browser does it.
    page.eval("fetch('/logout', { method: 'POST' })");
    page.wait_for("location.pathname === '/login'");
}
