//! The operations of the shop: the names that faults, effects and request totals speak of.

mod catalog;

pub(crate) use catalog::Catalog;

/// One operation of the shop's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    OrdersValidate,
    OrdersUpdate,
    OrdersGet,
    InventoryReserve,
    InventoryConfirm,
    InventoryRelease,
    InventoryRestock,
    InventoryGet,
    PaymentsCreate,
    PaymentsGet,
    PaymentsVoid,
    PaymentsRefund,
    ShipmentsCreate,
    ShipmentsCancel,
    ShipmentsGet,
    NotificationsEmail,
    NotificationsSms,
    NotificationsPush,
    NotificationsTeam,
    EventsTrack,
    SmtpData,
    CustomersCreate,
    CustomersUpdate,
    CustomersGet,
    CustomersPreferences,
    CustomersContent,
    CustomersSegments,
    CustomersPermission,
    CustomersUnsubscribe,
    LoyaltyCreate,
    LoyaltyReverse,
    LoyaltyGet,
    CouponsCreate,
    CouponsRevoke,
    CouponsGet,
    ProductsRecommend,
    ProductsLookup,
    ProductsCreate,
    ProductsUpdate,
    ProductsSkus,
    InventoryLookup,
    InventoryLevel,
    InventoryStatistics,
    CustomersLookup,
    CustomersUpsert,
    OrdersLookup,
    OrdersUpsert,
    IntegrationsGet,
    IntegrationsUpdate,
    IntegrationsReport,
    IntegrationsReports,
    ErpAuth,
    ErpProducts,
    ErpInventory,
    ErpCustomers,
    ErpOrders,
    ErpKeys,
    Catalog(Catalog),
}

impl Operation {
    /// Every operation but those of the catalogue, in the order of the documentation.
    const PLAIN: [Self; 57] = [
        Self::OrdersValidate,
        Self::OrdersUpdate,
        Self::OrdersGet,
        Self::InventoryReserve,
        Self::InventoryConfirm,
        Self::InventoryRelease,
        Self::InventoryRestock,
        Self::InventoryGet,
        Self::PaymentsCreate,
        Self::PaymentsGet,
        Self::PaymentsVoid,
        Self::PaymentsRefund,
        Self::ShipmentsCreate,
        Self::ShipmentsCancel,
        Self::ShipmentsGet,
        Self::NotificationsEmail,
        Self::NotificationsSms,
        Self::NotificationsPush,
        Self::NotificationsTeam,
        Self::EventsTrack,
        Self::SmtpData,
        Self::CustomersCreate,
        Self::CustomersUpdate,
        Self::CustomersGet,
        Self::CustomersPreferences,
        Self::CustomersContent,
        Self::CustomersSegments,
        Self::CustomersPermission,
        Self::CustomersUnsubscribe,
        Self::LoyaltyCreate,
        Self::LoyaltyReverse,
        Self::LoyaltyGet,
        Self::CouponsCreate,
        Self::CouponsRevoke,
        Self::CouponsGet,
        Self::ProductsRecommend,
        Self::ProductsLookup,
        Self::ProductsCreate,
        Self::ProductsUpdate,
        Self::ProductsSkus,
        Self::InventoryLookup,
        Self::InventoryLevel,
        Self::InventoryStatistics,
        Self::CustomersLookup,
        Self::CustomersUpsert,
        Self::OrdersLookup,
        Self::OrdersUpsert,
        Self::IntegrationsGet,
        Self::IntegrationsUpdate,
        Self::IntegrationsReport,
        Self::IntegrationsReports,
        Self::ErpAuth,
        Self::ErpProducts,
        Self::ErpInventory,
        Self::ErpCustomers,
        Self::ErpOrders,
        Self::ErpKeys,
    ];

