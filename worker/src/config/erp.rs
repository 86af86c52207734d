//! The settings of syncs with ERPs: credentials, the object store, patience.

use std::path::PathBuf;
use std::time::Duration;

use activities::erp::credentials::{Credentials, ErpCredential};
use clap::Args;
use text::Problem;

use super::duration;
use super::problems::Problems;

/// The prefix of a credential's variable in the environment, before its name.
const CREDENTIALS: &str = "SUN_ERP_CREDENTIALS_";

/// Syncs with ERPs.
#[derive(Debug, Args)]
#[command(next_help_heading = "ERP sync (durations: 500ms, 20s, 15m, 24h)")]
pub(super) struct ErpArgs {
    /// Folder of credentials, one JSON file each, which inputs name as "file:NAME". Those of the environment are named
    /// SUN_ERP_CREDENTIALS_NAME, which inputs name as "env:NAME". Both hold {"username", "password", "endpoints":
    /// ["https://…"], "connector": "rest"}: a password is sent to the endpoints listed beside it and nowhere else.
    #[arg(long, env = "SUN_SECRETS_DIR", value_name = "FOLDER")]
    secrets_dir: Option<PathBuf>,
    /// Object store for lists that are too long for a history: a folder, or s3://BUCKET/PREFIX with Amazon's own
    /// variables (AWS_REGION, AWS_ENDPOINT, AWS_ACCESS_KEY_ID, …). The starter's must be the same.
    #[arg(long, env = "SUN_STORE", value_name = "PLACE", default_value = store::DEFAULT_PLACE)]
    store: String,
    /// How long reading or writing some pages is retried.
    #[arg(long, env = "SUN_ERP_PATIENCE", default_value = "30m", value_parser = duration, value_name = "TIME")]
    pub(super) erp_patience: Duration,
}

/// The settings of syncs with ERPs, checked.
#[derive(Clone, Debug)]
pub struct ErpSettings {
    /// Users and passwords.
    pub credentials: Credentials,
    /// Where the object store is.
    pub store: String,
}

impl ErpArgs {
    pub(super) fn check(self, problems: &mut Problems) -> ErpSettings {
        let mut credentials = Credentials { folder: self.secrets_dir, ..Credentials::default() };
        if let Some(folder) = credentials.folder.as_ref().filter(|folder| !folder.is_dir()) {
            let what = format!("names {}, which is not a folder", folder.display());
            problems.add(Problem::new("SUN_SECRETS_DIR", what, "make it, or leave the setting out"));
        }
        for (variable, value) in std::env::vars() {
            let Some(name) = variable.strip_prefix(CREDENTIALS) else { continue };
            let credential = problems.take(ErpCredential::parse(&variable, &value));
            credentials.named.extend(credential.map(|credential| (name.to_owned(), credential)));
        }
        ErpSettings { credentials, store: self.store }
    }
}
