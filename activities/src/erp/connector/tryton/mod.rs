//! The connector to Tryton 8, by its JSON-RPC: `erp_endpoint` is the database, `https://erp.example.com/shop`.
//!
//! - `rpc.rs`: session, calls, tagged values;
//! - `read.rs`: products, levels and customers as plain fields.
//!
//! Pages go by id, which never moves. A change while pages are read may be on either side of the one being read; so
//! the newest change that the ERP knows **when a run begins** is carried by the cursor, and no record counts as changed
//! after it: the watermark stays before everything that happened meanwhile, and the next run sees it.

mod read;
mod rpc;

use std::sync::Arc;
use std::time::Duration;

use contracts::erp::{Entity, Stamps};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::{Erp, Keys, KeysAsk, Page, PageAsk};
use crate::erp::credentials::{ErpCredential, Options};
use crate::http::channel::{Channel, Peer};
use crate::http::{CallError, envelope};
use rpc::Rpc;

/// Room for a page of 500 records.
const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn open(
    endpoint: &str,
    credential: &ErpCredential,
    timeout: Duration,
) -> Result<Arc<dyn Erp>, String> {
    let url = Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(|url| url.path().len() > 1).ok_or(
        "erp_endpoint names no database, which the connector 'tryton' needs: https://erp.example.com/shop",
    )?;
    super::only_private(&url)?;
    let settings = Settings::read(&credential.options)?;
    let peer = Peer {
        system: "erp",
        base: &url,
        names: credential.names(),
        // A refusal of a call comes as a 200.
        is_own: envelope::none,
        timeout,
        response_bytes_max: RESPONSE_BYTES_MAX,
    };
    let channel = Channel::open(peer, None).map_err(|error| error.to_string())?;
    let rpc = Rpc::new(channel, &url, credential.username.clone(), credential.password.clone());
    Ok(Arc::new(Tryton { rpc, settings, setting: tokio::sync::OnceCell::new() }))
}

/// The options of a credential.
#[derive(Debug, Default)]
struct Settings {
    /// Codes of the locations whose stock is the shop's; none: every storage location.
    locations: Vec<String>,
    /// Whether names are written given name first.
    is_given_first: bool,
    company: Option<i64>,
}

impl Settings {
    fn read(options: &Options) -> Result<Self, String> {
        let mut settings = Self::default();
        for (name, value) in options {
            match (name.as_str(), value) {
                ("locations", Value::Array(codes))
                    if !codes.is_empty() && codes.iter().all(Value::is_string) =>
                {
                    settings.locations = codes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                ("name_order", Value::String(order))
                    if matches!(order.as_str(), "family_first" | "given_first") =>
                {
                    settings.is_given_first = order == "given_first";
                }
                ("company", Value::Number(id)) if id.is_i64() => settings.company = id.as_i64(),
                _ => {
                    return Err(format!(
                        "option {name} of the credential is not what the connector 'tryton' knows: write locations \
                         ([\"STO\"]), name_order (family_first, given_first) or company (its number)"
                    ));
                }
            }
        }
        Ok(settings)
    }
}

/// The facts to be known of the ERP before anything is read.
struct Setting {
    company: i64,
    /// Id and code of the locations.
    locations: Vec<(i64, String)>,
}

struct Tryton {
    rpc: Rpc,
    settings: Settings,
    setting: tokio::sync::OnceCell<Setting>,
}

/// Where a page ended: the last id, and the newest change known when the run began, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    id: i64,
    newest: Timestamp,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (id, newest) = text.split_once(' ')?;
        Some(Self { id: id.parse().ok()?, newest: newest.parse().ok()? })
    }

    fn text(self) -> String {
        format!("{} {}", self.id, self.newest)
    }
}

impl Tryton {
    /// Company and locations, asked for once.
    async fn setting(&self) -> Result<&Setting, CallError> {
        self.setting.get_or_try_init(|| self.ask_setting()).await
    }

    async fn ask_setting(&self) -> Result<Setting, CallError> {
        let unusable = |why: String| CallError::Unusable { system: "erp", why };
        let company = match self.settings.company {
            Some(company) => company,
            None => {
                let preferences: Map<String, Value> =
                    self.rpc.call("model.res.user.get_preferences", &json!([true, {}])).await?;
                preferences.get("company").and_then(Value::as_i64).ok_or_else(|| {
                    unusable(
                        "the user has no company, without which Tryton knows no prices: give it one"
                            .to_owned(),
                    )
                })?
            }
        };
        let codes = &self.settings.locations;
        let domain = match codes.as_slice() {
            [] => json!([["type", "=", "storage"]]),
            codes => json!([["code", "in", codes]]),
        };
        let parameters = json!([domain, 0, null, [["id", "ASC"]], ["code", "name"], { "company": company }]);
        let found: Vec<Map<String, Value>> =
            self.rpc.call("model.stock.location.search_read", &parameters).await?;
        let location = |row: &Map<String, Value>| {
            let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            Some((row.get("id")?.as_i64()?, text("code").or(text("name"))?.to_owned()))
        };
        let locations: Vec<(i64, String)> = found.iter().filter_map(location).collect();
        match codes.iter().find(|code| !locations.iter().any(|(_, known)| known == *code)) {
            Some(_) => {
                Err(unusable("option locations names a code that no location has: correct it".to_owned()))
            }
            None => Ok(Setting { company, locations }),
        }
    }

    async fn read_page(&self, ask: &PageAsk<'_>) -> Result<Page, CallError> {
        let setting = self.setting().await?;
        let cursor = match ask.cursor {
            None => Cursor { id: 0, newest: self.newest(ask.entity, setting).await? },
            Some(text) => Cursor::parse(text).ok_or_else(|| self.rpc.unknown("a cursor of another kind"))?,
        };
        match ask.entity {
            Entity::Products => self.products(ask, setting, cursor).await,
            Entity::Inventory => self.levels(ask, setting, cursor).await,
            Entity::Customers => self.customers(ask, setting, cursor).await,
            Entity::Orders => Err(CallError::Unusable {
                system: "erp",
                why: "the connector 'tryton' reads no orders: take them out of sync_entities".to_owned(),
            }),
        }
    }
}

impl Erp for Tryton {
    fn kind(&self) -> &'static str {
        "tryton"
    }

    /// Pages go by id.
    fn stamps(&self) -> Stamps {
        Stamps::AnyOrder
    }

    fn log_in(&self) -> BoxFuture<'_, Result<(), CallError>> {
        self.rpc.log_in().boxed()
    }

    fn page<'a>(&'a self, ask: &'a PageAsk<'a>) -> BoxFuture<'a, Result<Page, CallError>> {
        self.read_page(ask).boxed()
    }

    fn keys<'a>(&'a self, ask: &'a KeysAsk<'a>) -> BoxFuture<'a, Result<Keys, CallError>> {
        self.product_keys(ask).boxed()
    }
}
