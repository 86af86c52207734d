//! What the shop knows of each entity, and what it can take.

use contracts::erp::{CustomerRecord, Entity, OrderRecord, ProductRecord, Record, StockRecord};
use contracts::money::Money;
use contracts::values::{ProductId, Recipient};
use jiff::Timestamp;

use crate::Defect;
use crate::value::Converted;

/// A field of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, without the entity's prefix.
    pub field: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the shop needs it.
    pub is_required: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// An amount of money.
    Money,
    /// True or false.
    Bool,
    /// A moment.
    Date,
}

const fn needed(field: &'static str, kind: Kind) -> Target {
    Target { field, kind, is_required: true }
}

const fn known_to(field: &'static str, kind: Kind) -> Target {
    Target { field, kind, is_required: false }
}

pub(crate) const SKU: Target = needed("sku", Kind::Text);
const NAME: Target = needed("name", Kind::Text);
const PRICE: Target = needed("price", Kind::Money);
const DESCRIPTION: Target = known_to("description", Kind::Text);
const CATEGORY: Target = known_to("category", Kind::Text);
const ACTIVE: Target = known_to("active", Kind::Bool);
const QUANTITY: Target = needed("quantity", Kind::Integer);
const LOCATION: Target = needed("location", Kind::Text);
const EXTERNAL_ID: Target = needed("external_id", Kind::Text);
const EMAIL: Target = needed("email", Kind::Text);
const FIRST_NAME: Target = needed("first_name", Kind::Text);
const LAST_NAME: Target = needed("last_name", Kind::Text);
const PHONE: Target = known_to("phone", Kind::Text);
const STATUS: Target = needed("status", Kind::Text);
const TOTAL: Target = needed("total", Kind::Money);
const CUSTOMER: Target = known_to("customer_external_id", Kind::Text);
const ORDERED_AT: Target = known_to("ordered_at", Kind::Date);

/// The fields of an entity.
#[must_use]
pub fn targets(entity: Entity) -> &'static [Target] {
    match entity {
        Entity::Products => &[SKU, NAME, PRICE, DESCRIPTION, CATEGORY, ACTIVE],
        Entity::Inventory => &[SKU, QUANTITY, LOCATION],
        Entity::Customers => &[EXTERNAL_ID, EMAIL, FIRST_NAME, LAST_NAME, PHONE],
        Entity::Orders => &[EXTERNAL_ID, STATUS, TOTAL, CUSTOMER, ORDERED_AT],
    }
}

fn prefix(entity: Entity) -> &'static str {
    match entity {
        Entity::Products => "product_",
        Entity::Inventory => "inventory_",
        Entity::Customers => "customer_",
        Entity::Orders => "order_",
    }
}

impl Target {
    /// The field as rules name it: `product_sku`.
    #[must_use]
    pub fn name(&self, entity: Entity) -> String {
        format!("{}{}", prefix(entity), self.field)
    }
}

/// The field of a rule's name.
pub(crate) fn find(name: &str) -> Option<(Entity, &'static Target)> {
    Entity::ALL.into_iter().find_map(|entity| {
        let field = name.strip_prefix(prefix(entity))?;
        targets(entity).iter().find(|target| target.field == field).map(|target| (entity, target))
    })
}

/// The fields that a misspelt name could have meant.
pub(crate) fn known(name: &str) -> String {
    let of = |entity: Entity| {
        let names: Vec<String> = targets(entity).iter().map(|target| target.name(entity)).collect();
        names.join(", ")
    };
    match Entity::ALL.into_iter().find(|entity| name.starts_with(prefix(*entity))) {
        Some(entity) => format!("known: {}", of(entity)),
        None => "begin it with product_, inventory_, customer_ or order_".to_owned(),
    }
}

/// Why a record cannot be made.
pub(crate) enum Problem {
    /// Found by the rule.
    Defect(Defect),
    /// The shop needs the field.
    Missing,
    /// The shop cannot take the value.
    Invalid(String),
}

/// What is wrong, and with which field.
pub(crate) type Failed<'t> = (&'t Target, Problem);

