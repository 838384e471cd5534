//! The platform's signature: HMAC-SHA256 over the bytes as they came.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

const HEADER: &str = "x-hub-signature-256";

/// A secret, ready to sign.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The key of a secret of any length; `None` never happens for HMAC, and no key verifies nothing.
    pub(crate) fn new(secret: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(secret).ok().map(Self)
    }
}

/// The signature that a request claims.
#[derive(Clone, Copy)]
pub(crate) struct Signature([u8; 32]);

impl Signature {
    /// Reads the one form that the platform writes: `sha256=` and 64 lower-case hexadecimal digits, once.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.as_bytes())
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let digits = value.strip_prefix(b"sha256=")?;
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// Whether one of `keys` signed `body`. All are tried, so that the time tells nothing about which.
    pub(crate) fn verifies<'a>(&self, body: &[u8], keys: impl IntoIterator<Item = &'a SigningKey>) -> bool {
        let mut verified = Choice::from(0);
        for SigningKey(key) in keys {
            let mut mac = key.clone();
            mac.update(body);
            verified |= mac.finalize().into_bytes().as_slice().ct_eq(&self.0);
        }
        verified.into()
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bodies and signatures of the platform's documentation, secret `test_app_secret`.
    const VECTORS: [(&str, &str); 4] = [
        (
            r#"{"object":"whatsapp_business_account","entry":[]}"#,
            "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
        (
            r#"{"object": "whatsapp_business_account", "entry": []}"#,
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
        (
            r#"{"t":"caf\u00e9 \ud83d\ude00 a\/b"}"#,
            "0b7ec4a3bb12ab921ea2dd6b2a9b879e5ad089a68276e2e06becc7defb4a2a1d",
        ),
        (
            r#"{"t":"café 😀 a/b"}"#,
            "c745d74f9456d921d62ce9fd3fd7c52b25c060f4c863abfae70b45c25d68fff4",
        ),
    ];

    fn keys(secrets: &[&str]) -> Vec<SigningKey> {
        secrets
            .iter()
            .map(|secret| SigningKey::new(secret.as_bytes()).unwrap())
            .collect()
    }

    fn verifies(header: &[u8], body: &[u8], secrets: &[&str]) -> bool {
        Signature::parse(header).is_some_and(|signature| signature.verifies(body, &keys(secrets)))
    }

    #[test]
    fn the_documented_vectors_verify_and_only_with_their_own_bytes() {
        for (index, (body, _)) in VECTORS.iter().enumerate() {
            for (other, (_, hex)) in VECTORS.iter().enumerate() {
                let header = format!("sha256={hex}");
                assert_eq!(
                    verifies(header.as_bytes(), body.as_bytes(), &["test_app_secret"]),
                    index == other
                );
            }
        }
    }

    #[test]
    fn any_secret_of_the_list_verifies_and_no_secret_verifies_nothing() {
        let (body, hex) = VECTORS[0];
        let header = format!("sha256={hex}");
        for (secrets, expected) in [
            (&["new", "test_app_secret"][..], true),
            (&["test_app_secret", "old"], true),
            (&["new", "old"], false),
            (&[], false),
            (&[""], false),
        ] {
            assert_eq!(
                verifies(header.as_bytes(), body.as_bytes(), secrets),
                expected,
                "{secrets:?}"
            );
        }
    }

    #[test]
    fn one_form_of_the_header_is_read() {
        let (body, hex) = VECTORS[0];
        for header in [
            hex.to_owned(),
            format!("sha1={hex}"),
            format!("SHA256={hex}"),
            format!("sha256={}", hex.to_uppercase()),
            format!("sha256={}", &hex[..62]),
            format!("sha256={}", &hex[..63]),
            format!("sha256={hex}0"),
            format!("sha256= {hex}"),
            "sha256=".to_owned(),
            String::new(),
        ] {
            assert!(
                !verifies(header.as_bytes(), body.as_bytes(), &["test_app_secret"]),
                "{header}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_changed_header_or_body_never_verifies(at in 0..71usize, byte in any::<u8>(), place in 0..49usize, bit in 0..8u8) {
            let (body, hex) = VECTORS[0];
            let mut header = format!("sha256={hex}").into_bytes();
            let unchanged = header[at] == byte;
            header[at] = byte;
            prop_assert_eq!(verifies(&header, body.as_bytes(), &["test_app_secret"]), unchanged);
            let mut other = body.as_bytes().to_vec();
            other[place] ^= 1 << bit;
            let original = format!("sha256={hex}");
            prop_assert!(!verifies(original.as_bytes(), &other, &["test_app_secret"]));
        }

        #[test]
        fn any_header_is_read_without_a_panic(header in prop::collection::vec(any::<u8>(), 0..100)) {
            let verified = verifies(&header, b"{}", &["test_app_secret"]);
            prop_assert!(!verified);
        }
    }
}
