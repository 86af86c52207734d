//! How the ERP behaves, as the control interface sets it.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::answer::{Refusal, Stop};
use crate::body::{self, Text};
use crate::shop::Shop;

const SETTING: &str = "erp";
const PAGE_LIMIT: u32 = 10_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(super) username: String,
    pub(super) password: String,
    /// How long a new token lasts.
    pub(super) token_seconds: u32,
    /// How many requests a new token is good for; null: any number.
    pub(super) token_requests: Option<u32>,
    /// How many requests are answered in a second; null: any number.
    pub(super) rate_per_second: Option<u32>,
    /// The longest page, and the one that comes when nobody says how long.
    pub(super) page_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            username: "api_user".to_owned(),
            password: "api_password".to_owned(),
            token_seconds: 3600,
            token_requests: None,
            rate_per_second: None,
            page_max: 500,
        }
    }
}

/// The settings to change; the others stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsChange {
    username: Option<Text>,
    password: Option<Text>,
    token_seconds: Option<NonZeroU32>,
    #[serde(default, deserialize_with = "body::present")]
    token_requests: Option<Option<NonZeroU32>>,
    #[serde(default, deserialize_with = "body::present")]
    rate_per_second: Option<Option<NonZeroU32>>,
    page_max: Option<NonZeroU32>,
}

impl Settings {
    pub(crate) fn load(shop: &Shop<'_>) -> Result<Self, Stop> {
        match shop.setting(SETTING)? {
            Some(saved) => Ok(serde_json::from_str(&saved)?),
            None => Ok(Self::default()),
        }
    }

    /// Changes the given settings and keeps the result. Tokens that were given out stay as they are.
    pub(crate) fn change(self, shop: &Shop<'_>, change: SettingsChange) -> Result<Self, Stop> {
        let page_max = change.page_max.map_or(self.page_max, NonZeroU32::get);
        if page_max > PAGE_LIMIT {
            return Err(Refusal::invalid("page_max", format!("must be at most {PAGE_LIMIT}")).into());
        }
        let limit = |given: Option<Option<NonZeroU32>>, before| {
            given.map_or(before, |limit| limit.map(NonZeroU32::get))
        };
        let changed = Self {
            username: change.username.map_or(self.username, |name| name.to_string()),
            password: change.password.map_or(self.password, |password| password.to_string()),
            token_seconds: change.token_seconds.map_or(self.token_seconds, NonZeroU32::get),
            token_requests: limit(change.token_requests, self.token_requests),
            rate_per_second: limit(change.rate_per_second, self.rate_per_second),
            page_max,
        };
        shop.set_setting(SETTING, &serde_json::to_string(&changed)?)?;
        Ok(changed)
    }
}
