//! What a message says, as far as a record shows it.

use crate::campaigns::Campaigns;
use hilo_contracts::{details::Details, facts::Conversation};
use serde::{Deserialize, Serialize};

/// Longest text that is kept: the platform's own limit.
const TEXT: usize = 4_096;
/// Longest description of what is no text.
const ABOUT: usize = 200;

/// Content of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// Text, caption, label that was tapped.
    pub text: Option<Box<str>>,
    /// Name of a file, place or card; how many things are in a cart.
    pub about: Option<Box<str>>,
    /// Of an edit: the type of the new content.
    pub subtype: Option<Box<str>>,
    pub ad: Option<Ad>,
    /// The first word of the text that the tenant's table of campaigns has.
    pub token: Option<Box<str>>,
}

/// Where a click came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ad {
    pub id: Option<Box<str>>,
    pub click: Option<Box<str>>,
}

impl Said {
    /// The content of a fact; none where the fact does not tell it.
    pub(super) fn of(fact: &Conversation, campaigns: &Campaigns) -> Option<Self> {
        let Some(details) = fact.details.as_deref() else {
            // Content without details says nothing that anybody knows.
            return fact.content.as_ref().map(|_| Self::default());
        };
        let boxed = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Box::from);
        let text = details.text.as_deref().filter(|text| !text.trim().is_empty());
        Some(Self {
            text: text.map(|text| cut(text, TEXT).into()),
            about: about(details).map(|about| cut(&about, ABOUT).into()),
            subtype: boxed(&details.subtype),
            ad: details.ad.as_ref().map(|ad| Ad {
                id: boxed(&ad.source_id),
                click: boxed(&ad.ctwa_clid),
            }),
            token: text.and_then(|text| token(text, campaigns)).map(Box::from),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.about.is_none()
    }
}

/// At most `most` bytes of a text, whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What a thing that is no text can be recognised by.
fn about(details: &Details) -> Option<String> {
    if let Some(media) = &details.media {
        return media.file_name.clone();
    }
    if let Some(place) = &details.location {
        let named: Vec<&str> = [&place.name, &place.address]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if !named.is_empty() {
            return Some(named.join(", "));
        }
        return Some(format!(
            "{}, {}",
            place.latitude.as_deref()?,
            place.longitude.as_deref()?
        ));
    }
    if !details.cards.is_empty() {
        let names: Vec<&str> = details.cards.iter().filter_map(|card| card.name.as_deref()).collect();
        return (!names.is_empty()).then(|| names.join(", "));
    }
    let products = details.order.as_ref().map(|order| order.products.len())?;
    Some(products.to_string())
}

/// The first word of a text that the table of campaigns has, as it stands there. Nothing is guessed: a token in another
/// spelling is another word.
fn token<'a>(text: &'a str, campaigns: &Campaigns) -> Option<&'a str> {
    let bare = |word: &'a str| word.trim_matches(|letter: char| !letter.is_alphanumeric());
    text.split_whitespace().find_map(|word| {
        let parts = word.split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '_'));
        [word, bare(word)]
            .into_iter()
            .chain(parts)
            .find(|word| !word.is_empty() && campaigns.get(word).is_some())
    })
}
