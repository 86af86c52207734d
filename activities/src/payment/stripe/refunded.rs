//! How the money ended, as Stripe's charges show it.

use contracts::money::Currency;
use contracts::payment::{Balance, FindPayment, PaymentState};
use futures::future::join_all;

use super::super::balance::{self, Account, Moved};
use super::super::unless_refused;
use super::wire::{Intent, Made, Refunds, Standing};
use super::{Stripe, look_up, units};
use crate::http::CallError;

impl Stripe {
    /// How the money of the intent with that id ended, or of all intents made under a key, and of those that news
    /// named.
    pub(super) async fn refunded_under(&self, find: &FindPayment) -> Result<Balance, CallError> {
        let mut ids = match &find.payment_id {
            Some(id) => vec![id.clone()],
            None => look_up::under_key(&self.api, &find.key).await?,
        };
        let others = find.other_ids.iter().filter(|id| !ids.contains(id));
        // News may name anybody's payment.
        let others = join_all(others.map(|id| self.ours(id, &find.key))).await;
        for other in others {
            ids.extend(unless_refused(other)?.map(Intent::into_id));
        }
        let accounts = join_all(ids.iter().map(|id| self.account(id))).await;
        balance::of(self.api.system(), accounts.into_iter().collect::<Result<Vec<_>, _>>()?)
    }

    async fn account(&self, id: &str) -> Result<Account, CallError> {
        let intent = self.read(id).await?;
        let money = match intent.standing().ok_or_else(|| self.new_state(intent.status()))? {
            Standing::Captured { left, refunded } => self.captured(&intent, left + refunded, refunded)?,
            Standing::Gone => match intent.refunded() {
                Some(refunded) if refunded > 0 => self.captured(&intent, refunded, refunded)?,
                Some(_) | None => Moved::Voided,
            },
            Standing::Open if matches!(intent.state(), Some(PaymentState::Declined { .. })) => Moved::Failed,
            Standing::Open | Standing::Underway => Moved::Open,
            Standing::Unreadable => {
                return Err(self.api.unknown("a captured payment without a readable amount"));
            }
        };
        let has_refunds = matches!(money, Moved::Captured { back, .. } if back.minor_units() > 0);
        let refund_ids = if has_refunds { self.refund_ids(id).await? } else { Vec::new() };
        Ok(Account { payment_id: intent.into_id(), money, refund_ids })
    }

    /// Both amounts are in Stripe's unit. Stripe counts a refund that is pending as gone.
    fn captured(&self, intent: &Intent, received: i64, refunded: i64) -> Result<Moved, CallError> {
        let currency = intent.currency().and_then(|code| Currency::from_code(&code.to_uppercase()));
        let read = |units: i64| currency.and_then(|currency| units::money(units, currency));
        let no_amount = || self.api.unknown("a captured payment, or its refund, without a readable amount");
        let received = read(received).ok_or_else(no_amount)?;
        let back = read(refunded).ok_or_else(no_amount)?;
        Ok(Moved::Captured { received, back, shown: back })
    }

    /// The refunds of an intent that did not come back.
    async fn refund_ids(&self, id: &str) -> Result<Vec<String>, CallError> {
        let listed: Refunds = self.api.get(&["refunds"], &[("payment_intent", id), ("limit", "100")]).await?;
        let mut ids = Vec::new();
        for refund in listed.data {
            if self.made(&refund)? == Made::OnItsWay {
                ids.extend(refund.id);
            }
        }
        Ok(ids)
    }
}
