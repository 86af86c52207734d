//! Query parameters of lists that come in pages.

use std::collections::BTreeMap;

use crate::answer::Refusal;

/// Refuses every parameter that is not one of `names`.
pub(crate) fn only(query: &BTreeMap<String, String>, names: &[&str]) -> Result<(), Refusal> {
    match query.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("unknown parameter, expected one of {}", names.join(", "));
            Err(Refusal::invalid(unknown, message))
        }
    }
}

/// How many entries a page has: `limit`, from 1 to `max`; absent: `max`.
pub(crate) fn limit(query: &BTreeMap<String, String>, max: u32) -> Result<u32, Refusal> {
    let Some(given) = query.get("limit") else { return Ok(max) };
    let limit = given.parse().ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| Refusal::invalid("limit", format!("must be a whole number from 1 to {max}")))
}

/// Cuts a list that was read one entry beyond the page; says whether there is more.
pub(crate) fn cut<T>(list: &mut Vec<T>, limit: u32) -> bool {
    let limit = limit as usize;
    let more = list.len() > limit;
    list.truncate(limit);
    more
}
