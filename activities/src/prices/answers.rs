//! The shop's answers to prices that are written: what each status means, of one price or of a row of a batch.

use contracts::money::{Currency, Money};
use serde::Deserialize;
use serde_json::Value;

use crate::http::wire::money;
use crate::http::{Api, CallError, Refused, Wrong, word};

pub(super) const SYSTEM: &str = "commerce";

/// The shop's answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// It has that price now; `is_new`: it had another one before.
    Done { product_id: Option<String>, is_new: bool },
    /// It has this price, and another one was expected.
    Conflict { price: Option<Money> },
    /// It says no, with this code.
    Refused { code: String },
}

#[derive(Deserialize)]
pub(super) struct ResultBody {
    /// The product, where the shop says it.
    #[serde(default)]
    sku: Option<String>,
    status: String,
    #[serde(default)]
    product_id: Option<String>,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    status: u16,
    code: String,
    #[serde(default)]
    details: Option<Value>,
}

impl ResultBody {
    /// Whether it may be the answer to a price of this product.
    pub(super) fn may_be_of(&self, sku: &str) -> bool {
        self.sku.as_ref().is_none_or(|said| said == sku)
    }
}

pub(super) fn answer(api: &Api, body: ResultBody, currency: Currency) -> Result<Set, CallError> {
    match (body.status.as_str(), body.error) {
        (_, Some(ErrorBody { status, code, details })) => {
            let refused = Refused { status, code, details: details.unwrap_or(Value::Null) };
            no(api, &refused, currency)
        }
        ("updated", None) => Ok(Set::Done { product_id: body.product_id, is_new: true }),
        ("unchanged", None) => Ok(Set::Done { product_id: body.product_id, is_new: false }),
        (other, None) => Err(api.new_word("a price in a state", other)),
    }
}

/// A refusal is the row's own, unless it is about the worker or the moment. Where other rows are taken, one that is
/// about the worker is that row's as well ([`CallError::of_one_row`]).
pub(super) fn no(api: &Api, refused: &Refused, currency: Currency) -> Result<Set, CallError> {
    let Refused { status, code, details } = refused;
    match (*status, code.as_str()) {
        (409, "PRICE_CONFLICT") => {
            let price = details.get("price").and_then(|price| serde_json::value::to_raw_value(price).ok());
            Ok(Set::Conflict { price: price.and_then(|price| money(&price, currency)) })
        }
        (404, "PRODUCT_NOT_FOUND" | "VARIANT_NOT_FOUND") => Ok(Set::Refused { code: code.clone() }),
        (401 | 403..=405, _) => Err(setting(api, *status, code)),
        (429, _) => Err(api.put_off()),
        (400..=499, _) if *status != 408 => Ok(Set::Refused { code: code.clone() }),
        // A row of a batch: the moment's trouble, or a status that refuses nothing.
        _ => Err(api.unknown(format!("a price is answered with {status} {}", word(code)))),
    }
}

/// A batch that is refused as a whole is about the request, not about a row.
pub(super) fn whole(api: &Api, refused: &Refused) -> CallError {
    let Refused { status, code, .. } = refused;
    match status {
        401 | 403..=405 => setting(api, *status, code),
        _ => {
            let why = format!("a batch of prices is refused as a whole: {status} {code}");
            CallError::Unusable { system: SYSTEM, why }
        }
    }
}

fn setting(api: &Api, status: u16, code: &str) -> CallError {
    let code = word(code);
    let (wrong, fix) = match status {
        401 => (Wrong::Login, format!("{code}: check SUN_ECOMMERCE_API_TOKEN")),
        403 => (
            Wrong::Permission,
            format!(
                "{code}: the worker's token (SUN_ECOMMERCE_API_TOKEN) may not write prices, give it that right"
            ),
        ),
        _ => (
            Wrong::Path(status),
            format!("{code}: the shop has no such path, correct SUN_ECOMMERCE_API_URL or its version"),
        ),
    };
    api.setting(wrong, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::behind_proxy::{WAY, api};

    fn refused(status: u16, code: &str) -> Refused {
        Refused { status, code: code.to_owned(), details: Value::Null }
    }

    fn of_row(status: u16, code: &str) -> Result<Set, CallError> {
        no(&api(SYSTEM), &refused(status, code), Currency::VND)
    }

    /// S5
    #[test]
    fn a_failure_behind_a_proxy_names_it_whoever_makes_it() {
        let api = api(SYSTEM);
        for status in [401, 403, 404, 405] {
            let error = of_row(status, "LOCKED").expect_err("a setting").to_string();
            assert!(error.ends_with(WAY), "{error}");
            assert_eq!(whole(&api, &refused(status, "LOCKED")).to_string(), error);
        }
        for status in [429, 408, 500, 200] {
            let error = of_row(status, "BUSY").expect_err("not taken").to_string();
            assert!(error.ends_with(WAY), "{error}");
        }
    }

    /// An answer about the worker or the moment is not a row's refusal.
    #[test]
    fn the_status_of_a_row_in_a_batch_means_what_it_means_alone() {
        let set_refused = |code: &str| Ok(Set::Refused { code: code.to_owned() });
        assert_eq!(of_row(422, "PRICE_TOO_LOW"), set_refused("PRICE_TOO_LOW"));
        assert_eq!(of_row(404, "PRODUCT_NOT_FOUND"), set_refused("PRODUCT_NOT_FOUND"));
        assert_eq!(of_row(409, "PRICE_CONFLICT"), Ok(Set::Conflict { price: None }));
        assert!(of_row(401, "TOKEN_EXPIRED").is_err_and(|error| error.is_not_let_in()));
        assert!(matches!(of_row(429, "SLOW_DOWN"), Err(CallError::PutOff { .. })));
        for status in [500, 503, 408, 200] {
            assert!(matches!(of_row(status, "BROKEN"), Err(CallError::Unknown { .. })), "{status}");
        }
    }

    /// Results in another order than the prices would tell a written row as a conflict, which no revert puts back.
    #[test]
    fn a_result_that_names_another_product_is_not_the_rows() {
        let body = |json: &str| serde_json::from_str::<ResultBody>(json).expect("a result");
        assert!(body(r#"{"status": "updated"}"#).may_be_of("A-1"));
        assert!(body(r#"{"status": "updated", "sku": "A-1"}"#).may_be_of("A-1"));
        assert!(!body(r#"{"status": "updated", "sku": "A-2"}"#).may_be_of("A-1"));
    }

    /// One locked product costs itself where others are taken.
    #[test]
    fn a_row_that_nobody_may_change_may_be_about_that_row() {
        for status in [403, 404, 405] {
            let error = of_row(status, "LOCKED").expect_err("not taken");
            assert_eq!(error.of_one_row(), Some(format!("http_{status}")), "{error}");
        }
    }
}
