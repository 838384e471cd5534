//! The style sheet and the script, inside the binary.

use hilo_domain::hash;

/// One file of the page.
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) content: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "dashboard.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("../assets/dashboard.css"),
    },
    Asset {
        name: "live.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/live.js"),
    },
    Asset {
        name: "morph.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/morph.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        content: include_str!("../assets/icon.svg"),
    },
];

/// The file by its name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Changes with the content, so that a browser asks again only after an upgrade.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", hash::id("asset", &[self.content.as_bytes()]))
    }
}
