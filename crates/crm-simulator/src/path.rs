//! Addresses: the dated ones and their older names become one.

/// The version that an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Dated2603,
    Dated2609,
    /// v1, v3 and v4, which the official clients ask for.
    Older,
}

impl Version {
    fn named(part: &str) -> Option<Self> {
        match part {
            "2026-03" => Some(Self::Dated2603),
            "2026-09" => Some(Self::Dated2609),
            "v1" | "v3" | "v4" => Some(Self::Older),
            _ => None,
        }
    }
}

/// An address without its version: `crm`, `objects`, `contacts`, …
pub(crate) fn parse(path: &str) -> Option<(Version, Vec<String>)> {
    let mut parts: Vec<String> = path.split('/').map(decoded).collect::<Option<_>>()?;
    parts.remove(0);
    // One slash at the end is the Python client's.
    if parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    if parts.iter().any(String::is_empty) {
        return None;
    }
    let at = parts.iter().take(3).position(|part| Version::named(part).is_some())?;
    let version = Version::named(&parts.remove(at))?;
    // Dates stand behind the resource, older versions before it too.
    (version == Version::Older || at > 1 || parts.first().is_some_and(|part| part != "crm" && part != "settings"))
        .then_some((version, parts))
}

/// A part without its percent escapes.
pub(crate) fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Names and values of a query or a form.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dated_and_older_addresses_are_one() {
        for (path, version, want) in [
            (
                "/crm/objects/2026-09/0-3/batch/upsert",
                Version::Dated2609,
                "crm/objects/0-3/batch/upsert",
            ),
            (
                "/crm/objects/2026-03/contacts/1",
                Version::Dated2603,
                "crm/objects/contacts/1",
            ),
            (
                "/crm/v3/objects/contacts/batch/read",
                Version::Older,
                "crm/objects/contacts/batch/read",
            ),
            ("/crm/v3/owners/", Version::Older, "crm/owners"),
            (
                "/crm/v3/objects/contacts/k%20%C3%B1",
                Version::Older,
                "crm/objects/contacts/k ñ",
            ),
            ("/oauth/2026-03/token", Version::Dated2603, "oauth/token"),
            (
                "/account-info/2026-09/details",
                Version::Dated2609,
                "account-info/details",
            ),
            (
                "/settings/currencies/2026-09/codes",
                Version::Dated2609,
                "settings/currencies/codes",
            ),
        ] {
            let (found, parts) = parse(path).unwrap();
            assert_eq!((found, parts.join("/").as_str()), (version, want), "{path}");
        }
    }

    #[test]
    fn other_versions_and_forms_are_no_addresses() {
        for path in [
            "/crm/objects/2025-09/contacts",
            "/crm/2026-09/objects/contacts",
            "/crm//v3/objects",
            "/",
            "/crm/v3/objects/%zz",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
