//! How the money ended, as the platform's payments show it.

use contracts::money::Currency;
use contracts::payment::{Balance, FindPayment};

use super::super::balance::{self, Account, Moved};
use super::super::unless_refused;
use super::refund::{greater, read};
use super::state::State;
use super::{PaymentBody, Platform};
use crate::http::CallError;

/// The state of a payment of which all went back, for a platform that does not say how much.
const ALL_OF_IT: &str = "refunded";
/// The state of one of which a part went back.
const A_PART_OF_IT: &str = "partially_refunded";

impl Platform {
    /// How the money of all payments made under a key ended.
    pub(super) async fn refunded_under(&self, find: &FindPayment) -> Result<Balance, CallError> {
        let mut made = self.made_under(&find.key).await?;
        if let Some(id) = &find.payment_id
            && !made.iter().any(|payment| payment.payment_id == *id)
        {
            // "Nothing was paid" must not be said of a payment that was made.
            let known = self.body_of_id(id, &find.key).await?;
            made.push(known.ok_or_else(|| self.api.unknown("it does not show the payment that was made"))?);
        }
        for id in &find.other_ids {
            if !made.iter().any(|payment| payment.payment_id == *id) {
                // News may name anybody's payment.
                match unless_refused(self.body_of_id(id, &find.key).await) {
                    Ok(named) => made.extend(named),
                    // It is in no list of ours, which has had all the time of the undo.
                    Err(doubt @ CallError::Unknown { .. }) if !made.is_empty() => {
                        tracing::warn!(order_id = %find.order_id, %doubt, "a payment that news named is left out");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let accounts = made.iter().map(|payment| self.account(payment));
        balance::of("payment", accounts.collect::<Result<Vec<_>, _>>()?)
    }

    fn account(&self, payment: &PaymentBody) -> Result<Account, CallError> {
        let payment_id = payment.payment_id.clone();
        let no_money = |money| Ok(Account { payment_id: payment_id.clone(), money, refund_ids: Vec::new() });
        let is_all_back = payment.status == ALL_OF_IT;
        match self.state(payment)? {
            State::Captured => {}
            State::Void if is_all_back => {}
            State::Void => return no_money(Moved::Voided),
            State::Failed => return no_money(Moved::Failed),
            State::Waiting => return no_money(Moved::Open),
        }
        let unreadable = || self.api.unknown("a captured payment, or its refund, without a readable amount");
        let currency = payment.currency.as_deref().and_then(Currency::from_code).ok_or_else(unreadable)?;
        let listed = self.listed(payment, currency)?;
        let captured = read(&payment.amount, currency);
        let stated = match &payment.refunded_amount {
            None => None,
            stated => Some(read(stated, currency).ok_or_else(unreadable)?),
        };
        let shown = match stated {
            Some(stated) => stated,
            None if is_all_back => captured.ok_or_else(unreadable)?,
            // A refund that is on its way shows later, and nobody waits for that here.
            None => listed.gone,
        };
        let back = greater(shown, listed.on_its_way);
        if payment.status == A_PART_OF_IT && back.minor_units() == 0 {
            return Err(unreadable());
        }
        let (received, back) = match is_all_back {
            true => (shown, shown),
            false => (captured.ok_or_else(unreadable)?, back),
        };
        let money = Moved::Captured { received, back, shown };
        Ok(Account { payment_id, money, refund_ids: listed.ids })
    }
}
