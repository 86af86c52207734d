//! The mails of the series, one after the other, each at its moment.

use contracts::customers::{Customers, KeptBack, MailVerdict, MayMail, Recommend, RecommendedProduct};
use contracts::notification::{Content, Delivery, Notifications, SendEmail};
use contracts::values::{IdempotencyKey, Recipient};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FollowUpData, FollowUpSaga, RECOMMENDATIONS, TIPS};
use crate::observe;
use crate::policy;
use crate::report::timestamp;
use crate::saga::Halt;

/// Products in the mail with recommendations, at most: the seed's six.
const RECOMMENDATIONS_MAX: u32 = 6;

/// The outcome of one mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReport {
    /// The mail's template.
    pub template: String,
    /// Sent, kept back, refused or given up.
    pub fate: Fate,
    /// When that was, by workflow time.
    pub at: Timestamp,
    /// A remark of the question whether it may be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The possible outcomes of a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// The sender took it.
    Sent,
    /// It was not to be sent.
    KeptBack {
        /// Why not.
        reason: KeptBack,
    },
    /// The sender will never take it.
    Refused {
        /// The sender's code.
        code: String,
    },
    /// It could not be sent for as long as it was news.
    GivenUp,
}

/// The series under way.
pub(super) struct Series<'s> {
    saga: &'s FollowUpSaga,
    data: &'s FollowUpData,
    /// Names this run in keys.
    name: String,
    mails: Vec<MailReport>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mail {
    Tips,
    Recommendations,
}

impl Mail {
    fn step(self) -> &'static str {
        match self {
            Self::Tips => TIPS,
            Self::Recommendations => RECOMMENDATIONS,
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Tips => "onboarding_tips",
            Self::Recommendations => "product_recommendations",
        }
    }

    fn after(self) -> SignedDuration {
        let after = match self {
            Self::Tips => policy::follow_up_tips(),
            Self::Recommendations => policy::follow_up_recommendations(),
        };
        SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX)
    }
}

impl<'s> Series<'s> {
    pub(super) fn new(saga: &'s FollowUpSaga, data: &'s FollowUpData, name: String) -> Self {
        Self { saga, data, name, mails: Vec::new() }
    }

    pub(super) fn into_mails(self) -> Vec<MailReport> {
        self.mails
    }

    /// Sends what may be sent.
    ///
    /// # Errors
    /// When the run is stopped.
    pub(super) async fn send_all(&mut self) -> Result<(), Halt> {
        for mail in [Mail::Tips, Mail::Recommendations] {
            let mut note = None;
            let fate = self.deliver(mail, &mut note).await?;
            match &fate {
                Fate::Sent => {}
                Fate::KeptBack { reason } => {
                    self.saga.skip(mail.step(), reason.words());
                    if reason.ends_series() {
                        self.saga.ctx().state_mut(|w| _ = w.ended.get_or_insert(*reason));
                    }
                }
                Fate::Refused { code } => self.saga.failed(mail.step(), &format!("refused: {code}")),
                // The saga has noted what went wrong last.
                Fate::GivenUp => {
                    let why = "it could not be sent for as long as it was news";
                    let activity = "notification.send_email";
                    observe::message_lost(self.saga.ctx(), activity, mail.step(), why);
                }
            }
            self.mails.push(MailReport { template: mail.template().to_owned(), fate, at: self.now(), note });
        }
        Ok(())
    }

    /// When a mail is due.
    fn due(&self, mail: Mail) -> Timestamp {
        self.data.registered_at.checked_add(mail.after()).unwrap_or(Timestamp::MAX)
    }

    /// How long a mail is tried: until the next one is due.
    fn until(&self, mail: Mail) -> Timestamp {
        match mail {
            Mail::Tips => self.due(Mail::Recommendations),
            Mail::Recommendations => {
                let patience = SignedDuration::try_from(policy::follow_up()).unwrap_or(SignedDuration::MAX);
                self.due(mail).checked_add(patience).unwrap_or(Timestamp::MAX)
            }
        }
    }

    async fn deliver(&self, mail: Mail, note: &mut Option<String>) -> Result<Fate, Halt> {
        if let Some(reason) = self.wait(mail, self.due(mail)).await? {
            return Ok(Fate::KeptBack { reason });
        }
        let mut products = None;
        let mut rounds = 0;
        loop {
            let fate = Box::pin(self.round(mail, note, &mut products)).await?;
            let Some(fate) = fate else {
                rounds += 1;
                match self.pause(mail, rounds).await? {
                    Some(fate) => return Ok(fate),
                    None => continue,
                }
            };
            return Ok(fate);
        }
    }

