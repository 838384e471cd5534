//! Who may send what: the secrets of each tenant.

use crate::signature::SigningKey;
use hilo_service::Fingerprint;
use std::{collections::BTreeMap, fmt};

/// A secret: never empty, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// `None` when there is nothing in it but white space: an empty secret would let everybody in.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.into()))
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The secrets of one tenant. What has no secret is refused.
#[derive(Clone, Debug, Default)]
pub struct TenantSecrets {
    /// What the platform shows when the webhook is subscribed.
    pub verify_token: Option<Secret>,
    /// Any of them signs deliveries: two while one is being replaced.
    pub app_secrets: Vec<Secret>,
    /// Bearer tokens of `/v1/*`.
    pub api_tokens: Vec<Secret>,
}

/// Tenants that cannot be told apart or addressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// No part of an address.
    #[error("{0:?} is no tenant name: use 1 to 64 letters, digits, - and _, for it is part of the webhook's address")]
    Name(String),
    /// One token, two tenants.
    #[error("tenants {0} and {1} have the same api token: give each its own, for the token says whose the data is")]
    SharedToken(String, String),
}

/// Whether `name` can be a tenant's: it is a part of the webhook's address.
#[must_use]
pub fn is_tenant_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

struct Tenant {
    verify_token: Option<Fingerprint>,
    signing_keys: Vec<SigningKey>,
}

/// All tenants, ready to check.
pub struct Tenants {
    by_name: BTreeMap<String, Tenant>,
    tokens: Vec<(Fingerprint, String)>,
    /// The distinct keys of all tenants.
    all_keys: Vec<SigningKey>,
}

impl Tenants {
    /// Prepares the secrets.
    pub fn new(secrets: impl IntoIterator<Item = (String, TenantSecrets)>) -> Result<Self, TenantError> {
        let mut tenants = Self {
            by_name: BTreeMap::new(),
            tokens: Vec::new(),
            all_keys: Vec::new(),
        };
        let mut seen: Vec<Secret> = Vec::new();
        for (name, secrets) in secrets {
            if !is_tenant_name(&name) {
                return Err(TenantError::Name(name));
            }
            for token in &secrets.api_tokens {
                match tenants.tenant_of_token(token.bytes()) {
                    Some(other) if other != name => return Err(TenantError::SharedToken(other.to_owned(), name)),
                    _ => tenants.tokens.push((Fingerprint::of(token.bytes()), name.clone())),
                }
            }
            let signing_keys: Vec<SigningKey> = secrets
                .app_secrets
                .iter()
                .filter_map(|secret| SigningKey::new(secret.bytes()))
                .collect();
            for (secret, key) in secrets.app_secrets.into_iter().zip(&signing_keys) {
                if !seen.contains(&secret) {
                    seen.push(secret);
                    tenants.all_keys.push(key.clone());
                }
            }
            let verify_token = secrets.verify_token.map(|token| Fingerprint::of(token.bytes()));
            tenants.by_name.insert(
                name,
                Tenant {
                    verify_token,
                    signing_keys,
                },
            );
        }
        Ok(tenants)
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Keys that may sign for `name`: its own; for a name that nobody has, everybody's.
    pub(crate) fn keys(&self, name: &str) -> &[SigningKey] {
        self.by_name
            .get(name)
            .map_or(&self.all_keys, |tenant| &tenant.signing_keys)
    }

    /// As many keys as a name that nobody has is checked with beyond those of `name`.
    pub(crate) fn others(&self, name: &str) -> &[SigningKey] {
        let own = self.keys(name).len();
        self.all_keys.get(own..).unwrap_or_default()
    }

    pub(crate) fn verifies_subscription(&self, name: &str, token: &[u8]) -> bool {
        let expected = self.by_name.get(name).and_then(|tenant| tenant.verify_token.as_ref());
        expected.is_some_and(|expected| expected.is(&Fingerprint::of(token)).into())
    }

    /// The tenant whose token this is.
    pub(crate) fn tenant_of_token(&self, token: &[u8]) -> Option<&str> {
        let given = Fingerprint::of(token);
        let mut found = None;
        for (fingerprint, name) in &self.tokens {
            if fingerprint.is(&given).into() {
                found = Some(name.as_str());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    #[test]
    fn an_empty_secret_cannot_be_made_and_none_is_printed() {
        for empty in ["", " ", "\n\t"] {
            assert_eq!(Secret::new(empty), None);
        }
        let secrets = TenantSecrets {
            verify_token: Some(secret("sesame")),
            app_secrets: vec![secret("sesame")],
            api_tokens: vec![secret("sesame")],
        };
        assert!(!format!("{secrets:?}").contains("sesame"));
    }

    #[test]
    fn a_tenant_without_secrets_lets_nobody_in() {
        let tenants = Tenants::new([("acme".to_owned(), TenantSecrets::default())]).unwrap();
        assert!(!tenants.verifies_subscription("acme", b""));
        assert!(tenants.keys("acme").is_empty());
        assert_eq!(tenants.tenant_of_token(b""), None);
    }

    #[test]
    fn a_name_costs_one_hash_for_each_secret_that_could_sign_for_it() {
        let with = |secrets: &[&str]| TenantSecrets {
            app_secrets: secrets.iter().map(|text| secret(text)).collect(),
            ..TenantSecrets::default()
        };
        let names = [("a", with(&["1", "2"])), ("b", with(&["2"])), ("c", with(&[]))];
        let tenants = Tenants::new(names.map(|(name, secrets)| (name.to_owned(), secrets))).unwrap();
        let hashes = ["a", "b", "c", "nobody"].map(|name| tenants.keys(name).len());
        assert_eq!(
            hashes,
            [2, 1, 0, 2],
            "for a name that nobody has, each distinct secret once"
        );
        let refused = ["a", "b", "c", "nobody"].map(|name| tenants.keys(name).len() + tenants.others(name).len());
        assert_eq!(refused, [2; 4], "the time of a 401 names nobody");
    }

    #[test]
    fn a_token_names_one_tenant() {
        let with = |token| TenantSecrets {
            api_tokens: vec![secret(token), secret(token)],
            ..TenantSecrets::default()
        };
        let tenants = Tenants::new([("a".to_owned(), with("1")), ("b".to_owned(), with("2"))]).unwrap();
        assert_eq!(tenants.tenant_of_token(b"2"), Some("b"));
        assert_eq!(tenants.tenant_of_token(b"3"), None);
        let shared = Tenants::new([("a".to_owned(), with("1")), ("b".to_owned(), with("1"))]);
        assert_eq!(
            shared.err(),
            Some(TenantError::SharedToken("a".to_owned(), "b".to_owned()))
        );
    }

    #[test]
    fn a_name_that_is_no_part_of_an_address_is_refused() {
        for name in ["", "a/b", "a b", "é", "..", &"a".repeat(65)] {
            let refused = Tenants::new([(name.to_owned(), TenantSecrets::default())]);
            assert_eq!(refused.err(), Some(TenantError::Name(name.to_owned())));
        }
    }
}
