//! What an item says, field by field: the typed part of a fact on `hilo.conversation`. Each struct mirrors a record of that
//! schema, field by field in its order; where a value is null is documented there.

use crate::facts::ErrorRef;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// What an item says, field by field, as far as the platform documents it. Everything else of it is in content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// In words: the text, a caption, the label that was tapped, the new text of an edit, the emoji of a reaction,
    /// the sentence of a system message, the note of an order.
    pub text: Option<String>,
    /// Finer kind in the platform's words: type of a system message, of an unsupported one, of the new content of an
    /// edit, of a group event; event of a flow; `event_name` of an automatic event; `action_type` of a user action.
    pub subtype: Option<String>,
    /// File.
    pub media: Option<Media>,
    /// Place.
    pub location: Option<Location>,
    /// Shared contacts.
    pub cards: Vec<Card>,
    /// Cart.
    pub order: Option<Order>,
    /// Answer by a tap.
    pub reply: Option<Reply>,
    /// What it refers to.
    pub context: Option<Context>,
    /// Ad or post that it came from.
    pub ad: Option<Ad>,
    /// Errors of this item as a whole: of an unsupported message, a call, a group event; those of a participant, a
    /// setting or a flow's endpoint stand there. An error of the account is an item of its own.
    pub errors: Vec<ErrorRef>,
    /// For what a synchronisation of history told.
    pub history: Option<History>,
    /// For calls.
    pub call: Option<Call>,
    /// For preferences.
    pub preference: Option<Preference>,
    /// For group events.
    pub group: Option<Group>,
    /// For user actions.
    pub click: Option<Click>,
    /// For automatic events.
    pub lead: Option<Lead>,
    /// For flows.
    pub flow: Option<Flow>,
    /// For changes of user ids.
    pub user_id_change: Option<UserIdChange>,
    /// For the address book.
    pub contact: Option<SyncedContact>,
    /// For events of the inbox.
    pub inbox: Option<InboxEvent>,
    /// For `handed_off`.
    pub hand_off: Option<HandOff>,
    /// For events of a CRM.
    pub deal: Option<Deal>,
    /// `identity_key_hash` of the message, its identity object or its contact entry: it changes when the device or
    /// account is registered anew.
    pub identity_hash: Option<String>,
}

/// A file: of a message (image, video, audio, voice, document, sticker), or of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Media id at the platform, valid for 7 days.
    pub id: Option<String>,
    /// MIME type as received.
    pub mime_type: Option<String>,
    /// Hash of the file as received.
    pub sha256: Option<String>,
    /// File name of a document.
    pub file_name: Option<String>,
    /// Address of the file, valid for 5 minutes and only with the token.
    pub url: Option<String>,
    /// Whether it was recorded as a voice note.
    pub voice: Option<bool>,
    /// Whether a sticker moves.
    pub animated: Option<bool>,
}

/// A place that somebody sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees as a decimal text.
    pub latitude: Option<String>,
    /// Degrees as a decimal text.
    pub longitude: Option<String>,
    /// Name of the place.
    pub name: Option<String>,
    /// Address of the place.
    pub address: Option<String>,
    /// Address on the web.
    pub url: Option<String>,
}

/// A shared contact card. It belongs to a third person, never to the sender, unless origin is `contact_request`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// `formatted_name` of the card, else its first and last name.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Prefix of the name, for example Dr.
    pub prefix: Option<String>,
    /// Suffix of the name, for example Jr.
    pub suffix: Option<String>,
    /// Known values: `contact_request` (the sender's own, asked for by the business), other. Null in older messages.
    pub origin: Option<String>,
    /// Numbers in the order of the card.
    pub phones: Vec<CardPhone>,
    /// E-mail addresses in the order of the card.
    pub emails: Vec<CardEmail>,
    /// Web addresses in the order of the card.
    pub urls: Vec<CardUrl>,
    /// Postal addresses in the order of the card.
    pub addresses: Vec<CardAddress>,
    /// Where they work: `org` of the card.
    pub organisation: Option<CardOrganisation>,
    /// Day of birth as written (YYYY-MM-DD).
    pub birthday: Option<String>,
    /// The card as text.
    pub vcard: Option<String>,
}

