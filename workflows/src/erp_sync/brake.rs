//! The brake: what a run may do without a person.

use contracts::erp::{Entity, ShopCounts, SyncState};

use super::config::Limits;
use super::work::Work;

/// What exceeds the limits, in words for whoever decides; nothing when all is within them.
pub(super) fn exceeded(limits: &Limits, work: &Work, shop: ShopCounts) -> Vec<String> {
    let mut found = Vec::new();
    let total = work.total();
    if is_share_above(total.levels_to_zero, shop.levels_in_stock, limits.stock_to_zero) {
        found.push(format!(
            "{} of the {} levels in stock would fall to zero (limit {} %)",
            total.levels_to_zero, shop.levels_in_stock, limits.stock_to_zero
        ));
    }
    if total.prices_to_zero > u64::from(limits.prices_to_zero) {
        found
            .push(format!("{} prices would be zero (limit {})", total.prices_to_zero, limits.prices_to_zero));
    }
    if total.prices_jump > 0 {
        let limit = limits.price_change;
        found.push(format!("{} prices would change by more than {limit} %", total.prices_jump));
    }
    let before = work.state.as_ref();
    found.extend(Entity::ALL.into_iter().filter_map(|entity| fewer_records(limits, work, before?, entity)));
    found
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
    use contracts::erp::StageCounts;

    use super::super::work::StagedEntity;
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
            "1 prices would be zero (limit 0)",
            "2 prices would change by more than 50 %",
            "a full read found 69 inventory, the one before 100 (limit 30 % fewer)",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_incremental_read_may_find_few() {
        let counts = StageCounts { read: 1, ..StageCounts::default() };
        let work = work(Entity::Products, counts, false, 100);
        assert!(exceeded(&Limits::default(), &work, ShopCounts::default()).is_empty());
    }
}
