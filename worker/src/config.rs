//! The settings. `worker --help` is made from this module: one file per concern, each from arguments through its checks
//! to its part of the settings.
//!
//! - `temporal`: which Temporal, and as which worker;
//! - `shop`: the shop's systems that have one place each;
//! - `providers`: the command line of a list of providers; `payment`, `shipping` and `notification` are such lists;
//! - `onboarding`, `erp`, `bulk`, `media`: what some processes need;
//! - `patience`: how long a step is retried;
//! - `operation`, `door`, `tuning`: how the worker runs, what may come in, how much at once;
//! - `secret`, `misspelt`, `problems`: how a secret is read, variables that miss a setting by a letter, and what is
//!   wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use activities::catalog::Networks;
use activities::customers::Pseudonyms;
use activities::notification::mail::MailSender;
use activities::notification::sms::SmsSender;
use activities::payment::Provider;
use activities::shipping::Carrier;
use clap::Parser;
use contracts::notification::OrderMail;
use jiff::tz::TimeZone;

use crate::door::DoorSettings;

mod bulk;
mod door;
mod erp;
mod media;
mod misspelt;
mod notification;
mod onboarding;
mod operation;
mod patience;
mod payment;
mod prices;
mod problems;
mod providers;
mod secret;
mod shipping;
mod shop;
mod temporal;
#[cfg(test)]
mod tests;
mod tuning;

pub use bulk::BulkSettings;
pub use erp::ErpSettings;
pub use onboarding::way_out;
pub use operation::{LogFormat, Operation};
pub use patience::Patience;
use patience::Requests;
pub use prices::PriceSettings;
pub use problems::Problems;
use providers::ProviderArgs;
pub use shop::Shop;
pub use temporal::{Deployment, TemporalSettings};
pub use tuning::Tuning;

/// Runs Sunflow's business processes: polls Temporal, calls the shop's systems.
///
/// How to reach Temporal is read as every Temporal tool reads it: the variables `TEMPORAL_ADDRESS`,
/// `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS*` and the profiles of `temporal.toml`.
/// Secrets can be given by file: `SUN_…_TOKEN_FILE` instead of `SUN_…_TOKEN`.
#[derive(Debug, Parser)]
#[command(name = "worker", version, term_width = 100)]
pub struct Config {
    #[command(flatten)]
    temporal: temporal::TemporalArgs,
    #[command(flatten)]
    shop: shop::ShopArgs,
    #[command(flatten)]
    payment: ProviderArgs<payment::PaymentPort>,
    #[command(flatten)]
    shipping: ProviderArgs<shipping::ShippingPort>,
    #[command(flatten)]
    mail: ProviderArgs<notification::MailPort>,
    #[command(flatten)]
    sms: ProviderArgs<notification::SmsPort>,
    #[command(flatten)]
    order_mails: notification::OrderMailArgs,
    #[command(flatten)]
    onboarding: onboarding::OnboardingArgs,
    #[command(flatten)]
    patience: patience::PatienceArgs,
    #[command(flatten)]
    operation: operation::OperationArgs,
    #[command(flatten)]
    erp: erp::ErpArgs,
    #[command(flatten)]
    bulk: bulk::BulkArgs,
    #[command(flatten)]
    media: media::MediaArgs,
    #[command(flatten)]
    prices: prices::PriceArgs,
    #[command(flatten)]
    tuning: tuning::TuningArgs,
}

/// The settings, checked: what a worker is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which Temporal, and as which worker.
    pub temporal: TemporalSettings,
    /// The shop's systems that have one place each.
    pub shop: Shop,
    /// The payment provider.
    pub payment: Arc<dyn Provider>,
    /// The carrier.
    pub shipping: Arc<dyn Carrier>,
    /// The sender of mails.
    pub mail: Arc<dyn MailSender>,
    /// The sender of SMS.
    pub sms: Arc<dyn SmsSender>,
    /// The mails about an order that are written here; the shop writes the others itself.
    pub order_mails: BTreeSet<OrderMail>,
    /// The key of the customers' pseudonyms, and the address of the unsubscribe links.
    pub pseudonyms: Pseudonyms,
    /// The zone of quiet hours that name none.
    pub zone: TimeZone,
    /// How long things are retried.
    pub patience: Patience,
    /// How the worker runs.
    pub operation: Operation,
    /// The webhook door, if it is open.
    pub door: Option<DoorSettings>,
    /// The settings of syncs with ERPs.
    pub erp: ErpSettings,
    /// How much bulk work at once.
    pub bulk: BulkSettings,
    /// Networks that pictures may come from although they are not public.
    pub media_allow: Networks,
    /// The settings of price runs.
    pub prices: PriceSettings,
    /// How much at once.
    pub tuning: Tuning,
}

impl Config {
    /// Checks that the settings hold together.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Settings, Problems> {
        // Providers are opened while they are checked, and opening one asks for TLS.
        crate::install_crypto();
        let mut problems = Problems::default();
        misspelt::check(std::env::vars_os().map(|(name, _)| name), &mut problems);
        let limits = self.shop.limits();
        let temporal = self.temporal.read();
        let shop = self.shop.check(&mut problems);
        let (home, senders) =
            (shop.as_ref().map(|shop| &shop.commerce), shop.as_ref().map(|shop| &shop.notification));
        let payment = self.payment.check(home, limits, &mut problems);
        let shipping = self.shipping.check(home, limits, &mut problems);
        let mail = self.mail.check(senders, limits, &mut problems);
        let sms = self.sms.check(senders, limits, &mut problems);
        let order_mails = self.order_mails.check(&mut problems);
        let pseudonyms = self.onboarding.pseudonyms(&mut problems);
        let zone = self.onboarding.zone(&mut problems);
        let requests = Requests {
            timeout: limits.timeout,
            // A repeated attempt looks first and then acts.
            of_an_attempt: payment.as_ref().map_or(2, |payment| payment.requests_max()),
            attempts_max: limits.attempts_max,
        };
        let patience =
            self.patience.check(requests, &self.onboarding, &self.erp, &self.prices, &mut problems);
        let prices = self.prices.check(&mut problems);
        let (operation, door) = self.operation.check(&mut problems);
        let door = door.check(payment.as_ref(), &pseudonyms, &mut problems);
        let erp = self.erp.check(&mut problems);
        let bulk = self.bulk.read();
        let tuning = self.tuning.check(&mut problems);
        let settings = shop.zip(payment.zip(shipping)).zip(mail.zip(sms)).zip(zone);
        problems.or(settings.map(|(((shop, (payment, shipping)), (mail, sms)), zone)| Settings {
            temporal,
            shop,
            payment,
            shipping,
            mail,
            sms,
            order_mails,
            pseudonyms,
            zone,
            patience,
            operation,
            door,
            erp,
            bulk,
            media_allow: self.media.read(),
            prices,
            tuning,
        }))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let fix = "write a number and a unit: 500ms, 20s, 15m, 24h";
    let duration: jiff::SignedDuration = text.trim().parse().map_err(|_| fix.to_owned())?;
    let duration = Duration::try_from(duration).map_err(|_| format!("is negative; {fix}"))?;
    if duration.is_zero() { Err(format!("is zero; {fix}")) } else { Ok(duration) }
}