/// A number on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPhone {
    /// Number as written.
    pub phone: Option<String>,
    /// WhatsApp id of the number.
    pub wa_id: Option<String>,
    /// Known values: CELL, MOBILE, HOME, WORK, MAIN, IPHONE; an open set.
    pub kind: Option<String>,
}

/// An e-mail address on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardEmail {
    /// Address as written.
    pub email: Option<String>,
    /// Known values: HOME, WORK; an open set.
    pub kind: Option<String>,
}

/// A web address on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUrl {
    /// Address as written.
    pub url: Option<String>,
    /// Known values: HOME, WORK; an open set.
    pub kind: Option<String>,
}

/// A postal address on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardAddress {
    /// Street and number.
    pub street: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or region.
    pub state: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// Country in words.
    pub country: Option<String>,
    /// Two letters as received.
    pub country_code: Option<String>,
    /// Known values: HOME, WORK; an open set.
    pub kind: Option<String>,
}

/// Where the person of a card works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardOrganisation {
    /// Company.
    pub company: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Title of the position.
    pub title: Option<String>,
}

/// A cart that the customer sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Catalogue at the platform.
    pub catalog_id: Option<String>,
    /// Lines in the order of the cart.
    pub products: Vec<Product>,
}

/// One line of a cart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// `product_retailer_id`: the business's own id.
    pub retailer_id: Option<String>,
    /// Quantity as a decimal text.
    pub quantity: Option<String>,
    /// Price of one as a decimal text.
    pub item_price: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// An answer by a tap: a template's quick reply, a button, a row of a list, a completed flow, a permission to call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Known values: button (quick reply of a template), `button_reply`, `list_reply`, `nfm_reply` (completed flow),
    /// `call_permission_reply`; an open set.
    pub kind: String,
    /// payload of a quick reply, id of the button or row.
    pub id: Option<String>,
    /// Label that was tapped.
    pub title: Option<String>,
    /// Description of the row.
    pub description: Option<String>,
    /// name of an `nfm_reply`.
    pub flow: Option<String>,
    /// Answers of a completed flow: a text that is JSON, as received.
    pub response_json: Option<String>,
    /// Known values: accept, reject, of a permission to call.
    pub response: Option<String>,
    /// End of a permission to call.
    pub expires_at: Option<Millis>,
    /// Known values: `user_action`, automatic.
    pub response_source: Option<String>,
}

/// What a message refers to, beside the message in `reply_to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// context.from: who wrote the message that is answered.
    pub sender: Option<String>,
    /// Whether it was forwarded.
    pub forwarded: Option<bool>,
    /// Whether it was forwarded many times.
    pub frequently_forwarded: Option<bool>,
    /// Catalogue of the product that it asks about.
    pub catalog_id: Option<String>,
    /// Product that it asks about.
    pub product_retailer_id: Option<String>,
}

/// Click-to-WhatsApp referral, field by field; referral has it whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ad {
    /// Known values: ad, post; an open set.
    pub source_type: Option<String>,
    /// Ad or post. No substitute for `ctwa_clid`.
    pub source_id: Option<String>,
    /// Address of the ad or post.
    pub source_url: Option<String>,
    /// Headline.
    pub headline: Option<String>,
    /// Text.
    pub body: Option<String>,
    /// Known values: image, video.
    pub media_type: Option<String>,
    /// `image_url`, else `video_url`; expires.
    pub media_url: Option<String>,
    /// Thumbnail; expires.
    pub thumbnail_url: Option<String>,
    /// Click id.
    pub ctwa_clid: Option<String>,
    /// Greeting that the ad showed.
    pub welcome_text: Option<String>,
}

