//! What is counted together: a series holds the sums from which one or more metrics are published.

use hilo_domain::{
    ErrorClass, Millis,
    time::{DAY, HOUR, MINUTE},
};
use serde::{Deserialize, Serialize};

/// Error classes in the order of their slots.
pub(crate) const ERROR_CLASSES: [ErrorClass; 14] = [
    ErrorClass::Auth,
    ErrorClass::Account,
    ErrorClass::Rate,
    ErrorClass::Transient,
    ErrorClass::Window,
    ErrorClass::MarketingCap,
    ErrorClass::OptOut,
    ErrorClass::Unreachable,
    ErrorClass::Quality,
    ErrorClass::Template,
    ErrorClass::Request,
    ErrorClass::Media,
    ErrorClass::Identity,
    ErrorClass::Other,
];

/// Outcomes of bot sessions in the order of their slots (metric definitions, chapter 6).
pub(crate) const BOT_OUTCOMES: [&str; 8] = [
    "human_takeover",
    "escalated_requested",
    "escalated_failure",
    "escalated_rule",
    "contained_confirmed",
    "abandoned",
    "contained_silent",
    "called_back",
];

/// A series. The slots of its counts stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Series {
    /// 0 members, 1 delivered, 2 read, 3 failed, from 4 failed by class.
    Outcomes,
    /// Persons: 0 with a delivered member, 1 who replied, 2 who replied strongly.
    Replies,
    /// Persons: 0 with a delivered marketing member, 1 who opted out after it.
    OptOuts,
    /// 0 persons whose opt-out follows no marketing message.
    OptOutsUnattributed,
    /// A duration each.
    FrtHuman,
    FrtAny,
    ReplyTime,
    HandleActive,
    HandleAssigned,
    ElapsedResolution,
    /// 0 clocks started, 1 not stopped.
    Unanswered,
    /// 0 resolved sessions, 1 resolved at first contact.
    FirstContact,
    /// 0 bot sessions, from 1 by outcome.
    Bot,
    /// 0 answers, 1 satisfied.
    Csat,
    /// 0 answers, 1 sum of scores in thousandths.
    Ces,
    /// 0 messages.
    TrafficInbound,
    TrafficOutbound,
    /// States over time.
    QualityRating,
    MessagingLimit,
}

impl Series {
    /// Name of the one metric of a series of durations.
    pub(crate) fn duration(self) -> Option<&'static str> {
        Some(match self {
            Self::FrtHuman => "frt_human_seconds",
            Self::FrtAny => "frt_any_seconds",
            Self::ReplyTime => "reply_time_seconds",
            Self::HandleActive => "handle_active_seconds",
            Self::HandleAssigned => "handle_assigned_seconds",
            Self::ElapsedResolution => "elapsed_resolution_seconds",
            _ => return None,
        })
    }
}

/// Until when a member may still change its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Horizon {
    /// Nothing about it is open.
    Settled,
    /// So long after the end of the row's window; where the row has none, of the member's hour.
    After(Millis),
    /// Something must happen first.
    Open,
}

/// How long the platform retries deliveries.
const PLATFORM_RETRIES: Millis = 7 * DAY;
/// Time to live of a message.
const TTL: Millis = 30 * DAY;
const AUTHENTICATION_TTL: Millis = 10 * MINUTE;

/// After it no status comes any more.
pub(crate) fn statuses(authentication: bool) -> Horizon {
    Horizon::After(PLATFORM_RETRIES + if authentication { AUTHENTICATION_TTL } else { TTL })
}

/// After it no reply counts any more.
pub(crate) fn replies(authentication: bool) -> Horizon {
    Horizon::After(STRONG_REPLY + PLATFORM_RETRIES + if authentication { AUTHENTICATION_TTL } else { TTL })
}

/// Late events of the platform, for what has no horizon of its own.
pub(crate) const RETRIES: Horizon = Horizon::After(PLATFORM_RETRIES);
/// A repeat of a resolved session.
pub(crate) const FIRST_CONTACT: Horizon = Horizon::After(72 * HOUR);
/// A call-back after a bot.
pub(crate) const CALL_BACK: Horizon = Horizon::After(24 * HOUR);
/// A later answer to the same survey.
pub(crate) const RATINGS: Horizon = Horizon::After(72 * HOUR);

/// A reply that names the message counts this long after delivery.
pub(crate) const STRONG_REPLY: Millis = 7 * DAY;
/// The first message after delivery counts this long.
pub(crate) const REPLY_WINDOW: Millis = 24 * HOUR;
/// An opt-out belongs to what was delivered this long before.
pub(crate) const OPT_OUT_WINDOW: Millis = 24 * HOUR;
