//! The stock system's wire. Reserve and release have two documented generations: `items[]` in camelCase, and one
//! variant in snake_case. Confirm and restock are ours, siblings of release.

use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, ReleaseStock, Reservation, ReserveStock, Shortage, StockLine,
};
use contracts::values::{IdempotencyKey, VariantId};
use futures::future::join_all;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Lines;
use crate::http::{Api, CallError, Refused};

pub(super) struct Client {
    api: Api,
    lines: Lines,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReserveBatch<'a> {
    items: Vec<BatchItem<'a>>,
    order_id: &'a str,
    expires_at: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItem<'a> {
    product_id: &'a str,
    variant_id: &'a str,
    quantity: u32,
}

#[derive(Serialize)]
struct ReserveOne<'a> {
    variant_id: &'a str,
    quantity: u32,
    reservation_expires_at: &'a str,
    reference_id: &'a str,
}

#[derive(Serialize)]
struct ReleaseOne<'a> {
    variant_id: &'a str,
    quantity: u32,
    reference_id: &'a str,
}

#[derive(Serialize)]
struct ConfirmBatch<'a> {
    items: Vec<ConfirmItem<'a>>,
    reference_id: &'a str,
    order_id: &'a str,
}

#[derive(Serialize)]
struct ConfirmOne<'a> {
    #[serde(flatten)]
    item: ConfirmItem<'a>,
    reference_id: &'a str,
    order_id: &'a str,
}

#[derive(Serialize)]
struct ConfirmItem<'a> {
    variant_id: &'a str,
    quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Restock<'a> {
    items: Vec<RestockItem<'a>>,
    reference_id: &'a str,
    reason: &'static str,
}

#[derive(Serialize)]
struct RestockItem<'a> {
    variant_id: &'a str,
    quantity: u32,
}

#[derive(Deserialize)]
struct Reserved {
    #[serde(default)]
    reservations: Vec<ReservedOne>,
}

#[derive(Deserialize)]
struct ReservedOne {
    #[serde(default)]
    variant_id: Option<String>,
    #[serde(default, alias = "id")]
    reservation_id: Option<String>,
}

#[derive(Deserialize)]
struct Restocked {
    #[serde(default)]
    restocked: Vec<RestockedLine>,
}

#[derive(Deserialize)]
struct RestockedLine {
    #[serde(default)]
    quantity: u64,
}

#[derive(Default, Deserialize)]
struct ShortDetails {
    #[serde(default)]
    lines: Vec<Shortage>,
}

const OUT_OF_STOCK: [&str; 2] = ["INSUFFICIENT_STOCK", "OUT_OF_STOCK"];
const HOLD_LOST: &str = "RESERVATION_EXPIRED";

impl Client {
    pub(super) fn new(api: Api, lines: Lines) -> Self {
        Self { api, lines }
    }

    pub(super) async fn reserve(&self, input: &ReserveStock) -> Result<Reservation, CallError> {
        match self.lines {
            Lines::Batch => self.reserve_batch(input).await,
            Lines::OneByOne => self.reserve_one_by_one(input).await,
        }
    }

    async fn reserve_batch(&self, input: &ReserveStock) -> Result<Reservation, CallError> {
        let items = input.lines.iter().map(|line| BatchItem {
            product_id: line.product_id.as_str(),
            variant_id: line.variant_id.as_str(),
            quantity: line.quantity,
        });
        let body = ReserveBatch {
            items: items.collect(),
            order_id: input.order_id.as_str(),
            expires_at: &input.expires_at,
        };
        let answer = self.api.send(Method::POST, &["inventory", "reserve"], Some(&input.key), &body).await;
        let reserved: Reserved = match answer {
            Ok(reserved) => reserved,
            Err(error) => return shortage(error, &input.lines),
        };
        let id_of = |variant: &VariantId| {
            let held =
                reserved.reservations.iter().find(|r| r.variant_id.as_deref() == Some(variant.as_str()));
            held.and_then(|held| held.reservation_id.clone())
        };
        let hold = |line: &StockLine| Hold {
            variant_id: line.variant_id.clone(),
            reservation_id: id_of(&line.variant_id),
        };
        Ok(Reservation::Held { holds: input.lines.iter().map(hold).collect() })
    }

    async fn reserve_one_by_one(&self, input: &ReserveStock) -> Result<Reservation, CallError> {
        let answers = join_all(input.lines.iter().map(|line| self.reserve_line(input, line))).await;
        let (mut holds, mut short) = (Vec::new(), Vec::new());
        // Every line is asked for before any answer counts: what was held is known, or the whole is unknown.
        for answer in answers {
            match answer? {
                Reservation::Held { holds: held } => holds.extend(held),
                Reservation::Short { lines } => short.extend(lines),
            }
        }
        Ok(if short.is_empty() { Reservation::Held { holds } } else { Reservation::Short { lines: short } })
    }

