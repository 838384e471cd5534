//! The log-in: a reader's token, or the one-time code of a link, becomes a session.

use crate::page;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use hilo_service::{Access, Form as AnswerForm, Need, Peer, Problem, Reader, Routes};
use maud::{DOCTYPE, html};
use serde::Deserialize;
use std::sync::Arc;

/// `/login` and `/logout`.
pub fn routes(access: &Arc<Access>) -> Routes {
    let own = || Arc::clone(access);
    Routes::default()
        .get("/login", AnswerForm::Page, Need::Nothing, form, own())
        .post("/login", AnswerForm::Page, Need::Nothing, log_in, own())
        .post("/logout", AnswerForm::Page, Need::Nothing, log_out, own())
}

type From = Option<Extension<Peer>>;

fn from(peer: From) -> Option<Peer> {
    peer.map(|Extension(peer)| peer)
}

#[derive(Default, Deserialize)]
struct Asked {
    next: Option<String>,
    code: Option<String>,
}

async fn form(
    State(access): State<Arc<Access>>,
    peer: From,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Query(asked) = asked.unwrap_or_default();
    let words = Words::of(&headers);
    let next = local(asked.next.as_deref());
    let Some(code) = asked.code else {
        return page_of(&access, words, next, None, StatusCode::OK);
    };
    match access.by_code(&code, from(peer)) {
        // A browser that came here from another site's link keeps a strict cookie back from a redirect; a page of our own
        // takes it along.
        Ok(Some(reader)) => admitted(&access, &headers, reader, || arrived(words, next)),
        Ok(None) => page_of(&access, words, next, Some(words.old_link), StatusCode::UNAUTHORIZED),
        Err(problem) => refused(&access, words, next, problem),
    }
}

#[derive(Deserialize)]
struct Given {
    token: String,
    next: Option<String>,
}

async fn log_in(
    State(access): State<Arc<Access>>,
    peer: From,
    headers: HeaderMap,
    given: Result<Form<Given>, FormRejection>,
) -> Response {
    let words = Words::of(&headers);
    let Ok(Form(given)) = given else {
        return page_of(&access, words, "/", Some(words.wrong), StatusCode::BAD_REQUEST);
    };
    let next = local(given.next.as_deref());
    match access.by_token(&given.token, from(peer)) {
        Ok(Some(reader)) => admitted(&access, &headers, reader, || Redirect::to(next).into_response()),
        Ok(None) => page_of(&access, words, next, Some(words.wrong), StatusCode::UNAUTHORIZED),
        Err(problem) => refused(&access, words, next, problem),
    }
}

async fn log_out(State(access): State<Arc<Access>>, headers: HeaderMap) -> Response {
    match access.log_out(&headers) {
        Ok(cookie) => with_cookie(Redirect::to("/login").into_response(), cookie),
        Err(problem) => problem.into_response(),
    }
}

fn admitted(access: &Access, headers: &HeaderMap, reader: Reader, answer: impl FnOnce() -> Response) -> Response {
    tracing::info!(reader = reader.name, "a reader has logged in");
    match access.admit(reader, headers) {
        Ok(cookie) => with_cookie(answer(), cookie),
        Err(problem) => problem.into_response(),
    }
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

fn refused(access: &Access, words: &'static Words, next: &str, problem: Problem) -> Response {
    let status = problem.status();
    if status != StatusCode::TOO_MANY_REQUESTS {
        return problem.into_response();
    }
    let mut page = page_of(access, words, next, Some(words.too_many), status);
    if let Some(after) = problem.into_response().headers_mut().remove(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, after);
    }
    page
}

/// A path of this site; nowhere else does a log-in lead to.
fn local(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        // A browser takes `\` for `/`, and `//host` for another site.
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && !["/login", "/logout"].iter().any(|own| next.starts_with(own))
    };
    next.filter(is_local).unwrap_or("/")
}

fn arrived(words: &'static Words, next: &str) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang=(words.language) {
            head {
                (page::head(words.title))
                meta http-equiv="refresh" content={ "0;url=" (next) };
            }
            body.login { main id="main" { p { a href=(next) { (words.go_on) } } } }
        }
    };
    Html(page.into_string()).into_response()
}

