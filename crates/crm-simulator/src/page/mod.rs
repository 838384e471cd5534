//! The page: records as a CRM shows them, in Spanish, Portuguese and English.

mod record;
mod text;
mod view;
mod words;

use crate::{object::Object, server::HubSpot};
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use maud::{Markup, html};
use serde::Deserialize;
use words::{Language, Words};

/// The page runs its own file only, and asks nobody else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);
const REFRESH: &str = include_str!("refresh.js");

/// The addresses of the page.
pub(crate) fn routes() -> Router<HubSpot> {
    let list = |object| {
        get(
            move |hubspot: State<HubSpot>, query: Query<Wanted>, headers: HeaderMap| async move {
                let asked = Asked::of(query.0, view::address(object).to_owned(), &headers);
                answer(StatusCode::OK, view::list(&hubspot.portal(), &asked, object))
            },
        )
    };
    let record = |object: Object| {
        get(
            move |hubspot: State<HubSpot>, id: Path<String>, query: Query<Wanted>, headers: HeaderMap| async move {
                let asked = Asked::of(
                    query.0,
                    format!("/{}/{}", object.name(), view::escaped(&id.0)),
                    &headers,
                );
                let portal = hubspot.portal();
                let found =
                    id.0.parse()
                        .ok()
                        .and_then(|id| record::show(&portal, &asked, (object, id)));
                match found {
                    Some(page) => answer(StatusCode::OK, page),
                    None => {
                        let gone = html! { p.panel { (asked.words().gone) } };
                        answer(StatusCode::NOT_FOUND, view::shell(&portal, &asked, None, "", &gone))
                    }
                }
            },
        )
    };
    let refresh = get(async || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], REFRESH));
    let router = Router::new().route("/_simulator/refresh.js", refresh);
    view::LISTS.into_iter().fold(router, |router, object| {
        router
            .route(view::address(object), list(object))
            .route(&format!("/{}/{{id}}", object.name()), record(object))
    })
}

fn answer(status: StatusCode, page: Markup) -> Response {
    (
        status,
        [(header::CONTENT_SECURITY_POLICY, POLICY)],
        Html(page.into_string()),
    )
        .into_response()
}

#[derive(Default, Deserialize)]
struct Wanted {
    lang: Option<String>,
    q: Option<String>,
    before: Option<u64>,
    pause: Option<String>,
}

/// What a reader asked for.
struct Asked {
    language: Language,
    /// Whether the language was chosen on the page, so that links keep it.
    explicit: bool,
    paused: bool,
    search: String,
    before: Option<u64>,
    path: String,
}

impl Asked {
    fn of(wanted: Wanted, path: String, headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            language: Language::of(wanted.lang.as_deref(), accepted),
            explicit: wanted.lang.is_some(),
            paused: wanted.pause.is_some(),
            search: wanted.q.unwrap_or_default(),
            before: wanted.before,
            path,
        }
    }

    fn words(&self) -> &'static Words {
        self.language.words()
    }

    fn written(&self, path: &str, language: Option<&str>, paused: bool, here: bool, before: Option<u64>) -> String {
        let mut parts = Vec::new();
        if let Some(language) = language {
            parts.push(format!("lang={language}"));
        }
        if here && !self.search.is_empty() {
            parts.push(format!("q={}", view::escaped(&self.search)));
        }
        if let Some(before) = before {
            parts.push(format!("before={before}"));
        }
        if paused {
            parts.push("pause=1".to_owned());
        }
        if parts.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", parts.join("&"))
        }
    }

    fn chosen(&self) -> Option<&'static str> {
        self.explicit.then_some(self.words().code)
    }

    /// Another page, in the language that was chosen.
    fn link(&self, path: &str) -> String {
        self.written(path, self.chosen(), self.paused, false, None)
    }

    /// The next page of a list.
    fn older(&self, path: &str, before: u64) -> String {
        self.written(path, self.chosen(), self.paused, true, Some(before))
    }

    /// This page in another language.
    fn here_in(&self, language: &str) -> String {
        self.written(&self.path, Some(language), self.paused, true, self.before)
    }

    /// This page, standing still or going on.
    fn toggled(&self) -> String {
        self.written(&self.path, self.chosen(), !self.paused, true, self.before)
    }
}
