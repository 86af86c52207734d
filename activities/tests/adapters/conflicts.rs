//! A conflict (409) to an effect under a key: in a code that nobody here knows it may say that another request under
//! the key is still under way, so that its outcome is not known.

use std::time::Duration;

use activities::commerce::CommerceActivities;
use activities::customers::{CustomerActivities, Pseudonyms};
use activities::inventory::{InventoryActivities, Lines};
use activities::loyalty::LoyaltyActivities;
use activities::notification::NotificationActivities;
use activities::payment::PaymentActivities;
use activities::shipping::ShippingActivities;
use contracts::commerce::Commerce;
use contracts::customers::Customers;
use contracts::failure::{OUTCOME_UNKNOWN, REFUSED};
use contracts::inventory::Inventory;
use contracts::loyalty::Loyalty;
use contracts::notification::Notifications;
use contracts::payment::{PaymentState, Payments};
use contracts::shipping::Shipping;
use contracts::values::CustomerId;
use messages::Texts;
use serde_json::json;

use crate::TestResult;
use crate::commerce::sale;
use crate::customers::registration;
use crate::inventory::{asked, confirm, release, two_lines};
use crate::loyalty::{coupon, opening};
use crate::notification::{email, push, sms};
use crate::peer::{Answer, Peer, answer};
use crate::samples::{charge, parcel, reverse};
use crate::temporal::{FIRST, Failed, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

/// The words for it, as far as any were seen; some APIs have none.
const UNDER_WAY: [&str; 3] = ["IN_PROGRESS", "idempotency_conflict", "UNSPECIFIED"];
const LAST_WORDS: [&str; 2] = ["KEY_UNDONE", "IDEMPOTENCY_KEY_REUSED"];

fn conflict(code: &str) -> Answer {
    answer(409, "", &json!({ "success": false, "error": { "code": code } }).to_string())
}

fn of(data: serde_json::Value) -> Answer {
    answer(200, "", &json!({ "data": data }).to_string())
}

fn is_told<T: std::fmt::Debug>(outcome: Result<T, Failed>, code: &str) -> TestResult {
    let failed = outcome.err().ok_or_else(|| format!("{code} is believed"))?;
    let wanted = if UNDER_WAY.contains(&code) { (OUTCOME_UNKNOWN, false) } else { (REFUSED, true) };
    assert_eq!((failed.kind.as_str(), failed.is_final), wanted, "{failed:?}");
    assert!(failed.message.contains(&format!("409 {code}")), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn a_conflict_in_an_unknown_code_says_nothing_of_the_outcome() -> TestResult {
    for code in UNDER_WAY.into_iter().chain(LAST_WORDS) {
        let peer = Peer::start([conflict(code)]).await?;
        let api = || peer.api();
        let payment = Temporal::with(PaymentActivities::new(api()?, SECOND_LOOK)).await?;
        is_told(payment.run(Payments::charge, FIRST, &charge("card_token_123")?).await?, code)?;
        let shipping = Temporal::with(ShippingActivities::new(api()?, SECOND_LOOK)).await?;
        is_told(shipping.run(Shipping::create_shipment, FIRST, &parcel()?).await?, code)?;
        for lines in [Lines::Batch, Lines::OneByOne] {
            let stock = Temporal::with(InventoryActivities::new(api()?, lines, SECOND_LOOK)).await?;
            is_told(stock.run(Inventory::reserve, FIRST, &asked(two_lines(1)?)?).await?, code)?;
            let held = confirm(two_lines(1)?, Vec::new())?;
            is_told(stock.run(Inventory::confirm, FIRST, &held).await?, code)?;
        }
        let messages = Temporal::with(NotificationActivities::new(api()?, Texts::load()?)).await?;
        is_told(messages.run(Notifications::send_email, FIRST, &email()?).await?, code)?;
        is_told(messages.run(Notifications::send_sms, FIRST, &sms()?).await?, code)?;
        is_told(messages.run(Notifications::send_push, FIRST, &push()?).await?, code)?;
        let commerce = Temporal::with(CommerceActivities::new(api()?)).await?;
        is_told(commerce.run(Commerce::track_order_completed, FIRST, &sale()?).await?, code)?;
        let customers = CustomerActivities::new(api()?, Pseudonyms::default(), SECOND_LOOK);
        let customers = Temporal::with(customers).await?;
        is_told(customers.run(Customers::create, FIRST, &registration("run")).await?, code)?;
        let customer = CustomerId::new("CUSTOMER-001")?;
        let loyalty = Temporal::with(LoyaltyActivities::new(api()?, api()?, SECOND_LOOK)).await?;
        is_told(loyalty.run(Loyalty::open_account, FIRST, &opening(&customer)).await?, code)?;
        let given = coupon(&customer, "send-welcome-emails");
        is_told(loyalty.run(Loyalty::create_coupon, FIRST, &given).await?, code)?;
    }
    Ok(())
}

/// The request that was cut off is worked on while the next one comes: the order does not fail.
#[tokio::test]
async fn a_charge_that_is_still_under_way_is_asked_for_again() -> TestResult {
    let paid =
        json!({ "payment_id": "pay_1", "status": "captured", "amount": 25_000_000, "currency": "VND" });
    let none = || of(json!([]));
    let peer = Peer::start([none(), conflict("IN_PROGRESS"), none(), of(paid), none()]).await?;
    let payment = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let input = charge("card_token_123")?;
    is_told(payment.run(Payments::charge, SECOND, &input).await?, "IN_PROGRESS")?;
    let charged = payment.run(Payments::charge, SECOND, &input).await?;
    let state = charged.map(|payment| payment.state);
    assert_eq!(state.map_err(|failed| failed.message), Ok(PaymentState::Paid));
    Ok(())
}

/// So are undos: a person who is asked about a refusal would find nothing refused.
#[tokio::test]
async fn an_undo_that_meets_itself_is_tried_on() -> TestResult {
    let captured = json!({ "payment_id": "pay_1", "idempotency_key": "order/ORDER-001/process-payment",
        "status": "captured", "amount": 5, "currency": "VND" });
    let peer = Peer::start([
        of(json!({ "barred": true, "payments": [captured.clone()] })),
        conflict("IN_PROGRESS"),
        of(json!([captured])),
    ])
    .await?;
    let payment = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    is_told(payment.run(Payments::reverse, FIRST, &reverse()?).await?, "IN_PROGRESS")?;
    let held = json!({ "id": "r1", "reference_id": "ORDER-001", "variant_id": "LAPTOP-001-16GB-512GB",
        "quantity": 2, "status": "held" });
    let peer = Peer::start([of(json!({ "reservations": [held] })), conflict("IN_PROGRESS")]).await?;
    let stock = InventoryActivities::new(peer.api()?, Lines::Batch, SECOND_LOOK);
    let stock = Temporal::with(stock).await?;
    let released = stock.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?;
    is_told(released, "IN_PROGRESS")
}
