//! The shop's endpoints, one file per outside system.

mod inventory;
mod letters;
mod notifications;
mod orders;
mod payments;
mod shipments;
mod stock;
mod validation;

use crate::answer::{Answer, Stop};
use crate::call::Call;
use crate::operation::Operation;
use crate::shop::Shop;

pub(crate) use notifications::outbox;
pub(crate) use payments::{Outcome, is_open as payment_is_open, settle_order, settle_payment};
pub(crate) use shipments::hand_over;

/// Carries out one call inside the transaction.
pub(crate) fn handle(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    match call.operation {
        Operation::OrdersValidate => validation::validate(shop, call),
        Operation::OrdersUpdate => orders::update(shop, call),
        Operation::OrdersGet => orders::get(shop, call),
        Operation::InventoryReserve => inventory::reserve(shop, call),
        Operation::InventoryConfirm => inventory::confirm(shop, call),
        Operation::InventoryRelease => inventory::release(shop, call),
        Operation::InventoryRestock => inventory::restock(shop, call),
        Operation::InventoryGet => inventory::get(shop, call),
        Operation::PaymentsCreate => payments::create(shop, call),
        Operation::PaymentsGet => payments::get(shop, call),
        Operation::PaymentsVoid => payments::void(shop, call),
        Operation::PaymentsRefund => payments::refund(shop, call),
        Operation::ShipmentsCreate => shipments::create(shop, call),
        Operation::ShipmentsCancel => shipments::cancel(shop, call),
        Operation::ShipmentsGet => shipments::get(shop, call),
        Operation::NotificationsEmail => notifications::email(shop, call),
        Operation::NotificationsSms => notifications::sms(shop, call),
        Operation::NotificationsPush => notifications::push(shop, call),
        Operation::EventsTrack => notifications::track(shop, call),
        Operation::SmtpData => letters::data(shop, call),
    }
}
