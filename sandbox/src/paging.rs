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

/// At most so many entries on a page with a number.
const PAGE_SIZE_MAX: u32 = 100;

/// A page by its number, as the platform's own lists have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    /// From 1.
    pub(crate) page: u32,
    pub(crate) size: u32,
}

impl Numbered {
    /// `page` and `pageSize`; absent: the first page, of `size` entries.
    pub(crate) fn read(query: &BTreeMap<String, String>, size: u32) -> Result<Self, Refusal> {
        let number = |name: &str, otherwise: u32, max: u32| {
            let Some(given) = query.get(name) else { return Ok(otherwise) };
            let number = given.parse().ok().filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| Refusal::invalid(name, format!("must be a whole number from 1 to {max}")))
        };
        Ok(Self { page: number("page", 1, u32::MAX)?, size: number("pageSize", size, PAGE_SIZE_MAX)? })
    }

    /// How many entries come before the page.
    pub(crate) fn offset(self) -> i64 {
        (i64::from(self.page) - 1) * i64::from(self.size)
    }
}

/// Cuts a list that was read one entry beyond the page; says whether there is more.
pub(crate) fn cut<T>(list: &mut Vec<T>, limit: u32) -> bool {
    let limit = limit as usize;
    let more = list.len() > limit;
    list.truncate(limit);
    more
}
