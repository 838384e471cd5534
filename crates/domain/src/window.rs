//! The windows of the platform, as data: how long each is open, counted from event times (never from arrival: a late
//! webhook would open a phantom window).

use crate::{
    Millis,
    time::{DAY, HOUR, MINUTE},
};

/// A customer message or a call by the person allows free-form sends for this long.
pub const CUSTOMER_SERVICE: Millis = DAY;
/// An entry point window opens if the business answers within this long after a message that came by an ad or a page.
pub const ENTRY_POINT_ANSWER: Millis = DAY;
/// An entry point window is open for this long after that answer. It is about pricing only.
pub const ENTRY_POINT: Millis = 72 * HOUR;
/// A sender stops free-form this long before the window ends: the platform sometimes refuses inside it (131047), and a
/// send takes its time. 5 to 10 minutes are advised; a template is the way out.
pub const SAFETY_MARGIN: Millis = 10 * MINUTE;

/// End of the customer service window that something at `at` opens.
#[must_use]
pub fn customer_service_end(at: Millis) -> Millis {
    at.saturating_add(CUSTOMER_SERVICE)
}

/// Last instant to start a free-form send in a window that ends at `end`.
#[must_use]
pub fn free_form_end(end: Millis) -> Millis {
    end.saturating_sub(SAFETY_MARGIN)
}

/// End of the entry point window of a message that came by an ad at `touched`, first answered at `answered`; `None` where
/// the answer came too late, or before it.
#[must_use]
pub fn entry_point_end(touched: Millis, answered: Millis) -> Option<Millis> {
    (touched..=touched.saturating_add(ENTRY_POINT_ANSWER))
        .contains(&answered)
        .then(|| answered.saturating_add(ENTRY_POINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_from_event_times() {
        let at = 1_777_899_600_000;
        assert_eq!(customer_service_end(at), at + 86_400_000);
        assert_eq!(free_form_end(customer_service_end(at)), at + 86_400_000 - 600_000);
        assert_eq!(
            entry_point_end(at, at + 86_400_000),
            Some(at + 86_400_000 + 259_200_000)
        );
        assert_eq!(entry_point_end(at, at + 86_400_001), None);
        assert_eq!(entry_point_end(at, at - 1), None);
        assert_eq!(customer_service_end(Millis::MAX), Millis::MAX);
    }
}
