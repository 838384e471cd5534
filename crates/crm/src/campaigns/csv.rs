//! A table of campaigns as spreadsheets write it.

use super::{Campaign, CampaignError, KEYS, unknown};
use std::collections::BTreeMap;

/// Names of the column that names the ad or token.
const AD: [&str; 3] = ["ad", "ad_id", "token"];

pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Campaign>, CampaignError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    // Spreadsheets of countries that write 1,5 part columns with a semicolon.
    let separator = if first.contains(';') && !first.contains(',') {
        ';'
    } else {
        ','
    };
    let mut rows = rows(text, separator)?.into_iter();
    let error = |line: usize, message: String| CampaignError { line, message };
    let Some((_, head)) = rows.next() else {
        return Err(error(1, "it is empty: the first line names the columns".to_owned()));
    };
    let columns: Vec<String> = head.iter().map(|name| column(name)).collect();
    let known: Vec<&str> = AD.iter().chain(&KEYS).copied().collect();
    if let Some(wrong) = columns.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(error(1, unknown(wrong, &known)));
    }
    let Some(ad) = columns.iter().position(|name| AD.contains(&name.as_str())) else {
        return Err(error(1, "there is no column \"ad\"".to_owned()));
    };
    let mut campaigns = BTreeMap::new();
    for (line, row) in rows {
        if row.len() != columns.len() {
            return Err(error(
                line,
                format!("it has {} cells and not {}", row.len(), columns.len()),
            ));
        }
        let mut campaign = Campaign::default();
        for (name, cell) in columns.iter().zip(&row) {
            campaign.set(name, cell);
        }
        let id = row.get(ad).map(|id| id.trim().to_owned()).unwrap_or_default();
        if id.is_empty() {
            return Err(error(line, "it names no ad or token".to_owned()));
        }
        if campaigns.insert(id.clone(), campaign).is_some() {
            return Err(error(line, format!("{id:?} stands there twice: remove one of the two")));
        }
    }
    Ok(campaigns)
}

fn column(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_prefix("utm_").unwrap_or(&name).to_owned()
}

/// Rows with their line; empty lines are none. A cell in quotes may hold anything, `""` is a quote.
fn rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, CampaignError> {
    let mut rows = Vec::new();
    let (mut line, mut began) = (1, 1);
    let mut row = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\n' {
            line += 1;
        }
        let last = row.last_mut();
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                push(last, '"');
            }
            ('"', true) => quoted = false,
            ('"', false) if last.as_ref().is_some_and(|cell| cell.is_empty()) => quoted = true,
            ('\n', false) => {
                rows.push((began, std::mem::replace(&mut row, vec![String::new()])));
                began = line;
            }
            ('\r', false) => {}
            (other, false) if other == separator => row.push(String::new()),
            (other, _) => push(last, other),
        }
    }
    if quoted {
        return Err(CampaignError {
            line: began,
            message: "a quote is opened and never closed".to_owned(),
        });
    }
    rows.push((began, row));
    rows.retain(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

fn push(cell: Option<&mut String>, character: char) {
    if let Some(cell) = cell {
        cell.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_spreadsheet_names_campaigns() {
        let text =
            "\u{feff}Ad_ID,utm_source,utm_campaign\r\n120211,fb,\"cyber, 2026\"\r\n\r\nWA7,,\"a \"\"b\"\"\nc\"\r\n";
        let campaigns = parse(text).unwrap();
        assert_eq!(campaigns["120211"].campaign.as_deref(), Some("cyber, 2026"));
        assert_eq!(campaigns["120211"].source.as_deref(), Some("fb"));
        assert_eq!(campaigns["WA7"].campaign.as_deref(), Some("a \"b\"\nc"));
        assert_eq!(campaigns["WA7"].source, None);
        let campaigns = parse("token;medium\nWA7;bio\n").unwrap();
        assert_eq!(campaigns["WA7"].medium.as_deref(), Some("bio"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, part) in [
            ("", 1, "empty"),
            ("source,medium\n", 1, "no column \"ad\""),
            ("ad,sauce\n", 1, "did you mean \"source\""),
            ("ad,source\n1,a\n2\n", 3, "1 cells and not 2"),
            ("ad,source\n1,\"a\nb\"\n,c\n", 4, "names no ad"),
            ("ad,source\n1,a\n1,b\n", 3, "twice"),
            ("ad,source\n1,\"a\n", 2, "never closed"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(part), "{}", error.message);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[\"ad,;\\n\\r x]*") {
            let _unused = parse(&text);
        }
    }
}
