//! The one table of transforms: what each takes, gives and does.

use crate::values::Kind;
use Form::{Day, Flag, Instant, List, Money, Number, Text, Time, Word};

/// What goes through a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A word of a vocabulary.
    Word,
    /// A decimal number.
    Number,
    /// Yes or no.
    Flag,
    /// An instant, not written yet.
    Time,
    /// Several texts.
    List,
    /// An amount with its currency.
    Money,
    /// An instant as the CRM writes it.
    Instant,
    /// A day as the CRM writes it.
    Day,
}

impl Form {
    /// That of a source.
    pub(in crate::mapping) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Text,
            Kind::Word => Word,
            Kind::Number => Number,
            Kind::Flag => Flag,
            Kind::Time => Time,
            Kind::List => List,
            Kind::Money => Money,
        }
    }

    /// Its name in findings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Text => "text",
            Word => "word",
            Number => "number",
            Flag => "flag",
            Time => "time",
            List => "list",
            Money => "money",
            Instant => "written time",
            Day => "written day",
        }
    }
}

/// What stands behind the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A number.
    Number {
        /// Whether it has to be there.
        needed: bool,
        /// The greatest.
        most: usize,
    },
    /// A text.
    Text,
    /// Words with a `|` between them.
    Words,
    /// The name of a catalogue.
    Catalogue,
}

/// One transform.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    pub(super) op: Op,
    /// What stands behind the colon.
    pub argument: Argument,
    /// What it takes.
    pub takes: &'static [Form],
    /// What it gives; none: what it took.
    pub gives: Option<Form>,
    /// Whether it does so to each text of a list.
    pub lifts: bool,
    /// What it does, one sentence.
    pub doc: &'static str,
}

impl Definition {
    /// How it is written.
    #[must_use]
    pub fn usage(&self) -> String {
        let name = self.name;
        match self.argument {
            Argument::None => name.to_owned(),
            Argument::Number { needed: true, .. } => format!("{name}:N"),
            Argument::Number { needed: false, .. } => format!("{name} or {name}:N"),
            Argument::Text => format!("{name}:TEXT"),
            Argument::Words => format!("{name}:WORD|WORD"),
            Argument::Catalogue => format!("{name}:CATALOGUE"),
        }
    }
}

macro_rules! transforms {
    ($($op:ident $name:literal $argument:expr, $takes:expr => $gives:expr, $lifts:literal, $doc:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Op { $($op),* }

        /// All transforms.
        pub const TRANSFORMS: &[Definition] = &[$(Definition {
            name: $name, op: Op::$op, argument: $argument, takes: &$takes, gives: $gives, lifts: $lifts, doc: $doc,
        }),*];
    };
}

const LONGEST: Argument = Argument::Number {
    needed: true,
    most: 65_536,
};
const DECIMALS: Argument = Argument::Number { needed: false, most: 9 };

transforms! {
    Trim "trim" Argument::None, [Text, Word] => None, true, "Without spaces at both ends.";
    Lower "lower" Argument::None, [Text, Word] => None, true, "In small letters.";
    Upper "upper" Argument::None, [Text, Word] => None, true, "In capitals.";
    Truncate "truncate" LONGEST, [Text, Word] => None, true, "N characters at most; what is cut ends with `…`.";
    FirstWord "first_word" Argument::None, [Text] => None, true, "The first word.";
    RestWords "rest_words" Argument::None, [Text] => None, true, "The words behind the first.";
    Html "html" Argument::None, [Text, Word] => Some(Text), true, "Escaped, so that HTML shows it; a line break becomes `<br>`.";
    E164 "e164" Argument::None, [Text] => None, true, "A number in E.164; a local form is completed by the person's country. What is no number has no value.";
    MaskPhone "mask_phone" Argument::None, [Text] => None, true, "A number of which nobody can be called: `+56•••567`.";
    Bcp47 "bcp47" Argument::None, [Text, Word] => Some(Word), true, "A language as `es-MX`.";
    Language "language" Argument::None, [Text, Word] => Some(Word), true, "A language without its region: `es`.";
    HubspotLanguage "hubspot_language" Argument::None, [Text, Word] => Some(Word), false, "By `[languages]`, else as HubSpot has it: `es-mx`, or `es` where it has no such region.";
    CountryName "country_name" Argument::None, [Text, Word] => Some(Text), false, "Name of an ISO 3166 country in English.";
    Owner "owner" Argument::None, [Text, Word] => Some(Text), false, "`@owner:E-MAIL`: by the catalogue `owners`, else where the text itself is an e-mail address.";
    Map "map" Argument::Catalogue, [Text, Word, Number, Flag] => Some(Word), true, "By a catalogue; its entry `*` is for all others, without it they have no value.";
    Is "is" Argument::Words, [Text, Word] => Some(Flag), false, "Whether it is one of the words.";
    ToNumber "number" Argument::None, [Text, Word] => Some(Number), false, "A text that is a decimal number.";
    Decimal "decimal" DECIMALS, [Number] => None, false, "The shortest form, or N decimals, rounded half away from zero.";
    Join "join" Argument::Text, [List] => Some(Text), false, "One text, with TEXT between the texts.";
    First "first" Argument::None, [List] => Some(Text), false, "The first text.";
    Count "count" Argument::None, [List] => Some(Number), false, "How many texts.";
    Amount "amount" Argument::None, [Money] => Some(Number), false, "The amount with the decimals of its currency (CLP 0, PYG 0, MXN 2); none where the currency is unknown or not the portal's.";
    PlainAmount "plain_amount" Argument::None, [Money] => Some(Number), false, "The amount, whatever its currency.";
    MinorUnits "minor_units" Argument::None, [Money] => Some(Number), false, "The amount in the smallest unit of its currency.";
    Currency "currency" Argument::None, [Money] => Some(Word), false, "ISO 4217 code, where it is the portal's.";
    PlainCurrency "plain_currency" Argument::None, [Money] => Some(Word), false, "ISO 4217 code, whether or not it is the portal's.";
    Date "date" Argument::None, [Time] => Some(Day), false, "The day in the mapping's time zone: `2026-11-22`.";
    DateMs "date_ms" Argument::None, [Time] => Some(Day), false, "Midnight UTC of the day in the mapping's time zone, in milliseconds.";
    DateTime "datetime" Argument::None, [Time] => Some(Instant), false, "Milliseconds since 1970.";
    Iso8601 "iso8601" Argument::None, [Time] => Some(Instant), false, "`2026-11-22T12:00:00Z`.";
    LocalDate "local_date" Argument::None, [Time] => Some(Text), false, "The day as people of the country write it, by `day_form`.";
    ToFlag "flag" Argument::None, [Flag] => None, false, "`true` or `false`.";
}