    async fn reserve_line(&self, input: &ReserveStock, line: &StockLine) -> Result<Reservation, CallError> {
        let key = input.key.part(line.variant_id.as_str());
        let body = ReserveOne {
            variant_id: line.variant_id.as_str(),
            quantity: line.quantity,
            reservation_expires_at: &input.expires_at,
            reference_id: input.order_id.as_str(),
        };
        let answer = self.api.send(Method::POST, &["inventory", "reserve"], Some(&key), &body).await;
        let reserved: ReservedOne = match answer {
            Ok(reserved) => reserved,
            Err(error) => return shortage(error, std::slice::from_ref(line)),
        };
        let hold = Hold { variant_id: line.variant_id.clone(), reservation_id: reserved.reservation_id };
        Ok(Reservation::Held { holds: vec![hold] })
    }

    /// The platform releases one variant at a time. Idempotent by reference and variant, so it carries no key: a
    /// stored answer must not hide a hold that landed since.
    pub(super) async fn release(&self, input: &ReleaseStock) -> Result<(), CallError> {
        let release = |line: &StockLine| {
            let body = ReleaseOne {
                variant_id: line.variant_id.as_str(),
                quantity: line.quantity,
                reference_id: input.order_id.as_str(),
            };
            let body = serde_json::to_value(body).unwrap_or(Value::Null);
            async move {
                let path = ["inventory", "release"];
                self.api.send::<_, Value>(Method::POST, &path, None, &body).await.map(drop)
            }
        };
        // All of them, even when one fails; then the first failure.
        join_all(input.lines.iter().map(release)).await.into_iter().collect()
    }

    pub(super) async fn confirm(&self, input: &ConfirmStock) -> Result<Confirmation, CallError> {
        let answer = match self.lines {
            Lines::Batch => {
                let body = ConfirmBatch {
                    items: input.lines.iter().map(|line| confirm_item(input, line)).collect(),
                    reference_id: input.order_id.as_str(),
                    order_id: input.order_id.as_str(),
                };
                self.confirm_call(&input.key, &body).await
            }
            Lines::OneByOne => {
                let one = |line| async move {
                    let body = ConfirmOne {
                        item: confirm_item(input, line),
                        reference_id: input.order_id.as_str(),
                        order_id: input.order_id.as_str(),
                    };
                    self.confirm_call(&input.key.part(line.variant_id.as_str()), &body).await
                };
                join_all(input.lines.iter().map(one)).await.into_iter().collect()
            }
        };
        match answer {
            Ok(()) => Ok(Confirmation::Confirmed),
            Err(error) if has_code(&error, &[HOLD_LOST]) => {
                let lost = details(&error).lines.into_iter().map(|line| line.variant_id);
                Ok(Confirmation::HoldLost { variants: lost.collect() })
            }
            Err(error) => Err(error),
        }
    }

    async fn confirm_call(&self, key: &IdempotencyKey, body: &impl Serialize) -> Result<(), CallError> {
        let path = ["inventory", "confirm"];
        self.api.send::<_, Value>(Method::POST, &path, Some(key), body).await.map(drop)
    }

    /// How many lines were sold and are back now. Idempotent by reference, so it carries no key.
    pub(super) async fn restock(&self, input: &ReleaseStock) -> Result<usize, CallError> {
        let items = input
            .lines
            .iter()
            .map(|line| RestockItem { variant_id: line.variant_id.as_str(), quantity: line.quantity });
        let body = Restock {
            items: items.collect(),
            reference_id: input.order_id.as_str(),
            reason: "the order was not fulfilled",
        };
        let answer: Restocked = self.api.send(Method::POST, &["inventory", "restock"], None, &body).await?;
        Ok(answer.restocked.iter().filter(|line| line.quantity > 0).count())
    }
}

fn confirm_item<'a>(input: &'a ConfirmStock, line: &'a StockLine) -> ConfirmItem<'a> {
    let hold = input.holds.iter().find(|hold| hold.variant_id == line.variant_id);
    ConfirmItem {
        variant_id: line.variant_id.as_str(),
        quantity: line.quantity,
        reservation_id: hold.and_then(|hold| hold.reservation_id.as_deref()),
    }
}

fn has_code(error: &CallError, codes: &[&str]) -> bool {
    error.refusal().is_some_and(|Refused { code, .. }| codes.contains(&code.as_str()))
}

fn details(error: &CallError) -> ShortDetails {
    let details = error.refusal().map(|refusal| refusal.details.clone());
    details.and_then(|details| serde_json::from_value(details).ok()).unwrap_or_default()
}

/// A shortage is an outcome; without details, every line asked for counts as short.
fn shortage(error: CallError, asked: &[StockLine]) -> Result<Reservation, CallError> {
    if !has_code(&error, &OUT_OF_STOCK) {
        return Err(error);
    }
    let mut lines = details(&error).lines;
    if lines.is_empty() {
        let short = |line: &StockLine| Shortage {
            variant_id: line.variant_id.to_string(),
            requested: Some(line.quantity.into()),
            available: None,
        };
        lines = asked.iter().map(short).collect();
    }
    Ok(Reservation::Short { lines })
}
