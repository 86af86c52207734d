//! The payment provider: charges, actions of the customer, voids and refunds.

mod books;
mod card;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::money::{Amount, Currency, Major};
use crate::operation::Operation;
use crate::shop::Shop;
use books::{NewPayment, Payment};
use card::Verdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    order_id: Text,
    amount: Amount,
    currency: Currency,
    payment_method: Method,
    #[serde(rename = "customer_id")]
    _customer_id: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Method {
    r#type: Text,
    card_token: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Void {
    order_id: Text,
    idempotency_key: Text,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refund {
    amount: Amount,
    currency: Option<Currency>,
    reason: Option<String>,
}

/// The action a customer has to take before the money comes.
#[derive(Clone, Copy)]
enum Action {
    ThreeDSecure,
    Redirect,
    BankTransfer,
}

impl Action {
    /// The action as JSON text. It links to the page of this sandbox where the customer pays or gives up.
    fn describe(
        self,
        shop: &Shop<'_>,
        payment_id: &str,
        order_id: &str,
        amount: Major,
        currency: &str,
    ) -> String {
        let url = format!("{}/_sandbox/pay/{payment_id}", shop.base_url);
        let action = match self {
            Self::ThreeDSecure => json!({ "type": "three_d_secure", "url": url }),
            Self::Redirect => json!({ "type": "redirect", "url": url }),
            Self::BankTransfer => {
                let instruction = format!(
                    "Transfer {amount} {currency} to Sandbox Bank, account 0000 0000, reference {order_id}"
                );
                json!({ "type": "bank_transfer", "instruction": instruction })
            }
        };
        action.to_string()
    }
}

pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    let amount = request.amount.positive_minor(request.currency.code(), "amount")?;
    let charge = NewPayment {
        order_id: &request.order_id,
        key: call.key.as_deref(),
        amount,
        currency: request.currency.code(),
    };
    match &*request.payment_method.r#type {
        "credit_card" => match &request.payment_method.card_token {
            Some(token) => charge_card(shop, &charge, token),
            None => Err(Refusal::invalid("payment_method.card_token", "is needed for credit_card").into()),
        },
        "e_wallet" => ask_customer(shop, &charge, Action::Redirect),
        "bank_transfer" => ask_customer(shop, &charge, Action::BankTransfer),
        "cash_on_delivery" => {
            Err(Refusal::invalid("payment_method.type", "there is nothing to charge for cash_on_delivery")
                .into())
        }
        _ => {
            let message = "must be one of credit_card, e_wallet, bank_transfer, cash_on_delivery";
            Err(Refusal::invalid("payment_method.type", message).into())
        }
    }
}

fn charge_card(shop: &Shop<'_>, charge: &NewPayment<'_>, token: &str) -> Result<Answer, Stop> {
    match card::judge(shop, token, charge)? {
        Verdict::Approved => paid(shop, charge),
        Verdict::ApprovedReplyLost => {
            let mut answer = paid(shop, charge)?;
            answer.hang_up = true;
            Ok(answer)
        }
        Verdict::RequiresAction => ask_customer(shop, charge, Action::ThreeDSecure),
        Verdict::RequiresActionLater => ask_customer_later(shop, charge),
        Verdict::ProcessingError => {
            let message = "the card could not be processed, try again";
            Ok(Refusal::new(503, "card_processing_error", message).answer())
        }
        Verdict::Declined(code) => {
            let may_retry = card::customer_may_retry(code);
            let payment_id = shop.next_id("pay")?;
            books::open(shop, charge, &payment_id, "declined", None)?;
            books::note_decline(shop, &payment_id, code)?;
            // An answer instead of a refusal: the declined payment stays in the books.
            let refusal = Refusal::new(402, code, "the card was declined")
                .with_details(json!({ "payment_id": payment_id, "customer_may_retry": may_retry }));
            Ok(refusal.answer())
        }
    }
}

/// A payment as the creation answers it.
#[derive(Serialize)]
struct Created {
    payment_id: String,
    order_id: String,
    status: String,
    amount: Major,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Box<serde_json::value::RawValue>>,
}

fn created(shop: &Shop<'_>, payment_id: &str) -> Result<Answer, Stop> {
    let Payment { payment_id, order_id, status, amount, currency, action, .. } =
        books::existing(shop, payment_id)?;
    Answer::success(201, &Created { payment_id, order_id, status, amount, currency, action })
}

