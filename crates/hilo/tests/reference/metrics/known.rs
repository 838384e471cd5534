//! Where the pipeline differs from the letter of metrics.md, as far as this reference follows it so that the rest can be
//! compared. `false` is the letter; once the pipeline is mended, or the document says so, the switch goes.

/// Chapter 4: "the turn includes everything up to the next customer message". The pipeline ends an answered turn at a bot
/// outbound too.
pub(crate) const BOT_ENDS_ANSWERED_TURN: bool = true;

/// Rule 17: test deliveries are in no metric. To the pipeline a session of theirs is a repeat of the one before.
pub(crate) const TEST_SESSION_IS_REPEAT: bool = true;
