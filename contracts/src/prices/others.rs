//! The notification of a run, and the shop's own list of prices.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::notification::Content;
use crate::objects::ObjectRef;
use crate::values::IdempotencyKey;

/// Lists to put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinLists {
    /// The lists, in their order.
    pub lists: Vec<ObjectRef>,
    /// Where to put the whole.
    pub folder: String,
}

/// How a run ended, for the shop's team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotifyPrices {
    /// Names the notification.
    pub key: IdempotencyKey,
    /// The seed's `type`: `bulk_operation_completed`.
    pub kind: String,
    /// The title.
    pub title: String,
    /// One sentence.
    pub message: String,
    /// The run's summary.
    pub data: Value,
}

/// A mail to the shop's team, at the address that the worker's settings have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MailTeam {
    /// Names the mail.
    pub key: IdempotencyKey,
    /// The facts that it tells.
    pub content: Content,
}

/// Which prices to list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPrices {
    /// Only this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where in the object store to put the lists.
    pub folder: String,
}

/// The shop's prices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedPrices {
    /// Variants listed.
    pub rows: u64,
    /// JSON lines of [`ListPart`](crate::objects::ListPart), lists of rows (`sku`, `variant`, `price`, `currency`);
    /// `None`: there are none.
    pub list: Option<ObjectRef>,
    /// Products that are not listed, because the shop's answer about them cannot be read.
    #[serde(default)]
    pub left_out: u64,
}
