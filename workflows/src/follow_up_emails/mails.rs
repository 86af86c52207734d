//! The mails of the series, one after the other, each at its moment.

use contracts::customers::{Customers, KeptBack, MailVerdict, MayMail, Recommend, RecommendedProduct};
use contracts::notification::{Content, Delivery, Notifications, SendEmail};
use contracts::values::IdempotencyKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FollowUpData, FollowUpSaga, RECOMMENDATIONS, TIPS};
use crate::policy;
use crate::report::timestamp;
use crate::saga::Halt;

/// Products in the mail with recommendations, at most: the seed's six.
const RECOMMENDATIONS_MAX: u32 = 6;
/// How often a mail is tried, each time with all the patience of its policies, and after asking again.
const ROUNDS: u32 = 6;

/// The outcome of one mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReport {
    /// The mail's template.
    pub template: String,
    /// Sent, kept back, refused or given up.
    pub fate: Fate,
    /// When that was, by workflow time.
    pub at: Timestamp,
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
            let due = self.data.registered_at.checked_add(mail.after()).unwrap_or(Timestamp::MAX);
            let fate = self.deliver(mail, due).await?;
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
                Fate::GivenUp => {}
            }
            self.mails.push(MailReport { template: mail.template().to_owned(), fate, at: self.now() });
        }
        Ok(())
    }

    async fn deliver(&self, mail: Mail, due: Timestamp) -> Result<Fate, Halt> {
        if let Some(reason) = self.wait(mail, due).await? {
            return Ok(Fate::KeptBack { reason });
        }
        let mut products = None;
        let mut rounds = 0;
        while rounds < ROUNDS {
            let unsubscribe = match self.ask(mail).await {
                Some(MailVerdict::Send { unsubscribe_url }) => unsubscribe_url,
                Some(MailVerdict::Keep { reason }) => return Ok(Fate::KeptBack { reason }),
                Some(MailVerdict::Wait { until }) => {
                    // A wait is not a failure; a time that nobody can read is awaited as an hour.
                    let until = until.parse().unwrap_or_else(|_| self.in_an_hour());
                    if let Some(reason) = self.wait(mail, until).await? {
                        return Ok(Fate::KeptBack { reason });
                    }
                    continue;
                }
                None => {
                    rounds += 1;
                    continue;
                }
            };
            // Asked for once: a mail that is sent again under its key must say the same.
            if mail == Mail::Recommendations && products.is_none() {
                products = self.recommendations().await;
                match &products {
                    None => {
                        rounds += 1;
                        continue;
                    }
                    Some(products) if products.is_empty() => {
                        return Ok(Fate::KeptBack { reason: KeptBack::NothingToRecommend });
                    }
                    Some(_) => {}
                }
            }
            // The answers took time; somebody may have spoken meanwhile.
            if let Some(reason) = self.held_back() {
                return Ok(Fate::KeptBack { reason });
            }
            match self.send(mail, products.clone().unwrap_or_default(), unsubscribe).await {
                Some(Delivery::Accepted { .. }) => return Ok(Fate::Sent),
                Some(Delivery::Refused { code }) => return Ok(Fate::Refused { code }),
                // Only mails about orders can be.
                Some(Delivery::SwitchedOff) => {
                    return Ok(Fate::Refused { code: "switched_off".to_owned() });
                }
                Some(Delivery::Bounced { code }) => {
                    self.saga.ctx().state_mut(|w| {
                        w.bounced = true;
                        _ = w.ended.get_or_insert(KeptBack::Bounced);
                    });
                    return Ok(Fate::Refused { code });
                }
                None => rounds += 1,
            }
            if let Some(reason) = self.held_back() {
                return Ok(Fate::KeptBack { reason });
            }
        }
        Ok(Fate::GivenUp)
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
            to: self.data.email.clone(),
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