fn page_of(access: &Access, words: &'static Words, next: &str, error: Option<&str>, status: StatusCode) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang=(words.language) {
            head { (page::head(words.title)) }
            body.login {
                main id="main" {
                    p.brand { img src="/assets/icon.svg" alt="" width="40" height="40"; "Hilo" }
                    h1 { (words.title) }
                    @if let Some(error) = error { p.error role="alert" { (error) } }
                    @if access.has_readers() {
                        form method="post" action="/login" {
                            label for="token" { (words.token) }
                            input id="token" name="token" type="password" autocomplete="current-password" required autofocus
                                maxlength="1024" autocapitalize="off" spellcheck="false";
                            input name="next" type="hidden" value=(next);
                            button type="submit" { (words.enter) }
                        }
                    }
                    p.hint {
                        @if access.has_codes() { (words.by_link) " " code { "hilo login-link" } "." } @else { (words.ask) }
                    }
                }
            }
        }
    };
    (status, Html(page.into_string())).into_response()
}

/// The texts of one language.
struct Words {
    language: &'static str,
    title: &'static str,
    token: &'static str,
    enter: &'static str,
    wrong: &'static str,
    old_link: &'static str,
    too_many: &'static str,
    by_link: &'static str,
    ask: &'static str,
    go_on: &'static str,
}

static LANGUAGES: [Words; 3] = [
    Words {
        language: "en",
        title: "Log in",
        token: "Your token",
        enter: "Log in",
        wrong: "This token is not known. Check it for a missing character.",
        old_link: "This link was used before or is too old.",
        too_many: "Too many wrong attempts from this address. Wait a minute and try again.",
        by_link: "No reader is configured: the link that Hilo printed when it started lets you in, once. For a new one run",
        ask: "Whoever runs Hilo for you gives you a token; it is one of the readers in its configuration.",
        go_on: "Go on",
    },
    Words {
        language: "es",
        title: "Iniciar sesión",
        token: "Tu token",
        enter: "Entrar",
        wrong: "No conocemos este token. Revisa que esté completo.",
        old_link: "Este enlace ya se usó o es demasiado antiguo.",
        too_many: "Demasiados intentos fallidos desde esta dirección. Espera un minuto y vuelve a intentarlo.",
        by_link: "No hay lectores configurados: el enlace que Hilo mostró al iniciar te deja entrar una vez. Para otro, ejecuta",
        ask: "Quien administra Hilo te da un token; es uno de los lectores de su configuración.",
        go_on: "Continuar",
    },
    Words {
        language: "pt",
        title: "Entrar",
        token: "Seu token",
        enter: "Entrar",
        wrong: "Não conhecemos este token. Verifique se está completo.",
        old_link: "Este link já foi usado ou é antigo demais.",
        too_many: "Muitas tentativas erradas deste endereço. Espere um minuto e tente de novo.",
        by_link: "Nenhum leitor está configurado: o link que o Hilo mostrou ao iniciar deixa você entrar uma vez. Para outro, execute",
        ask: "Quem administra o Hilo lhe dá um token; é um dos leitores da configuração.",
        go_on: "Continuar",
    },
];

impl Words {
    /// The language that the browser likes best of those that there are; English where it likes none.
    fn of(headers: &HeaderMap) -> &'static Self {
        let wanted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut best: (f32, &Self) = (0.0, &LANGUAGES[0]);
        for part in wanted.split(',').take(32) {
            let (range, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            let weight = weight.trim().parse().unwrap_or(0.0);
            let primary = range.trim().split('-').next().unwrap_or_default();
            let known = LANGUAGES
                .iter()
                .find(|words| primary.eq_ignore_ascii_case(words.language));
            // Of equal weights the first one counts.
            if let Some(words) = known
                && weight > best.0
            {
                best = (weight, words);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_leads_nowhere_else() {
        for own in ["/", "/trace/p_1", "/trace?id=a%20b"] {
            assert_eq!(local(Some(own)), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/login?code=1",
            "/logout",
            "evil",
        ] {
            assert_eq!(local(Some(foreign)), "/", "{foreign}");
        }
        assert_eq!(local(None), "/");
    }

    #[test]
    fn the_browser_chooses_the_language() {
        let language = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            Words::of(&headers).language
        };
        assert_eq!(language("es-CL,es;q=0.9,en;q=0.8"), "es");
        assert_eq!(language("fr,pt-BR;q=0.7,en;q=0.3"), "pt");
        assert_eq!(language("en;q=0.1, pt;q=0.2"), "pt");
        assert_eq!((language("de"), language("*"), language("es;q=x")), ("en", "en", "en"));
    }
}
