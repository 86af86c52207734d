//! Declines: which refusals are one, and whether the customer may try again.

use contracts::payment::{Payment, PaymentState};
use serde_json::Value;

use crate::http::{Refused, is_code};

/// Reasons the customer can do something about: more money, another card, the right digits, a second try. Any
/// other reason is the bank's last word (`fraudulent`, `lost_card`, `stolen_card`, `do_not_honor`, a generic one).
const MAY_RETRY: [&str; 25] = [
    "approve_with_id",
    "authentication_required",
    "card_not_supported",
    "card_velocity_exceeded",
    "currency_not_supported",
    "expired_card",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_pin",
    "incorrect_zip",
    "insufficient_funds",
    "invalid_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "issuer_not_available",
    "payment_intent_authentication_failure",
    "pin_try_exceeded",
    "processing_error",
    "reenter_transaction",
    "service_not_allowed",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
];

/// The decline that a refusal of a charge is, if it is one: Stripe's card errors, and 402 for a declined card by
/// whatever type (older versions and test servers call it an invalid request).
pub(super) fn declined(refusal: &Refused) -> Option<Payment> {
    let detail = |name: &str| refusal.details.get(name).and_then(Value::as_str);
    let is_card_error = detail("type") == Some("card_error");
    let is_declined_card = refusal.status == 402 && refusal.code == "card_declined";
    (is_card_error || is_declined_card).then(|| Payment {
        payment_id: detail("payment_intent").map(str::to_owned),
        received: None,
        state: state(Some(&refusal.code), detail("decline_code")),
    })
}

/// The state of a declined payment; the bank's reason says more than Stripe's code.
pub(super) fn state(code: Option<&str>, decline_code: Option<&str>) -> PaymentState {
    let code =
        [decline_code, code].into_iter().flatten().find(|code| is_code(code)).unwrap_or("payment_failed");
    PaymentState::Declined { code: code.to_owned(), customer_may_retry: MAY_RETRY.contains(&code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(status: u16, code: &str, details: Value) -> Option<PaymentState> {
        declined(&Refused { status, code: code.to_owned(), details }).map(|payment| payment.state)
    }

    fn decline(code: &str, customer_may_retry: bool) -> Option<PaymentState> {
        Some(PaymentState::Declined { code: code.to_owned(), customer_may_retry })
    }

    #[test]
    fn the_banks_reason_decides_whether_the_customer_may_retry() {
        let card = |decline_code| json!({ "type": "card_error", "decline_code": decline_code });
        for (code, may_retry) in [("insufficient_funds", true), ("fraudulent", false), ("stolen_card", false)]
        {
            assert_eq!(refused(402, "card_declined", card(Some(code))), decline(code, may_retry));
        }
        assert_eq!(refused(402, "expired_card", card(None)), decline("expired_card", true));
        assert_eq!(refused(402, "card_declined", card(None)), decline("card_declined", false));
    }

    #[test]
    fn what_is_no_code_is_not_repeated() {
        let said = state(Some("card_declined"), Some("call +84 90 123 45 67"));
        assert_eq!(Some(said), decline("card_declined", false));
        assert_eq!(Some(state(Some("an.name@example.com"), None)), decline("payment_failed", false));
    }

    #[test]
    fn only_a_declined_card_is_a_decline() {
        let request = json!({ "type": "invalid_request_error" });
        assert_eq!(refused(402, "card_declined", request.clone()), decline("card_declined", false));
        assert_eq!(refused(402, "UNSPECIFIED", request.clone()), None);
        assert_eq!(refused(400, "parameter_missing", request), None);
        assert_eq!(refused(400, "idempotency_error", json!({ "type": "idempotency_error" })), None);
    }

    #[test]
    fn the_table_is_sorted_and_has_no_code_twice() {
        assert!(MAY_RETRY.is_sorted_by(|a, b| a < b));
    }
}
