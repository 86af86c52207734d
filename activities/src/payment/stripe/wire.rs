//! Stripe's objects, as far as they are read, and their meaning.

use std::collections::BTreeMap;

use contracts::money::{Currency, Money};
use contracts::payment::{CustomerAction, PaymentState};
use contracts::values::IdempotencyKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::units::money;
use super::{KEY, decline};

/// The answer to a cancel, as far as it says anything.
#[derive(Deserialize)]
pub(super) struct Cancelled {
    #[serde(default)]
    status: Option<String>,
}

impl Cancelled {
    /// Where it finds the intent.
    pub(super) fn standing(&self) -> Option<Standing> {
        (self.status.as_deref()? == "canceled").then_some(Standing::Gone)
    }
}

/// An answer whose content does not matter, only that it came and is JSON.
pub(super) type Ignored = IgnoredAny;

/// A PaymentIntent.
#[derive(Deserialize)]
pub(super) struct Intent {
    id: String,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
    status: String,
    #[serde(default)]
    last_payment_error: Option<PaymentError>,
    #[serde(default)]
    next_action: Option<NextAction>,
    #[serde(default)]
    latest_charge: Option<LatestCharge>,
    /// In the currency's smallest unit.
    #[serde(default)]
    amount_received: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
}

#[derive(Deserialize)]
struct PaymentError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

#[derive(Deserialize)]
struct NextAction {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    #[serde(default)]
    url: Option<String>,
}

/// An id, unless it was asked to be expanded.
#[derive(Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Whole(Charge),
    Id(IgnoredAny),
}

/// Amounts are whole numbers of the currency's smallest unit.
#[derive(Deserialize)]
struct Charge {
    amount: i64,
    #[serde(default)]
    amount_captured: Option<i64>,
    #[serde(default)]
    amount_refunded: i64,
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct Refund {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) status: Option<String>,
}

/// Refunds of one payment.
#[derive(Deserialize)]
pub(super) struct Refunds {
    pub(super) data: Vec<Refund>,
}

/// The state of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// Made, or waiting for money on the shop's balance: Stripe says so if it comes to nothing (`webhook.rs`).
    OnItsWay,
    /// The money did not get to the customer, and will not by itself.
    CameBack,
}

impl Refund {
    /// `None`: it is in a state that nobody here knows.
    pub(super) fn made(&self) -> Option<Made> {
        match self.status.as_deref()? {
            "succeeded" | "pending" => Some(Made::OnItsWay),
            "failed" | "canceled" | "requires_action" => Some(Made::CameBack),
            _ => None,
        }
    }
}

/// The state of a payment, for an undo.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Cancelled, or refunded in full.
    Gone,
    /// No money has moved, and it may still.
    Open,
    /// Captured, with this much not refunded yet.
    Captured {
        /// In the currency's smallest unit.
        left: i64,
        /// The money that went back before, or is on its way.
        refunded: i64,
    },
    /// The bank has it in hand: neither cancelled nor refunded can it be now.
    Underway,
    /// Captured, and nobody can say how much.
    Unreadable,
}

impl Intent {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn into_id(self) -> String {
        self.id
    }

    /// Whether it was made under this key of ours.
    pub(super) fn is_under(&self, key: &IdempotencyKey) -> bool {
        self.metadata.get(KEY).and_then(Value::as_str) == Some(key.as_str())
    }

    pub(super) fn status(&self) -> &str {
        &self.status
    }

    /// The money that went back to the customer, in the currency's smallest unit.
    pub(super) fn refunded(&self) -> Option<i64> {
        match &self.latest_charge {
            Some(LatestCharge::Whole(charge)) => Some(charge.amount_refunded),
            Some(LatestCharge::Id(_)) | None => None,
        }
    }

    /// The currency's code, as Stripe writes it.
    pub(super) fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    /// The word for an action of the customer's that nobody here knows.
    pub(super) fn unknown_action(&self) -> Option<&str> {
        let kind = self.next_action.as_ref().map(|next| next.kind.as_str());
        kind.filter(|kind| !is_known_action(kind))
    }

    /// Where an undo finds it; `None`: it is in a state that nobody here knows.
    pub(super) fn standing(&self) -> Option<Standing> {
        Some(match self.status.as_str() {
            "canceled" => Standing::Gone,
            "processing" => Standing::Underway,
            "succeeded" => match &self.latest_charge {
                Some(LatestCharge::Whole(charge)) => {
                    let refunded = charge.amount_refunded;
                    let left = charge.amount_captured.unwrap_or(charge.amount) - refunded;
                    if left > 0 { Standing::Captured { left, refunded } } else { Standing::Gone }
                }
                Some(LatestCharge::Id(_)) | None => Standing::Unreadable,
            },
            // The last one is not what we ask for, and can be cancelled like the others.
            "requires_payment_method" | "requires_confirmation" | "requires_action" | "requires_capture" => {
                Standing::Open
            }
            _ => return None,
        })
    }

