//! The carriers, on the command line.

use activities::provider::{Kind, Setting};
use activities::shipping::{Carrier, KINDS};

use super::providers::{Choice, Port};

/// The carriers.
pub(super) struct ShippingPort;

impl Port for ShippingPort {
    type Provider = dyn Carrier;
    const HEADING: &'static str = "Carrier";
    const CHOICE: Choice = Choice::Named(Setting::text(
        "SUN_SHIPPING_PROVIDER",
        "shipping-provider",
        "NAME",
        "Who brings the parcels",
    ));
    const KINDS: &'static [Kind<dyn Carrier>] = KINDS;
}
