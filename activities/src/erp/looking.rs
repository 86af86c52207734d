//! Looks at the shop's side of many records. One key that the shop dislikes must not cost the others.

use std::collections::{BTreeSet, HashMap};

use contracts::erp::{Entity, Record};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use temporalio_sdk::activities::ActivityContext;

use super::compare::Existing;
use super::shop::{Looked, Shop};
use crate::bulk::{Trouble, patiently};
use crate::http::CallError;

/// The shop's side of some records.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The records that the shop has, by key.
    pub(super) existing: HashMap<String, Existing>,
    /// Keys of records that it has and that cannot be read.
    odd: BTreeSet<String>,
    /// Keys that it does not want to be asked about.
    disliked: BTreeSet<String>,
}

impl Found {
    /// Why a record cannot be compared; `None`: it can.
    pub(super) fn unfit(&self, key: &str) -> Option<&'static str> {
        if self.odd.contains(key) {
            return Some("the shop has it so that it cannot be read");
        }
        self.disliked.contains(key).then_some("the shop refuses to look its key up")
    }

    fn add(&mut self, looked: Looked) {
        self.existing.extend(looked.existing);
        self.odd.extend(looked.odd);
    }
}

/// A record and when it changed.
type Fit = (Timestamp, Record);
/// How the shop is asked about some records.
type Ask<'a> = dyn Fn(&'a [Fit]) -> BoxFuture<'a, Result<Looked, CallError>> + Send + Sync + 'a;

/// Looks records up. When the shop refuses some, it is asked whether it answers at all: then halves are asked for,
/// until the keys that it dislikes stand alone.
pub(super) async fn look_up(
    ctx: &ActivityContext,
    shop: &Shop,
    entity: Entity,
    records: &[Fit],
) -> Result<Found, Trouble> {
    let mut found = Found::default();
    match patiently(ctx, || shop.look_up(entity, records)).await {
        Ok(looked) => found.add(looked),
        Err(error @ CallError::Refused { .. }) => {
            if !patiently(ctx, || shop.answers_look_ups(entity)).await? {
                return Err(error.into());
            }
            let ask = |some| async move { patiently(ctx, || shop.look_up(entity, some)).await }.boxed();
            halve(&ask, records, &mut found).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(found)
}

/// Asks for halves of records that were refused together.
async fn halve<'a>(ask: &Ask<'a>, records: &'a [Fit], found: &mut Found) -> Result<(), CallError> {
    let mut refused = vec![records];
    while let Some(some) = refused.pop() {
        if let [(_, record)] = some {
            found.disliked.insert(record.key());
            continue;
        }
        let (first, second) = some.split_at(some.len() / 2);
        for half in [first, second] {
            match ask(half).await {
                Ok(looked) => found.add(looked),
                Err(CallError::Refused { .. }) => refused.push(half),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contracts::erp::StockRecord;
    use contracts::values::ProductId;
    use reqwest::StatusCode;

    use super::*;
    use crate::http::refusal;

    fn level(sku: &str) -> Fit {
        let sku = ProductId::new(sku).expect("a SKU");
        let record = Record::Stock(StockRecord { sku, quantity: 1, location: "HCM".to_owned() });
        (Timestamp::UNIX_EPOCH, record)
    }

    #[tokio::test]
    async fn keys_that_the_shop_dislikes_stand_alone() -> Result<(), CallError> {
        let records: Vec<Fit> = (0..40).map(|n| level(&format!("A{n}"))).collect();
        let ask = |some: &[Fit]| {
            let keys: Vec<String> = some.iter().map(|(_, record)| record.key()).collect();
            let is_disliked = keys.iter().any(|key| key == "A7@HCM" || key == "A23@HCM");
            async move {
                if is_disliked {
                    let refusal = Box::new(refusal(StatusCode::BAD_REQUEST, &serde_json::Value::Null));
                    return Err(CallError::Refused { system: "shop", refusal });
                }
                let existing = keys.into_iter().map(|key| (key, Existing::Level { quantity: 1 })).collect();
                Ok(Looked { existing, ..Looked::default() })
            }
            .boxed()
        };
        let mut found = Found::default();
        halve(&ask, &records, &mut found).await?;
        assert_eq!(found.existing.len(), 38);
        let disliked = |key| found.unfit(key);
        assert_eq!(disliked("A7@HCM"), Some("the shop refuses to look its key up"));
        assert_eq!((disliked("A23@HCM").is_some(), disliked("A8@HCM")), (true, None));
        Ok(())
    }
}
