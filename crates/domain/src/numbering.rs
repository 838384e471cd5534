//! Numbering plans: in which countries one number is written in two ways, and what the two have to do with each other.

use std::ops::RangeInclusive;

/// Version of [`PLANS`]; raised with each line that is added or changed.
pub const PLANS_VERSION: i32 = 1;

/// What the two forms of a number have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forms {
    /// One number: the country lengthened all of them, and the old forms are given to nobody.
    One,
    /// One number, unless it turns out that two people have them.
    OneUnlessTwoPeople,
    /// Two numbers, which may be one person's.
    Candidates,
}
use Forms::{Candidates, One, OneUnlessTwoPeople};

/// How the other form of a country's numbers becomes the one to dial.
struct Plan {
    country: &'static str,
    /// Calling code.
    code: &'static str,
    /// Digits of the other form behind the code.
    digits: usize,
    /// Place of the digit that decides, counted behind the code.
    by: usize,
    /// Place at which digits are dropped and added, counted behind the code.
    at: usize,
    drops: usize,
    /// What is added, by the digit that decides. Another digit: the number has no other form.
    adds: &'static [(RangeInclusive<u8>, &'static str)],
    forms: Forms,
}

/// A country is a line here, and one in the test below.
#[rustfmt::skip]
const PLANS: [Plan; 5] = [
    Plan { country: "AR", code: "54", digits: 11, by: 0, at: 0, drops: 1, adds: &[(b'9'..=b'9', "")], forms: Candidates },
    // Two digits of area, eight of the subscriber; mobiles begin with 6 to 9, landlines with 2 to 5.
    Plan { country: "BR", code: "55", digits: 10, by: 2, at: 2, drops: 0, adds: &[(b'6'..=b'9', "9")], forms: OneUnlessTwoPeople },
    Plan { country: "MX", code: "52", digits: 11, by: 0, at: 0, drops: 1, adds: &[(b'1'..=b'1', "")], forms: OneUnlessTwoPeople },
    // Since November 2024.
    Plan { country: "BJ", code: "229", digits: 8, by: 0, at: 0, drops: 0, adds: &[(b'0'..=b'9', "01")], forms: One },
    // Since January 2021: two digits by the operator, whom the second old digit tells.
    Plan { country: "CI", code: "225", digits: 8, by: 1, at: 0, drops: 0, adds: &[(b'0'..=b'3', "01"), (b'4'..=b'6', "05"), (b'7'..=b'9', "07")], forms: One },
];

impl Plan {
    /// The form to dial of digits in the other form; `None` where they are not in that form.
    fn dialable(&self, digits: &str) -> Option<String> {
        let national = digits.strip_prefix(self.code)?;
        if national.len() != self.digits {
            return None;
        }
        let decides = national.as_bytes().get(self.by)?;
        let (_, adds) = self.adds.iter().find(|(digits, _)| digits.contains(decides))?;
        let (before, after) = (national.get(..self.at)?, national.get(self.at + self.drops..)?);
        Some([self.code, before, adds, after].concat())
    }

    /// Whether digits are as long as those of the form to dial.
    fn is_as_long(&self, digits: &str) -> bool {
        let national = digits.strip_prefix(self.code).map(str::len);
        let is_long = |(_, adds): &(_, &str)| national == Some(self.digits - self.drops + adds.len());
        self.adds.iter().any(is_long)
    }
}

fn plans(forms: &[Forms]) -> impl Iterator<Item = &'static Plan> {
    PLANS.iter().filter(|plan| forms.contains(&plan.forms))
}

/// The form to dial of digits that are another form of one number.
pub(crate) fn other_form(digits: &str) -> Option<String> {
    plans(&[One, OneUnlessTwoPeople]).find_map(|plan| plan.dialable(digits))
}

/// The form in which two numbers meet that may be one person's; `None` for a number without such another.
pub(crate) fn meeting_form(digits: &str) -> Option<String> {
    plans(&[Candidates]).find_map(|plan| {
        let is_short = |digits: &&str| plan.is_as_long(digits);
        plan.dialable(digits)
            .or_else(|| Some(digits).filter(is_short).map(str::to_owned))
    })
}

/// Whether the forms of a number, given in the one to dial, may turn out to be the numbers of two people.
pub(crate) fn may_be_two(digits: &str) -> bool {
    plans(&[OneUnlessTwoPeople]).any(|plan| plan.is_as_long(digits))
}

/// The form to dial of digits without their code, in a country that lengthened all of its numbers: the library knows the
/// long ones only. `None` for another country, and for digits that are no number there.
pub(crate) fn with_code(country: &str, national: &str) -> Option<String> {
    let plan = plans(&[One]).find(|plan| plan.country == country)?;
    let digits = [plan.code, national].concat();
    plan.dialable(&digits)
        .or_else(|| plan.is_as_long(&digits).then_some(digits))
}
