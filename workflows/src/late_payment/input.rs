//! The input of late money, and its check.

use contracts::values::{EventId, OrderId};
use serde::{Deserialize, Serialize};

use crate::input::people::yes_or_no;
use crate::input::{Checked, Fields, id};

/// The facts that are known when late money is heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentData {
    /// The order that ended without this money.
    pub order_id: OrderId,
    /// The provider's id of the event.
    pub event_id: EventId,
    /// `decided`, optional, default `false`: somebody has decided about this money before. Then nothing goes back
    /// before somebody says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
}

/// News that comes while the run is open: the input of `payment_settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateNews {
    /// The provider's id of the event; the same id twice counts once.
    pub event_id: EventId,
}

impl Checked for LateNews {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self { event_id: fields.required("event_id", id)? })
    }
}

impl Checked for LatePaymentData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let order_id = fields.required("order_id", id);
        let event_id = fields.required("event_id", id);
        let decided = fields.optional("decided", yes_or_no).unwrap_or(false);
        Some(Self { order_id: order_id?, event_id: event_id?, decided })
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
        ] {
            let said = problems(json)?;
            assert_eq!(said.len(), 1, "{json}: {said:?}");
            assert!(said[0].starts_with(field), "{json}: {said:?}");
        }
        Ok(())
    }
}
