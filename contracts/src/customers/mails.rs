//! May a customer be mailed? The questions, the answers, and the reasons for a no.

use serde::{Deserialize, Serialize};

use crate::values::{CustomerId, CustomerRef, Recipient};

/// The question whether a marketing mail may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayMail {
    /// The customer the mail would go to.
    pub customer_id: CustomerId,
    /// The pseudonym, for the link that ends the mails.
    pub customer_ref: CustomerRef,
    /// The moment, by workflow time, RFC 3339.
    pub now: String,
}

/// Whether a marketing mail may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum MailVerdict {
    /// Send it.
    Send {
        /// The address of the one-click unsubscription (RFC 8058), where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unsubscribe_url: Option<String>,
        /// The customer's address as the platform has it now, if it says so. It may have been corrected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Recipient>,
        /// A remark on how the answer was found, for the report.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It is quiet where the customer lives: ask again then.
    Wait {
        /// RFC 3339; after the moment of the question.
        until: String,
    },
    /// Do not send it.
    Keep {
        /// Why not.
        reason: KeptBack,
    },
}

/// The question whether a customer may be welcomed by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayWelcome {
    /// The customer the mail would go to.
    pub customer_id: CustomerId,
    /// The pseudonym, for the link that ends marketing mails.
    pub customer_ref: CustomerRef,
}

/// Whether a customer may be welcomed by mail. A discount code in it is marketing, the rest is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum WelcomeVerdict {
    /// Send it, with the code: the customer agreed to marketing.
    Promote {
        /// The address of the one-click unsubscription.
        unsubscribe_url: String,
    },
    /// Send it, without promotion.
    Plain,
    /// Do not send it: mail to the address bounced, was reported as spam, or there is no such customer.
    Keep {
        /// Why not.
        reason: KeptBack,
    },
}

/// Why a marketing mail is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBack {
    /// The customer did not agree to marketing, or no longer does.
    NoConsent,
    /// The customer ended the mails.
    Unsubscribed,
    /// Mail to the address bounced.
    Bounced,
    /// The customer reported a mail as spam.
    Complained,
    /// The customer has ordered: there is nothing left to introduce.
    Ordered,
    /// The platform knows no such customer (any more), or the account is not active.
    NoCustomer,
    /// The customer's data was erased.
    Erased,
    /// The onboarding was undone.
    Undone,
    /// The platform recommends nothing to this customer.
    NothingToRecommend,
    /// The mail would have no link that ends mails like it: the worker does not know where such links lead.
    NoWayOut,
    /// The customer's quiet hours are the whole day.
    AlwaysQuiet,
}

impl KeptBack {
    /// The reason in words, for reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoConsent => "no consent to marketing",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "the address bounced",
            Self::Complained => "the customer complained of spam",
            Self::Ordered => "the customer has ordered",
            Self::NoCustomer => "no active customer",
            Self::Erased => "the customer asked for erasure",
            Self::Undone => "the onboarding was undone",
            Self::NothingToRecommend => "nothing to recommend",
            Self::NoWayOut => "no way out of the mails: the worker's SUN_UNSUBSCRIBE_URL is not set",
            Self::AlwaysQuiet => "the quiet hours are the whole day",
        }
    }

    /// Whether it also answers for every later mail of the series.
    #[must_use]
    pub fn ends_series(self) -> bool {
        match self {
            Self::NoConsent | Self::NothingToRecommend | Self::NoWayOut | Self::AlwaysQuiet => false,
            Self::Unsubscribed
            | Self::Bounced
            | Self::Complained
            | Self::Ordered
            | Self::NoCustomer
            | Self::Erased
            | Self::Undone => true,
        }
    }
}
