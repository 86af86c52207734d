//! The options of a credential for the connector `rest`.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::Instant;

use crate::erp::credentials::Options;

/// Room for a page of 500 records with many fields.
const RESPONSE_MEGABYTES: u64 = 16;

/// The options of a credential.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where times are that name no zone.
    pub(super) zone: Option<TimeZone>,
    /// The limit of one request, if it is not the worker's.
    pub(super) timeout: Option<Duration>,
    /// The largest answer that is read.
    pub(super) response_bytes_max: usize,
    /// Between two requests.
    pause: Duration,
    /// When the next request may go.
    due: tokio::sync::Mutex<Instant>,
}

impl Settings {
    pub(super) fn read(options: &Options) -> Result<Self, String> {
        let (mut zone, mut timeout, mut megabytes, mut pause) =
            (None, None, RESPONSE_MEGABYTES, Duration::ZERO);
        let within = |value: &Value, most: u64| value.as_u64().filter(|number| (1..=most).contains(number));
        for (name, value) in options {
            let wrong = || {
                format!(
                    "option {name} of the credential is not what the connector 'rest' knows: write zone \
                     (\"Asia/Ho_Chi_Minh\"), timeout_seconds (1 to 600), requests_per_second (1 to 1000) or \
                     response_megabytes (1 to 256)"
                )
            };
            match name.as_str() {
                "zone" => {
                    let name = value.as_str().ok_or_else(wrong)?;
                    let named = text::named_zone(name);
                    zone = Some(named.map_err(|refusal| {
                        format!("option zone of the credential {}: {}", refusal.problem, refusal.fix)
                    })?);
                }
                "timeout_seconds" => {
                    timeout = Some(Duration::from_secs(within(value, 600).ok_or_else(wrong)?))
                }
                "requests_per_second" => {
                    let rate = within(value, 1_000).ok_or_else(wrong)?;
                    pause = Duration::from_nanos(1_000_000_000 / rate);
                }
                "response_megabytes" => megabytes = within(value, 256).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
        let bytes = usize::try_from(megabytes * 1024 * 1024).unwrap_or(usize::MAX);
        let due = tokio::sync::Mutex::new(Instant::now());
        Ok(Self { zone, timeout, response_bytes_max: bytes, pause, due })
    }

    /// Waits until the next request may go.
    pub(super) async fn turn(&self) {
        if self.pause.is_zero() {
            return;
        }
        let at = {
            let mut due = self.due.lock().await;
            let at = (*due).max(Instant::now());
            *due = at + self.pause;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(options: Value) -> Result<Settings, String> {
        let Value::Object(options) = options else { return Err("no object".to_owned()) };
        Settings::read(&options.into_iter().collect())
    }

    #[test]
    fn options_are_the_connectors_own_and_an_odd_one_is_told() {
        let all = json!({ "zone": "Asia/Ho_Chi_Minh", "timeout_seconds": 120, "requests_per_second": 4,
            "response_megabytes": 64 });
        let settings = read(all).expect("right");
        assert_eq!(settings.timeout, Some(Duration::from_secs(120)));
        assert_eq!(settings.response_bytes_max, 64 * 1024 * 1024);
        assert_eq!(settings.pause, Duration::from_millis(250));
        for (option, wanted) in [
            (json!({ "timeout": 5 }), "option timeout of the credential is not what"),
            (json!({ "timeout_seconds": 0 }), "option timeout_seconds of the credential is not what"),
            (
                json!({ "requests_per_second": 2.5 }),
                "option requests_per_second of the credential is not what",
            ),
            (json!({ "zone": "Saigon" }), "option zone of the credential "),
        ] {
            let problem = read(option).expect_err("refused");
            assert!(problem.starts_with(wanted), "{problem}");
        }
    }
}
