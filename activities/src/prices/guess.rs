//! The SKU that was probably meant by one that nobody has. Spreadsheet programs take SKUs for numbers: `0017` becomes
//! `17`, `90.750` becomes `90.75`, `1E5` becomes `100000`.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_sdk::activities::ActivityContext;

use super::client::{AT_ONCE, Shop};
use super::images::prices;
use super::resolve::{Resolved, UNKNOWN};
use crate::bulk::Trouble;

/// Unknown SKUs of one bucket that are guessed at: more of them are another shop's list.
const GUESSED: usize = 50;

/// Looks for what was meant by the unknown SKUs, and notes it with their rows.
pub(super) async fn guess(
    ctx: &ActivityContext,
    shop: &Shop,
    resolved: &mut [(usize, Resolved)],
    sku_of: impl Fn(usize) -> Option<String>,
) -> Result<(), Trouble> {
    let unknown: BTreeMap<String, Vec<String>> = resolved
        .iter()
        .filter(|(_, resolved)| is_unknown(resolved))
        .filter_map(|(place, _)| sku_of(*place))
        .take(GUESSED)
        .map(|sku| (sku.clone(), candidates(&sku)))
        .collect();
    let asked: BTreeSet<&str> = unknown.values().flatten().map(String::as_str).take(AT_ONCE).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let found = prices(ctx, shop, asked).await?;
    for (place, resolved) in resolved.iter_mut().filter(|(_, resolved)| is_unknown(resolved)) {
        let Resolved::Wrong(defects) = resolved else { continue };
        let meant = sku_of(*place).and_then(|sku| unknown.get(&sku));
        let meant: Vec<&str> =
            meant.into_iter().flatten().map(String::as_str).filter(|sku| found.contains_key(*sku)).collect();
        if let (Some(defect), false) = (defects.first_mut(), meant.is_empty()) {
            defect.detail = Some(format!("probably {}", meant.join(" or ")));
        }
    }
    Ok(())
}

fn is_unknown(resolved: &Resolved) -> bool {
    matches!(resolved, Resolved::Wrong(defects) if defects.iter().any(|defect| defect.cause == UNKNOWN))
}

/// The forms that a SKU may have had before a spreadsheet program or a typist had it.
fn candidates(sku: &str) -> Vec<String> {
    let mut found = vec![sku.to_ascii_uppercase(), sku.to_ascii_lowercase()];
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(sku) {
        found.extend((1..=6).map(|zeros| format!("{}{sku}", "0".repeat(zeros))));
        found.push(sku.trim_start_matches('0').to_owned());
        let head = sku.trim_end_matches('0');
        let zeros = sku.len() - head.len();
        if zeros > 0 && !head.is_empty() {
            found.extend([format!("{head}E{zeros}"), format!("{head}e{zeros}"), format!("{head}E+{zeros}")]);
        }
    }
    if let Some((whole, fraction)) = sku.split_once('.')
        && is_digits(whole)
        && is_digits(fraction)
    {
        found.extend((1..=4).map(|zeros| format!("{sku}{}", "0".repeat(zeros))));
    }
    found.retain(|candidate| candidate != sku && !candidate.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P4
    #[test]
    fn what_a_spreadsheet_made_of_a_sku_is_guessed_back() {
        for (made, meant) in
            [("17", "0017"), ("90.75", "90.750"), ("100000", "1E5"), ("mug-1", "MUG-1"), ("0017", "17")]
        {
            assert!(candidates(made).contains(&meant.to_owned()), "{made}: {:?}", candidates(made));
        }
        assert!(candidates("A").iter().all(|candidate| candidate == "a"));
    }
}