/// Makes a record of an entity out of its fields.
pub(crate) fn record(
    entity: Entity,
    read: impl Fn(&Target) -> Result<Option<Converted>, Defect>,
) -> Result<Record, Failed<'static>> {
    let fields = Fields { read };
    Ok(match entity {
        Entity::Products => Record::Product(ProductRecord {
            sku: fields.sku()?,
            name: fields.text(&NAME, 500)?,
            price: fields.money(&PRICE)?,
            description: fields.maybe_text(&DESCRIPTION, 20_000)?,
            category: fields.maybe_text(&CATEGORY, 200)?,
            active: match fields.get(&ACTIVE)? {
                Some(Converted::Bool(active)) => Some(active),
                _ => None,
            },
        }),
        Entity::Inventory => Record::Stock(StockRecord {
            sku: fields.sku()?,
            quantity: fields.quantity()?,
            location: fields.text(&LOCATION, 100)?,
        }),
        Entity::Customers => Record::Customer(CustomerRecord {
            external_id: fields.text(&EXTERNAL_ID, 100)?,
            email: fields.email()?,
            first_name: fields.text(&FIRST_NAME, 100)?,
            last_name: fields.text(&LAST_NAME, 100)?,
            phone: fields.maybe_text(&PHONE, 30)?,
        }),
        Entity::Orders => Record::Order(OrderRecord {
            external_id: fields.text(&EXTERNAL_ID, 100)?,
            status: fields.text(&STATUS, 50)?,
            total: fields.money(&TOTAL)?,
            customer_external_id: fields.maybe_text(&CUSTOMER, 100)?,
            ordered_at: fields.moment(&ORDERED_AT)?,
        }),
    })
}

/// Reads the SKU alone.
pub(crate) fn sku(
    read: impl Fn(&Target) -> Result<Option<Converted>, Defect>,
) -> Result<ProductId, Failed<'static>> {
    Fields { read }.sku()
}

struct Fields<R> {
    read: R,
}

impl<R: Fn(&Target) -> Result<Option<Converted>, Defect>> Fields<R> {
    fn get(&self, target: &'static Target) -> Result<Option<Converted>, Failed<'static>> {
        (self.read)(target).map_err(|defect| (target, Problem::Defect(defect)))
    }

    fn required(&self, target: &'static Target) -> Result<Converted, Failed<'static>> {
        self.get(target)?.ok_or((target, Problem::Missing))
    }

    fn maybe_text(&self, target: &'static Target, max: usize) -> Result<Option<String>, Failed<'static>> {
        let Some(Converted::Text(text)) = self.get(target)? else { return Ok(None) };
        if text.chars().count() > max {
            return invalid(target, format!("is longer than {max} characters"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return invalid(target, "holds control characters".to_owned());
        }
        Ok(Some(text))
    }

    fn text(&self, target: &'static Target, max: usize) -> Result<String, Failed<'static>> {
        self.maybe_text(target, max)?.ok_or((target, Problem::Missing))
    }

    fn sku(&self) -> Result<ProductId, Failed<'static>> {
        let sku = self.text(&SKU, 1_000)?;
        ProductId::new(sku).or_else(|error| invalid(&SKU, error.to_string()))
    }

    fn money(&self, target: &'static Target) -> Result<Money, Failed<'static>> {
        match self.required(target)? {
            Converted::Money(money) => Ok(money),
            _ => invalid(target, "is not an amount".to_owned()),
        }
    }

    fn moment(&self, target: &'static Target) -> Result<Option<Timestamp>, Failed<'static>> {
        Ok(match self.get(target)? {
            Some(Converted::Date(moment)) => Some(moment),
            _ => None,
        })
    }

    fn quantity(&self) -> Result<u32, Failed<'static>> {
        let Converted::Integer(quantity) = self.required(&QUANTITY)? else {
            return invalid(&QUANTITY, "is not a whole number".to_owned());
        };
        if quantity < 0 {
            return invalid(&QUANTITY, "is negative".to_owned());
        }
        u32::try_from(quantity).or_else(|_| invalid(&QUANTITY, "is too large".to_owned()))
    }

    fn email(&self) -> Result<Recipient, Failed<'static>> {
        let email = self.text(&EMAIL, 254)?;
        let parsed = email.parse::<email_address::EmailAddress>();
        parsed.map(|_| Recipient::new(email)).or_else(|_| invalid(&EMAIL, "is no mail address".to_owned()))
    }
}

fn invalid<T>(target: &'static Target, problem: String) -> Result<T, Failed<'static>> {
    Err((target, Problem::Invalid(problem)))
}
