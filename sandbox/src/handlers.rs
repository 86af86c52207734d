//! The shop's endpoints, one file or folder per outside system or part of the catalogue.

mod categories;
mod columns;
mod coupons;
mod customers;
mod external_customers;
mod external_orders;
mod integrations;
mod inventory;
mod letters;
mod levels;
mod loyalty;
mod media;
mod notifications;
mod orders;
mod payments;
mod prices;
mod products;
mod profiles;
mod records;
mod rules;
mod shipments;
mod stock;
mod validation;

use crate::answer::{Answer, Stop};
use crate::call::Call;
use crate::erp::{self, Entity};
use crate::operation::{Catalog, Operation};
use crate::shop::Shop;

pub(crate) use categories::named as category_named;
pub(crate) use customers::{CustomerChange, change as change_customer};
pub(crate) use media::{bytes as media_bytes, first_image};
pub(crate) use notifications::outbox;
pub(crate) use payments::{Outcome, is_open as payment_is_open, pay_again, settle_order, settle_payment};
pub(crate) use products::page as catalog;
pub(crate) use profiles::list as customers;
pub(crate) use rules::{Offer, OpenRules, Reduced};
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
        Operation::NotificationsTeam => notifications::team(shop, call),
        Operation::EventsTrack => notifications::track(shop, call),
        Operation::SmtpData => letters::data(shop, call),
        Operation::CustomersCreate => customers::create(shop, call),
        Operation::CustomersUpdate => customers::update(shop, call),
        Operation::CustomersGet => customers::get(shop, call),
        Operation::CustomersPreferences => profiles::set_preferences(shop, call),
        Operation::CustomersContent => profiles::set_content(shop, call),
        Operation::CustomersSegments => profiles::add_segments(shop, call),
        Operation::CustomersPermission => customers::permission(shop, call),
        Operation::CustomersUnsubscribe => customers::set_permission(shop, call),
        Operation::LoyaltyCreate => loyalty::create(shop, call),
        Operation::LoyaltyReverse => loyalty::reverse(shop, call),
        Operation::LoyaltyGet => loyalty::get(shop, call),
        Operation::CouponsCreate => coupons::create(shop, call),
        Operation::CouponsRevoke => coupons::revoke(shop, call),
        Operation::CouponsGet => coupons::get(shop, call),
        Operation::ProductsRecommend => profiles::recommend(shop, call),
        Operation::ProductsLookup => products::lookup(shop, call),
        Operation::ProductsCreate => products::create(shop, call),
        Operation::ProductsUpdate => products::update(shop, call),
        Operation::ProductsSkus => products::skus(shop, call),
        Operation::InventoryLookup => levels::lookup(shop, call),
        Operation::InventoryLevel => levels::set(shop, call),
        Operation::InventoryStatistics => levels::statistics(shop, call),
        Operation::CustomersLookup => external_customers::lookup(shop, call),
        Operation::CustomersUpsert => external_customers::upsert(shop, call),
        Operation::OrdersLookup => external_orders::lookup(shop, call),
        Operation::OrdersUpsert => external_orders::upsert(shop, call),
        Operation::IntegrationsGet => integrations::get(shop, call),
        Operation::IntegrationsUpdate => integrations::update(shop, call),
        Operation::IntegrationsReport => integrations::report(shop, call),
        Operation::IntegrationsReports => integrations::reports(shop, call),
        Operation::ErpAuth => erp::sign_in(shop, call),
        Operation::ErpProducts => erp::records(shop, call, Entity::Products),
        Operation::ErpInventory => erp::records(shop, call, Entity::Inventory),
        Operation::ErpCustomers => erp::records(shop, call, Entity::Customers),
        Operation::ErpOrders => erp::records(shop, call, Entity::Orders),
        Operation::ErpKeys => erp::keys(shop, call),
        Operation::Catalog(operation) => handle_catalog(shop, call, operation),
    }
}

/// The same of the catalogue.
fn handle_catalog(shop: &Shop<'_>, call: &Call, operation: Catalog) -> Result<Answer, Stop> {
    match operation {
        Catalog::PricesSet => prices::set(shop, call),
        Catalog::PricesBatch => prices::set_many(shop, call),
        Catalog::PricesLookup => prices::lookup(shop, call),
        Catalog::PricesList => prices::list(shop, call),
        Catalog::CategoriesCreate => categories::create(shop, call),
        Catalog::CategoriesList => categories::list(shop, call),
        Catalog::CategoriesTree => categories::tree(shop, call),
        Catalog::CategoriesGet => categories::get(shop, call),
        Catalog::CategoriesUpdate => categories::update(shop, call),
        Catalog::CategoriesDelete => categories::delete(shop, call),
        Catalog::ProductsList => products::list(shop, call),
        Catalog::ProductsGet => products::get(shop, call),
        Catalog::ProductsHandle => products::by_handle(shop, call),
        Catalog::ProductsDelete => products::delete(shop, call),
        Catalog::InventoryCreate => records::create(shop, call),
        Catalog::InventoryProduct => records::of_product(shop, call),
        Catalog::ProductsSeo => products::seo_content(shop, call),
        Catalog::RulesCreate => rules::create(shop, call),
        Catalog::RulesList => rules::list(shop, call),
        Catalog::RulesGet => rules::get(shop, call),
        Catalog::RulesName => rules::by_name(shop, call),
        Catalog::RulesUpdate => rules::update(shop, call),
        Catalog::RulesStatus => rules::set_status(shop, call),
        Catalog::RulesDelete => rules::delete(shop, call),
        Catalog::MediaUpload => media::upload(shop, call),
        Catalog::MediaList => media::list(shop, call),
        Catalog::MediaGet => media::get(shop, call),
        Catalog::MediaUpdate => media::update(shop, call),
        Catalog::MediaDelete => media::delete(shop, call),
    }
}
