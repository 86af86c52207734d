//! The settings of Stripe.

use std::sync::Arc;

use text::Problem;

use super::{StripeEndpoint, open};
use crate::http::Credential;
use crate::payment::Provider;
use crate::provider::{Given, Kind, Met, Setting, is_readable_by_others, secret};

const KEY: &str = "SUN_STRIPE_SECRET_KEY";
const API_URL: &str = "SUN_STRIPE_API_URL";
const RETURN_URL: &str = "SUN_STRIPE_RETURN_URL";

/// Stripe: cards only.
pub(in crate::payment) const KIND: Kind<dyn Provider> = Kind {
    name: "stripe",
    help: "Stripe, cards only",
    settings: &[
        secret!(
            "SUN_STRIPE_SECRET_KEY",
            "stripe-secret-key",
            "KEY",
            "Stripe's secret key: sk_…, or a restricted rk_… that may write PaymentIntents and refunds"
        ),
        Setting::text(API_URL, "stripe-api-url", "URL", "Base URL of Stripe's API")
            .or("https://api.stripe.com"),
        Setting::text(
            RETURN_URL,
            "stripe-return-url",
            "URL",
            "Where Stripe sends customers back to after 3-D Secure; without it the shop's checkout goes through it with \
             Stripe's client library",
        ),
    ],
    open: read,
};

fn read(given: &Given<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let mut met = Met::default();
    let base = met.take(given.api_url(API_URL)).flatten();
    let return_url = met.take(given.url(RETURN_URL)).flatten();
    let key =
        "the secret key of Stripe's dashboard (sk_… or rk_…), or SUN_STRIPE_SECRET_KEY_FILE to its file";
    let key = met.take(given.needed(KEY, key));
    if let Some(problem) = key.and_then(flaw) {
        met.add(problem);
    }
    let is_live = key.is_some_and(|key| key.starts_with("sk_live_") || key.starts_with("rk_live_"));
    if is_live && base.as_ref().is_some_and(is_readable_by_others) {
        met.add(Problem::new(
            API_URL,
            "is not https, so that a live key would travel in the open",
            "write it as https://…",
        ));
    }
    let endpoint = key.zip(base).map(|(key, base)| StripeEndpoint {
        base,
        secret_key: Credential::new(key),
        return_url,
        timeout: given.timeout,
        response_bytes_max: given.response_bytes_max,
    });
    open(met.or(endpoint)?).map_err(|error| vec![error.of(KEY)])
}

/// The fault of a key; never the key itself.
fn flaw(key: &str) -> Option<Problem> {
    let fix = "use the secret one of Stripe's dashboard, sk_… or rk_…";
    if key.starts_with("pk_") {
        Some(Problem::new(KEY, "is a publishable key (pk_…)", fix))
    } else if !key.starts_with("sk_") && !key.starts_with("rk_") {
        Some(Problem::new(KEY, "is not a secret key of Stripe: they begin with sk_ or rk_", fix))
    } else {
        None
    }
}
