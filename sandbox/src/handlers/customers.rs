//! Customers: their accounts, and what may be mailed to them.

use jiff::civil::{Date, Time};
use rusqlite::{Params, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::clock;
use crate::shop::Shop;

/// Every status that a customer can have.
const STATUSES: [&str; 3] = ["active", "incomplete_onboarding", "closed"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    email: Text,
    first_name: Text,
    /// Not every person has one.
    #[serde(default)]
    last_name: String,
    phone: Option<Text>,
    date_of_birth: Option<Date>,
    preferences: Option<Map<String, Value>>,
    marketing_consent: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permission {
    unsubscribed: Option<bool>,
    suppressed: Option<String>,
}

/// A change from the control interface; absent fields stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerChange {
    marketing_consent: Option<bool>,
    unsubscribed: Option<bool>,
    /// `bounce`, `complaint`, or null for a clean address.
    #[serde(default, deserialize_with = "body::present")]
    suppressed: Option<Option<String>>,
    time_zone: Option<Text>,
    /// Null: none.
    #[serde(default, deserialize_with = "body::present")]
    quiet_hours: Option<Option<QuietHours>>,
    orders_placed: Option<u32>,
    /// Somebody corrected the address.
    email: Option<Text>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietHours {
    from: String,
    until: String,
}

/// An account.
#[derive(Debug, Serialize)]
pub(super) struct Customer {
    pub(super) customer_id: String,
    pub(super) email: String,
    first_name: String,
    last_name: String,
    phone: Option<String>,
    date_of_birth: Option<String>,
    status: String,
    marketing_consent: bool,
    created_at: String,
    idempotency_key: Option<String>,
}

pub(super) fn select(
    shop: &Shop<'_>,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Customer>> {
    let sql = format!(
        "SELECT customer_id, email, first_name, last_name, phone, date_of_birth, status, marketing_consent,
                created_at, idempotency_key
         FROM customers WHERE {condition} ORDER BY id"
    );
    shop.list(&sql, params, |row| {
        Ok(Customer {
            customer_id: row.get(0)?,
            email: row.get(1)?,
            first_name: row.get(2)?,
            last_name: row.get(3)?,
            phone: row.get(4)?,
            date_of_birth: row.get(5)?,
            status: row.get(6)?,
            marketing_consent: row.get(7)?,
            created_at: clock::text(row.get(8)?),
            idempotency_key: row.get(9)?,
        })
    })
}

pub(super) fn existing(shop: &Shop<'_>, customer_id: &str) -> Result<Customer, Stop> {
    let found = select(shop, "customer_id = ?1", [customer_id])?.pop();
    found.ok_or_else(|| Refusal::not_found(format!("there is no customer {customer_id}")).into())
}

/// Opens an account. One that was given up (`incomplete_onboarding`) is taken up again, under its id.
pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    if !request.email.contains('@') {
        return Err(Refusal::invalid("email", "is not a mail address").into());
    }
    let address = request.email.trim().to_lowercase();
    let known = select(shop, "address = ?1", [&address])?.pop();
    if known.as_ref().is_some_and(|known| known.status != "incomplete_onboarding") {
        return Err(Refusal::new(409, "EMAIL_ALREADY_REGISTERED", "the address has an account").into());
    }
    let customer_id = match known {
        Some(known) => known.customer_id,
        None => shop.next_id("cus")?,
    };
    let preferences = request.preferences.as_ref().map(serde_json::to_string).transpose()?;
    shop.run(
        "INSERT INTO customers
             (customer_id, idempotency_key, address, email, first_name, last_name, phone, date_of_birth,
              preferences, status, marketing_consent, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'active', ?10, ?11)
         ON CONFLICT (customer_id) DO UPDATE SET idempotency_key = excluded.idempotency_key,
             email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
             phone = excluded.phone, date_of_birth = excluded.date_of_birth,
             preferences = excluded.preferences, status = 'active',
             marketing_consent = excluded.marketing_consent",
        params![
            customer_id,
            call.key,
            address,
            &*request.email,
            &*request.first_name,
            request.last_name.trim(),
            request.phone.as_deref(),
            request.date_of_birth.map(|day| day.to_string()),
            preferences,
            request.marketing_consent,
            shop.now,
        ],
    )?;
    let answer = Answer::success(201, &existing(shop, &customer_id)?)?;
    Ok(answer.with_effect(format!("opened account {customer_id}")))
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    if let Some(customer_id) = &call.id {
        return Answer::success(200, &existing(shop, customer_id)?);
    }
    let customers = match call.lookup(&["idempotency_key", "email"])? {
        ("email", email) => select(shop, "address = ?1", [email.trim().to_lowercase()])?,
        (_, key) => select(shop, "idempotency_key = ?1", [key])?,
    };
    Answer::list(&customers)
}

pub(super) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let customer_id = call.path_id()?;
    let Update { status } = body::parse(&call.body)?;
    if !STATUSES.contains(&status.as_str()) {
        return Err(Refusal::invalid("status", format!("must be one of {}", STATUSES.join(", "))).into());
    }
    let before = existing(shop, customer_id)?;
    shop.run("UPDATE customers SET status = ?2 WHERE customer_id = ?1", [customer_id, &status])?;
    let answer = Answer::success(200, &existing(shop, customer_id)?)?;
    let is_new = before.status != status;
    Ok(if is_new { answer.with_effect(format!("set account {customer_id} to {status}")) } else { answer })
}