/// What a synchronisation of history says of a message, or of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Known values: DELIVERED, ERROR, PENDING, PLAYED, READ, SENT, of a message.
    pub status: Option<String>,
    /// 0, 1 or 2, of a chunk or of the one that the message came with.
    pub phase: Option<i64>,
    /// Place of the chunk.
    pub chunk_order: Option<i64>,
    /// Percent done.
    pub progress: Option<i64>,
}

/// A call, or what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Call id (wacid).
    pub id: Option<String>,
    /// Known values: connect, terminate, `call_created`, `call_recording_available`, `call_transcription_available`; of a
    /// status RINGING, ACCEPTED, REJECTED; as received.
    pub event: Option<String>,
    /// Known values: BUSINESS_INITIATED, USER_INITIATED.
    pub direction: Option<String>,
    /// Known values: COMPLETED, FAILED, of a terminate. Null otherwise.
    pub status: Option<String>,
    /// Start of the talk.
    pub started_at: Option<Millis>,
    /// End of the talk.
    pub ended_at: Option<Millis>,
    /// Length of the talk.
    pub duration_seconds: Option<i64>,
    /// `biz_opaque_callback_data` of the business's own call.
    pub callback_data: Option<String>,
    /// Known values: offer, answer.
    pub sdp_type: Option<String>,
    /// Session description.
    pub sdp: Option<String>,
    /// Recording of the talk: `call_recording.audio`.
    pub recording: Option<Media>,
    /// Written form of the talk: `call_transcript.document`.
    pub transcript: Option<Media>,
}

/// What a person wants to receive, told by the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// Known values: `marketing_messages`.
    pub category: Option<String>,
    /// Known values: stop, resume, signup.
    pub value: Option<String>,
    /// The platform's sentence.
    pub detail: Option<String>,
    /// Sign-up that a signup belongs to. Null otherwise.
    pub signup_id: Option<String>,
}

/// What happened to a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Request of the business that this answers.
    pub request_id: Option<String>,
    /// Participants in the order of the event.
    pub members: Vec<Member>,
    /// Who did it, as received.
    pub initiated_by: Option<String>,
    /// Why, as received.
    pub reason: Option<String>,
    /// Link to join.
    pub invite_link: Option<String>,
    /// How people join. Known values: `auto_approve`, `approval_required`.
    pub join_approval_mode: Option<String>,
    /// Request to join.
    pub join_request_id: Option<String>,
    /// Name that the group has or was to be created with; a new one that was refused is in settings only.
    pub subject: Option<String>,
    /// Description that the group has or was to be created with; a new one that was refused is in settings only.
    pub description: Option<String>,
    /// Settings that the business asked to change, sorted by name.
    pub settings: Vec<GroupSetting>,
}

/// A participant that the event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Known values: added, removed, failed; requested (to join), `request_revoked` (by who asked), and `request_` with
    /// what else becomes of a request to join; named for another event that names somebody.
    pub action: String,
    /// WhatsApp id, else the number that the business gave (`input`).
    pub wa_id: Option<String>,
    /// Business-scoped user id, also where the business gave it or the parent one as `input`.
    pub user_id: Option<String>,
    /// Errors of this participant, in the order of the event.
    pub errors: Vec<ErrorRef>,
}

/// A setting of a group that the business asked to change, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSetting {
    /// Known values: `group_subject`, `group_description`, `profile_picture`; an open set.
    pub name: String,
    /// New text.
    pub text: Option<String>,
    /// MIME type of a picture.
    pub mime_type: Option<String>,
    /// Hash of a picture as received.
    pub sha256: Option<String>,
    /// `update_successful`: whether it holds from then on.
    pub successful: Option<bool>,
    /// Why it does not.
    pub errors: Vec<ErrorRef>,
}

/// A click on a link of a marketing message, or a view of the page behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// Known values: cta, body.
    pub component: Option<String>,
    /// Product behind it.
    pub product_id: Option<String>,
    /// Click id.
    pub click_id: Option<String>,
    /// Token of the send.
    pub tracking_token: Option<String>,
}

