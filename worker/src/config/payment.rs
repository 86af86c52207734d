//! The payment providers, on the command line.

use activities::payment::{KINDS, Provider};
use activities::provider::{Kind, Setting};

use super::providers::{Choice, Port};

/// The payment providers.
pub(super) struct PaymentPort;

impl Port for PaymentPort {
    type Provider = dyn Provider;
    const HEADING: &'static str = "Payment provider";
    const CHOICE: Choice = Choice::Named(Setting::text(
        "SUN_PAYMENT_PROVIDER",
        "payment-provider",
        "NAME",
        "Who takes the money",
    ));
    const KINDS: &'static [Kind<dyn Provider>] = KINDS;
}
