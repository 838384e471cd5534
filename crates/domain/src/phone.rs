//! Phone numbers: the dialable form, the form by which variants match, and the country.
//!
//! Validity by a phone library is a hint, never a reason to refuse: real accounts have numbers that
//! libphonenumber calls invalid.

use crate::numbering;
pub use crate::numbering::PLANS_VERSION;
use phonenumber::country::Id as CountryId;

/// A number in dialable E.164 with its country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// E.164 with its plus sign.
    pub e164: String,
    /// ISO 3166 alpha-2; `None` for a calling code that no country has.
    pub country: Option<String>,
}

/// E.164 allows 15 digits.
const MOST_DIGITS: usize = 15;

/// Of what somebody wrote, fewer digits are a remark and no number.
const FEWEST_WRITTEN: usize = 5;

/// The digits of a `wa_id` that is a number; `None` when it is none.
#[must_use]
pub fn digits_of_wa_id(wa_id: &str) -> Option<String> {
    let digits = wa_id.strip_prefix('+').unwrap_or(wa_id);
    ((1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.to_owned())
}

/// Digits by which numbers match, which are also the dialable ones: what the [numbering plans](PLANS_VERSION) say, everything
/// else as it is (Argentina's 54 and 549 are two numbers).
#[must_use]
pub fn canonical_digits(digits: &str) -> String {
    numbering::other_form(digits).unwrap_or_else(|| digits.to_owned())
}

/// The digits under which Argentina's two forms of a number meet; they are only candidates for one person.
/// `None` for every other number.
#[must_use]
pub fn candidate_digits(canonical: &str) -> Option<String> {
    numbering::meeting_form(canonical)
}

/// Whether two people may have the two forms of a number (Mexico, Brazil). A country that lengthened all of its numbers
/// gives the old forms to nobody.
#[must_use]
pub fn may_be_two(canonical: &str) -> bool {
    numbering::may_be_two(canonical)
}

/// The dialable E.164 form of what somebody wrote: separators go, `00` is a plus sign, a local form is completed
/// by `region` (ISO 3166) where one is given and else taken as international. `None` when no number is left.
#[must_use]
pub fn dialable(raw: &str, region: Option<&str>) -> Option<String> {
    let raw = raw.trim();
    let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
    let international = if raw.starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else {
        region
            .and_then(|region| numbering::with_code(region, &digits).or_else(|| complete(raw, region)))
            .unwrap_or(digits)
    };
    (FEWEST_WRITTEN..=MOST_DIGITS)
        .contains(&international.len())
        .then(|| format!("+{}", canonical_digits(&international)))
}

/// A local form in `region`, as international digits; `None` where the library finds no valid number there.
fn complete(raw: &str, region: &str) -> Option<String> {
    let region: CountryId = region.parse().ok()?;
    let number = phonenumber::parse(Some(region), raw).ok()?;
    phonenumber::is_valid(&number).then(|| {
        number
            .format()
            .mode(phonenumber::Mode::E164)
            .to_string()
            .trim_start_matches('+')
            .to_owned()
    })
}

/// Country of a dialable number, ISO 3166 alpha-2: by the library's metadata, else the main country of its
/// calling code. Costs some microseconds: keep the answer.
#[must_use]
pub fn country(e164: &str) -> Option<String> {
    let number = phonenumber::parse(None, e164).ok()?;
    number
        .country()
        .id()
        .or_else(|| {
            let region = phonenumber::metadata::DATABASE
                .region(&number.code().value())?
                .into_iter()
                .next()?;
            region.parse().ok()
        })
        .map(|id| id.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_one_number_meet_and_others_do_not() {
        assert_eq!(canonical_digits("5215512345678"), "525512345678");
        assert_eq!(canonical_digits("525512345678"), "525512345678");
        assert_eq!(canonical_digits("551187654321"), "5511987654321");
        assert_eq!(canonical_digits("5511987654321"), "5511987654321");
        assert_eq!(
            canonical_digits("551132654321"),
            "551132654321",
            "a landline gets no ninth digit"
        );
        assert_eq!(canonical_digits("5491123456789"), "5491123456789");
        assert_eq!(candidate_digits("5491123456789"), candidate_digits("541123456789"));
        assert_eq!(candidate_digits("56961234567"), None);
    }

    #[test]
    fn both_forms_of_a_number_have_one_form_to_dial() {
        for (country, other, dialed) in [
            ("MX", "5215512345678", "525512345678"),
            ("BR", "551187654321", "5511987654321"),
            ("BR", "551162345678", "5511962345678"),
            ("BJ", "22997001122", "2290197001122"),
            ("BJ", "22901001122", "2290101001122"),
            ("CI", "22507112233", "2250707112233"),
            ("CI", "22500112233", "2250100112233"),
            ("CI", "22543112233", "2250143112233"),
            ("CI", "22504112233", "2250504112233"),
            ("CI", "22566112233", "2250566112233"),
            ("CI", "22559112233", "2250759112233"),
        ] {
            assert_eq!(canonical_digits(other), dialed);
            assert_eq!(canonical_digits(dialed), dialed);
            assert_eq!(candidate_digits(other), None);
            assert_eq!(
                super::country(&format!("+{dialed}")).as_deref(),
                Some(country),
                "{dialed}"
            );
        }
        for (digits, may_be) in [
            ("525512345678", true),
            ("5511987654321", true),
            ("2290197001122", false),
            ("2250707112233", false),
            ("56961234567", false),
        ] {
            assert_eq!(may_be_two(digits), may_be, "{digits}");
        }
        // One digit more or less is no such number.
        for digits in ["2299700112", "229970011223", "2250711223", "225071122334"] {
            assert_eq!(canonical_digits(digits), digits);
        }
    }

    #[test]
    fn what_people_write_becomes_dialable() {
        for (raw, region, want) in [
            ("+56 9 6123 4567", None, Some("+56961234567")),
            ("0056961234567", None, Some("+56961234567")),
            ("961234567", Some("CL"), Some("+56961234567")),
            ("56961234567", Some("CL"), Some("+56961234567")),
            ("56961234567", None, Some("+56961234567")),
            ("+52 1 55 1234 5678", None, Some("+525512345678")),
            ("+229 97 00 11 22", None, Some("+2290197001122")),
            ("97 00 11 22", Some("BJ"), Some("+2290197001122")),
            ("01 97 00 11 22", Some("BJ"), Some("+2290197001122")),
            ("07 11 22 33", Some("CI"), Some("+2250707112233")),
            ("07 07 11 22 33", Some("CI"), Some("+2250707112233")),
            ("hola", None, None),
            ("+12", None, None),
        ] {
            assert_eq!(dialable(raw, region).as_deref(), want, "{raw} in {region:?}");
        }
    }

    #[test]
    fn countries_also_of_numbers_that_the_library_calls_invalid() {
        for (number, want) in [
            ("+56961234567", Some("CL")),
            ("+525512345678", Some("MX")),
            ("+5511987654321", Some("BR")),
            ("+5491123456789", Some("AR")),
            ("+541123456789", Some("AR")),
            ("+16315551181", Some("US")),
            ("+573211234567", Some("CO")),
            ("+56977770001", Some("CL")),
            ("+56912345678", Some("CL")),
            ("+999123456789", None),
        ] {
            assert_eq!(country(number).as_deref(), want, "{number}");
        }
    }
}
