//! The fields that the shop knows of each entity, and the values that it can take.

use contracts::erp::{CustomerRecord, Entity, OrderRecord, ProductRecord, Record, StockRecord};
use contracts::money::{Currency, Money};
use contracts::values::{PRODUCT_NAME_MAX, ProductId, Recipient};
use jiff::Timestamp;

use crate::Defect;
use crate::value::Converted;

/// A field of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, without the entity's prefix.
    pub field: &'static str,
    /// The kind of value that it holds.
    pub kind: Kind,
    /// Whether the shop needs it.
    pub is_required: bool,
}

/// The kinds of values that a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text by which a record is found again.
    Key,
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

pub(crate) const SKU: Target = needed("sku", Kind::Key);
const NAME: Target = needed("name", Kind::Text);
const PRICE: Target = needed("price", Kind::Money);
/// Only compared: what is in another currency than the integration's must not become an amount of ours.
pub(crate) const CURRENCY: Target = known_to("currency", Kind::Text);
const DESCRIPTION: Target = known_to("description", Kind::Text);
const CATEGORY: Target = known_to("category", Kind::Text);
const ACTIVE: Target = known_to("active", Kind::Bool);
const QUANTITY: Target = needed("quantity", Kind::Integer);
const LOCATION: Target = needed("location", Kind::Key);
const EXTERNAL_ID: Target = needed("external_id", Kind::Key);
const EMAIL: Target = needed("email", Kind::Text);
const FIRST_NAME: Target = needed("first_name", Kind::Text);
const LAST_NAME: Target = known_to("last_name", Kind::Text);
const PHONE: Target = known_to("phone", Kind::Text);
const STATUS: Target = needed("status", Kind::Text);
const TOTAL: Target = needed("total", Kind::Money);
const CUSTOMER: Target = known_to("customer_external_id", Kind::Key);
const ORDERED_AT: Target = known_to("ordered_at", Kind::Date);

