//! The webhook door: where it is, and who may come in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use activities::customers::Pseudonyms;
use activities::http::Credential;
use activities::payment::Provider;
use clap::Args;
use text::Problem;

use super::problems::Problems;
use super::secret::secret;
use crate::door::{DoorSettings, PaymentEvents};

const SECRET: &str = "SUN_PAYMENT_WEBHOOK_SECRET";

/// The webhook door.
#[derive(Debug, Args)]
pub(super) struct DoorArgs {
    /// Address of the webhook door, off by default: POST /webhooks/payments (with SUN_PAYMENT_WEBHOOK_SECRET), and
    /// /unsubscribe/… for the links in marketing mails (with SUN_UNSUBSCRIBE_URL).
    #[arg(long, env = "SUN_WEBHOOK_LISTEN", value_name = "HOST:PORT")]
    webhook_listen: Option<SocketAddr>,
    /// Secret that the payment provider signs its events with.
    #[arg(long, env = "SUN_PAYMENT_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    payment_webhook_secret: Option<String>,
    /// File that holds that secret.
    #[arg(long, env = "SUN_PAYMENT_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    payment_webhook_secret_file: Option<PathBuf>,
}

impl DoorArgs {
    /// The door, if it is to be open: it needs an address, and something that may come in.
    pub(super) fn check(
        self,
        payment: Option<&Arc<dyn Provider>>,
        pseudonyms: &Pseudonyms,
        problems: &mut Problems,
    ) -> Option<DoorSettings> {
        let (value, file) = (self.payment_webhook_secret, self.payment_webhook_secret_file);
        let secret = problems.take(secret(SECRET, value.as_deref(), file.as_deref())).flatten();
        let payments = secret.zip(payment).map(|(secret, provider)| PaymentEvents {
            secret: Credential::new(secret),
            provider: provider.clone(),
        });
        let unsubscribe = pseudonyms.key.clone().filter(|_| pseudonyms.unsubscribe.is_some());
        match self.webhook_listen {
            Some(_) if payments.is_none() && unsubscribe.is_none() && payment.is_some() => {
                problems.add(Problem::new(
                    "SUN_WEBHOOK_LISTEN",
                    "is set, but neither SUN_PAYMENT_WEBHOOK_SECRET nor SUN_UNSUBSCRIBE_URL is, so that nothing could \
                     come in",
                    "set the secret that the payment provider signs with, or the URL, or remove SUN_WEBHOOK_LISTEN",
                ));
                None
            }
            Some(listen) => Some(DoorSettings { listen, payments, unsubscribe }),
            None => {
                if payments.is_some() {
                    problems.add(Problem::new(
                        SECRET,
                        "is set, but SUN_WEBHOOK_LISTEN is not, so that no event would come in",
                        "set it to an address, or remove the secret",
                    ));
                }
                // The links may lead to the door of another worker.
                None
            }
        }
    }
}