/// Facts that decide about mail to a customer.
pub(super) fn facts(shop: &Shop<'_>, customer_id: &str) -> Result<Value, Stop> {
    let facts = shop.find(
        "SELECT status, marketing_consent, unsubscribed, suppressed, orders_placed, time_zone, quiet_from,
                quiet_until, email
         FROM customers WHERE customer_id = ?1",
        [customer_id],
        |row| {
            let quiet: (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
            let quiet = match quiet {
                (Some(from), Some(until)) => Some(QuietHours { from, until }),
                _ => None,
            };
            Ok(json!({
                "customer_id": customer_id,
                "status": row.get::<_, String>(0)?,
                "marketing_consent": row.get::<_, bool>(1)?,
                "unsubscribed": row.get::<_, bool>(2)?,
                "suppressed": row.get::<_, Option<String>>(3)?,
                "orders_placed": row.get::<_, i64>(4)?,
                "time_zone": row.get::<_, String>(5)?,
                "quiet_hours": quiet,
                "email": row.get::<_, String>(8)?,
            }))
        },
    )?;
    facts.ok_or_else(|| Refusal::not_found(format!("there is no customer {customer_id}")).into())
}

pub(super) fn permission(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    Answer::success(200, &facts(shop, call.path_id()?)?)
}

pub(super) fn set_permission(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let customer_id = call.path_id()?;
    let Permission { unsubscribed, suppressed } = body::parse(&call.body)?;
    existing(shop, customer_id)?;
    let mut effects = Vec::new();
    if let Some(why) = &suppressed {
        is_reason(why)?;
        let sql = "UPDATE customers SET suppressed = ?2 WHERE customer_id = ?1 AND suppressed IS NOT ?2";
        if shop.run(sql, params![customer_id, why])? > 0 {
            effects.push(format!("suppressed {customer_id} ({why})"));
        }
    }
    if let Some(unsubscribed) = unsubscribed {
        let sql = "UPDATE customers SET unsubscribed = ?2 WHERE customer_id = ?1 AND unsubscribed <> ?2";
        if shop.run(sql, params![customer_id, unsubscribed])? > 0 {
            let words = if unsubscribed { "unsubscribed" } else { "subscribed" };
            effects.push(format!("{words} {customer_id}"));
        }
    } else if suppressed.is_none() {
        return Err(Refusal::invalid("unsubscribed", "is missing, and so is suppressed").into());
    }
    let answer = Answer::success(200, &facts(shop, customer_id)?)?;
    Ok(if effects.is_empty() { answer } else { answer.with_effect(effects.join(", ")) })
}

fn is_reason(why: &str) -> Result<(), Stop> {
    if ["bounce", "complaint"].contains(&why) {
        return Ok(());
    }
    Err(Refusal::invalid("suppressed", "must be bounce, complaint or null").into())
}

/// Changes a customer from the control interface.
pub(crate) fn change(shop: &Shop<'_>, customer_id: &str, change: &CustomerChange) -> Result<Value, Stop> {
    existing(shop, customer_id)?;
    let set = |column: &str, value: &dyn rusqlite::ToSql| {
        let sql = format!("UPDATE customers SET {column} = ?2 WHERE customer_id = ?1");
        shop.run(&sql, params![customer_id, value])
    };
    if let Some(consent) = change.marketing_consent {
        set("marketing_consent", &consent)?;
    }
    if let Some(unsubscribed) = change.unsubscribed {
        set("unsubscribed", &unsubscribed)?;
    }
    if let Some(suppressed) = &change.suppressed {
        suppressed.as_deref().map_or(Ok(()), is_reason)?;
        set("suppressed", suppressed)?;
    }
    if let Some(zone) = &change.time_zone {
        set("time_zone", &&**zone)?;
    }
    if let Some(orders) = change.orders_placed {
        set("orders_placed", &orders)?;
    }
    if let Some(email) = &change.email {
        set("email", &&**email)?;
        set("address", &email.trim().to_lowercase())?;
    }
    if let Some(quiet) = &change.quiet_hours {
        let times = quiet.iter().flat_map(|quiet| [&quiet.from, &quiet.until]);
        if times.into_iter().any(|time| time.parse::<Time>().is_err()) {
            return Err(Refusal::invalid("quiet_hours", "must be times of a day, such as 21:00").into());
        }
        set("quiet_from", &quiet.as_ref().map(|quiet| quiet.from.as_str()))?;
        set("quiet_until", &quiet.as_ref().map(|quiet| quiet.until.as_str()))?;
    }
    facts(shop, customer_id)
}
