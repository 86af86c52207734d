//! Customers that another system keeps: found and written by the id they have there.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::shop::Shop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    external_ids: Vec<Text>,
}

/// The whole record: what is absent is not known there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsert {
    email: Text,
    first_name: Text,
    /// Not every person has one.
    #[serde(default)]
    last_name: String,
    phone: Option<Text>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Customer {
    external_id: String,
    customer_id: String,
    email: String,
    first_name: String,
    last_name: String,
    phone: Option<String>,
}

#[derive(Serialize)]
struct Upserted {
    #[serde(flatten)]
    customer: Customer,
    created: bool,
}

fn find(shop: &Shop<'_>, external_id: &str) -> rusqlite::Result<Option<Customer>> {
    shop.find(
        "SELECT external_id, customer_id, email, first_name, last_name, phone
         FROM customers WHERE external_id = ?1",
        [external_id],
        |row| {
            Ok(Customer {
                external_id: row.get(0)?,
                customer_id: row.get(1)?,
                email: row.get(2)?,
                first_name: row.get(3)?,
                last_name: row.get(4)?,
                phone: row.get(5)?,
            })
        },
    )
}

pub(super) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { external_ids } = body::parse(&call.body)?;
    let mut customers = Vec::with_capacity(external_ids.len());
    for external_id in body::asked_for(&external_ids, "external_ids")? {
        customers.extend(find(shop, external_id)?);
    }
    Answer::success(200, &json!({ "customers": customers }))
}

/// Opens or changes an account. A customer who comes this way has not agreed to marketing.
pub(super) fn upsert(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let external_id = call.path_id()?;
    let request: Upsert = body::parse(&call.body)?;
    if !request.email.contains('@') {
        return Err(Refusal::invalid("email", "is not a mail address").into());
    }
    let address = request.email.trim().to_lowercase();
    let owner = shop.find(
        "SELECT 1 FROM customers WHERE address = ?1 AND external_id IS NOT ?2",
        [address.as_str(), external_id],
        |_| Ok(()),
    )?;
    if owner.is_some() {
        let message = "the address belongs to another account";
        return Err(Refusal::new(409, "EMAIL_ALREADY_REGISTERED", message).into());
    }
    let before = find(shop, external_id)?;
    let customer_id = match &before {
        Some(known) => known.customer_id.clone(),
        None => shop.next_id("cus")?,
    };
    let after = Customer {
        external_id: external_id.to_owned(),
        customer_id,
        email: request.email.to_string(),
        first_name: request.first_name.to_string(),
        last_name: request.last_name.trim().to_owned(),
        phone: request.phone.map(|phone| phone.to_string()),
    };
    write(shop, &after, &address)?;
    let created = before.is_none();
    let is_new = before.as_ref() != Some(&after);
    let answer = Answer::success(200, &Upserted { customer: after, created })?;
    let verb = if created { "created" } else { "changed" };
    Ok(if is_new { answer.with_effect(format!("{verb} customer {external_id}")) } else { answer })
}

fn write(shop: &Shop<'_>, customer: &Customer, address: &str) -> rusqlite::Result<()> {
    shop.run(
        "INSERT INTO customers
             (customer_id, external_id, address, email, first_name, last_name, phone, status,
              marketing_consent, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', FALSE, ?8)
         ON CONFLICT (customer_id) DO UPDATE SET address = excluded.address, email = excluded.email,
             first_name = excluded.first_name, last_name = excluded.last_name, phone = excluded.phone",
        params![
            customer.customer_id,
            customer.external_id,
            address,
            customer.email,
            customer.first_name,
            customer.last_name,
            customer.phone,
            shop.now,
        ],
    )?;
    Ok(())
}
