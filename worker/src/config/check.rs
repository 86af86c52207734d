//! From settings as they were given to settings that hold together. Every problem is named with its fix.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use activities::http::{Credential, Endpoint};
use activities::inventory::Lines;
use reqwest::Url;
use workflows::policy::Figures;

use super::payment::Payment;
use super::{Config, Deployment, Settings, read_secret};

/// The problems with the settings, each with its fix.
#[derive(Debug)]
pub struct Problems(pub(super) Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "  - {problem}")?;
        }
        write!(f, "See `worker --help`.")
    }
}

/// One outside system as it was configured.
pub(super) struct Given {
    pub(super) system: &'static str,
    pub(super) variable: &'static str,
    pub(super) url: Option<String>,
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
}

macro_rules! given {
    ($system:literal, $variable:literal, $args:expr) => {
        Given {
            system: $system,
            variable: $variable,
            url: $args.url,
            token: $args.token,
            token_file: $args.token_file,
        }
    };
}

impl Config {
    /// Checks that the settings hold together.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Settings, Problems> {
        let Self { temporal, shop, provider, mail, sms, onboarding, patience, operation, erp, bulk, tuning } =
            self;
        let mut problems = Vec::new();
        let timeout = Duration::from_millis(shop.ecommerce_api_timeout);
        let template = |system, base, token| Endpoint {
            system,
            base,
            version: shop.ecommerce_api_version.clone(),
            token,
            timeout,
            response_bytes_max: shop.response_bytes_max as usize,
        };
        let platform = given!("commerce", "SUN_ECOMMERCE_API", shop.ecommerce).read(&mut problems);
        if platform.url.is_none() && problems.is_empty() {
            problems.push(
                "SUN_ECOMMERCE_API_URL is missing: set it to the base URL of the Sun eCommerce platform, \
                 such as http://127.0.0.1:8484 of a sandbox"
                    .to_owned(),
            );
        }
        let mut endpoint = |given: Given| {
            let system = given.system;
            let own = given.read(&mut problems);
            match own.url {
                Some(url) => Some(template(system, url, own.token)),
                // The platform itself: its token, unless another one was given.
                None => Some(template(system, platform.url.clone()?, own.token.or(platform.token.clone()))),
            }
        };
        let inventory = endpoint(given!("inventory", "SUN_INVENTORY_API", shop.inventory));
        let own_payment = given!("payment", "SUN_PAYMENT_API", shop.payment);
        let is_payment_set = own_payment.is_set();
        let payment = endpoint(own_payment);
        let shipping = endpoint(given!("shipping", "SUN_SHIPPING_API", shop.shipping));
        let notification = endpoint(given!("notification", "SUN_NOTIFICATION_API", shop.notification));
        let loyalty = endpoint(onboarding.loyalty());
        let pseudonyms = onboarding.pseudonyms(&mut problems);
        let commerce = platform.url.clone().map(|url| template("commerce", url, platform.token.clone()));

        let limits = (timeout, shop.response_bytes_max as usize);
        let payment = provider.check(payment, is_payment_set, limits, &mut problems);

        let mail = mail.check(timeout, &mut problems);
        let twilio = sms.check(limits, &mut problems);

        let erp_patience = erp.erp_patience;
        let erp = erp.check(&mut problems);