fn paid(shop: &Shop<'_>, charge: &NewPayment<'_>) -> Result<Answer, Stop> {
    let payment_id = shop.next_id("pay")?;
    books::open(shop, charge, &payment_id, "paid", None)?;
    let effect = format!("charged {} {}", charge.major(), charge.currency);
    Ok(created(shop, &payment_id)?.with_effect(effect))
}

fn ask_customer(shop: &Shop<'_>, charge: &NewPayment<'_>, action: Action) -> Result<Answer, Stop> {
    let payment_id = shop.next_id("pay")?;
    let action = action.describe(shop, &payment_id, charge.order_id, charge.major(), charge.currency);
    books::open(shop, charge, &payment_id, "requires_action", Some(&action))?;
    let effect = format!("opened a payment of {} {}", charge.major(), charge.currency);
    Ok(created(shop, &payment_id)?.with_effect(effect))
}

/// The link is made a moment later: whoever reads the payment sees it.
fn ask_customer_later(shop: &Shop<'_>, charge: &NewPayment<'_>) -> Result<Answer, Stop> {
    let payment_id = shop.next_id("pay")?;
    let action =
        Action::Redirect.describe(shop, &payment_id, charge.order_id, charge.major(), charge.currency);
    books::open(shop, charge, &payment_id, "requires_action", Some(&action))?;
    let effect = format!("opened a payment of {} {}", charge.major(), charge.currency);
    let Payment { payment_id, order_id, status, amount, currency, .. } = books::existing(shop, &payment_id)?;
    let created = Created { payment_id, order_id, status, amount, currency, action: None };
    Ok(Answer::success(201, &created)?.with_effect(effect))
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    if let Some(payment_id) = &call.id {
        return Answer::success(200, &books::existing(shop, payment_id)?);
    }
    let payments = match call.lookup(&["idempotency_key", "order_id"])? {
        ("order_id", order_id) => books::of_order(shop, order_id)?,
        (_, key) => books::of_key(shop, key)?,
    };
    Answer::list(&payments)
}

#[derive(Serialize)]
struct Voided {
    outcome: &'static str,
    barred: bool,
    payments: Vec<Payment>,
}

/// Takes back what a creation key did as far as that needs no money moved, and bars the key.
pub(super) fn void(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Void = body::parse(&call.body)?;
    let of_order = |shop| -> rusqlite::Result<Vec<Payment>> {
        let mut payments = books::of_key(shop, &request.idempotency_key)?;
        payments.retain(|payment| payment.order_id == *request.order_id);
        Ok(payments)
    };
    let mut newly_voided = Vec::new();
    for payment in of_order(shop)?.iter().filter(|payment| payment.status == "requires_action") {
        books::set_status(shop, &payment.payment_id, "voided")?;
        newly_voided.push(payment.payment_id.clone());
    }
    let barred = shop.switches.keys_barred();
    if barred {
        shop.bar(Operation::PaymentsCreate, &request.idempotency_key, "")?;
    }
    let payments = of_order(shop)?;
    let any = |statuses: &[&str]| payments.iter().any(|payment| statuses.contains(&payment.status.as_str()));
    let outcome = if any(&["paid", "partially_refunded"]) {
        "captured"
    } else if any(&["voided"]) {
        "voided"
    } else {
        "nothing"
    };
    let answer = Answer::success(200, &Voided { outcome, barred, payments })?;
    Ok(if newly_voided.is_empty() {
        answer
    } else {
        answer.with_effect(format!("voided {}", newly_voided.join(", ")))
    })
}

#[derive(Serialize)]
struct Refunded {
    refund_id: String,
    payment_id: String,
    amount: Major,
    status: &'static str,
}

pub(super) fn refund(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Refund = body::parse(&call.body)?;
    let payment = books::existing(shop, call.path_id()?)?;
    if request.currency.as_ref().is_some_and(|currency| currency.code() != payment.currency) {
        return Err(Refusal::invalid("currency", format!("the payment is in {}", payment.currency)).into());
    }
    let amount = request.amount.positive_minor(&payment.currency, "amount")?;
    let refundable = payment.captured_minor - payment.refunded_minor;
    if amount > refundable {
        let refundable = Major::new(refundable, &payment.currency);
        let message =
            format!("only {refundable} {} of {} can be refunded", payment.currency, payment.payment_id);
        return Err(Refusal::new(422, "REFUND_EXCEEDS_CAPTURE", message).into());
    }
    let refund_id = books::refund(shop, &payment, amount, request.reason.as_deref())?;
    let amount = Major::new(amount, &payment.currency);
    let effect = format!("refunded {amount} {}", payment.currency);
    let refunded = Refunded { refund_id, payment_id: payment.payment_id, amount, status: "refunded" };
    Ok(Answer::success(200, &refunded)?.with_effect(effect))
}