/// The fields of an entity.
#[must_use]
pub fn targets(entity: Entity) -> &'static [Target] {
    match entity {
        Entity::Products => &[SKU, NAME, PRICE, CURRENCY, DESCRIPTION, CATEGORY, ACTIVE],
        Entity::Inventory => &[SKU, QUANTITY, LOCATION],
        Entity::Customers => &[EXTERNAL_ID, EMAIL, FIRST_NAME, LAST_NAME, PHONE],
        Entity::Orders => &[EXTERNAL_ID, STATUS, TOTAL, CURRENCY, CUSTOMER, ORDERED_AT],
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

/// The names that a misspelt one could have meant, in words.
pub(crate) fn known(name: &str) -> String {
    let names_of = |entity: Entity| targets(entity).iter().map(move |target| target.name(entity));
    if let Some(entity) = Entity::ALL.into_iter().find(|entity| name.starts_with(prefix(*entity))) {
        let names: Vec<String> = names_of(entity).collect();
        return text::did_you_mean(name, &names.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let names: Vec<String> = Entity::ALL.into_iter().flat_map(names_of).collect();
    match text::nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => "begin it with product_, inventory_, customer_ or order_".to_owned(),
    }
}

/// Why a record cannot be made.
pub(crate) enum Problem {
    /// Found by the rule.
    Defect(Defect),
    /// The shop needs the field.
    Missing,
    /// The shop cannot take the value: the problem, and the fix where it is known.
    Invalid(String, Option<String>),
}

/// A field, and the problem with it.
pub(crate) type Failed<'t> = (&'t Target, Problem);

/// Makes a record of an entity out of its fields; with the fields that it has to do without.
pub(crate) fn record(
    entity: Entity,
    currency: Currency,
    read: impl Fn(&Target) -> Result<Option<Converted>, Defect>,
) -> Result<(Record, Vec<Failed<'static>>), Failed<'static>> {
    let fields = Fields { read };
    let mut left_out = Vec::new();
    let record = match entity {
        Entity::Products => Record::Product(ProductRecord {
            sku: fields.sku()?,
            name: fields.needed(&NAME, PRODUCT_NAME_MAX, text::title)?,
            price: fields.money(&PRICE, currency)?,
            description: fields.text(&DESCRIPTION, text::DESCRIPTION_MAX, text::prose)?,
            category: fields.text(&CATEGORY, 200, text::key)?,
            active: match fields.get(&ACTIVE)? {
                Some(Converted::Bool(active)) => Some(active),
                _ => None,
            },
        }),
        Entity::Inventory => Record::Stock(StockRecord {
            sku: fields.sku()?,
            quantity: fields.quantity()?,
            location: fields.needed(&LOCATION, 100, text::key)?,
        }),
        Entity::Customers => {
            let (first_name, last_name) = fields.names()?;
            Record::Customer(CustomerRecord {
                external_id: fields.needed(&EXTERNAL_ID, 100, text::key)?,
                email: fields.email()?,
                first_name,
                last_name,
                // A customer is reached by mail; the phone costs itself.
                phone: fields.phone().unwrap_or_else(|failed| {
                    left_out.push(failed);
                    None
                }),
            })
        }
        Entity::Orders => Record::Order(OrderRecord {
            external_id: fields.needed(&EXTERNAL_ID, 100, text::key)?,
            status: fields.needed(&STATUS, 50, text::key)?,
            total: fields.money(&TOTAL, currency)?,
            customer_external_id: fields.text(&CUSTOMER, 100, text::key)?,
            ordered_at: fields.moment(&ORDERED_AT)?,
        }),
    };
    Ok((record, left_out))
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

/// A reader of crate `text`, with the most characters it may give.
type Reads = fn(&str, usize) -> Result<String, text::Refusal>;

impl<R: Fn(&Target) -> Result<Option<Converted>, Defect>> Fields<R> {
    fn get(&self, target: &'static Target) -> Result<Option<Converted>, Failed<'static>> {
        (self.read)(target).map_err(|defect| (target, Problem::Defect(defect)))
    }

    fn required(&self, target: &'static Target) -> Result<Converted, Failed<'static>> {
        self.get(target)?.ok_or((target, Problem::Missing))
    }

    /// A text that may be absent, as `read` takes it.
    fn text(
        &self,
        target: &'static Target,
        max: usize,
        read: Reads,
    ) -> Result<Option<String>, Failed<'static>> {
        let Some(Converted::Text(text)) = self.get(target)? else { return Ok(None) };
        read(&text, max).map(Some).or_else(|refusal| refused(target, refusal))
    }

    fn needed(&self, target: &'static Target, max: usize, read: Reads) -> Result<String, Failed<'static>> {
        self.text(target, max, read)?.ok_or((target, Problem::Missing))
    }

    fn sku(&self) -> Result<ProductId, Failed<'static>> {
        let sku = self.needed(&SKU, 1_000, text::key)?;
        ProductId::new(sku).or_else(|error| invalid(&SKU, error.to_string()))
    }

    /// A customer who has one name may have it in either field.
    fn names(&self) -> Result<(String, String), Failed<'static>> {
        let first = self.text(&FIRST_NAME, 100, text::line)?;
        let last = self.text(&LAST_NAME, 100, text::line)?;
        match (first, last) {
            (Some(first), last) => Ok((first, last.unwrap_or_default())),
            (None, Some(only)) => Ok((only, String::new())),
            (None, None) => Err((&FIRST_NAME, Problem::Missing)),
        }
    }

    /// The international form where it can be told; a number of the ERP's own country has no `+`, and stays as it is.
    fn phone(&self) -> Result<Option<String>, Failed<'static>> {
        let Some(Converted::Text(written)) = self.get(&PHONE)? else { return Ok(None) };
        let read = match text::is_international(&written) {
            true => text::phone(&written),
            false => text::local_phone(&written, 30),
        };
        read.map(Some).or_else(|refusal| refused(&PHONE, refusal))
    }

    /// An amount, unless the record says that it is in another currency than ours.
    fn money(&self, target: &'static Target, ours: Currency) -> Result<Money, Failed<'static>> {
        if let Some(Converted::Text(theirs)) = self.get(&CURRENCY)?
            && !theirs.trim().eq_ignore_ascii_case(ours.code())
        {
            let problem = format!("is not {}, which the integration is in", ours.code());
            let fix = "give another currency an integration of its own; if the amount is right, a rule says so: \
                       {\"const\": …}";
            return Err((&CURRENCY, Problem::Invalid(problem, Some(fix.to_owned()))));
        }
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
        let Converted::Text(email) = self.required(&EMAIL)? else { return Err((&EMAIL, Problem::Missing)) };
        text::mail_address(&email).map(Recipient::new).or_else(|refusal| refused(&EMAIL, refusal))
    }
}

fn invalid<T>(target: &'static Target, problem: String) -> Result<T, Failed<'static>> {
    Err((target, Problem::Invalid(problem, None)))
}

fn refused<T>(target: &'static Target, refusal: text::Refusal) -> Result<T, Failed<'static>> {
    Err((target, Problem::Invalid(refusal.problem, Some(refusal.fix))))
}
