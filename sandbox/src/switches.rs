//! Switches that turn the shop into a less helpful provider.

use serde::{Deserialize, Serialize};

use crate::answer::Stop;
use crate::shop::Shop;

const SETTING: &str = "switches";

/// How the provider treats keys, errors, undone keys, stock and batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switches {
    /// Off: idempotency keys are ignored, and every request has its effect.
    pub(crate) dedupe: Dedupe,
    /// 5xx answers are stored and replayed under the key.
    pub(crate) replay_errors: bool,
    /// An undone key is remembered and refuses later effects.
    pub(crate) tombstones: bool,
    /// `inventory_availability` compares quantities with the stock.
    pub(crate) validate_counts_stock: bool,
    /// The `items` form of reserve and confirm is understood.
    pub(crate) batch_reserve: bool,
    /// Every coupon code belongs to another coupon already.
    #[serde(default)]
    pub(crate) coupon_codes_taken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dedupe {
    On,
    Off,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            dedupe: Dedupe::On,
            replay_errors: false,
            tombstones: true,
            validate_counts_stock: false,
            batch_reserve: true,
            coupon_codes_taken: false,
        }
    }
}

/// The switches to change; the others stay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchesChange {
    dedupe: Option<Dedupe>,
    replay_errors: Option<bool>,
    tombstones: Option<bool>,
    validate_counts_stock: Option<bool>,
    batch_reserve: Option<bool>,
    coupon_codes_taken: Option<bool>,
}

impl Switches {
    pub(crate) fn load(shop: &Shop<'_>) -> rusqlite::Result<Self> {
        let saved = shop.setting(SETTING)?;
        Ok(saved.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Changes the given switches and keeps the result.
    pub(crate) fn change(self, shop: &Shop<'_>, change: &SwitchesChange) -> Result<Self, Stop> {
        let changed = Self {
            dedupe: change.dedupe.unwrap_or(self.dedupe),
            replay_errors: change.replay_errors.unwrap_or(self.replay_errors),
            tombstones: change.tombstones.unwrap_or(self.tombstones),
            validate_counts_stock: change.validate_counts_stock.unwrap_or(self.validate_counts_stock),
            batch_reserve: change.batch_reserve.unwrap_or(self.batch_reserve),
            coupon_codes_taken: change.coupon_codes_taken.unwrap_or(self.coupon_codes_taken),
        };
        shop.set_setting(SETTING, &serde_json::to_string(&changed)?)?;
        Ok(changed)
    }

    /// Whether idempotency keys mean anything.
    pub(crate) fn keys_count(self) -> bool {
        self.dedupe == Dedupe::On
    }

    /// Whether an undone idempotency key is remembered. A provider that ignores keys cannot bar one.
    pub(crate) fn keys_barred(self) -> bool {
        self.tombstones && self.keys_count()
    }
}