    /// One round: asks, and sends, each with the patience of its policy. `None`: something gave no answer.
    async fn round(
        &self,
        mail: Mail,
        note: &mut Option<String>,
        products: &mut Option<Vec<RecommendedProduct>>,
    ) -> Result<Option<Fate>, Halt> {
        let (unsubscribe, email) = loop {
            match self.ask(mail).await {
                Some(MailVerdict::Send { unsubscribe_url, email, note: remark }) => {
                    *note = remark;
                    break (unsubscribe_url, email);
                }
                Some(MailVerdict::Keep { reason }) => return Ok(Some(Fate::KeptBack { reason })),
                Some(MailVerdict::Wait { until }) => {
                    // A wait is not a failure; a time that nobody can read is awaited as an hour.
                    let until = until.parse().unwrap_or_else(|_| self.in_an_hour());
                    if let Some(reason) = self.wait(mail, until).await? {
                        return Ok(Some(Fate::KeptBack { reason }));
                    }
                }
                None => return Ok(None),
            }
        };
        // Asked for once: a mail that is sent again under its key must say the same.
        if mail == Mail::Recommendations && products.is_none() {
            *products = self.recommendations().await;
            match products {
                None => return Ok(None),
                Some(products) if products.is_empty() => {
                    return Ok(Some(Fate::KeptBack { reason: KeptBack::NothingToRecommend }));
                }
                Some(_) => {}
            }
        }
        // The answers took time; somebody may have spoken meanwhile.
        if let Some(reason) = self.held_back() {
            return Ok(Some(Fate::KeptBack { reason }));
        }
        let to = email.unwrap_or_else(|| self.data.email.clone());
        Ok(match self.send(mail, to, products.clone().unwrap_or_default(), unsubscribe).await {
            Some(Delivery::Accepted { .. }) => Some(Fate::Sent),
            Some(Delivery::Refused { code }) => Some(Fate::Refused { code }),
            // Only mails about orders can be.
            Some(Delivery::SwitchedOff) => Some(Fate::Refused { code: "switched_off".to_owned() }),
            Some(Delivery::Bounced { code }) => {
                self.saga.ctx().state_mut(|w| {
                    w.bounced = true;
                    _ = w.ended.get_or_insert(KeptBack::Bounced);
                });
                Some(Fate::Refused { code })
            }
            None => self.held_back().map(|reason| Fate::KeptBack { reason }),
        })
    }

    /// The pause before the next round, if there is time for one.
    async fn pause(&self, mail: Mail, rounds: u32) -> Result<Option<Fate>, Halt> {
        let (now, until) = (self.now(), self.until(mail));
        if now >= until {
            return Ok(Some(Fate::GivenUp));
        }
        let pause = SignedDuration::try_from(policy::before_round(rounds)).unwrap_or(SignedDuration::MAX);
        let next = now.checked_add(pause).unwrap_or(until).min(until);
        Ok(self.wait(mail, next).await?.map(|reason| Fate::KeptBack { reason }))
    }

    /// Waits for a moment, or for the end of the series.
    async fn wait(&self, mail: Mail, until: Timestamp) -> Result<Option<KeptBack>, Halt> {
        self.saga.waits(mail.step(), &format!("due at {until}"));
        let summary = format!("{}: due", mail.step());
        self.saga.wait_until(until, &summary, |w| w.ended.is_some()).await?;
        Ok(self.held_back())
    }

    /// Why mails are held back here, whatever the platform says.
    fn held_back(&self) -> Option<KeptBack> {
        self.saga.ctx().state(|w| w.ended.or(w.withdrawn.then_some(KeptBack::NoConsent)))
    }

    async fn ask(&self, mail: Mail) -> Option<MailVerdict> {
        let question = MayMail {
            customer_id: self.data.customer_id.clone(),
            customer_ref: self.data.customer_ref.clone(),
            now: self.now().to_string(),
        };
        self.saga.step(mail.step(), Customers::may_mail, question, policy::bookkeeping()).or_report().await
    }

    async fn recommendations(&self) -> Option<Vec<RecommendedProduct>> {
        let wish = Recommend { customer_id: self.data.customer_id.clone(), limit: RECOMMENDATIONS_MAX };
        self.saga.step(RECOMMENDATIONS, Customers::recommend, wish, policy::bookkeeping()).or_report().await
    }

    async fn send(
        &self,
        mail: Mail,
        to: Recipient,
        recommendations: Vec<RecommendedProduct>,
        list_unsubscribe: Option<String>,
    ) -> Option<Delivery> {
        let first_name = self.data.first_name.clone();
        let content = match mail {
            Mail::Tips => Content::OnboardingTips { first_name },
            Mail::Recommendations => Content::ProductRecommendations { first_name, recommendations },
        };
        let message = SendEmail {
            key: IdempotencyKey::new(&self.name, mail.step()),
            to,
            locale: self.data.locale,
            content,
            list_unsubscribe,
        };
        self.saga.step(mail.step(), Notifications::send_email, message, policy::marketing()).or_report().await
    }

    fn now(&self) -> Timestamp {
        timestamp(self.saga.ctx().workflow_time()).unwrap_or(self.data.registered_at)
    }

    fn in_an_hour(&self) -> Timestamp {
        self.now().checked_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX)
    }
}
