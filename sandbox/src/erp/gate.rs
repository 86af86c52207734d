//! The gate of the ERP: it checks tokens, and counts how often somebody asks.

use rusqlite::params;

use super::settings::Settings;
use crate::answer::{Refusal, Stop};
use crate::call::Call;
use crate::shop::Shop;

/// The second of the sandbox clock that is being counted, and its requests.
const RATE_SETTING: &str = "erp_rate";

/// Counts a request against the rate; 429 once the second is full.
pub(super) fn count_against_rate(shop: &Shop<'_>, settings: &Settings) -> Result<(), Stop> {
    let Some(rate) = settings.rate_per_second else { return Ok(()) };
    let second = shop.now.div_euclid(1000);
    let saved = shop.setting(RATE_SETTING)?;
    let counted = saved.as_deref().and_then(|text| {
        let (counted_second, count) = text.split_once(' ')?;
        (counted_second.parse() == Ok(second)).then(|| count.parse::<u32>().ok())?
    });
    let count = counted.unwrap_or(0);
    if count >= rate {
        let message = format!("more than {rate} requests in a second");
        return Err(Refusal::new(429, "RATE_LIMIT_EXCEEDED", message).into());
    }
    Ok(shop.set_setting(RATE_SETTING, &format!("{second} {}", count + 1))?)
}

/// A new token; the ones before it stay good.
pub(super) fn issue(shop: &Shop<'_>, settings: &Settings) -> Result<String, Stop> {
    let token = shop.next_id("erp")?;
    shop.run(
        "INSERT INTO erp_tokens (token, expires_at, requests_max) VALUES (?1, ?2, ?3)",
        params![token, shop.now + i64::from(settings.token_seconds) * 1000, settings.token_requests],
    )?;
    Ok(token)
}

/// Lets a request in that the rate and its token allow, and counts it.
pub(super) fn admit(shop: &Shop<'_>, call: &Call) -> Result<Settings, Stop> {
    let settings = Settings::load(shop)?;
    count_against_rate(shop, &settings)?;
    let unknown = || Refusal::new(401, "BAD_TOKEN", "a bearer token of /erp/auth is needed");
    let token = call.bearer.as_deref().ok_or_else(unknown)?;
    let is_good = shop.find(
        "SELECT expires_at > ?2 AND requests < coalesce(requests_max, requests + 1)
         FROM erp_tokens WHERE token = ?1",
        params![token, shop.now],
        |row| row.get::<_, bool>(0),
    )?;
    if !is_good.ok_or_else(unknown)? {
        return Err(Refusal::new(401, "TOKEN_EXPIRED", "the token has expired").into());
    }
    shop.run("UPDATE erp_tokens SET requests = requests + 1 WHERE token = ?1", [token])?;
    Ok(settings)
}