    /// Every operation.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.into_iter().chain(Catalog::ALL.iter().copied().map(Self::Catalog))
    }

    /// The name used on the control interface, `<service>.<verb>`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OrdersValidate => "orders.validate",
            Self::OrdersUpdate => "orders.update",
            Self::OrdersGet => "orders.get",
            Self::InventoryReserve => "inventory.reserve",
            Self::InventoryConfirm => "inventory.confirm",
            Self::InventoryRelease => "inventory.release",
            Self::InventoryRestock => "inventory.restock",
            Self::InventoryGet => "inventory.get",
            Self::PaymentsCreate => "payments.create",
            Self::PaymentsGet => "payments.get",
            Self::PaymentsVoid => "payments.void",
            Self::PaymentsRefund => "payments.refund",
            Self::ShipmentsCreate => "shipments.create",
            Self::ShipmentsCancel => "shipments.cancel",
            Self::ShipmentsGet => "shipments.get",
            Self::NotificationsEmail => "notifications.email",
            Self::NotificationsSms => "notifications.sms",
            Self::NotificationsPush => "notifications.push",
            Self::NotificationsTeam => "notifications.team",
            Self::EventsTrack => "events.track",
            Self::SmtpData => "smtp.data",
            Self::CustomersCreate => "customers.create",
            Self::CustomersUpdate => "customers.update",
            Self::CustomersGet => "customers.get",
            Self::CustomersPreferences => "customers.preferences",
            Self::CustomersContent => "customers.content",
            Self::CustomersSegments => "customers.segments",
            Self::CustomersPermission => "customers.permission",
            Self::CustomersUnsubscribe => "customers.unsubscribe",
            Self::LoyaltyCreate => "loyalty.create",
            Self::LoyaltyReverse => "loyalty.reverse",
            Self::LoyaltyGet => "loyalty.get",
            Self::CouponsCreate => "coupons.create",
            Self::CouponsRevoke => "coupons.revoke",
            Self::CouponsGet => "coupons.get",
            Self::ProductsRecommend => "products.recommend",
            Self::ProductsLookup => "products.lookup",
            Self::ProductsCreate => "products.create",
            Self::ProductsUpdate => "products.update",
            Self::ProductsSkus => "products.skus",
            Self::InventoryLookup => "inventory.lookup",
            Self::InventoryLevel => "inventory.level",
            Self::InventoryStatistics => "inventory.statistics",
            Self::CustomersLookup => "customers.lookup",
            Self::CustomersUpsert => "customers.upsert",
            Self::OrdersLookup => "orders.lookup",
            Self::OrdersUpsert => "orders.upsert",
            Self::IntegrationsGet => "integrations.get",
            Self::IntegrationsUpdate => "integrations.update",
            Self::IntegrationsReport => "integrations.report",
            Self::IntegrationsReports => "integrations.reports",
            Self::ErpAuth => "erp.auth",
            Self::ErpProducts => "erp.products",
            Self::ErpInventory => "erp.inventory",
            Self::ErpCustomers => "erp.customers",
            Self::ErpOrders => "erp.orders",
            Self::ErpKeys => "erp.keys",
            Self::Catalog(operation) => operation.name(),
        }
    }

    /// Whether the operation bears effects, and so has idempotency records and a line in the effects log.
    ///
    /// `orders.validate` is left out: it registers an order at most once by itself, and its answer must
    /// follow the shop's state instead of being replayed.
    pub(crate) fn has_effect(self) -> bool {
        if let Self::Catalog(operation) = self {
            return operation.has_effect();
        }
        !matches!(
            self,
            Self::OrdersValidate
                | Self::OrdersGet
                | Self::InventoryGet
                | Self::PaymentsGet
                | Self::ShipmentsGet
                | Self::CustomersGet
                | Self::CustomersPermission
                | Self::LoyaltyGet
                | Self::CouponsGet
                | Self::ProductsRecommend
                | Self::ProductsLookup
                | Self::ProductsSkus
                | Self::InventoryLookup
                | Self::InventoryStatistics
                | Self::CustomersLookup
                | Self::OrdersLookup
                | Self::IntegrationsGet
                | Self::IntegrationsReports
                | Self::ErpAuth
                | Self::ErpProducts
                | Self::ErpInventory
                | Self::ErpCustomers
                | Self::ErpOrders
                | Self::ErpKeys
        )
    }

    /// Whether answers are kept under the key and given again. SMTP has no keys; its handler goes by the mail's id.
    pub(crate) fn keeps_answers(self) -> bool {
        self.has_effect() && self != Self::SmtpData
    }

    /// The code that the fault `status` answers unless told otherwise.
    pub(crate) fn outage(self) -> u16 {
        if self == Self::SmtpData { 451 } else { 503 }
    }

    /// The operation of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|operation| operation.name() == name)
    }
}
