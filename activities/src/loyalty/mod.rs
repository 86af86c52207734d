//! The loyalty programme, and the platform's coupons.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;

use std::sync::Arc;
use std::time::Duration;

use contracts::loyalty::{Coupon, CreateCoupon, GrantRef, LoyaltyAccount, Member, OpenAccount, defs};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated};
use crate::http::{Api, CallError};
use client::{Accounts, Coupons, Undone};

/// The loyalty programme's activities, on connections to it and to the platform.
pub struct LoyaltyActivities {
    accounts: Accounts,
    coupons: Coupons,
    second_look: Duration,
}

impl LoyaltyActivities {
    /// Accounts and points are the programme's, coupons the platform's. `second_look`: how long an undo that found
    /// nothing waits before it believes that, where the key cannot be barred.
    #[must_use]
    pub fn new(programme: Api, platform: Api, second_look: Duration) -> Self {
        Self { accounts: Accounts::new(programme), coupons: Coupons::new(platform), second_look }
    }

    fn undone(&self, ctx: &ActivityContext, undone: Undone) -> Result<(), ActivityError> {
        match undone {
            Undone::Done => Ok(()),
            Undone::NothingThere => believe_nothing(ctx, self.second_look),
        }
    }
}

#[activities]
impl LoyaltyActivities {
    /// See [`contracts::loyalty::Loyalty`]. A second attempt looks first.
    #[activity(definition = defs::OpenAccount)]
    pub async fn open_account(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: OpenAccount,
    ) -> Result<LoyaltyAccount, ActivityError> {
        let opened = alive(&ctx, async {
            if is_repeated(&ctx)
                && let Some(account) = self.accounts.find(&input.key).await?
            {
                return Ok(account);
            }
            self.accounts.open(&input).await
        });
        opened.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::loyalty::Loyalty`].
    #[activity(definition = defs::FindAccount)]
    pub async fn find_account(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: GrantRef,
    ) -> Result<Option<LoyaltyAccount>, ActivityError> {
        alive(&ctx, self.accounts.find(&input.key)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::loyalty::Loyalty`].
    #[activity(definition = defs::AccountOf)]
    pub async fn account_of(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Member,
    ) -> Result<Option<LoyaltyAccount>, ActivityError> {
        alive(&ctx, self.accounts.of(&input.customer_id)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::loyalty::Loyalty`].
    #[activity(definition = defs::ReversePoints)]
    pub async fn reverse_points(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: GrantRef,
    ) -> Result<(), ActivityError> {
        let undone =
            alive(&ctx, self.accounts.reverse(&input)).await.map_err(CallError::into_failure_of_undo)?;
        self.undone(&ctx, undone)
    }

    /// See [`contracts::loyalty::Loyalty`]. A second attempt looks first; a code that is taken may be taken by
    /// ourselves.
    #[activity(definition = defs::CreateCoupon)]
    pub async fn create_coupon(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CreateCoupon,
    ) -> Result<Coupon, ActivityError> {
        let created = alive(&ctx, async {
            if is_repeated(&ctx)
                && let Some(coupon) = self.coupons.find(&input.key).await?
            {
                return Ok(coupon);
            }
            match self.coupons.create(&input).await? {
                Coupon::CodeTaken => Ok(self.coupons.find(&input.key).await?.unwrap_or(Coupon::CodeTaken)),
                coupon => Ok(coupon),
            }
        });
        created.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::loyalty::Loyalty`].
    #[activity(definition = defs::FindCoupon)]
    pub async fn find_coupon(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: GrantRef,
    ) -> Result<Option<Coupon>, ActivityError> {
        alive(&ctx, self.coupons.find(&input.key)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::loyalty::Loyalty`].
    #[activity(definition = defs::RevokeCoupon)]
    pub async fn revoke_coupon(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: GrantRef,
    ) -> Result<(), ActivityError> {
        let undone =
            alive(&ctx, self.coupons.revoke(&input)).await.map_err(CallError::into_failure_of_undo)?;
        self.undone(&ctx, undone)
    }
}
