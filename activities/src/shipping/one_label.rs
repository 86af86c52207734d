//! One label for one order: of several under its key, one is kept and the others are voided.

use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef};
use temporalio_sdk::activities::ActivityContext;

use super::{Carrier, Found, Voided};
use crate::effect::still_wanted;
use crate::http::CallError;

/// The label under a key, where an attempt before this one may have bought it; the carrier may have kept none, one or,
/// if it ignores keys, several.
pub(super) async fn look(carrier: &dyn Carrier, label: &ShipmentRef) -> Result<Option<Label>, CallError> {
    keep_one(carrier, carrier.find(label).await?).await
}

/// Voids the label under a key. Of one that was bought, and whose id is known, the carrier's "nothing" is not believed:
/// its search by key may be behind, its keys forgotten, or this may be another carrier, or another account. Then the
/// label is voided by its id.
pub(super) async fn void(carrier: &dyn Carrier, label: &ShipmentRef) -> Result<Voided, CallError> {
    match (carrier.void(label).await?, &label.shipment_id) {
        (Voided::Barred | Voided::NothingThere, Some(bought)) => match carrier.void_one(bought).await {
            Err(CallError::Refused { system, refusal }) if matches!(refusal.status, 404 | 410) => {
                let why = format!(
                    "it does not know the label that was bought ({} {})",
                    refusal.status, refusal.code
                );
                Err(CallError::Unknown { system, why })
            }
            voided => voided,
        },
        (voided, _) => Ok(voided),
    }
}

/// Buys a label, unless an attempt before this one did. Looks once more behind the purchase: where keys are ignored,
/// that attempt's request may have landed between the look and this one's.
pub(super) async fn look_and_buy(
    ctx: &ActivityContext,
    carrier: &dyn Carrier,
    parcel: &CreateShipment,
) -> Result<Shipment, CallError> {
    let (key, order_id) = (parcel.key.clone(), parcel.order_id.clone());
    let under_key = ShipmentRef { key, order_id, shipment_id: None };
    if let Some(label) = look(carrier, &under_key).await? {
        return Ok(Shipment::Labelled(label));
    }
    still_wanted(ctx, "shipping")?;
    let bought = match carrier.create(parcel).await? {
        Shipment::Labelled(label) => label,
        refused @ Shipment::Refused { .. } => return Ok(refused),
    };
    let mut found = carrier.find(&under_key).await?;
    // The look may be behind.
    found.push(Found { label: bought.clone(), is_collected: false });
    Ok(Shipment::Labelled(keep_one(carrier, found).await?.unwrap_or(bought)))
}

/// Voids all but one of the labels. A void that fails, or comes too late, fails the attempt, so that the next one looks
/// again: where one parcel was collected, it is the one to keep. Two that were collected nobody can mend from here.
async fn keep_one(carrier: &dyn Carrier, found: Vec<Found>) -> Result<Option<Label>, CallError> {
    let are_two_collected = found.iter().filter(|found| found.is_collected).count() > 1;
    let (kept, surplus) = sorted_out(found);
    let system = "shipping";
    for label in surplus {
        if carrier.void_one(&label.shipment_id).await? == Voided::TooLate {
            let one = label.tracking_number;
            return Err(if are_two_collected {
                let why = format!("labelled_twice: two parcels of one order are under way, one by {one}");
                CallError::Unusable { system, why }
            } else {
                CallError::Unknown {
                    system,
                    why: format!("one of two labels, {one}, was collected meanwhile"),
                }
            });
        }
    }
    Ok(kept)
}

/// The label to keep, and the others: a parcel that was collected cannot be stopped, so it keeps its label; otherwise
/// the oldest is kept.
fn sorted_out(mut found: Vec<Found>) -> (Option<Label>, Vec<Label>) {
    // A stable sort: the carrier lists the oldest first.
    found.sort_by_key(|found| !found.is_collected);
    let mut kept: Vec<Label> = Vec::new();
    for Found { label, .. } in found {
        if kept.iter().all(|other| other.shipment_id != label.shipment_id) {
            kept.push(label);
        }
    }
    let surplus = kept.split_off(kept.len().min(1));
    (kept.pop(), surplus)
}
