//! Which names a listener answers to. A page in a browser can make its own name lead to 127.0.0.1; what it then asks has
//! its name in `Host`.

use crate::Problem;
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use std::net::IpAddr;

/// Whether an address of the configuration, host and port, is of this machine only.
#[must_use]
pub fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    is_local_name(host)
}

fn is_local_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The names that are answered to.
#[derive(Clone, Debug)]
pub enum Hosts {
    /// Every name.
    Any,
    /// Names of this machine (`localhost`, `127.0.0.1`, `[::1]`, with any port), and these.
    Local(Vec<String>),
}

impl Hosts {
    /// Of a listener on `address`: one on loopback answers to local names and `names`; another one to all, unless there
    /// are `names`.
    #[must_use]
    pub fn of(address: &str, names: &[String]) -> Self {
        if names.is_empty() && !is_loopback(address) {
            Self::Any
        } else {
            Self::Local(names.iter().map(|name| name.to_ascii_lowercase()).collect())
        }
    }

    /// Of a listener that answers to all names, unless there are some.
    #[must_use]
    pub fn only(names: &[String]) -> Self {
        Self::of("", names)
    }

    /// Refuses a request for another name, with 421.
    pub fn check(&self, request: &Parts) -> Result<(), Problem> {
        let Self::Local(names) = self else { return Ok(()) };
        let named = match request.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => request.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
        };
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let several = hosts.next().is_some() && hosts.next().is_some();
        if !several && named.is_some_and(|named| is_answered(named, names)) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "this address answers to its own names only",
            "ask for localhost or 127.0.0.1, or add the name to hosts of the listener's section in hilo.toml",
        ))
    }
}

/// `app`, answering to `hosts` only.
pub fn answering_to(hosts: Hosts, app: Router) -> Router {
    async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        match hosts.check(&parts) {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(problem) => problem.into_response(),
        }
    }
    match hosts {
        Hosts::Any => app,
        hosts @ Hosts::Local(_) => app.layer(from_fn_with_state(hosts, check)),
    }
}

fn is_answered(named: &str, names: &[String]) -> bool {
    let named = named.to_ascii_lowercase();
    let host = match named.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => named.as_str(),
    };
    is_local_name(host) || names.iter().any(|name| name == host || *name == named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn status(hosts: &Hosts, host: Option<&str>) -> u16 {
        let mut request = Request::builder().uri("/");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        hosts
            .check(&parts)
            .map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn loopback_is_what_is_of_this_machine() {
        for local in ["127.0.0.1:8090", "localhost:1", "[::1]:8090", "127.8.0.1:0"] {
            assert!(is_loopback(local), "{local}");
        }
        for open in [
            "0.0.0.0:8090",
            "[::]:1",
            "10.0.0.1:1",
            "example.org:1",
            "localhost.evil.example:1",
        ] {
            assert!(!is_loopback(open), "{open}");
        }
    }

    #[test]
    fn a_loopback_listener_answers_to_its_own_names() {
        let hosts = Hosts::of("127.0.0.1:8090", &["Hilo.Example".to_owned()]);
        for own in [
            "localhost",
            "localhost:8090",
            "127.0.0.1:9",
            "[::1]:8090",
            "[::1]",
            "hilo.example:443",
        ] {
            assert_eq!(status(&hosts, Some(own)), 200, "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8090",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "::1:x",
        ] {
            assert_eq!(status(&hosts, Some(foreign)), 421, "{foreign}");
        }
        assert_eq!(status(&hosts, None), 421);
        assert_eq!(status(&Hosts::of("0.0.0.0:8090", &[]), Some("any.example")), 200);
        assert_eq!(
            status(
                &Hosts::of("0.0.0.0:8090", &["a.example".to_owned()]),
                Some("any.example")
            ),
            421
        );
    }
}
