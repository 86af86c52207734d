//! The figures behind the policies: patience, pauses and attempts, as a worker is configured.

use std::sync::OnceLock;
use std::time::Duration;

/// The figures behind the named policies.
#[derive(Clone, Debug)]
pub struct Figures {
    /// One attempt of an activity; must exceed the adapters' HTTP timeout, so that an attempt ends with an
    /// answer or a typed outage rather than by Temporal's clock.
    pub attempt: Duration,
    /// How soon a worker that vanished in the middle of an attempt is noticed.
    pub heartbeat: Duration,
    /// Pause before the second attempt; doubles from there.
    pub retry_first: Duration,
    /// Longest pause between attempts; also how long a refund waits before it is asked for under a second key.
    pub retry_longest: Duration,
    /// Attempts of a forward step at most; 0 leaves it to the patience.
    pub attempts_max: u32,
    /// One attempt as a local activity.
    pub local_attempt: Duration,
    /// Two local attempts altogether, before the regular activity takes over.
    pub local_budget: Duration,
    /// Patience of reads and bookkeeping before the pivot.
    pub bookkeeping: Duration,
    /// Patience of opening an account, giving points or a coupon (`SUN_ACCOUNT_PATIENCE`).
    pub account: Duration,
    /// Patience of holds and their confirmation.
    pub stock: Duration,
    /// Patience of a charge.
    pub payment: Duration,
    /// Patience of one look at a payment that waits for the customer, a place at a worker included.
    pub look: Duration,
    /// Pause before a payment that waits for the customer is read again without news; doubles from there.
    pub look_again_first: Duration,
    /// Longest pause between two such looks.
    pub look_again_longest: Duration,
    /// Patience of buying a label.
    pub carrier: Duration,
    /// Patience of what must still be written after the pivot.
    pub aftermath: Duration,
    /// Patience of telling the shop of an order with a label, before a person is asked (`SUN_TELL_SHOP_PATIENCE`).
    pub tell_shop: Duration,
    /// Patience of a message to the customer.
    pub notice: Duration,
    /// Patience of one undo, before a person is asked (`SUN_UNDO_PATIENCE`).
    pub undo: Duration,
    /// Pause before the second try of what a person is asked about and nobody answered (`SUN_ASKED_RETRY_FIRST`);
    /// doubles from there.
    pub asked_retry_first: Duration,
    /// Longest pause between two such tries (`SUN_ASKED_RETRY_LONGEST`).
    pub asked_retry_longest: Duration,
    /// Patience of a step of a sync: some pages of an ERP (`SUN_ERP_PATIENCE`).
    pub erp: Duration,
    /// Patience of a step of a price run: a minute of batches, or the check of a list (`SUN_PRICES_PATIENCE`). Long,
    /// because a run waits for a worker with another token.
    pub prices: Duration,
    /// From the registration to the mail with tips (`SUN_FOLLOW_UP_TIPS`).
    pub follow_up_tips: Duration,
    /// From the registration to the mail with recommendations (`SUN_FOLLOW_UP_RECOMMENDATIONS`).
    pub follow_up_recommendations: Duration,
    /// How long the last follow-up mail is tried (`SUN_FOLLOW_UP_PATIENCE`); one before it until the next one is due.
    pub follow_up: Duration,
}

impl Default for Figures {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            attempt: Duration::from_secs(35),
            heartbeat: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_longest: Duration::from_secs(60),
            attempts_max: 0,
            local_attempt: Duration::from_secs(1),
            local_budget: Duration::from_secs(2),
            bookkeeping: minutes(10),
            account: minutes(10),
            stock: minutes(10),
            payment: minutes(15),
            look: minutes(1),
            look_again_first: minutes(1),
            look_again_longest: minutes(60),
            carrier: minutes(30),
            aftermath: minutes(24 * 60),
            tell_shop: minutes(60),
            notice: minutes(6 * 60),
            undo: minutes(15),
            asked_retry_first: minutes(5),
            asked_retry_longest: minutes(60),
            erp: minutes(30),
            prices: minutes(24 * 60),
            follow_up_tips: minutes(24 * 60),
            follow_up_recommendations: minutes(7 * 24 * 60),
            follow_up: minutes(3 * 24 * 60),
        }
    }
}

static FIGURES: OnceLock<Figures> = OnceLock::new();

/// Sets the figures of this operating-system process. The first call wins; a worker calls it once at start.
pub fn install(figures: Figures) {
    FIGURES.get_or_init(|| figures);
}

pub(super) fn figures() -> &'static Figures {
    FIGURES.get_or_init(Figures::default)
}
