//! Reserve, confirm, release and restock, in the two generations of the platform's interface.

use std::num::NonZeroU32;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::stock::{self, Hold, Line};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::operation::Operation;
use crate::shop::Shop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ReserveBatch {
    items: Vec<ReserveItem>,
    order_id: Text,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ReserveItem {
    product_id: Text,
    variant_id: Option<Text>,
    quantity: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReserveSingle {
    variant_id: Text,
    quantity: NonZeroU32,
    reservation_expires_at: Timestamp,
    reference_id: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    variant_id: Text,
    quantity: NonZeroU32,
    reference_id: Text,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBatch {
    items: Vec<ConfirmItem>,
    reference_id: Text,
    order_id: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmItem {
    variant_id: Text,
    quantity: NonZeroU32,
    reservation_id: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmSingle {
    variant_id: Text,
    quantity: NonZeroU32,
    reservation_id: Option<Text>,
    reference_id: Text,
    order_id: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restock {
    items: Vec<RestockItem>,
    reference_id: Text,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestockItem {
    variant_id: Text,
    quantity: NonZeroU32,
}

fn line(variant_id: &Text, quantity: NonZeroU32) -> Line {
    Line { variant_id: variant_id.to_string(), quantity: i64::from(quantity.get()) }
}

/// Whether the body is the batch form; refused when that form is switched off.
fn is_batch(shop: &Shop<'_>, call: &Call) -> Result<bool, Refusal> {
    let batch = body::has_field(&call.body, "items");
    if batch && !shop.switches.batch_reserve {
        return Err(Refusal::invalid("items", "items is not supported"));
    }
    Ok(batch)
}

fn not_empty(lines: &[Line]) -> Result<(), Refusal> {
    if lines.is_empty() { Err(Refusal::invalid("items", "must not be empty")) } else { Ok(()) }
}

fn refuse_undone(shop: &Shop<'_>, operation: Operation, reference: &str, lines: &[Line]) -> Result<(), Stop> {
    if !shop.switches.tombstones {
        return Ok(());
    }
    for line in lines {
        if shop.is_barred(operation, reference, &line.variant_id)? {
            return Err(Refusal::key_undone(&format!("{} for {reference}", line.variant_id)).into());
        }
    }
    Ok(())
}

fn bar(shop: &Shop<'_>, operation: Operation, reference: &str, variant_id: &str) -> rusqlite::Result<()> {
    if shop.switches.tombstones { shop.bar(operation, reference, variant_id) } else { Ok(()) }
}

/// All lines are held, or none.
pub(super) fn reserve(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    if is_batch(shop, call)? {
        let request: ReserveBatch = body::parse(&call.body)?;
        let lines = stock::merge(request.items.iter().map(|item| {
            // A product without variants is its own variant.
            line(item.variant_id.as_ref().unwrap_or(&item.product_id), item.quantity)
        }));
        not_empty(&lines)?;
        let holds =
            hold_all(shop, &request.order_id, &lines, deadline(shop, request.expires_at, "expiresAt")?)?;
        let shown: Vec<_> = holds.iter().map(Hold::shown).collect();
        return Ok(Answer::success(200, &json!({ "reservations": shown }))?
            .with_effect(format!("held {}", stock::in_words(&lines))));
    }
    let request: ReserveSingle = body::parse(&call.body)?;
    let lines = [line(&request.variant_id, request.quantity)];
    let expires_at = deadline(shop, request.reservation_expires_at, "reservation_expires_at")?;
    let holds = hold_all(shop, &request.reference_id, &lines, expires_at)?;
    let answer = Answer::success(200, &holds.first().map(Hold::shown))?;
    Ok(answer.with_effect(format!("held {}", stock::in_words(&lines))))
}

fn deadline(shop: &Shop<'_>, expires_at: Timestamp, field: &str) -> Result<i64, Refusal> {
    let expires_at = expires_at.as_millisecond();
    if expires_at <= shop.now {
        return Err(Refusal::invalid(field, "is not in the future"));
    }
    Ok(expires_at)
}

fn hold_all(shop: &Shop<'_>, reference: &str, lines: &[Line], expires_at: i64) -> Result<Vec<Hold>, Stop> {
    refuse_undone(shop, Operation::InventoryReserve, reference, lines)?;
    let mut short = Vec::new();
    for line in lines {
        let existing = shop.holds(reference, Some(&line.variant_id))?;
        let taken = existing.iter().any(|hold| hold.is("held") || hold.is("confirmed"));
        if taken && shop.switches.keys_count() {
            let message = format!("{} is already reserved for {reference}", line.variant_id);
            return Err(Refusal::new(409, "ALREADY_RESERVED", message).into());
        }
        let available = shop.available(&line.variant_id)?;
        if line.quantity > available {
            short.push(json!({
                "variant_id": line.variant_id, "requested": line.quantity, "available": available,
            }));
        }
    }
    if !short.is_empty() {
        let refusal = Refusal::new(409, "INSUFFICIENT_STOCK", "there is not enough stock");
        return Err(refusal.with_details(json!({ "lines": short })).into());
    }
    let holds = lines.iter().map(|line| shop.hold(reference, line, expires_at));
    Ok(holds.collect::<Result<_, _>>()?)
}

/// Frees as much of a hold as was asked for. Whether there was one or not, the reference cannot reserve
/// that variant again.
pub(super) fn release(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Release = body::parse(&call.body)?;
    let wanted = line(&request.variant_id, request.quantity);
    let holds = shop.holds(&request.reference_id, Some(&wanted.variant_id))?;
    let released = match holds.iter().find(|hold| hold.is("held")) {
        Some(hold) => shop.release_hold(&request.reference_id, hold, wanted.quantity)?,
        None => 0,
    };
    bar(shop, Operation::InventoryReserve, &request.reference_id, &wanted.variant_id)?;
    let answer = Answer::success(200, &json!({ "released": released }))?;
    Ok(match released {
        0 => answer,
        _ => answer.with_effect(format!("released {released} {}", wanted.variant_id)),
    })
}

fn same_quantity(wanted: &Line, hold: &Hold) -> Result<(), Refusal> {
    if wanted.quantity == hold.line.quantity {
        return Ok(());
    }
    let message =
        format!("{} of {} are reserved, not {}", hold.line.quantity, wanted.variant_id, wanted.quantity);
    Err(Refusal::new(422, "QUANTITY_MISMATCH", message))
}

/// Turns holds into sales: all of them, or none.
pub(super) fn confirm(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let (request, batch) = if is_batch(shop, call)? {
        (body::parse::<ConfirmBatch>(&call.body)?, true)
    } else {
        let single: ConfirmSingle = body::parse(&call.body)?;
        let ConfirmSingle { variant_id, quantity, reservation_id, reference_id, order_id } = single;
        let items = vec![ConfirmItem { variant_id, quantity, reservation_id }];
        (ConfirmBatch { items, reference_id, order_id }, false)
    };
    let lines = stock::merge(request.items.iter().map(|item| line(&item.variant_id, item.quantity)));
    not_empty(&lines)?;
    refuse_undone(shop, Operation::InventoryConfirm, &request.reference_id, &lines)?;

    let mut holds = Vec::new();
    let mut gone = Vec::new();
    for line in &lines {
        let item = request.items.iter().find(|item| *item.variant_id == line.variant_id);
        let reservation_id = item.and_then(|item| item.reservation_id.as_deref());
        match confirmable(shop, &request.reference_id, line, reservation_id)? {
            Some(hold) => holds.push(hold),
            None => gone.push(json!({ "variant_id": line.variant_id })),
        }
    }
    if !gone.is_empty() {
        let refusal = Refusal::new(409, "RESERVATION_EXPIRED", "there is no open reservation to confirm");
        return Err(refusal.with_details(json!({ "lines": gone })).into());
    }
    let mut confirmed = Vec::new();
    for hold in holds.iter_mut().filter(|hold| hold.is("held")) {
        shop.confirm_hold(hold, &request.order_id)?;
        "confirmed".clone_into(&mut hold.status);
        confirmed.push(hold.line.clone());
    }
    let shown: Vec<_> = holds.iter().map(Hold::shown).collect();
    let answer = if batch {
        Answer::success(200, &json!({ "reservations": shown }))?
    } else {
        Answer::success(200, &shown.first())?
    };
    Ok(if confirmed.is_empty() {
        answer
    } else {
        answer.with_effect(format!("confirmed {}", stock::in_words(&confirmed)))
    })
}

/// The hold a line stands for: one already confirmed (nothing is left to do), else an open one.
fn confirmable(
    shop: &Shop<'_>,
    reference: &str,
    line: &Line,
    reservation_id: Option<&str>,
) -> Result<Option<Hold>, Stop> {
    let mut holds = shop.holds(reference, Some(&line.variant_id))?;
    holds.retain(|hold| reservation_id.is_none_or(|wanted| hold.reservation_id == wanted));
    let found = ["confirmed", "held"].iter().find_map(|status| holds.iter().position(|hold| hold.is(status)));
    let Some(index) = found else { return Ok(None) };
    let hold = holds.swap_remove(index);
    same_quantity(line, &hold)?;
    Ok(Some(hold))
}

/// Takes confirmed goods back; whether there were any or not, the reference cannot confirm them again.
pub(super) fn restock(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Restock = body::parse(&call.body)?;
    let lines = stock::merge(request.items.iter().map(|item| line(&item.variant_id, item.quantity)));
    not_empty(&lines)?;
    let mut restocked = Vec::new();
    for line in &lines {
        let holds = shop.holds(&request.reference_id, Some(&line.variant_id))?;
        let confirmed = holds.iter().find(|hold| hold.is("confirmed"));
        if let Some(hold) = confirmed {
            same_quantity(line, hold)?;
            shop.restock_hold(hold)?;
        }
        bar(shop, Operation::InventoryConfirm, &request.reference_id, &line.variant_id)?;
        let quantity = confirmed.map_or(0, |hold| hold.line.quantity);
        restocked.push(Line { variant_id: line.variant_id.clone(), quantity });
    }
    let answer = Answer::success(200, &json!({ "restocked": restocked }))?;
    let back: Vec<_> = restocked.iter().filter(|line| line.quantity > 0).collect();
    Ok(if back.is_empty() {
        answer
    } else {
        answer.with_effect(format!("restocked {}", stock::in_words(back)))
    })
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let (_, reference) = call.lookup(&["reference_id"])?;
    let holds = shop.holds(reference, None)?;
    let shown: Vec<_> = holds.iter().map(Hold::shown).collect();
    Answer::success(200, &json!({ "reservations": shown }))
}
