//! The search attributes of every process. None carries personal data: Temporal never encrypts them.

use temporalio_common::search_attributes::SearchAttributeKey;

/// The shop's order number.
pub const ORDER_ID: SearchAttributeKey<String> = SearchAttributeKey::keyword("SunOrderId");
/// A pseudonym of the customer (a keyed hash), set by the processes that are about a customer.
pub const CUSTOMER_REF: SearchAttributeKey<String> = SearchAttributeKey::keyword("SunCustomerRef");
/// Where a run stands: see [`Stage`].
pub const STAGE: SearchAttributeKey<String> = SearchAttributeKey::keyword("SunStage");
/// How a run ended: `completed`, `failed`, `expired` or `cancelled`.
pub const OUTCOME: SearchAttributeKey<String> = SearchAttributeKey::keyword("SunOutcome");
/// True while a run waits for a person's answer.
pub const NEEDS_HUMAN: SearchAttributeKey<bool> = SearchAttributeKey::bool("SunNeedsHuman");
/// The open questions of a run, `step: cause` each (`process-payment: no_answer`); empty while it asks nothing. Set in
/// the same upsert as [`NEEDS_HUMAN`], so that open questions can be grouped without asking the runs.
pub const QUESTION: SearchAttributeKey<Vec<String>> = SearchAttributeKey::keyword_list("SunQuestion");
/// The system a run takes its data from (an ERP integration).
pub const SOURCE: SearchAttributeKey<String> = SearchAttributeKey::keyword("SunSource");

/// The values of [`STAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Steps are under way.
    Processing,
    /// Waits for the customer's payment to settle.
    AwaitingPayment,
    /// Ended.
    Closed,
}

impl Stage {
    /// The value as it is searched for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::AwaitingPayment => "awaiting-payment",
            Self::Closed => "closed",
        }
    }
}

/// Name and kind of every attribute, for whoever registers them.
#[must_use]
pub fn all() -> [(&'static str, Kind); 7] {
    [
        (ORDER_ID.name(), Kind::Keyword),
        (CUSTOMER_REF.name(), Kind::Keyword),
        (STAGE.name(), Kind::Keyword),
        (OUTCOME.name(), Kind::Keyword),
        (NEEDS_HUMAN.name(), Kind::Bool),
        (QUESTION.name(), Kind::KeywordList),
        (SOURCE.name(), Kind::Keyword),
    ]
}

/// The kind of a search attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Exact text.
    Keyword,
    /// Several exact texts.
    KeywordList,
    /// True or false.
    Bool,
}
