//! Names: of activities, of failures, and the words of every choice.

use contracts::commerce::{Commerce, OrderCheck, OrderStatus, PaymentStatus, ShippingStatus};
use contracts::customers::Customers;
use contracts::failure;
use contracts::inventory::Inventory;
use contracts::loyalty::Loyalty;
use contracts::notification::Notifications;
use contracts::payment::{PaymentKind, Payments};
use contracts::shipping::Shipping;
use contracts::values::Locale;
use serde_json::json;
use temporalio_common::ActivityDefinition as _;

use crate::TestResult;
use crate::pinned::pinned;

#[test]
fn activity_names_are_those_in_recorded_histories() {
    let names = [
        (Commerce::validate_order.name(), "commerce.validate_order"),
        (Commerce::update_order.name(), "commerce.update_order"),
        (Commerce::update_payment.name(), "commerce.update_payment"),
        (Commerce::track_order_completed.name(), "commerce.track_order_completed"),
        (Inventory::reserve.name(), "inventory.reserve"),
        (Inventory::release.name(), "inventory.release"),
        (Inventory::confirm.name(), "inventory.confirm"),
        (Inventory::restock.name(), "inventory.restock"),
        (Payments::charge.name(), "payment.charge"),
        (Payments::find.name(), "payment.find"),
        (Payments::reverse.name(), "payment.reverse"),
        (Payments::refunded.name(), "payment.refunded"),
        (Shipping::create_shipment.name(), "shipping.create_shipment"),
        (Shipping::find_shipment.name(), "shipping.find_shipment"),
        (Shipping::void_shipment.name(), "shipping.void_shipment"),
        (Notifications::send_email.name(), "notification.send_email"),
        (Notifications::send_sms.name(), "notification.send_sms"),
        (Notifications::send_push.name(), "notification.send_push"),
        (Commerce::track_customer_onboarded.name(), "commerce.track_customer_onboarded"),
        (Customers::check_ref.name(), "customers.check_ref"),
        (Customers::create.name(), "customers.create"),
        (Customers::find.name(), "customers.find"),
        (Customers::find_registered.name(), "customers.find_registered"),
        (Customers::mark_incomplete.name(), "customers.mark_incomplete"),
        (Customers::update_preferences.name(), "customers.update_preferences"),
        (Customers::personalize_home.name(), "customers.personalize_home"),
        (Customers::assign_segments.name(), "customers.assign_segments"),
        (Customers::may_mail.name(), "customers.may_mail"),
        (Customers::may_welcome.name(), "customers.may_welcome"),
        (Customers::unsubscribe.name(), "customers.unsubscribe"),
        (Customers::suppress.name(), "customers.suppress"),
        (Customers::recommend.name(), "customers.recommend"),
        (Loyalty::open_account.name(), "loyalty.open_account"),
        (Loyalty::find_account.name(), "loyalty.find_account"),
        (Loyalty::account_of.name(), "loyalty.account_of"),
        (Loyalty::reverse_points.name(), "loyalty.reverse_points"),
        (Loyalty::create_coupon.name(), "loyalty.create_coupon"),
        (Loyalty::find_coupon.name(), "loyalty.find_coupon"),
        (Loyalty::revoke_coupon.name(), "loyalty.revoke_coupon"),
    ];
    for (name, recorded) in names {
        assert_eq!(name, recorded);
    }
}

#[test]
fn failure_types_are_those_in_recorded_histories() {
    let types = [failure::OUTCOME_UNKNOWN, failure::UNAVAILABLE, failure::REFUSED, failure::NOTHING_YET];
    assert_eq!(types, ["OutcomeUnknown", "Unavailable", "Refused", "NothingYet"]);
}

#[test]
fn the_words_of_every_choice_stay() -> TestResult {
    let checks = json!([
        "inventory_availability",
        "pricing_accuracy",
        "customer_eligibility",
        "shipping_address",
        "payment_method"
    ]);
    pinned(&OrderCheck::ALL.to_vec(), &checks, &[])?;
    let kinds = ["credit_card", "e_wallet", "bank_transfer", "cash_on_delivery"];
    pinned(&PaymentKind::ALL.to_vec(), &json!(kinds), &[])?;
    pinned(&Locale::ALL.to_vec(), &json!(["vi-VN", "en-US"]), &[])?;
    let ends = [OrderStatus::Confirmed, OrderStatus::Failed, OrderStatus::Cancelled, OrderStatus::Expired];
    pinned(&ends.to_vec(), &json!(["confirmed", "failed", "cancelled", "expired"]), &[])?;
    pinned(&OrderStatus::AwaitingPayment, &json!("awaiting_payment"), &[])?;
    let money = ["pending", "unpaid", "voided", "paid", "partially_refunded", "refunded"];
    pinned(&PaymentStatus::ALL.to_vec(), &json!(money), &[])?;
    pinned(&ShippingStatus::Pending, &json!("pending"), &[])
}

#[test]
fn a_choice_has_one_word_in_contracts_and_on_the_wire() -> TestResult {
    for kind in PaymentKind::ALL {
        assert_eq!(serde_json::to_value(kind)?, json!(kind.name()));
        assert_eq!(PaymentKind::from_name(kind.name()), Some(kind));
    }
    for status in PaymentStatus::ALL {
        assert_eq!(serde_json::to_value(status)?, json!(status.name()));
    }
    for locale in Locale::ALL {
        assert_eq!(serde_json::to_value(locale)?, json!(locale.tag()));
        assert_eq!(Locale::from_tag(locale.tag()), Some(locale));
    }
    assert_eq!((PaymentKind::from_name("Credit_Card"), Locale::from_tag("vi")), (None, None));
    Ok(())
}
