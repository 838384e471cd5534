//! The pages of a node as somebody sees them in a browser: logged in by hand, with every link followed.

use super::links;
use hilo_testbed::chromium::{Browser, View};
use std::collections::BTreeSet;

const DESKTOP: View = View {
    width: 1280,
    height: 900,
    dark: false,
};

/// Sections that mean the same whenever somebody looks.
const LASTING: [&str; 5] = ["crm", "numbers", "templates", "senders", "dead_letters"];

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Lines of the sections that last.
    pub sections: Vec<(&'static str, Vec<String>)>,
    /// Traces that the page leads to; all of them opened and named what they are about.
    pub links: BTreeSet<String>,
}

/// Logs in, reads the page and follows every link of it.
pub(crate) fn visit(browser: &Browser, base: &str, token: &str) -> Seen {
    let page = browser.open(&format!("{base}/login"), DESKTOP);
    page.wait_for("document.getElementById('token') !== null");
    page.eval(&format!(
        "document.getElementById('token').value = '{token}'; document.querySelector('form').submit()"
    ));
    page.wait_for("location.pathname === '/' && document.querySelector('.reader') !== null");
    let text = |id: &str| {
        let text = page.eval(&format!("document.getElementById('{id}').innerText"));
        // How often a row was corrected on its way differs.
        let line = |line: &str| line.split(" rev. ").next().unwrap_or_default().to_owned();
        text.as_str().unwrap().lines().map(line).collect::<Vec<_>>()
    };
    let sections = LASTING.map(|id| (id, text(id))).to_vec();
    let html = page.eval("document.documentElement.outerHTML");
    let links = links(html.as_str().unwrap());
    for link in &links {
        page.eval(&format!("location.href = '{link}'"));
        let there = format!("location.pathname === new URL('{link}', location.href).pathname");
        page.wait_for(&format!("{there} && document.querySelector('h1') !== null"));
        let status = page.eval("performance.getEntriesByType('navigation')[0].responseStatus");
        assert_eq!(status, 200, "{base}{link}");
        let steps = page.eval("document.querySelectorAll('li.step').length");
        assert!(
            steps.as_u64().is_some_and(|steps| steps > 0),
            "{base}{link} shows nothing"
        );
    }
    assert_eq!(browser.problems(), Vec::<String>::new(), "{base}");
    Seen { sections, links }
}
