//! How much of a record the shop has already.

use contracts::bulk::is_change_above;
use contracts::erp::{CustomerRecord, OrderRecord, ProductRecord, Record, StageCounts, StagedRow, Write};
use contracts::money::Money;
use jiff::Timestamp;

/// A record as the shop has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Existing {
    Product {
        id: String,
        name: String,
        price: Option<Money>,
        description: Option<String>,
        category: Option<String>,
        active: bool,
    },
    Level {
        quantity: u32,
    },
    Customer {
        email: String,
        first_name: String,
        last_name: String,
        phone: Option<String>,
    },
    Order {
        status: String,
        total: Option<Money>,
        customer_external_id: Option<String>,
        ordered_at: Option<Timestamp>,
    },
}

/// Decides how a record is written, if at all, and counts what the limits ask for.
pub(super) fn compare(
    (changed_at, record): (Timestamp, Record),
    existing: Option<&Existing>,
    price_limit: Option<u32>,
    counts: &mut StageCounts,
) -> Option<StagedRow> {
    let row = match existing {
        None => Some((Write::Create, record)),
        Some(existing) => differing(record, existing),
    };
    let row = row.map(|(write, record)| StagedRow { changed_at, write, record });
    match &row {
        None => counts.unchanged += 1,
        Some(StagedRow { write: Write::Create, .. }) => counts.to_create += 1,
        Some(StagedRow { write: Write::Update { .. }, .. }) => counts.to_update += 1,
    }
    match (row.as_ref().map(|row| &row.record), existing) {
        (Some(Record::Product(product)), existing) => {
            let old = existing.and_then(|existing| match existing {
                Existing::Product { price, .. } => *price,
                _ => None,
            });
            let is_new_zero =
                product.price.minor_units() == 0 && old.is_none_or(|old| old.minor_units() != 0);
            counts.prices_to_zero += u64::from(is_new_zero);
            let jumps = price_limit.zip(old).is_some_and(|(limit, old)| {
                is_change_above(old.minor_units(), product.price.minor_units(), limit)
            });
            // A price of zero is counted as that.
            counts.prices_jump += u64::from(jumps && !is_new_zero);
        }
        (Some(Record::Stock(stock)), Some(Existing::Level { quantity })) => {
            counts.levels_to_zero += u64::from(stock.quantity == 0 && *quantity > 0);
        }
        _ => {}
    }
    row
}

/// The update that a record needs; none when the shop has it so. A field that the ERP leaves out stays as it is:
/// some of the shop's endpoints replace the whole record.
fn differing(record: Record, existing: &Existing) -> Option<(Write, Record)> {
    let mut changed = Vec::new();
    let mut note = |differs: bool, field: &str| {
        if differs {
            changed.push(field.to_owned());
        }
    };
    let (id, record) = match (record, existing) {
        (Record::Product(new), Existing::Product { id, name, price, description, category, active }) => {
            note(new.name != *name, "name");
            note(Some(new.price) != *price, "price");
            note(new.description.is_some() && new.description != *description, "description");
            note(new.category.is_some() && new.category != *category, "category");
            note(new.active.is_some_and(|new| new != *active), "active");
            (Some(id.clone()), Record::Product(ProductRecord { ..new }))
        }
        (Record::Stock(new), Existing::Level { quantity }) => {
            note(new.quantity != *quantity, "quantity");
            (None, Record::Stock(new))
        }
        (Record::Customer(new), Existing::Customer { email, first_name, last_name, phone }) => {
            note(!new.email.reveal().eq_ignore_ascii_case(email), "email");
            note(new.first_name != *first_name, "first_name");
            note(new.last_name != *last_name, "last_name");
            note(new.phone.is_some() && new.phone != *phone, "phone");
            let phone = new.phone.or_else(|| phone.clone());
            (None, Record::Customer(CustomerRecord { phone, ..new }))
        }
        (Record::Order(new), Existing::Order { status, total, customer_external_id, ordered_at }) => {
            note(new.status != *status, "status");
            note(Some(new.total) != *total, "total");
            note(
                new.customer_external_id.is_some() && new.customer_external_id != *customer_external_id,
                "customer_external_id",
            );
            note(new.ordered_at.is_some() && new.ordered_at != *ordered_at, "ordered_at");
            let customer = new.customer_external_id.or_else(|| customer_external_id.clone());
            let moment = new.ordered_at.or(*ordered_at);
            (None, Record::Order(OrderRecord { customer_external_id: customer, ordered_at: moment, ..new }))
        }
        // The shop was asked about this very record, so nothing else can come back; written anew it is right.
        (record, _) => return Some((Write::Create, record)),
    };
    (!changed.is_empty()).then_some((Write::Update { id, changed }, record))
}