        let door = operation.door.check(payment.as_ref(), &pseudonyms, &mut problems);
        let webhook = operation.metrics_webhook_url.filter(|url| !url.is_empty());
        let metrics_webhook =
            webhook.and_then(|url| base_url("SUN_METRICS_WEBHOOK_URL", &url, &mut problems));
        let second_look = patience.second_look.unwrap_or(timeout.min(patience.undo_patience / 4));
        if second_look >= patience.undo_patience {
            problems.push(format!(
                "SUN_SECOND_LOOK ({second_look:?}) is not shorter than SUN_UNDO_PATIENCE ({:?}): an undo \
                 could never believe that there is nothing to undo; shorten it",
                patience.undo_patience
            ));
        }
        if tuning.cached_workflows < tuning.workflow_slots {
            problems.push(format!(
                "SUN_CACHED_WORKFLOWS ({}) is less than SUN_WORKFLOW_SLOTS ({}): runs would be put away in the middle of \
                 their tasks; keep several times as many as there are slots, or lower the slots",
                tuning.cached_workflows, tuning.workflow_slots
            ));
        }
        let policies = Figures {
            // A repeated attempt looks first and then acts.
            attempt: timeout * payment.as_ref().map_or(2, Payment::requests_max) + Duration::from_secs(5),
            heartbeat: patience.heartbeat_timeout,
            retry_first: patience.retry_first,
            retry_longest: patience.retry_longest.max(patience.retry_first),
            attempts_max: shop.ecommerce_api_retries,
            local_attempt: patience.local_attempt,
            local_budget: patience.local_attempt * 2,
            bookkeeping: patience.bookkeeping_patience,
            account: onboarding.account_patience,
            stock: patience.stock_patience,
            payment: patience.payment_patience,
            carrier: patience.carrier_patience,
            aftermath: patience.aftermath_patience,
            notice: patience.notice_patience,
            undo: patience.undo_patience,
            asked_retry_first: patience.asked_retry_first,
            asked_retry_longest: patience.asked_retry_longest.max(patience.asked_retry_first),
            erp: erp_patience,
            follow_up_tips: onboarding.follow_up_tips,
            follow_up_recommendations: onboarding.follow_up_recommendations,
            ..Figures::default()
        };
        let (
            Some(commerce),
            Some(inventory),
            Some(payment),
            Some(shipping),
            Some(notification),
            Some(loyalty),
            true,
        ) = (commerce, inventory, payment, shipping, notification, loyalty, problems.is_empty())
        else {
            return Err(Problems(problems));
        };
        Ok(Settings {
            profile: temporal.profile,
            address: temporal.address,
            namespace: temporal.namespace,
            task_queue: temporal.task_queue,
            deployment: temporal.deployment_name.filter(|name| !name.is_empty()).map(|name| Deployment {
                name,
                build_id: temporal
                    .build_id
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| temporalio_common::worker::build_id_from_current_exe().to_owned()),
            }),
            commerce,
            inventory,
            payment,
            shipping,
            notification,
            mail,
            twilio,
            loyalty,
            pseudonyms,
            erp,
            bulk: bulk.read(),
            lines: if shop.inventory_batch_reserve { Lines::Batch } else { Lines::OneByOne },
            second_look,
            policies,
            listen: operation.listen,
            grace_period: operation.grace_period,
            door,
            metrics_webhook,
            log_filter: operation.log,
            log_format: operation.log_format,
            tuning: tuning.read(),
        })
    }
}

struct Read {
    url: Option<Url>,
    token: Option<Credential>,
}

impl Given {
    fn is_set(&self) -> bool {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        is_given(&self.url) || is_given(&self.token) || self.token_file.is_some()
    }

    fn read(self, problems: &mut Vec<String>) -> Read {
        let Self { variable, url, token, token_file, .. } = self;
        let url = url.filter(|url| !url.is_empty());
        let url = url.and_then(|url| base_url(&format!("{variable}_URL"), &url, problems));
        let token = secret(&format!("{variable}_TOKEN"), token, token_file, problems).map(Credential::new);
        Read { url, token }
    }
}

/// A secret given by value or by file.
pub(super) fn secret(
    variable: &str,
    value: Option<String>,
    file: Option<PathBuf>,
    problems: &mut Vec<String>,
) -> Option<String> {
    match (value.filter(|value| !value.is_empty()), file) {
        (Some(_), Some(_)) => {
            problems.push(format!("{variable} and {variable}_FILE are both set: keep one of them"));
            None
        }
        (value, None) => value,
        (None, Some(path)) => read_secret(&path)
            .map_err(|e| problems.push(format!("{variable}_FILE: {e}; point it at the file that holds it")))
            .ok(),
    }
}

pub(super) fn base_url(variable: &str, text: &str, problems: &mut Vec<String>) -> Option<Url> {
    let fix = "write it as http://host:port or https://host/path";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            problems.push(format!("{variable} is not a URL ({error}): {fix}"));
            return None;
        }
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        problems.push(format!("{variable} is not an HTTP URL: {fix}"));
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.push(format!("{variable} holds credentials: give them as a token instead"));
        return None;
    }
    Some(url)
}