/// A lead or purchase that the platform saw in a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// Id of the event.
    pub id: Option<String>,
    /// Click id of the ad.
    pub ctwa_clid: Option<String>,
    /// Amount as a decimal text.
    pub amount: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// State of a flow and of its endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Flow at the platform.
    pub flow_id: Option<String>,
    /// Status before.
    pub old_status: Option<String>,
    /// Status from then on.
    pub new_status: Option<String>,
    /// Percent as a decimal text.
    pub error_rate: Option<String>,
    /// Limit that was crossed, as a decimal text.
    pub threshold: Option<String>,
    /// Known values: ACTIVATED, DEACTIVATED.
    pub alert_state: Option<String>,
    /// Milliseconds as a decimal text.
    pub p50_latency: Option<String>,
    /// Milliseconds as a decimal text.
    pub p90_latency: Option<String>,
    /// Requests that it rests on, as a decimal text.
    pub requests_count: Option<String>,
    /// Percent as a decimal text.
    pub availability: Option<String>,
    /// The platform's warning, in its words.
    pub warning: Option<String>,
    /// Why the status changed, in the platform's words.
    pub reason: Option<String>,
    /// Kinds of errors behind an error rate, in the order of the alert.
    pub errors: Vec<FlowError>,
}

/// One kind of error behind an error rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowError {
    /// Known values: `INVALID_SCREEN_TRANSITION`, `PUBLIC_KEY_MISSING`, `CAPABILITY_ERROR`, TIMEOUT; an open set.
    pub error_type: Option<String>,
    /// Percent as a decimal text, as received.
    pub error_rate: Option<String>,
    /// Requests that failed by it.
    pub error_count: Option<i64>,
}

/// A user id that the platform made anew; the identity topic draws the consequence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIdChange {
    /// User id before.
    pub previous: Option<String>,
    /// User id from then on.
    pub current: Option<String>,
    /// Parent user id before.
    pub previous_parent: Option<String>,
    /// Parent user id from then on.
    pub current_parent: Option<String>,
}

/// An entry of the address book of the business's phone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedContact {
    /// Known values: add, remove.
    pub action: Option<String>,
    /// Name in the address book.
    pub full_name: Option<String>,
    /// First name in the address book.
    pub first_name: Option<String>,
}

/// An event of the agents' inbox, by the words of its line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEvent {
    /// The business's own id of the agent.
    pub agent: Option<String>,
    /// Queue.
    pub queue: Option<String>,
    /// Reason.
    pub reason: Option<String>,
    /// Tags in the order of the line.
    pub tags: Vec<String>,
    /// Outcome, for example `goal_reached`.
    pub outcome: Option<String>,
    /// Score of a rating as a decimal text.
    pub score: Option<String>,
    /// Greatest score possible, as a decimal text.
    pub scale: Option<String>,
    /// Known values: csat, ces.
    pub instrument: Option<String>,
    /// Work after the talk, as a decimal text.
    pub wrap_up_seconds: Option<String>,
}

/// What a bot hands over with a conversation: the context of a `handed_off`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOff {
    /// What the customer wants, in the bot's words.
    pub intent: Option<String>,
    /// Confidence of the intent from 0 to 1, as a decimal text.
    pub confidence: Option<String>,
    /// What was said so far.
    pub summary: Option<String>,
    /// Language of the customer.
    pub language: Option<String>,
    /// Mood of the customer, in the bot's words.
    pub sentiment: Option<String>,
    /// Slots (context.slots, else context.entities), sorted by name.
    pub slots: Vec<Slot>,
    /// The whole context as canonical JSON.
    pub context: Option<String>,
}

/// Something that the bot found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Name of the slot.
    pub name: String,
    /// Value: a text as it is, anything else as canonical JSON.
    pub value: String,
}

/// An event of a CRM about a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Known values: hubspot, salesforce; an open set.
    pub system: Option<String>,
    /// Deal in that system.
    pub deal_id: Option<String>,
    /// Stage.
    pub stage: Option<String>,
    /// Opening of the deal.
    pub opened_at: Option<Millis>,
    /// Amount as a decimal text.
    pub amount: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
}