    /// The money that came; `None`: nobody can read it.
    pub(super) fn received(&self) -> Option<Money> {
        let captured = match &self.latest_charge {
            Some(LatestCharge::Whole(charge)) => Some(charge.amount_captured.unwrap_or(charge.amount)),
            Some(LatestCharge::Id(_)) | None => None,
        };
        let currency = Currency::from_code(&self.currency.as_ref()?.to_uppercase())?;
        money(self.amount_received.or(captured)?, currency)
    }

    /// Whether the money came, and nobody can read how much.
    pub(super) fn is_paid_without_amount(&self) -> bool {
        self.state() == Some(PaymentState::Paid) && self.received().is_none()
    }

    /// Where the payment stands; `None`: it is in a state that nobody here knows, or that no charge of ours comes to
    /// (`requires_capture`: we ask Stripe to capture at once).
    pub(super) fn state(&self) -> Option<PaymentState> {
        Some(match (self.status.as_str(), &self.last_payment_error) {
            ("succeeded", _) if self.standing() == Some(Standing::Gone) => PaymentState::Reversed,
            ("succeeded", _) => PaymentState::Paid,
            ("canceled", _) => PaymentState::Reversed,
            ("requires_payment_method", Some(error)) => {
                decline::state(error.code.as_deref(), error.decline_code.as_deref())
            }
            // Not final: whoever waits reads again.
            (
                status @ ("requires_payment_method"
                | "requires_confirmation"
                | "requires_action"
                | "processing"),
                _,
            ) => PaymentState::RequiresAction { action: action(self, status)? },
            _ => return None,
        })
    }
}

/// The actions of a customer that Stripe knows and that keep their names here: the shop's checkout goes through them.
const ACTIONS: [&str; 6] = [
    "blik_authorize",
    "card_await_notification",
    "display_bank_transfer_instructions",
    "redirect_to_url",
    "use_stripe_sdk",
    "verify_with_microdeposits",
];

fn is_known_action(word: &str) -> bool {
    ACTIONS.contains(&word)
}

