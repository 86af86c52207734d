//! The port to ERPs: what every connector can do. Adding one is a folder and a line in `KINDS`.

mod files;
mod rest;
mod tryton;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::erp::{Entity, Source, Stamps};
use futures::future::BoxFuture;
use jiff::Timestamp;
use mapping::SourceRecord;
use reqwest::Url;

use super::credentials::{Credentials, ErpCredential};
use crate::http::CallError;
use crate::provider::is_readable_by_others;

/// The questions to an ERP. Sessions are the connector's own: it logs in when it has to.
pub trait Erp: Send + Sync {
    /// The connector's name, for the report.
    fn kind(&self) -> &'static str;

    /// Proves that we are let in; [`CallError::is_not_let_in`] when we are not.
    fn log_in(&self) -> BoxFuture<'_, Result<(), CallError>>;

    /// The moments of change that it gives to records, and whether its pages come in their order.
    fn stamps(&self) -> Stamps {
        Stamps::InOrder
    }

    /// One page of what changed, in the order that [`Self::stamps`] says.
    fn page<'a>(&'a self, ask: &'a PageAsk<'a>) -> BoxFuture<'a, Result<Page, CallError>>;

    /// Why [`Self::keys`] cannot say everything that there is; `None`: it can.
    fn no_keys(&self) -> Option<&'static str> {
        None
    }

    /// One page of the keys of everything that a full read would find, and nothing else of it. A record that is there
    /// during the whole list must be in it, whatever else changes meanwhile.
    fn keys<'a>(&'a self, ask: &'a KeysAsk<'a>) -> BoxFuture<'a, Result<Keys, CallError>>;
}

/// Which keys.
#[derive(Clone, Copy, Debug)]
pub struct KeysAsk<'a> {
    /// Of what.
    pub entity: Entity,
    /// The field of [`Sourced::fields`] that the key stands in: the mapping reads that one.
    pub field: &'a str,
    /// Where the page before ended.
    pub cursor: Option<&'a str>,
    /// Keys at most.
    pub limit: u32,
}

/// Some keys.
#[derive(Debug, Default)]
pub struct Keys {
    /// One of each record; `None` where it has none.
    pub keys: Vec<Option<String>>,
    /// Where the next page begins; `None`: these were the last.
    pub next: Option<String>,
}

/// Which page.
#[derive(Clone, Copy, Debug)]
pub struct PageAsk<'a> {
    /// Of what.
    pub entity: Entity,
    /// Changes since then, that moment included; `None`: everything.
    pub since: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<&'a str>,
    /// Records at most.
    pub limit: u32,
    /// Up to here, by this connector's own `changed_at`, everything is safely in the shop: what is kept for a
    /// repetition until then can be put away. `None`: nobody knows, or it is to be read again.
    pub settled: Option<Timestamp>,
    /// Records that are staged together: among them a later one of the same key replaces an earlier one.
    pub together: u64,
    /// Whether the run changes nothing, so that the connector must not either.
    pub is_dry: bool,
}

/// Some records.
#[derive(Debug, Default)]
pub struct Page {
    /// In the order of their changes, where [`Erp::stamps`] says so.
    pub records: Vec<Sourced>,
    /// Where the next page begins; `None`: nothing is left now. Pages must not lose a record between two that changed
    /// at the same moment.
    pub next: Option<String>,
    /// Whether the records so far must be in the shop before the next page is compared with it.
    pub is_cut: bool,
    /// Each thing that was meant for the shop and cannot be read: its name, and what to do. The report says it.
    pub left_lying: Vec<String>,
}

/// A record and when it changed.
#[derive(Debug)]
pub struct Sourced {
    /// By the ERP's own clock.
    pub changed_at: Timestamp,
    /// As the ERP has it.
    pub fields: SourceRecord,
    /// Why the record cannot be taken as it stands there: a cell of a spreadsheet shows an error in place of a value.
    pub unreadable: Option<text::Problem>,
    /// Whether the record does not say when it changed, so that [`Self::changed_at`] is its neighbour's.
    pub is_undated: bool,
    /// Whether it is a row of a table, which has a value for each of its columns.
    pub is_row: bool,
}

impl Sourced {
    /// A record of which every value can be read.
    #[must_use]
    pub fn whole(changed_at: Timestamp, fields: SourceRecord) -> Self {
        Self { changed_at, fields, unreadable: None, is_undated: false, is_row: false }
    }
}

/// Refuses an address to which user and password would go in the clear, beyond this machine.
fn only_private(url: &Url) -> Result<(), String> {
    match is_readable_by_others(url) {
        false => Ok(()),
        true => Err("erp_endpoint is http:// and not on this machine, so that user and password would go in the clear: \
                     give the ERP's https:// address"
            .to_owned()),
    }
}

/// Makes a connector.
type Opens = fn(&str, &ErpCredential, Duration) -> Result<Arc<dyn Erp>, String>;

/// Every connector, by the name that a credential chooses it by.
const KINDS: &[(&str, Opens)] = &[("rest", rest::open), ("files", files::open), ("tryton", tryton::open)];

/// A connector, and the credential it was opened with.
type Opened = (ErpCredential, Arc<dyn Erp>);

/// The connectors of this worker, one for each address and credential, with their sessions.
pub struct Connectors {
    credentials: Credentials,
    timeout: Duration,
    open: Mutex<HashMap<(String, String), Opened>>,
}

impl Connectors {
    /// With the worker's credentials; `timeout` is the limit of one request.
    #[must_use]
    pub fn new(credentials: Credentials, timeout: Duration) -> Self {
        Self { credentials, timeout, open: Mutex::default() }
    }

    /// The connector of a source.
    ///
    /// # Errors
    /// Why there is none, and the fix.
    pub(super) fn open(&self, source: &Source) -> Result<Arc<dyn Erp>, String> {
        let credential = self.credentials.find(&source.credentials_ref)?;
        if !credential.may_go_to(&source.endpoint) {
            return Err(format!(
                "erp_endpoint is not on the worker's list for {}: add it to the credential's \"endpoints\"",
                source.credentials_ref
            ));
        }
        let name = (source.endpoint.clone(), source.credentials_ref.clone());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, erp)) = open.get(&name)
            && known.is_same(&credential)
        {
            return Ok(erp.clone());
        }
        let Some((_, opens)) = KINDS.iter().find(|(kind, _)| *kind == credential.connector) else {
            let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            return Err(format!("{} names no known connector: {}", source.credentials_ref, known.join(", ")));
        };
        let erp = opens(&source.endpoint, &credential, self.timeout)?;
        open.insert(name, (credential, erp.clone()));
        Ok(erp)
    }
}
