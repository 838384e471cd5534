//! Amounts: as many decimals as the currency has, by arithmetic on digits, never on floating point.

/// ISO 4217 codes that amounts have.
const CODES: &str = "\
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP \
    BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB \
    EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD \
    JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD \
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL";

/// Currencies whose minor unit is not the hundredth.
const DECIMALS: [(usize, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Most digits that an amount has: beyond that it is a slip.
const MOST_DIGITS: usize = 30;

/// Whether there is such a currency.
pub(in crate::mapping) fn is_currency(code: &str) -> bool {
    CODES.split_ascii_whitespace().any(|known| known == code)
}

/// Decimals of a currency.
pub(super) fn decimals(currency: &str) -> usize {
    DECIMALS
        .iter()
        .find(|(_, codes)| codes.split(' ').any(|code| code == currency))
        .map_or(2, |(decimals, _)| *decimals)
}

/// A decimal text with so many decimals, rounded half away from zero; `None` when it is none.
pub(super) fn rounded(text: &str, decimals: usize) -> Option<String> {
    let (negative, whole, fraction) = parts(text)?;
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    let up = fraction.as_bytes().get(decimals).is_some_and(|digit| *digit >= b'5');
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    if up {
        add_one(&mut digits);
    }
    let point = digits.len() - decimals;
    let digits: String = digits.into_iter().map(char::from).collect();
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if negative && !zero { "-" } else { "" };
    let point = if decimals == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// A decimal text in its shortest form; `None` when it is none.
pub(super) fn shortest(text: &str) -> Option<String> {
    let (_, _, fraction) = parts(text)?;
    rounded(text, fraction.trim_end_matches('0').len())
}

/// An amount in the smallest unit of its currency.
pub(super) fn minor_units(text: &str, currency: &str) -> Option<String> {
    let amount = rounded(text, decimals(currency))?;
    let digits: String = amount.chars().filter(|it| *it != '.').collect();
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits.as_str()), |rest| ("-", rest));
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() {
        "0".to_owned()
    } else {
        format!("{sign}{digits}")
    })
}

/// Sign, digits before the point, digits behind it.
fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let ok =
        digits(whole) && digits(fraction) && !whole.is_empty() && text.len() <= MOST_DIGITS && !text.ends_with('.');
    ok.then_some((negative, whole, fraction))
}

fn add_one(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        for (text, currency, amount, units) in [
            ("15000", "CLP", "15000", "15000"),
            ("15000.50", "CLP", "15001", "15001"),
            ("15000.49", "PYG", "15000", "15000"),
            ("1234.5", "MXN", "1234.50", "123450"),
            ("0.005", "BRL", "0.01", "1"),
            ("0.004", "BRL", "0.00", "0"),
            ("-0.001", "PEN", "0.00", "0"),
            ("-1.005", "PEN", "-1.01", "-101"),
            ("999.995", "ARS", "1000.00", "100000"),
            ("1.23456", "CLF", "1.2346", "12346"),
            ("0007", "COP", "7.00", "700"),
        ] {
            assert_eq!(
                rounded(text, decimals(currency)).as_deref(),
                Some(amount),
                "{text} {currency}"
            );
            assert_eq!(minor_units(text, currency).as_deref(), Some(units), "{text} {currency}");
        }
    }

    #[test]
    fn what_is_no_decimal_has_no_amount() {
        for text in [
            "",
            "-",
            ".5",
            "1.",
            "1,5",
            "1.2.3",
            "1e3",
            "NaN",
            "+1",
            "--1",
            "1234567890123456789012345678901",
        ] {
            assert_eq!(rounded(text, 2), None, "{text}");
        }
    }

    #[test]
    fn the_shortest_form_loses_zeros_only() {
        for (text, short) in [
            ("1.50", "1.5"),
            ("1.00", "1"),
            ("-0.0", "0"),
            ("10", "10"),
            ("007", "7"),
        ] {
            assert_eq!(shortest(text).as_deref(), Some(short));
        }
    }

    #[test]
    fn every_currency_with_other_decimals_is_one() {
        for (_, codes) in DECIMALS {
            assert!(codes.split(' ').all(is_currency), "{codes}");
        }
        assert!(!is_currency("CL"));
    }

    proptest! {
        #[test]
        fn cents_are_the_amount_without_its_point(cents in -1_000_000_000_i64..1_000_000_000) {
            let sign = if cents < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
            prop_assert_eq!(minor_units(&text, "USD"), Some(cents.to_string()));
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC*", places in 0_usize..6) {
            let _unused = (rounded(&text, places), shortest(&text), minor_units(&text, "CLP"));
        }
    }
}
