//! Rows of `/v1/metrics`.

use super::{
    http::{Answer, Request},
    node::{Node, Reader},
};
use anyhow::{Result, ensure};
use serde_json::Value;

/// Pages of one answer that are followed.
const PAGES: usize = 10_000;

/// The rows of an answer.
pub(crate) fn rows(answer: &Answer) -> Vec<Value> {
    match answer.json() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// The page after this one, by the header `Link`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").filter(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = link.split_once('<')?;
    rest.split_once('>').map(|(path, _)| path.to_owned())
}

/// All rows that a reader gets, page by page.
pub(crate) async fn all(node: &Node<'_>, reader: Reader) -> Result<Vec<Value>> {
    let (mut all, mut path) = (Vec::new(), "/v1/metrics".to_owned());
    for _ in 0..PAGES {
        let answer = Request::get(&path).bearer(reader.token).send(node.admin).await?;
        ensure!(answer.status == 200, "GET {path}: {}", answer.brief());
        all.extend(rows(&answer));
        match next(&answer) {
            Some(next) => path = next,
            None => return Ok(all),
        }
    }
    anyhow::bail!("more than {PAGES} pages of numbers")
}

/// Numerator and denominator of a tenant's row over all input, without dimensions.
pub(crate) fn total(rows: &[Value], tenant: &str, metric: &str) -> Option<(u64, u64)> {
    let row = rows.iter().find(|row| {
        row["tenant"] == tenant
            && row["metric"] == metric
            && row["window"].is_null()
            && row["dimensions"].as_object().is_none_or(serde_json::Map::is_empty)
    })?;
    Some((row["numerator"].as_f64()? as u64, row["denominator"].as_f64()? as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_total_is_the_row_without_window_and_dimensions() {
        let row = |tenant: &str, window: Value, dimensions: Value, numerator: u64| {
            json!({"tenant": tenant, "metric": "delivery_rate", "window": window, "dimensions": dimensions,
                "numerator": numerator, "denominator": 9})
        };
        let rows = [
            row("acme", json!({"start": "a"}), json!({}), 1),
            row("acme", Value::Null, json!({"country": "CL"}), 2),
            row("beta", Value::Null, json!({}), 3),
            row("acme", Value::Null, json!({}), 4),
        ];
        assert_eq!(total(&rows, "acme", "delivery_rate"), Some((4, 9)));
        assert_eq!(total(&rows, "acme", "read_rate"), None);
    }
}
