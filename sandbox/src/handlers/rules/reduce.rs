//! Prices after rules: the lowest that the rules with an open window give.

use std::collections::BTreeMap;

use super::fields::{Conditions, HUNDRED_PERCENT, Kind};
use crate::answer::Stop;
use crate::money;
use crate::shop::Shop;

/// The rules that lower prices at this moment.
pub(crate) struct OpenRules {
    rules: Vec<Open>,
    /// The category above each.
    parents: BTreeMap<String, String>,
}

struct Open {
    name: String,
    kind: Kind,
    discount: i64,
    conditions: Conditions,
}

/// A product as far as rules go by it; the price is in minor units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) sku: &'a str,
    pub(crate) category_id: Option<&'a str>,
    pub(crate) price: i64,
    pub(crate) currency: &'a str,
}

/// A lower price, and the rule that gives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reduced<'r> {
    pub(crate) price: i64,
    /// How many must be bought for it.
    pub(crate) quantity: u32,
    pub(crate) rule: &'r str,
}

impl OpenRules {
    pub(crate) fn load(shop: &Shop<'_>) -> Result<Self, Stop> {
        let rows = shop.list(
            "SELECT name, rule_type, discount_value, conditions FROM pricing_rules
             WHERE is_active AND coalesce(start_date, ?1) <= ?1 AND coalesce(end_date, ?1 + 1) > ?1
               AND usage_count < coalesce(usage_limit, usage_count + 1)
             ORDER BY id",
            [shop.now],
            |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get::<_, String>(3)?)),
        )?;
        let mut rules = Vec::with_capacity(rows.len());
        for (name, kind, discount, conditions) in rows {
            let Some(kind) = Kind::from_name(&kind) else { continue };
            rules.push(Open { name, kind, discount, conditions: serde_json::from_str(&conditions)? });
        }
        let sql = "SELECT category_id, parent_id FROM categories WHERE parent_id IS NOT NULL";
        let parents = shop.list(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self { rules, parents: parents.into_iter().collect() })
    }

    /// The lowest price for one piece, and the lowest for several if it is lower still.
    pub(crate) fn reduce(&self, offer: Offer<'_>) -> [Option<Reduced<'_>>; 2] {
        let lower = |several: bool| {
            let fitting = self.rules.iter().filter(|rule| self.fits(rule, offer));
            let prices = fitting.filter_map(|rule| rule.price(offer));
            prices.filter(|reduced| (reduced.quantity > 1) == several).min_by_key(|reduced| reduced.price)
        };
        let one = lower(false);
        let best = one.as_ref().map_or(offer.price, |one| one.price);
        let several = lower(true).filter(|several| several.price < best);
        [one, several]
    }

    fn fits(&self, rule: &Open, offer: Offer<'_>) -> bool {
        let Conditions { category_ids, product_ids, min_amount, .. } = &rule.conditions;
        let category = category_ids.as_ref().is_none_or(|ids| self.is_in(offer.category_id, ids));
        let product = product_ids.as_ref().is_none_or(|ids| ids.iter().any(|id| id == offer.sku));
        let amount = min_amount.as_ref().is_none_or(|amount| {
            amount.minor(offer.currency, "min_amount").is_ok_and(|amount| offer.price >= amount)
        });
        category && product && amount
    }

    /// Whether the category is one of `wanted` or lies below one.
    fn is_in(&self, category: Option<&str>, wanted: &[String]) -> bool {
        let above = std::iter::successors(category, |id| self.parents.get(*id).map(String::as_str));
        // No chain is longer than there are categories.
        above.take(self.parents.len() + 1).any(|id| wanted.iter().any(|wanted| wanted == id))
    }
}

impl Open {
    /// The price of one piece; a rule whose gain depends on more than the quantity has none.
    fn price(&self, offer: Offer<'_>) -> Option<Reduced<'_>> {
        let price = match self.kind {
            Kind::Percentage => {
                let exact = i128::from(offer.price) * i128::from(HUNDRED_PERCENT - self.discount);
                let half = i128::from(HUNDRED_PERCENT / 2);
                i64::try_from((exact + half) / i128::from(HUNDRED_PERCENT)).ok()?
            }
            Kind::Fixed => {
                let unit = 10_i64.pow(money::exponent(offer.currency));
                (offer.price - self.discount.checked_mul(unit)? / 10_000).max(0)
            }
            Kind::BuyXGetY => return None,
        };
        let quantity = self.conditions.min_quantity.map_or(1, std::num::NonZeroU32::get);
        (price < offer.price).then_some(Reduced { price, quantity, rule: &self.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(kind: Kind, discount: i64, conditions: &str) -> OpenRules {
        let conditions = serde_json::from_str(conditions).expect("conditions");
        let rule = Open { name: "R".to_owned(), kind, discount, conditions };
        let parents = [("below".to_owned(), "top".to_owned())].into();
        OpenRules { rules: vec![rule], parents }
    }

    fn prices(rules: &OpenRules, price: i64, currency: &str) -> [Option<i64>; 2] {
        let offer = Offer { sku: "S", category_id: Some("below"), price, currency };
        rules.reduce(offer).map(|reduced| reduced.map(|reduced| reduced.price))
    }

    #[test]
    fn percentages_and_amounts_come_off_the_price() {
        let half = open(Kind::Percentage, 75_000, "{}");
        assert_eq!(prices(&half, 1999, "USD"), [Some(1849), None], "7.5 % off, to the nearest cent");
        let fixed = open(Kind::Fixed, 15_000, "{}");
        assert_eq!(prices(&fixed, 1999, "USD"), [Some(1849), None], "1.50 off");
        assert_eq!(prices(&fixed, 100, "USD"), [Some(0), None], "never below nothing");
    }

    #[test]
    fn a_rule_is_for_its_categories_and_those_below() {
        let rule = |conditions| prices(&open(Kind::Percentage, 500_000, conditions), 100, "VND");
        assert_eq!(rule(r#"{"category_ids":["top"]}"#), [Some(50), None]);
        assert_eq!(rule(r#"{"category_ids":["other"]}"#), [None, None]);
        assert_eq!(rule(r#"{"product_ids":["S"]}"#), [Some(50), None]);
        assert_eq!(rule(r#"{"product_ids":["T"]}"#), [None, None]);
        assert_eq!(rule(r#"{"min_amount":101}"#), [None, None]);
        assert_eq!(rule(r#"{"min_quantity":2}"#), [None, Some(50)]);
    }
}