#[cfg(test)]
mod tests {
    use contracts::erp::StockRecord;
    use contracts::money::Currency;
    use contracts::values::{ProductId, Recipient};

    use super::*;

    fn dong(n: i64) -> Money {
        Money::from_minor_units(n, Currency::VND)
    }

    fn at(record: Record) -> (Timestamp, Record) {
        (Timestamp::UNIX_EPOCH, record)
    }

    fn product(price: i64) -> Record {
        Record::Product(ProductRecord {
            sku: ProductId::new("A").expect("a SKU"),
            name: "Laptop".to_owned(),
            price: dong(price),
            description: None,
            category: None,
            active: None,
        })
    }

    fn in_shop(price: i64) -> Existing {
        Existing::Product {
            id: "p-1".to_owned(),
            name: "Laptop".to_owned(),
            price: Some(dong(price)),
            description: Some("long".to_owned()),
            category: None,
            active: true,
        }
    }

    #[test]
    fn what_the_shop_has_costs_no_write() {
        let mut counts = StageCounts::default();
        assert_eq!(compare(at(product(5)), Some(&in_shop(5)), Some(50), &mut counts), None);
        assert_eq!(counts, StageCounts { unchanged: 1, ..StageCounts::default() });
    }

    #[test]
    fn what_differs_is_named_and_what_the_erp_does_not_say_is_kept() {
        let mut counts = StageCounts::default();
        let row = compare(at(product(6)), Some(&in_shop(5)), Some(50), &mut counts).expect("differs");
        let wanted = Write::Update { id: Some("p-1".to_owned()), changed: vec!["price".to_owned()] };
        assert_eq!(row.write, wanted);
        let customer = CustomerRecord {
            external_id: "7".to_owned(),
            email: Recipient::new("Lan@example.com"),
            first_name: "Lan".to_owned(),
            last_name: "Pham".to_owned(),
            phone: None,
        };
        let existing = Existing::Customer {
            email: "lan@example.com".to_owned(),
            first_name: "Lan".to_owned(),
            last_name: "Nguyen".to_owned(),
            phone: Some("+84901234567".to_owned()),
        };
        let row =
            compare(at(Record::Customer(customer)), Some(&existing), None, &mut counts).expect("differs");
        let Record::Customer(written) = row.record else { panic!("a customer") };
        assert_eq!(written.phone.as_deref(), Some("+84901234567"));
        assert_eq!(row.write, Write::Update { id: None, changed: vec!["last_name".to_owned()] });
    }

    #[test]
    fn the_limits_are_counted() {
        for (old, new, to_zero, jump) in [
            (Some(100), 151, 0, 1),
            (Some(100), 150, 0, 0),
            (Some(100), 49, 0, 1),
            (Some(100), 0, 1, 0),
            (Some(0), 0, 0, 0),
            (Some(0), 5, 0, 0),
            (None, 0, 1, 0),
            (None, 5, 0, 0),
        ] {
            let mut counts = StageCounts::default();
            compare(at(product(new)), old.map(in_shop).as_ref(), Some(50), &mut counts);
            assert_eq!((counts.prices_to_zero, counts.prices_jump), (to_zero, jump), "{old:?} to {new}");
        }
        let level = |quantity| {
            let sku = ProductId::new("A").expect("a SKU");
            Record::Stock(StockRecord { sku, quantity, location: "HCM".to_owned() })
        };
        let mut counts = StageCounts::default();
        compare(at(level(0)), Some(&Existing::Level { quantity: 3 }), None, &mut counts);
        compare(at(level(0)), Some(&Existing::Level { quantity: 0 }), None, &mut counts);
        compare(at(level(0)), None, None, &mut counts);
        assert_eq!((counts.levels_to_zero, counts.unchanged, counts.to_create), (1, 1, 1));
    }
}
