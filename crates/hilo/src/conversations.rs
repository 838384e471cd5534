//! A conversation of the golden record as a row of the page: who it is leaves here masked.

use hilo_dashboard::{
    mask::Masked,
    model::{ConversationRow, SessionState},
};
use hilo_golden::{RecentConversation, Turn};

/// The row of a conversation.
pub(crate) fn row(conversation: RecentConversation) -> ConversationRow {
    ConversationRow {
        person: Masked::person(conversation.country.as_deref(), conversation.identifier.as_deref()),
        tenant: conversation.tenant,
        message_type: conversation.message_type,
        inbound: conversation.inbound,
        at: conversation.at,
        state: match conversation.turn {
            Turn::Waiting => SessionState::Waiting,
            Turn::Bot => SessionState::Bot,
            Turn::Answered => SessionState::Answered,
            Turn::Resolved => SessionState::Resolved,
            Turn::Inactive => SessionState::Inactive,
            Turn::None => SessionState::None,
        },
        queue: conversation.queue,
        trace: conversation.person_id,
    }
}
