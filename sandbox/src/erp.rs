//! The ERP beside the shop: another system, with a sign-in of its own, and records that it keeps as they
//! were given to it, right or wrong.

mod cursor;
mod gate;
mod generate;
mod records;
mod settings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Refusal, Stop};
use crate::body;
use crate::call::Call;
use crate::paging;
use crate::shop::Shop;

pub(crate) use generate::{Generate, generate, plant};
pub(crate) use records::{Entity, Given, Named, delete, list, put};
pub(crate) use settings::{Settings, SettingsChange};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
    expires_in: u32,
}

/// A refusal in the ERP's error model, which knows no details.
pub(crate) fn refuse(mut refusal: Refusal) -> Answer {
    refusal.details = None;
    let mut answer = refusal.answer();
    answer.retry_after_seconds = (refusal.status == 429).then_some(1);
    answer
}

/// Counts made on the way to a refusal must stand, so a refusal is an answer here: nothing is
/// rolled back.
fn answered(outcome: Result<Answer, Stop>) -> Result<Answer, Stop> {
    match outcome {
        Err(Stop::Refused(refusal)) => Ok(refuse(*refusal)),
        other => other,
    }
}

pub(crate) fn sign_in(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    answered(Settings::load(shop).and_then(|settings| {
        gate::count_against_rate(shop, &settings)?;
        let SignIn { username, password } = body::parse(&call.body)?;
        if (username, password) != (settings.username.clone(), settings.password.clone()) {
            let message = "the user name or the password is wrong";
            return Err(Refusal::new(401, "BAD_CREDENTIALS", message).into());
        }
        let token = gate::issue(shop, &settings)?;
        Answer::success(200, &Token { token: &token, expires_in: settings.token_seconds })
    }))
}

/// A page of records, as they changed.
pub(crate) fn records(shop: &Shop<'_>, call: &Call, entity: Entity) -> Result<Answer, Stop> {
    answered(gate::admit(shop, call).and_then(|settings| {
        paging::only(&call.query, &["updated_since", "cursor", "limit"])?;
        let limit = paging::limit(&call.query, settings.page_max)?;
        let since = updated_since(&call.query)?;
        let cursor = cursor::read(&call.query, entity.name())?;
        let page = records::changed(shop, entity, since, cursor, limit)?;
        Answer::success(200, &page)
    }))
}

/// A page of natural keys, by which a reader finds what is there no longer.
pub(crate) fn keys(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    answered(gate::admit(shop, call).and_then(|settings| {
        let name = call.path_id()?;
        let Some(entity) = Entity::from_name(name) else {
            return Err(Refusal::not_found(format!("there are no {name}")).into());
        };
        paging::only(&call.query, &["cursor", "limit"])?;
        let limit = paging::limit(&call.query, settings.page_max)?;
        let list = format!("{name}/keys");
        let cursor = cursor::read(&call.query, &list)?;
        let after = cursor.map_or_else(String::new, |position| position.id);
        let (keys, more) = records::keys(shop, entity, &after, limit)?;
        let next = keys.last().filter(|_| more).map(|last| cursor::write(&list, 0, &last.id));
        Answer::success(200, &json!({ "keys": keys, "next_cursor": next }))
    }))
}

/// The earliest time asked for, in microseconds.
fn updated_since(query: &BTreeMap<String, String>) -> Result<Option<i64>, Refusal> {
    let Some(given) = query.get("updated_since") else { return Ok(None) };
    let time: jiff::Timestamp =
        given.parse().map_err(|_| Refusal::invalid("updated_since", "must be a time as of RFC 3339"))?;
    // A time within a microsecond is after its beginning.
    let within = i64::from(time.as_nanosecond().rem_euclid(1000) != 0);
    let micros = time.as_nanosecond().div_euclid(1000);
    Ok(Some(i64::try_from(micros).unwrap_or(i64::MAX - 1) + within))
}
