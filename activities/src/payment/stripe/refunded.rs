//! The amount that went back to the customer, as Stripe's charges show it.

use contracts::money::{Currency, Money};
use contracts::payment::FindPayment;
use futures::future::join_all;

use super::super::sum;
use super::{Stripe, look_up, units};
use crate::http::CallError;

impl Stripe {
    /// The money that went back of the intent with that id, or of all intents made under a key.
    pub(super) async fn refunded_under(&self, find: &FindPayment) -> Result<Option<Money>, CallError> {
        let ids = match &find.payment_id {
            Some(id) => vec![id.clone()],
            None => look_up::under_key(&self.api, &find.key).await?,
        };
        let refunded = join_all(ids.iter().map(|id| self.refunded_of(id))).await;
        sum(self.api.system(), refunded.into_iter().collect::<Result<Vec<_>, _>>()?)
    }

    async fn refunded_of(&self, id: &str) -> Result<Option<Money>, CallError> {
        let intent = self.read(id).await?;
        let Some((units, code)) = intent.refunded().filter(|(units, _)| *units > 0) else { return Ok(None) };
        let currency = code.map(str::to_uppercase).and_then(|code| Currency::from_code(&code));
        let refunded = currency.and_then(|currency| units::money(units, currency));
        refunded.map(Some).ok_or_else(|| self.api.unknown("a refund without a readable amount"))
    }
}
