//! The brake: what a run may do without a person.

use contracts::erp::{Entity, Erp, ShopCounts, SyncState};

use super::input::Limits;
use super::run::{READS, SyncRun, SyncSaga};
use super::tally::{Missed, StagedEntity, Work, causes};
use super::{TRANSFORM, VALIDATE};
use crate::policy;
use crate::saga::{Decision, Fact, Halt};

const INVALID_DATA: &str = "DataInvalid";

impl SyncRun<'_> {
    /// Whether few enough records are invalid; the seed's two steps say which kind is too many.
    pub(super) fn judge(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
        let total = work.total();
        let too_many = work.too_many_invalid(self.config.max_invalid);
        let unknown: Vec<&str> =
            work.staged.values().flat_map(|staged| &staged.unknown_fields).map(String::as_str).collect();
        let unasked = match unknown.as_slice() {
            [] => String::new(),
            names => format!("; fields that no rule asks for: {}", names.join(", ")),
        };
        let lying: Vec<&str> =
            work.staged.values().flat_map(|staged| &staged.left_lying).map(String::as_str).collect();
        let lying = match lying.as_slice() {
            [] => String::new(),
            files => format!("; files left lying: {}", files.join("; ")),
        };
        let unseen: Vec<&str> =
            work.staged.values().flat_map(StagedEntity::never_seen).map(String::as_str).collect();
        let unseen = match unseen.as_slice() {
            [] => String::new(),
            rules => format!("; {}", rules.join("; ")),
        };
        let left_out = match work.all_left_out() {
            none if none.is_empty() => String::new(),
            some => format!("; taken without a field: {}", causes(&some)),
        };
        let ahead = work.ahead();
        let mapped = total.read - total.unmapped;
        match &too_many {
            Some(reason) if total.unmapped > 0 => {
                return Err(saga.refused(TRANSFORM, INVALID_DATA, reason.clone()));
            }
            _ => {
                let told = format!("{left_out}{unseen}{unasked}{lying}{ahead}");
                saga.done(TRANSFORM, &format!("{mapped} of {} records{told}", total.read))
            }
        }
        match too_many {
            Some(reason) => Err(saga.refused(VALIDATE, INVALID_DATA, reason)),
            None => {
                let differ = total.to_write();
                let words = format!("{differ} differ from the shop, {} do not", total.unchanged);
                let words = match &work.missed {
                    Some(missed) => format!("{words}, {} gone at the source", missed.gone),
                    None => words,
                };
                let words = match total.quarantined() {
                    0 => words,
                    n => format!("{words}, {n} are in the quarantine ({})", causes(&work.all_causes())),
                };
                saga.done(VALIDATE, &words);
                Ok(())
            }
        }
    }

    /// A run that would do something strange asks a person before the first write.
    pub(super) async fn brake(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let counts_stock = work.total().levels_to_zero > 0;
        let shop = match counts_stock {
            true => {
                let integration = self.config.source.integration_id.clone();
                let count = saga.step(VALIDATE, Erp::count_shop, integration, policy::erp());
                count.part("shop's stock").nothing_to_undo(READS).await?
            }
            false => Default::default(),
        };
        work.limits_exceeded = exceeded(&self.config.limits, work, shop);
        if work.limits_exceeded.is_empty() || self.config.dry_run {
            return Ok(());
        }
        saga.decide(self.decision(work)).await.map(drop)
    }

    fn decision(&self, work: &Work) -> Decision {
        let total = work.total();
        let fact = |name: &str, value: u64| Fact { name: name.to_owned(), value: value.to_string() };
        Decision {
            step: VALIDATE,
            cause: "limits",
            reason: work.limits_exceeded.join("; "),
            facts: vec![
                fact("records to create", total.to_create),
                fact("records to update", total.to_update),
                fact("products to deactivate", work.gone(Entity::Products)),
            ],
            approve: "everything that was read is written to the shop".to_owned(),
            reject: "nothing is written, and the watermark stays: the next run reads the same again"
                .to_owned(),
            patience: self.config.approval_deadline,
        }
    }
}

/// The limits that are exceeded, in words for the person who decides; empty when all is within them.
fn exceeded(limits: &Limits, work: &Work, shop: ShopCounts) -> Vec<String> {
    let mut found = Vec::new();
    let total = work.total();
    if is_share_above(total.levels_to_zero, shop.levels_in_stock, limits.stock_to_zero) {
        found.push(format!(
            "{} of the {} levels in stock would fall to zero (limit {} %)",
            total.levels_to_zero, shop.levels_in_stock, limits.stock_to_zero
        ));
    }
    if total.prices_to_zero > u64::from(limits.prices_to_zero) {
        let prices = counted(total.prices_to_zero, "price");
        found.push(format!("{prices} would be zero (limit {})", limits.prices_to_zero));
    }
    if total.prices_jump > 0 {
        let prices = counted(total.prices_jump, "price");
        found.push(format!("{prices} would change by more than {} %", limits.price_change));
    }
    found.extend(work.missed.as_ref().and_then(|missed| too_many_gone(limits, missed)));
    let before = work.state.as_ref();
    found.extend(Entity::ALL.into_iter().filter_map(|entity| fewer_records(limits, work, before?, entity)));
    found
}

