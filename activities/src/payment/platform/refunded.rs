//! The amount that went back to the customer, as the platform's payments show it.

use contracts::money::{Currency, Money};
use contracts::payment::FindPayment;

use super::super::sum;
use super::{PaymentBody, Platform};
use crate::http::CallError;
use crate::http::wire::money;

/// The state of a payment of which all went back, for a platform that does not say how much.
const ALL_OF_IT: &str = "refunded";

impl Platform {
    /// The money that went back of all payments made under a key.
    pub(super) async fn refunded_under(&self, find: &FindPayment) -> Result<Option<Money>, CallError> {
        let made = self.made_under(&find.key).await?;
        let refunded = made.iter().map(|payment| self.refunded_of(payment));
        sum("payment", refunded.collect::<Result<Vec<_>, _>>()?)
    }

    fn refunded_of(&self, payment: &PaymentBody) -> Result<Option<Money>, CallError> {
        let stated = payment.refunded_amount.as_ref();
        let all = if payment.status == ALL_OF_IT { payment.amount.as_ref() } else { None };
        let Some(json) = stated.or(all) else { return Ok(None) };
        let currency = payment.currency.as_deref().and_then(Currency::from_code);
        let refunded = currency.and_then(|currency| money(json, currency));
        refunded.map(Some).ok_or_else(|| self.api.unknown("a refund without a readable amount"))
    }
}
