//! The input of late money, and its check.

use contracts::values::{EventId, Locale, OrderId, Recipient};
use serde::{Deserialize, Serialize};

use crate::input::people::{locale, mail_address, yes_or_no};
use crate::input::{Checked, Fields, id, text};
use crate::order_processing::telling::Reader;

/// The facts that are known when late money is heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentData {
    /// The order that ended without this money.
    pub order_id: OrderId,
    /// The provider's id of the event.
    pub event_id: EventId,
    /// `decided`, optional, default `false`: somebody has decided about this money before, or the order's last run
    /// never asked for it. Then nothing goes back before somebody says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
    /// `payment_id`, optional: the provider's id of the payment, where the event names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// `is_paid`, optional, default `false`: the order has its money. Then nothing goes back: a person is asked if it
    /// was paid twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_paid: bool,
    /// `customer_email`, optional: who hears of the refund; without it nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_email: Option<Recipient>,
    /// `locale`, optional: `vi-VN` (default) or `en-US`.
    #[serde(default)]
    pub locale: Locale,
}

impl LatePaymentData {
    /// The reader, who hears of the refund.
    pub(super) fn reader(&self) -> Option<Reader> {
        let email = self.customer_email.clone()?;
        Some(Reader { order_id: self.order_id.clone(), email, locale: self.locale })
    }
}

/// News that comes while the run is open: the input of `payment_settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateNews {
    /// The provider's id of the event; the same id twice counts once.
    pub event_id: EventId,
    /// `payment_id`, optional: the provider's id of the payment, where the event names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// `is_paid`, optional, default `false`: the order had its money when the news came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_paid: bool,
    /// `decided`, optional, default `false`: as in [`LatePaymentData`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
}

/// The bytes of a provider's id of a payment, at most.
pub(crate) const PAYMENT_ID_MAX: usize = 255;

fn payment_id(fields: &Fields<'_>) -> Option<String> {
    fields.optional("payment_id", text(PAYMENT_ID_MAX))
}

fn is_paid(fields: &Fields<'_>) -> bool {
    fields.optional("is_paid", yes_or_no).unwrap_or(false)
}

fn decided(fields: &Fields<'_>) -> bool {
    fields.optional("decided", yes_or_no).unwrap_or(false)
}

impl Checked for LateNews {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let event_id = fields.required("event_id", id);
        let (payment_id, is_paid, decided) = (payment_id(fields), is_paid(fields), decided(fields));
        Some(Self { event_id: event_id?, payment_id, is_paid, decided })
    }
}

impl Checked for LatePaymentData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let order_id = fields.required("order_id", id);
        let event_id = fields.required("event_id", id);
        let decided = decided(fields);
        let (payment_id, is_paid) = (payment_id(fields), is_paid(fields));
        let customer_email = fields.optional("customer_email", mail_address);
        let locale = fields.optional("locale", locale).unwrap_or_default();
        let (order_id, event_id) = (order_id?, event_id?);
        Some(Self { order_id, event_id, decided, payment_id, is_paid, customer_email, locale })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::super::workflow_id;
    use super::*;
    use crate::input::Unchecked;

    type TestResult = Result<(), Box<dyn Error>>;

    fn problems(json: &str) -> Result<Vec<String>, Box<dyn Error>> {
        let problems = Unchecked::<LatePaymentData>::from_json(json)?.check().err().ok_or("accepted")?;
        Ok(problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_order_and_an_event_are_all_it_takes() -> TestResult {
        let input =
            Unchecked::<LatePaymentData>::from_json(r#"{"order_id": "ORDER-001", "event_id": "evt_1"}"#)?;
        let data = input.check().map_err(|problems| format!("{problems:?}"))?;
        assert_eq!(workflow_id(&data.order_id), "order/ORDER-001/late");
        Ok(())
    }

    #[test]
    fn every_wrong_field_is_named() -> TestResult {
        let required = |field: &str| format!("{field} is missing");
        let said = problems("{}")?;
        assert_eq!(said.len(), 2, "{said:?}");
        for (problem, field) in said.iter().zip(["order_id", "event_id"]) {
            assert!(problem.starts_with(&required(field)), "{problem}");
        }
        for (json, field) in [
            (r#"{"order_id": 7, "event_id": "evt_1"}"#, "order_id"),
            (r#"{"order_id": "a b", "event_id": "evt_1"}"#, "order_id"),
            (r#"{"order_id": "ORDER-001", "event_id": ""}"#, "event_id"),
            (r#"{"order_id": "ORDER-001", "event_id": "evt/1"}"#, "event_id"),
            (r#"{"order_id": "ORDER-001", "event_id": null}"#, "event_id"),
            (r#"{"order_id": "A", "event_id": "e", "customer_email": "nobody"}"#, "customer_email"),
            (r#"{"order_id": "A", "event_id": "e", "locale": "fr-FR"}"#, "locale"),
            (r#"{"order_id": "ORDER-001", "event_id": "evt_1", "payment_id": 7}"#, "payment_id"),
            (r#"{"order_id": "ORDER-001", "event_id": "evt_1", "is_paid": "yes"}"#, "is_paid"),
        ] {
            let said = problems(json)?;
            assert_eq!(said.len(), 1, "{json}: {said:?}");
            assert!(said[0].starts_with(field), "{json}: {said:?}");
        }
        Ok(())
    }
}
