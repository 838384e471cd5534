//! Bodies of timeline entries are HTML in the CRM. Here they are shown as the text in it, never as markup.

/// The text of a body: breaks are lines, other tags are left out, entities are letters.
pub(crate) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (end, meant) = if rest.starts_with('<') { tag(rest) } else { entity(rest) };
        text.push_str(meant);
        rest = &rest[end..];
    }
    text.push_str(rest);
    text.trim().to_owned()
}

/// Where a tag ends, and what it stands for. A `<` that begins none stays.
fn tag(text: &str) -> (usize, &'static str) {
    let begins = text[1..].starts_with(|one: char| one.is_ascii_alphabetic() || one == '/');
    match text.find('>').filter(|_| begins) {
        Some(end) => {
            let name = text[1..end].trim_start_matches('/').trim_end_matches('/').trim();
            let name = name.split_whitespace().next().unwrap_or_default();
            let breaks =
                name.eq_ignore_ascii_case("br") || (text.starts_with("</") && ["p", "div", "li"].contains(&name));
            (end + 1, if breaks { "\n" } else { "" })
        }
        None => (1, "<"),
    }
}

fn entity(text: &str) -> (usize, &'static str) {
    let known = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
    ];
    let found = known.into_iter().find(|(name, _)| text.starts_with(name));
    found.map_or((1, "&"), |(name, letter)| (name.len(), letter))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_body_is_its_text() {
        for (html, want) in [
            ("<p>Hola&nbsp;Ana</p><p>¿5 &lt; 7 &amp; 8?</p>", "Hola Ana\n¿5 < 7 & 8?"),
            ("uno<br/>dos<BR>tres", "uno\ndos\ntres"),
            ("3 < 4 & 5", "3 < 4 & 5"),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
            ("<script>x</script>", "x"),
            ("fin <", "fin <"),
        ] {
            assert_eq!(plain(html), want, "{html}");
        }
    }
}