/// `None`: nobody here knows what the customer has to do.
fn action(intent: &Intent, status: &str) -> Option<CustomerAction> {
    let Some(next) = &intent.next_action else {
        return Some(CustomerAction { kind: status.to_owned(), url: None, instruction: None });
    };
    // The client secret that the checkout needs stays at Stripe: it does not belong in a history, nor does a link with
    // it.
    let url = next.redirect_to_url.as_ref().and_then(|redirect| redirect.url.clone());
    let url = url.filter(|url| !url.contains("client_secret"));
    let kind = match next.kind.as_str() {
        "redirect_to_url" => "redirect",
        "use_stripe_sdk" => "three_d_secure",
        other => Some(other).filter(|other| is_known_action(other))?,
    };
    let instruction = url.is_none().then(|| {
        // The customer may get it by mail.
        format!("go back to the shop's checkout and confirm payment {} there", intent.id)
    });
    Some(CustomerAction { kind: kind.to_owned(), url, instruction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_came_is_read_in_stripes_unit_or_not_at_all() -> Result<(), serde_json::Error> {
        let came = |more: Value| intent(more).map(|intent| intent.received().map(|money| money.to_string()));
        let paid = |units: i64, currency: &str| json!({ "status": "succeeded", "amount_received": units, "currency": currency });
        for (units, currency, expected) in [
            (1_999, "usd", Some("19.99 USD")),
            (24_000_000, "vnd", Some("24000000 VND")),
            (500, "isk", Some("5 ISK")),
            (501, "isk", None),
            (5_120, "kwd", Some("5.120 KWD")),
            (5, "ugx", None),
            (5, "no money", None),
            (-5, "usd", None),
        ] {
            assert_eq!(came(paid(units, currency))?.as_deref(), expected, "{units} {currency}");
        }
        // Where the intent does not say it, its charge does.
        let charge = json!({ "amount": 100, "amount_captured": 80, "amount_refunded": 30 });
        let of_charge = json!({ "status": "succeeded", "currency": "usd", "latest_charge": charge });
        assert_eq!(came(of_charge)?.as_deref(), Some("0.80 USD"));
        let unread = intent(json!({ "status": "succeeded", "currency": "usd", "latest_charge": "ch_1" }))?;
        assert!(unread.is_paid_without_amount());
        assert!(!intent(json!({ "status": "processing" }))?.is_paid_without_amount());
        Ok(())
    }

    fn intent(mut more: Value) -> Result<Intent, serde_json::Error> {
        more["id"] = json!("pi_1");
        serde_json::from_value(more)
    }

    #[test]
    fn every_status_has_a_meaning() -> Result<(), serde_json::Error> {
        let state = |json| intent(json).map(|intent| intent.state());
        let waits = |kind: &str| {
            let action = CustomerAction { kind: kind.to_owned(), url: None, instruction: None };
            Some(PaymentState::RequiresAction { action })
        };
        let paid = Some(PaymentState::Paid);
        assert_eq!(state(json!({ "status": "succeeded", "latest_charge": "ch_1" }))?, paid);
        let refunded = json!({ "amount": 7, "amount_captured": 7, "amount_refunded": 7 });
        let back = json!({ "status": "succeeded", "latest_charge": refunded });
        assert_eq!(state(back)?, Some(PaymentState::Reversed));
        assert_eq!(state(json!({ "status": "canceled" }))?, Some(PaymentState::Reversed));
        assert_eq!(state(json!({ "status": "processing" }))?, waits("processing"));
        assert_eq!(state(json!({ "status": "requires_confirmation" }))?, waits("requires_confirmation"));
        let error = json!({ "code": "card_declined", "decline_code": "expired_card" });
        assert_eq!(
            state(json!({ "status": "requires_payment_method", "last_payment_error": error }))?,
            Some(PaymentState::Declined { code: "expired_card".to_owned(), customer_may_retry: true })
        );
        Ok(())
    }

    #[test]
    fn a_word_that_nobody_knows_has_no_meaning() -> Result<(), serde_json::Error> {
        let new = intent(json!({ "status": "requires_magic" }))?;
        assert_eq!((new.state(), new.standing()), (None, None));
        let uncaptured = intent(json!({ "status": "requires_capture" }))?;
        assert_eq!((uncaptured.state(), uncaptured.standing()), (None, Some(Standing::Open)));
        let made = |status: Value| {
            serde_json::from_value::<Refund>(json!({ "status": status })).map(|refund| refund.made())
        };
        assert_eq!(made(json!("pending"))?, Some(Made::OnItsWay));
        assert_eq!(made(json!("failed"))?, Some(Made::CameBack));
        assert_eq!((made(json!("queued"))?, made(Value::Null)?), (None, None));
        Ok(())
    }

    #[test]
    fn an_action_has_the_page_or_says_where_to_go_on() -> Result<(), serde_json::Error> {
        let action = |next: Value| {
            let waiting = intent(json!({ "status": "requires_action", "next_action": next }))?;
            Ok::<_, serde_json::Error>(match waiting.state() {
                Some(PaymentState::RequiresAction { action }) => Some(action),
                _ => None,
            })
        };
        let url = "https://hooks.stripe.com/redirect";
        let redirect = action(json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url } }))?;
        let (kind, instruction) = ("redirect".to_owned(), None);
        assert_eq!(redirect, Some(CustomerAction { kind, url: Some(url.to_owned()), instruction }));
        let url = "https://hooks.stripe.com/3d_secure_2/hosted?payment_intent_client_secret=pi_1_secret_2";
        let hosted = action(json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url } }))?;
        let told = hosted
            .map(|action| (action.url, action.instruction.is_some_and(|words| !words.contains("secret"))));
        assert_eq!(told, Some((None, true)));
        let known = action(json!({ "type": "verify_with_microdeposits" }))?.map(|action| action.kind);
        assert_eq!(known.as_deref(), Some("verify_with_microdeposits"));
        assert_eq!(action(json!({ "type": "call Lan Pham" }))?, None);
        let sdk = action(json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} }))?;
        let sdk = sdk.map(|action| (action.kind, action.url, action.instruction.unwrap_or_default()));
        let said = "go back to the shop's checkout and confirm payment pi_1 there".to_owned();
        assert_eq!(sdk, Some(("three_d_secure".to_owned(), None, said)));
        Ok(())
    }

    #[test]
    fn what_is_left_to_refund_is_what_was_captured_less_what_went_back() -> Result<(), serde_json::Error> {
        let standing = |charge: Value| {
            intent(json!({ "status": "succeeded", "latest_charge": charge })).map(|intent| intent.standing())
        };
        let charge = json!({ "amount": 100, "amount_captured": 80, "amount_refunded": 30 });
        assert_eq!(standing(charge)?, Some(Standing::Captured { left: 50, refunded: 30 }));
        assert_eq!(standing(json!({ "amount": 100 }))?, Some(Standing::Captured { left: 100, refunded: 0 }));
        assert_eq!(standing(json!({ "amount": 9, "amount_refunded": 9 }))?, Some(Standing::Gone));
        assert_eq!(standing(json!("ch_1"))?, Some(Standing::Unreadable));
        assert_eq!(intent(json!({ "status": "requires_action" }))?.standing(), Some(Standing::Open));
        assert_eq!(intent(json!({ "status": "processing" }))?.standing(), Some(Standing::Underway));
        Ok(())
    }
}
