//! Campaigns and other template sends: they fill what conversations leave of the rate.

use crate::{
    inbound::{Hanging, Inbound},
    outbound::{Author, Content, Sent},
    people::Who,
    vocabulary::{OPT_OUT_WORDS, SEGMENTS, TEMPLATES},
    world::{Action, Simulator},
};
use hilo_domain::Millis;

/// The campaign that a tenant is running.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Campaign {
    /// Which one in the tenant's life; 0 before the first.
    id: u64,
    template: u8,
    number: u8,
    left: u32,
}

/// How somebody says that they want no more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OptOut {
    /// The platform's own button.
    Preference,
    /// A word in the chat.
    Word,
}

impl Simulator {
    pub(crate) fn fill_with_campaign(&mut self) {
        let tick = (4_000 / Millis::from(self.profile.rate)).clamp(50, 2_000);
        let end = self.now + tick;
        while self.missing() > 0 {
            self.send_template();
        }
        self.plan(end, Action::FillWithCampaign);
    }

    fn send_template(&mut self) {
        let tenant = self.dice.index(self.tenants.len()) as u8;
        let who = self.anybody(tenant, 0.35);
        let foreign = self.dice.chance(self.profile.foreign_sends);
        // Reminders and codes belong to no campaign.
        if self.dice.chance(0.12) {
            let index = self.dice.between(3, TEMPLATES.len() as i64 - 1) as u8;
            let number = self.dice.index(self.tenants[usize::from(tenant)].numbers.len()) as u8;
            self.send(
                who,
                number,
                Author::Automation,
                Content::Template { index, campaign: None },
                foreign,
            );
            return;
        }
        let campaign = self.campaign(tenant);
        self.send_in_campaign(who, campaign, foreign);
    }

    fn send_in_campaign(&mut self, who: Who, campaign: Campaign, foreign: bool) {
        let segment = self.dice.weighted([1, 4, 3, 2].into_iter()).min(SEGMENTS.len() - 1) as u8;
        let content = Content::Template {
            index: campaign.template,
            campaign: Some((campaign.id, segment)),
        };
        self.send(who, campaign.number, Author::Campaign, content, foreign);
    }

    /// The tenant's campaign; a new one when the last has reached everybody it was for.
    fn campaign(&mut self, tenant: u8) -> Campaign {
        let numbers = self.tenants[usize::from(tenant)].numbers.len();
        let mut campaign = self.tenants[usize::from(tenant)].campaign;
        if campaign.left == 0 {
            campaign = Campaign {
                id: campaign.id + 1,
                template: self.dice.index(5) as u8,
                number: self.dice.index(numbers) as u8,
                left: self.dice.skewed(40, 1_200) as u32,
            };
        }
        campaign.left -= 1;
        self.tenants[usize::from(tenant)].campaign = campaign;
        campaign
    }

    pub(crate) fn opt_out(&mut self, sent: &Sent, way: OptOut) {
        match way {
            OptOut::Preference => self.prefer(sent.who, sent.number, true),
            OptOut::Word => {
                let word = self.dice.pick(&OPT_OUT_WORDS);
                let hanging = Hanging {
                    on: self.dice.chance(0.5).then_some(sent.wamid),
                    referral: false,
                };
                self.receive(sent.who, sent.number, Inbound::Text(word), hanging);
                self.person_mut(sent.who).opted_out = true;
            }
        }
    }
}
