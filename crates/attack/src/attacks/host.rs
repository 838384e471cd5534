//! M7: a page in a browser that gives its own name this machine's address reads nothing.

use crate::{
    judge::Judge,
    room::{
        http::Request,
        node::{Node, OLGA, Room, Settings},
    },
    scale::Scale,
};
use anyhow::Result;

const ROUTES: [&str; 8] = [
    "/",
    "/login",
    "/events",
    "/v1/metrics",
    "/v1/trace/x",
    "/trace/x",
    "/metrics",
    "/assets/style.css",
];
const FOREIGN: [&str; 7] = [
    "evil.example",
    "evil.example:8090",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@127.0.0.1",
    "169.254.169.254",
    "",
];

pub(crate) async fn attack(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    for path in ROUTES {
        for host in FOREIGN {
            for request in [Request::get(path), Request::get(path).bearer(OLGA.token)] {
                let answer = request.host(host).begin(node.admin).await?;
                let refused = answer.status == 421 || (host.is_empty() || host.contains('@')) && answer.status == 400;
                judge.check("a foreign name is misdirected", refused, || {
                    format!("Host {host:?} at {path}: {}", answer.brief())
                });
            }
        }
    }
    let port = node.admin.port();
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let answer = Request::get("/v1/metrics")
                .bearer(OLGA.token)
                .host(&host)
                .send(node.admin)
                .await?;
            judge.check("this machine's names are served", answer.status == 200, || {
                format!("Host {host:?}: {}", answer.brief())
            });
        }
    }
    let foreign = Request::get("/v1/metrics")
        .bearer(OLGA.token)
        .header("Origin", "http://evil.example")
        .send(node.admin)
        .await?;
    judge.check(
        "no other site may read",
        foreign.header("access-control-allow-origin").is_none(),
        || "CORS lets it".to_owned(),
    );
    Ok(())
}
