//! Platform error codes by class: what a failure speaks against. The table is part of version 1 of the
//! metric definitions; logic uses the code, never the title.

use serde::{Deserialize, Serialize};

/// What a failed send speaks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Token or permission.
    Auth,
    /// The business account: locked, unpaid, not registered.
    Account,
    /// A rate limit of the app, the account, the number or the pair.
    Rate,
    /// An outage that passes.
    Transient,
    /// The customer-service window is closed.
    Window,
    /// Withheld by the platform for this person; it does not speak against the template.
    MarketingCap,
    /// The person stopped marketing from this business.
    OptOut,
    /// The person cannot be reached.
    Unreachable,
    /// Quality or policy of a number or template.
    Quality,
    /// The template and its parameters.
    Template,
    /// The request itself.
    Request,
    /// Media.
    Media,
    /// The person's identity changed.
    Identity,
    /// Every other code, and a failure without a code.
    Other,
}

/// Code ranges (inclusive) and their class; the first row that holds a code decides, so 133004 stands
/// before the range around it.
const TABLE: &[(i64, i64, ErrorClass)] = {
    use ErrorClass::{
        Account, Auth, Identity, MarketingCap, Media, OptOut, Quality, Rate, Request, Template, Transient, Unreachable,
        Window,
    };
    &[
        (1, 2, Transient),
        (131_000, 131_000, Transient),
        (131_016, 131_016, Transient),
        (133_004, 133_004, Transient),
        (0, 0, Auth),
        (3, 3, Auth),
        (10, 10, Auth),
        (104, 104, Auth),
        (190, 190, Auth),
        (200, 299, Auth),
        (131_005, 131_005, Auth),
        (33, 33, Account),
        (368, 368, Account),
        (131_031, 131_031, Account),
        (131_037, 131_037, Account),
        (131_042, 131_042, Account),
        (131_044, 131_045, Account),
        (133_000, 133_010, Account),
        (133_015, 133_016, Account),
        (134_011, 134_011, Account),
        (4, 4, Rate),
        (80_007, 80_007, Rate),
        (130_429, 130_429, Rate),
        (131_056, 131_057, Rate),
        (2_494_100, 2_494_100, Rate),
        (131_047, 131_047, Window),
        (131_049, 131_049, MarketingCap),
        (130_472, 130_472, MarketingCap),
        (131_050, 131_050, OptOut),
        (131_026, 131_026, Unreachable),
        (131_021, 131_021, Unreachable),
        (131_030, 131_030, Unreachable),
        (130_403, 130_403, Unreachable),
        (130_497, 130_497, Unreachable),
        (131_048, 131_048, Quality),
        (131_064, 131_064, Quality),
        (132_007, 132_007, Quality),
        (132_015, 132_016, Quality),
        (132_068, 132_069, Quality),
        (131_062, 131_063, Template),
        (132_000, 132_001, Template),
        (132_005, 132_005, Template),
        (132_008, 132_008, Template),
        (132_012, 132_012, Template),
        (132_018, 132_018, Template),
        (134_101, 134_102, Template),
        (100, 100, Request),
        (131_008, 131_009, Request),
        (131_051, 131_051, Request),
        (131_055, 131_055, Request),
        (134_100, 134_100, Request),
        (135_000, 135_000, Request),
        (131_052, 131_053, Media),
        (137_000, 137_000, Identity),
    ]
};

impl ErrorClass {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Auth,
        Self::Account,
        Self::Rate,
        Self::Transient,
        Self::Window,
        Self::MarketingCap,
        Self::OptOut,
        Self::Unreachable,
        Self::Quality,
        Self::Template,
        Self::Request,
        Self::Media,
        Self::Identity,
        Self::Other,
    ];

    /// Their names, in the same order.
    pub const NAMES: [&str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::ALL[place].as_str();
            place += 1;
        }
        names
    };

    /// The class of a code; `None` stands for a failure without a code.
    #[must_use]
    pub fn of(code: Option<i64>) -> Self {
        let Some(code) = code else { return Self::Other };
        TABLE
            .iter()
            .find(|(low, high, _)| (*low..=*high).contains(&code))
            .map_or(Self::Other, |(_, _, class)| *class)
    }

    /// The name used as a dimension of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Rate => "rate",
            Self::Transient => "transient",
            Self::Window => "window",
            Self::MarketingCap => "marketing_cap",
            Self::OptOut => "opt_out",
            Self::Unreachable => "unreachable",
            Self::Quality => "quality",
            Self::Template => "template",
            Self::Request => "request",
            Self::Media => "media",
            Self::Identity => "identity",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_have_the_class_of_the_definitions() {
        for (code, class) in [
            (0, "auth"),
            (250, "auth"),
            (133_004, "transient"),
            (133_005, "account"),
            (131_044, "account"),
            (131_049, "marketing_cap"),
            (131_026, "unreachable"),
            (132_015, "quality"),
            (134_101, "template"),
            (134_100, "request"),
            (5, "other"),
            (138_006, "other"),
        ] {
            assert_eq!(ErrorClass::of(Some(code)).as_str(), class, "{code}");
        }
        assert_eq!(ErrorClass::of(None), ErrorClass::Other);
    }

    #[test]
    fn the_names_are_those_of_all_classes() {
        for code in (0..140_000).chain([2_494_100]) {
            let class = ErrorClass::of(Some(code)).as_str();
            assert!(ErrorClass::NAMES.contains(&class), "{class}");
        }
        let different: BTreeSet<&str> = ErrorClass::NAMES.into();
        assert_eq!(different.len(), ErrorClass::ALL.len());
    }
}
