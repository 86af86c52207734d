//! Orders: what starting one means, and how one is named.

use std::str::FromStr;

use contracts::values::OrderId;
use workflows::late_payment::{self, LatePaymentData};
use workflows::order_processing::{OrderData, search_attributes, workflow_id};

use super::name::{Looks, Name, Stoppable};
use super::plan::Plan;
use crate::terminal::input::{InputError, check};

/// Checks an order and says what would be started. Personal data stays out of it.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let order: OrderData = check(json)?;
    let pieces: u64 = order.items.iter().map(|item| u64::from(item.quantity)).sum();
    let noun = if pieces == 1 { "item" } else { "items" };
    let lines =
        order.items.iter().map(|item| format!("{} × {} at {}", item.quantity, item.variant_id, item.price));
    Ok(Plan {
        workflow_id: workflow_id(&order.order_id),
        summary: format!("Order {}: {pieces} {noun}, {}", order.order_id, order.total_amount),
        attributes: search_attributes(&order.order_id).into(),
        facts: vec![
            ("amount", order.total_amount.to_string()),
            ("payment", order.payment_kind.name().to_owned()),
            ("line count", order.items.len().to_string()),
            ("lines", lines.collect::<Vec<_>>().join(", ")),
        ],
    })
}

/// The start for late money, as it would be made. No command of its own: `order settle-payment` starts it.
pub(crate) fn plan_late_payment(json: &str) -> Result<Plan, InputError> {
    let late: LatePaymentData = check(json)?;
    Ok(Plan {
        workflow_id: late_payment::workflow_id(&late.order_id),
        summary: format!("Late payment for order {}", late.order_id),
        attributes: late_payment::search_attributes(&late.order_id).into(),
        facts: vec![("order", late.order_id.to_string()), ("event", late.event_id.to_string())],
    })
}

/// An order, named by its number or its workflow id; or late money of one, by its workflow id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRef {
    pub(crate) order: OrderId,
    is_late_money: bool,
}

impl Name for OrderRef {
    const NOUN: &'static str = "order";
    const PLACE: &'static str = "ORDER";
    const HELP: &'static str = "Order number (ORDER-001) or workflow id (order/ORDER-001)";
    const LOOKS: Looks = Looks {
        status: "Show where an order stands, without waiting",
        watch: "Follow an order's steps to its end, then print the result",
        result: "Wait for an order's end and print the result",
    };

    fn workflow_id(&self) -> Result<String, InputError> {
        Ok(match self.is_late_money {
            false => workflow_id(&self.order),
            true => late_payment::workflow_id(&self.order),
        })
    }
}

impl Stoppable for OrderRef {
    const UPDATE: &'static str = "cancel_order";
    const CANCEL: &'static str =
        "Cancel an order: everything done so far is undone. Refused once stock is sold and label bought";
}

impl FromStr for OrderRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = text.strip_prefix("order/").unwrap_or(text);
        let late = key.strip_suffix("/late");
        let order =
            OrderId::new(late.unwrap_or(key)).map_err(|problem| format!("an order number {problem}"))?;
        Ok(Self { order, is_late_money: late.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_number_or_workflow_id() {
        let id = |text: &str| text.parse::<OrderRef>().ok().and_then(|order| order.workflow_id().ok());
        for text in ["ORDER-001", "order/ORDER-001"] {
            assert_eq!(id(text).as_deref(), Some("order/ORDER-001"));
            assert_eq!(id(&format!("{text}/late")).as_deref(), Some("order/ORDER-001/late"));
        }
        for text in
            ["", "order/", "a b", "order/order/ORDER-001", "ORDER-001/late/evt_1", "/late", "a@b.example"]
        {
            assert!(text.parse::<OrderRef>().is_err(), "{text:?} was taken");
        }
    }
}