/// An ERP that lists no keys, or half of them, must not empty the shop.
fn too_many_gone(limits: &Limits, missed: &Missed) -> Option<String> {
    is_share_above(missed.gone, missed.on_sale, limits.deactivate).then(|| {
        let without_key = match missed.scanned.without_key {
            0 => String::new(),
            n => format!(", {n} of them without a key that could be the shop's"),
        };
        format!(
            "{} of the {} products on sale that came from this ERP would be deactivated: it lists {} now{without_key} \
             (limit {} %)",
            missed.gone, missed.on_sale, missed.scanned.count, limits.deactivate
        )
    })
}

/// A number of things, in words.
fn counted(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

fn fewer_records(limits: &Limits, work: &Work, before: &SyncState, entity: Entity) -> Option<String> {
    let staged = work.staged.get(&entity).filter(|staged| staged.is_full)?;
    let before = *before.full_counts.get(&entity)?;
    let now = staged.full_count();
    is_share_above(before.saturating_sub(now), before, limits.fewer_records).then(|| {
        format!(
            "a full read found {now} {}, the one before {before} (limit {} % fewer)",
            entity.name(),
            limits.fewer_records
        )
    })
}

fn is_share_above(part: u64, whole: u64, percent: u32) -> bool {
    whole > 0 && u128::from(part) * 100 > u128::from(whole) * u128::from(percent)
}

#[cfg(test)]
mod tests {
    use contracts::erp::{ScannedKeys, StageCounts};

    use super::super::tally::StagedEntity;
    use super::*;

    fn work(entity: Entity, counts: StageCounts, is_full: bool, before: u64) -> Work {
        let state = SyncState { full_counts: [(entity, before)].into(), ..SyncState::default() };
        let staged = StagedEntity { counts, is_full, ..StagedEntity::default() };
        Work { state: Some(state), staged: [(entity, staged)].into(), ..Work::default() }
    }

    #[test]
    fn within_the_limits_nobody_is_asked() {
        let counts = StageCounts { read: 70, levels_to_zero: 50, ..StageCounts::default() };
        let work = work(Entity::Inventory, counts, true, 100);
        assert!(exceeded(&Limits::default(), &work, ShopCounts { levels_in_stock: 100 }).is_empty());
        // An empty shop has no share.
        assert!(exceeded(&Limits::default(), &work, ShopCounts::default()).is_empty());
    }

    #[test]
    fn each_limit_is_named_with_its_figures() {
        let counts = StageCounts {
            read: 69,
            levels_to_zero: 51,
            prices_to_zero: 1,
            prices_jump: 2,
            ..StageCounts::default()
        };
        let found = exceeded(
            &Limits::default(),
            &work(Entity::Inventory, counts, true, 100),
            ShopCounts { levels_in_stock: 100 },
        );
        let wanted = [
            "51 of the 100 levels in stock would fall to zero (limit 50 %)",
            "1 price would be zero (limit 0)",
            "2 prices would change by more than 50 %",
            "a full read found 69 inventory, the one before 100 (limit 30 % fewer)",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_shop_is_not_emptied_by_a_list_without_keys() {
        let missed = |gone, on_sale, count| {
            let scanned = ScannedKeys { count, without_key: count, ..ScannedKeys::default() };
            Work { missed: Some(Missed { scanned, gone, on_sale, ..Missed::default() }), ..Work::default() }
        };
        let asked = |work: &Work| exceeded(&Limits::default(), work, ShopCounts::default());
        assert!(asked(&missed(10, 100, 90)).is_empty());
        assert!(asked(&missed(0, 0, 0)).is_empty());
        let wanted = "11 of the 100 products on sale that came from this ERP would be deactivated: it lists 0 now (limit 10 %)";
        assert_eq!(asked(&missed(11, 100, 0)), [wanted]);
        let asked = asked(&missed(1, 1, 5));
        assert!(asked[0].contains("it lists 5 now, 5 of them without a key"), "{asked:?}");
        let all = Limits { deactivate: 100, ..Limits::default() };
        assert!(exceeded(&all, &missed(1, 1, 0), ShopCounts::default()).is_empty());
    }

    #[test]
    fn an_incremental_read_may_find_few() {
        let counts = StageCounts { read: 1, ..StageCounts::default() };
        let work = work(Entity::Products, counts, false, 100);
        assert!(exceeded(&Limits::default(), &work, ShopCounts::default()).is_empty());
    }
}
