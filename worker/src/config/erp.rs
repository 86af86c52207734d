//! The settings of syncs with ERPs: credentials, the object store, patience.

use std::collections::BTreeMap;
use std::ffi::OsString;
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
        credentials.named = named(std::env::vars_os(), problems);
        ErpSettings { credentials, store: self.store }
    }
}

/// The credentials among these variables, by their names. Variables of others may hold anything, not only text.
fn named(
    variables: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Problems,
) -> BTreeMap<String, ErpCredential> {
    let mut credentials = BTreeMap::new();
    for (variable, value) in variables {
        let Some((variable, name)) = variable.to_str().and_then(|v| Some((v, v.strip_prefix(CREDENTIALS)?)))
        else {
            continue;
        };
        let not_text = || Problem::new(variable, "is not UTF-8 text", "write it anew, as UTF-8");
        let credential = value.to_str().ok_or_else(not_text);
        let credential = credential.and_then(|json| ErpCredential::parse(variable, json));
        credentials.extend(problems.take(credential).map(|credential| (name.to_owned(), credential)));
    }
    credentials
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    /// A worker must not die of a variable that is nothing to it.
    #[test]
    fn variables_that_are_no_text_are_passed_over_or_named() {
        let latin = || OsString::from_vec(b"Ren\xE9".to_vec());
        let good = r#"{"endpoints": ["https://erp.example.com"]}"#;
        let variables = [
            (OsString::from("AUTHOR"), latin()),
            (latin(), OsString::from("x")),
            (OsString::from("SUN_ERP_CREDENTIALS_GOOD"), OsString::from(good)),
            (OsString::from("SUN_ERP_CREDENTIALS_BAD"), latin()),
        ];
        let mut problems = Problems::default();
        let credentials = named(variables.into_iter(), &mut problems);
        assert_eq!(credentials.keys().collect::<Vec<_>>(), ["GOOD"]);
        let said = problems.to_string();
        assert!(said.contains("SUN_ERP_CREDENTIALS_BAD is not UTF-8 text"), "{said}");
        assert!(!said.contains("AUTHOR"), "{said}");
    }
}
