//! The shop's records as a sync writes them, whatever the ERP calls them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::values::{ProductId, Recipient};

/// Kinds of records, in the order in which they are written: stock needs its product, an order its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Products on sale.
    Products,
    /// How much of it lies where.
    Inventory,
    /// Buyers.
    Customers,
    /// Orders placed elsewhere.
    Orders,
}

impl Entity {
    /// Every entity, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Products, Self::Inventory, Self::Customers, Self::Orders];

    /// The seed's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Inventory => "inventory",
            Self::Customers => "customers",
            Self::Orders => "orders",
        }
    }

    /// The entity of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.name() == name)
    }
}

/// A product as the ERP has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRecord {
    /// Its natural key.
    pub sku: ProductId,
    /// The name customers see.
    pub name: String,
    /// Price of one piece.
    pub price: Money,
    /// More words; `None` leaves the shop's as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The shop's category; `None` leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether it is sold; `None` leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// How much of a product lies at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecord {
    /// The product.
    pub sku: ProductId,
    /// Pieces, absolute.
    pub quantity: u32,
    /// Where, in the ERP's words.
    pub location: String,
}

/// A customer as the ERP has it. Personal data: in the object store and on the wire, never in a history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// The ERP's number: the natural key.
    pub external_id: String,
    /// Mail address.
    pub email: Recipient,
    /// First name.
    pub first_name: String,
    /// Last name; empty for a person with one name.
    pub last_name: String,
    /// Phone; `None` leaves the shop's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl std::fmt::Debug for CustomerRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerRecord").field("external_id", &self.external_id).finish_non_exhaustive()
    }
}

/// An order as the ERP has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The ERP's number: the natural key.
    pub external_id: String,
    /// Its state, in the shop's words.
    pub status: String,
    /// The price of the whole order.
    pub total: Money,
    /// The ERP's number of the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_external_id: Option<String>,
    /// When it was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_at: Option<Timestamp>,
}

/// One record of any entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entity", rename_all = "snake_case")]
pub enum Record {
    /// A product.
    Product(ProductRecord),
    /// A stock level.
    Stock(StockRecord),
    /// A customer.
    Customer(CustomerRecord),
    /// An order.
    Order(OrderRecord),
}

impl Record {
    /// The key that no other record of its entity has, in the ERP or in the shop.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Product(product) => product.sku.to_string(),
            Self::Stock(stock) => format!("{}@{}", stock.sku, stock.location),
            Self::Customer(customer) => customer.external_id.clone(),
            Self::Order(order) => order.external_id.clone(),
        }
    }
}

/// A record that is to be written: one line of a staged batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedRow {
    /// When the ERP changed it, by its own clock.
    pub changed_at: Timestamp,
    /// Whether the record is new to the shop or changes there.
    pub write: Write,
    /// The record as the shop is to have it.
    pub record: Record,
}

/// How a record comes into the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "write", rename_all = "snake_case")]
pub enum Write {
    /// The shop did not have it.
    Create,
    /// The shop had it otherwise.
    Update {
        /// The shop's id, where it has one of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The fields that differ.
        changed: Vec<String>,
    },
}

/// A record that was not written: one line of the quarantine.
#[derive(Debug, Serialize, Deserialize)]
pub struct QuarantinedRow {
    /// The kind of records.
    pub entity: Entity,
    /// The fault, in the same words for every record that has it.
    pub cause: String,
    /// When the ERP changed it, by its own clock.
    pub changed_at: Timestamp,
    /// The record's key, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The record as the ERP sent it, or as it was mapped when the shop refused it.
    pub record: Box<serde_json::value::RawValue>,
}