/// How an action of the customer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Paid,
    Failed,
}

/// A settled payment, with an event id as a provider's webhook would carry one.
#[derive(Debug, Serialize)]
pub(crate) struct Settled {
    payment_id: String,
    status: &'static str,
    event_id: String,
}

/// How a payment is settled by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settle {
    outcome: Outcome,
    /// Lets late money through: a voided payment is settled as well.
    #[serde(default)]
    force: bool,
    /// The amount that has come in all, if that is not what was asked for.
    amount: Option<Amount>,
    /// Its currency, if that is not the one that was asked for.
    currency: Option<Currency>,
}

/// Settles the payments of an order that wait for the customer. One that is settled with an amount of its own may be
/// settled once more: the rest has come.
pub(crate) fn settle_order(shop: &Shop<'_>, order_id: &str, how: &Settle) -> Result<Settled, Stop> {
    if how.outcome == Outcome::Failed && (how.amount.is_some() || how.currency.is_some()) {
        return Err(Refusal::invalid("amount", "nothing comes with a payment that failed").into());
    }
    if how.currency.is_some() && how.amount.is_none() {
        return Err(Refusal::invalid("currency", "needs the amount that came in it").into());
    }
    let payments = books::of_order(shop, order_id)?;
    if payments.is_empty() {
        return Err(Refusal::not_found(format!("there is no payment for order {order_id}")).into());
    }
    let mut settled = None;
    for payment in payments {
        let is_open = match payment.status.as_str() {
            "requires_action" => true,
            "voided" => how.force,
            "paid" => how.amount.is_some(),
            _ => false,
        };
        if is_open {
            let currency = how.currency.as_ref().map_or(payment.currency.as_str(), Currency::code).to_owned();
            let came = how.amount.as_ref().map(|amount| amount.positive_minor(&currency, "amount"));
            let came = came.transpose()?.map(|amount| (amount, currency));
            settled = Some(settle(shop, payment, how.outcome, came)?);
        }
    }
    settled.ok_or_else(|| not_open(format!("no payment of order {order_id} waits for the customer")).into())
}

/// Captures an order's money a second time under the same key, as a provider does that takes no notice of keys.
pub(crate) fn pay_again(shop: &Shop<'_>, order_id: &str) -> Result<Settled, Stop> {
    let Some(first) = books::of_order(shop, order_id)?.into_iter().find(|payment| payment.captured_minor > 0)
    else {
        return Err(Refusal::not_found(format!("there is no captured payment for order {order_id}")).into());
    };
    let payment_id = shop.next_id("pay")?;
    let again = NewPayment {
        order_id,
        key: first.idempotency_key.as_deref(),
        amount: first.captured_minor,
        currency: &first.currency,
    };
    books::open(shop, &again, &payment_id, "paid", None)?;
    Ok(Settled { payment_id, status: "paid", event_id: shop.next_id("evt")? })
}

/// Settles one payment that waits for the customer.
pub(crate) fn settle_payment(shop: &Shop<'_>, payment_id: &str, outcome: Outcome) -> Result<Settled, Stop> {
    let payment = books::existing(shop, payment_id)?;
    if payment.status != "requires_action" {
        return Err(not_open(format!("payment {payment_id} is {}", payment.status)).into());
    }
    settle(shop, payment, outcome, None)
}

/// Whether the payment exists and waits for the customer.
pub(crate) fn is_open(shop: &Shop<'_>, payment_id: &str) -> Result<bool, Stop> {
    Ok(books::existing(shop, payment_id)?.status == "requires_action")
}

fn not_open(message: String) -> Refusal {
    Refusal::new(409, "PAYMENT_NOT_OPEN", message)
}

/// `came`: what has come in all, if that is not what was asked for.
fn settle(
    shop: &Shop<'_>,
    payment: Payment,
    outcome: Outcome,
    came: Option<(i64, String)>,
) -> Result<Settled, Stop> {
    let status = match outcome {
        Outcome::Paid => {
            let (amount, currency) = came.unwrap_or((payment.amount.minor(), payment.currency));
            books::capture(shop, &payment.payment_id, (amount, &currency))?;
            "paid"
        }
        Outcome::Failed => {
            books::set_status(shop, &payment.payment_id, "failed")?;
            "failed"
        }
    };
    Ok(Settled { payment_id: payment.payment_id, status, event_id: shop.next_id("evt")? })
}
