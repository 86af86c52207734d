//! Which intents were made under a key of ours: by their metadata.
//!
//! Stripe can be searched by metadata, but what it finds may be a minute old, and in an outage older; listing has
//! no such lag, but goes through everything. So: search, and where that finds nothing, list the newest hour.
//! Where there is no search (merchants in India, test servers) everything is listed. The bound is 100 pages of
//! 100: what lies beyond it is answered as unknown, never as "nothing there", because an undo would believe that.

use std::collections::BTreeMap;

use contracts::values::IdempotencyKey;
use serde::Deserialize;
use serde_json::Value;

use super::{KEY, StripeApi};
use crate::http::{CallError, Wrong};

const PAGE: usize = 100;
const PAGES_MAX: usize = 100;
/// How far behind the search may be, in seconds.
const SEARCH_LAG: i64 = 3_600;

#[derive(Deserialize)]
struct Page {
    data: Vec<Listed>,
    #[serde(default)]
    has_more: bool,
}

/// As much of an intent as it takes to know whose it is; its state is read by its id, which is never old.
#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

impl Page {
    fn under(&self, key: &IdempotencyKey) -> impl Iterator<Item = String> {
        let is_ours =
            |listed: &&Listed| listed.metadata.get(KEY).and_then(Value::as_str) == Some(key.as_str());
        self.data.iter().filter(is_ours).map(|listed| listed.id.clone())
    }
}

/// The ids of all intents made under a key. Takes no longer than two requests may.
pub(super) async fn under_key(api: &StripeApi, key: &IdempotencyKey) -> Result<Vec<String>, CallError> {
    let limit = api.timeout() * 2;
    let looked_up = async {
        match search(api, key).await? {
            Some(found) if !found.is_empty() => Ok(found),
            searched => list(api, key, searched.is_some()).await,
        }
    };
    let too_slow = |_| Err(api.unknown("the look-up took too long"));
    tokio::time::timeout(limit, looked_up).await.unwrap_or_else(too_slow)
}

/// `None`: there is no search here.
async fn search(api: &StripeApi, key: &IdempotencyKey) -> Result<Option<Vec<String>>, CallError> {
    let (query, limit) = (query(key), PAGE.to_string());
    let found: Result<Page, _> =
        api.get(&["payment_intents", "search"], &[("query", &query), ("limit", &limit)]).await;
    match found {
        Ok(page) => Ok(Some(page.under(key).collect())),
        Err(error) if is_no_search(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is no search here, or none for this key: listing goes on without it, and meets whatever else is wrong.
fn is_no_search(error: &CallError) -> bool {
    match error {
        CallError::Refused { refusal, .. } => matches!(refusal.status, 400 | 404),
        CallError::Setting { wrong, .. } => matches!(wrong, Wrong::Permission | Wrong::Path(_)),
        _ => false,
    }
}

fn query(key: &IdempotencyKey) -> String {
    let value = key.as_str().replace('\\', "\\\\").replace('"', "\\\"");
    format!("metadata[\"{KEY}\"]:\"{value}\"")
}

/// Newest first, as Stripe lists; back to where the search must have seen everything, or to the end.
async fn list(api: &StripeApi, key: &IdempotencyKey, was_searched: bool) -> Result<Vec<String>, CallError> {
    let limit = PAGE.to_string();
    let (mut found, mut after, mut newest) = (Vec::new(), None::<String>, None);
    for _ in 0..PAGES_MAX {
        let mut query = vec![("limit", limit.as_str())];
        query.extend(after.as_deref().map(|after| ("starting_after", after)));
        let page: Page = api.get(&["payment_intents"], &query).await?;
        found.extend(page.under(key));
        // A Stripe that can search keeps our keys: there is one intent under it.
        let is_found = was_searched && !found.is_empty();
        let Some(last) = page.data.last().filter(|_| page.has_more && !is_found) else { return Ok(found) };
        // By the newest intent's time rather than by our clock: it may differ from Stripe's.
        let newest = *newest.get_or_insert(page.data.first().map_or(last.created, |first| first.created));
        if was_searched && last.created < newest - SEARCH_LAG {
            return Ok(found);
        }
        after = Some(last.id.clone());
    }
    match found.is_empty() {
        false => Ok(found),
        true => {
            Err(api.unknown("the payment is not among the newest, and there are too many to look at all"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_cannot_be_broken_out_of() {
        let query = query(&IdempotencyKey::new("order/O-1", r#"a"b\c"#));
        assert_eq!(query, r#"metadata["idempotency_key"]:"order/O-1/a\"b\\c""#);
    }
}
