//! How long a step is retried, and how often.

use std::time::Duration;

use clap::Args;
use text::Problem;
use workflows::policy::Figures;

use super::duration;
use super::erp::ErpArgs;
use super::onboarding::OnboardingArgs;
use super::prices::PriceArgs;
use super::problems::Problems;

/// How long a step is retried. Durations: 500ms, 20s, 15m, 24h.
#[derive(Debug, Args)]
#[command(next_help_heading = "Patience (durations: 500ms, 20s, 15m, 24h)")]
pub(super) struct PatienceArgs {
    /// Undo: how long one undo is retried before a person is asked.
    #[arg(long, env = "SUN_UNDO_PATIENCE", default_value = "15m", value_parser = duration, value_name = "TIME")]
    undo_patience: Duration,
    /// Checks and bookkeeping before the point of no return.
    #[arg(long, env = "SUN_BOOKKEEPING_PATIENCE", default_value = "10m", value_parser = duration, value_name = "TIME")]
    bookkeeping_patience: Duration,
    /// Holding and confirming stock.
    #[arg(long, env = "SUN_STOCK_PATIENCE", default_value = "10m", value_parser = duration, value_name = "TIME")]
    stock_patience: Duration,
    /// Charging the customer.
    #[arg(long, env = "SUN_PAYMENT_PATIENCE", default_value = "15m", value_parser = duration, value_name = "TIME")]
    payment_patience: Duration,
    /// Buying a shipping label.
    #[arg(long, env = "SUN_CARRIER_PATIENCE", default_value = "30m", value_parser = duration, value_name = "TIME")]
    carrier_patience: Duration,
    /// Writing the rest that has to be written after the point of no return.
    #[arg(long, env = "SUN_AFTERMATH_PATIENCE", default_value = "24h", value_parser = duration, value_name = "TIME")]
    aftermath_patience: Duration,
    /// Telling the shop of an order that is paid and has a label, or how one ended, before a person is asked.
    #[arg(long, env = "SUN_TELL_SHOP_PATIENCE", default_value = "1h", value_parser = duration, value_name = "TIME")]
    tell_shop_patience: Duration,
    /// Messages to the customer.
    #[arg(long, env = "SUN_NOTICE_PATIENCE", default_value = "6h", value_parser = duration, value_name = "TIME")]
    notice_patience: Duration,
    /// Pause before the second attempt; doubles from there.
    #[arg(long, env = "SUN_RETRY_FIRST", default_value = "1s", value_parser = duration, value_name = "TIME")]
    retry_first: Duration,
    /// Longest pause between attempts; also how long a refund waits before it is asked for under a second key.
    #[arg(long, env = "SUN_RETRY_LONGEST", default_value = "60s", value_parser = duration, value_name = "TIME")]
    retry_longest: Duration,
    /// While a person is asked about something that got no answer: pause before the second try; doubles from there.
    #[arg(long, env = "SUN_ASKED_RETRY_FIRST", default_value = "5m", value_parser = duration, value_name = "TIME")]
    asked_retry_first: Duration,
    /// Longest pause between two such tries.
    #[arg(long, env = "SUN_ASKED_RETRY_LONGEST", default_value = "1h", value_parser = duration, value_name = "TIME")]
    asked_retry_longest: Duration,
    /// How soon a worker that vanished in the middle of a call is noticed.
    #[arg(long, env = "SUN_HEARTBEAT_TIMEOUT", default_value = "10s", value_parser = duration, value_name = "TIME")]
    heartbeat_timeout: Duration,
    /// How long an undo that found nothing waits before it believes that, where the provider cannot bar the key;
    /// default: the HTTP limit, at most a quarter of the undo's patience.
    #[arg(long, env = "SUN_SECOND_LOOK", value_parser = duration, value_name = "TIME")]
    second_look: Option<Duration>,
    /// One attempt of a quick step inside the workflow task, before it becomes an activity of its own.
    #[arg(long, env = "SUN_LOCAL_ATTEMPT", default_value = "1s", value_parser = duration, value_name = "TIME")]
    local_attempt: Duration,
}

/// How long things are retried, checked.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Timeouts and retries.
    pub policies: Figures,
    /// How long an undo that found nothing waits before it believes that.
    pub second_look: Duration,
}

/// One HTTP request of an activity.
#[derive(Clone, Copy)]
pub(super) struct Requests {
    /// The limit of one.
    pub(super) timeout: Duration,
    /// How many one attempt makes, one after the other, at most.
    pub(super) of_an_attempt: u32,
    /// Attempts of a step before the point of no return, at most; 0: as many as its patience allows.
    pub(super) attempts_max: u32,
}

impl PatienceArgs {
    pub(super) fn check(
        self,
        requests: Requests,
        onboarding: &OnboardingArgs,
        erp: &ErpArgs,
        prices: &PriceArgs,
        problems: &mut Problems,
    ) -> Patience {
        let second_look = self.second_look.unwrap_or(requests.timeout.min(self.undo_patience / 4));
        if second_look >= self.undo_patience {
            problems.add(Problem::new(
                "SUN_SECOND_LOOK",
                format!(
                    "({second_look:?}) is not shorter than SUN_UNDO_PATIENCE ({:?}), so that an undo could never believe \
                     that there is nothing to undo",
                    self.undo_patience
                ),
                "shorten it",
            ));
        }
        let policies = Figures {
            attempt: requests.timeout * requests.of_an_attempt + Duration::from_secs(5),
            heartbeat: self.heartbeat_timeout,
            retry_first: self.retry_first,
            retry_longest: self.retry_longest.max(self.retry_first),
            attempts_max: requests.attempts_max,
            local_attempt: self.local_attempt,
            local_budget: self.local_attempt * 2,
            bookkeeping: self.bookkeeping_patience,
            account: onboarding.account_patience,
            stock: self.stock_patience,
            payment: self.payment_patience,
            carrier: self.carrier_patience,
            aftermath: self.aftermath_patience,
            tell_shop: self.tell_shop_patience,
            notice: self.notice_patience,
            undo: self.undo_patience,
            asked_retry_first: self.asked_retry_first,
            asked_retry_longest: self.asked_retry_longest.max(self.asked_retry_first),
            erp: erp.erp_patience,
            prices: prices.prices_patience,
            follow_up_tips: onboarding.follow_up_tips,
            follow_up_recommendations: onboarding.follow_up_recommendations,
            follow_up: onboarding.follow_up_patience,
            ..Figures::default()
        };
        Patience { policies, second_look }
    }
}
