//! The signature of the mails.

use std::path::PathBuf;

use activities::mail::{Dkim, DkimError, Sender};
use clap::Args;

/// DKIM.
#[derive(Debug, Args)]
pub(super) struct DkimArgs {
    /// Selector of the DKIM key; its public half is the TXT record SELECTOR._domainkey.DOMAIN. Off unless set.
    #[arg(long, env = "SUN_MAIL_DKIM_SELECTOR", value_name = "NAME")]
    mail_dkim_selector: Option<String>,
    /// Domain that signs; default: the one of SUN_MAIL_FROM.
    #[arg(long, env = "SUN_MAIL_DKIM_DOMAIN", value_name = "DOMAIN")]
    mail_dkim_domain: Option<String>,
    /// File that holds the private key: RSA, 2048 to 4096 bits, PEM.
    #[arg(long, env = "SUN_MAIL_DKIM_KEY_FILE", value_name = "FILE")]
    mail_dkim_key_file: Option<PathBuf>,
}

impl DkimArgs {
    /// The variables that are set.
    pub(super) fn given(&self) -> Vec<&'static str> {
        [
            ("SUN_MAIL_DKIM_SELECTOR", self.mail_dkim_selector.is_some()),
            ("SUN_MAIL_DKIM_DOMAIN", self.mail_dkim_domain.is_some()),
            ("SUN_MAIL_DKIM_KEY_FILE", self.mail_dkim_key_file.is_some()),
        ]
        .into_iter()
        .filter_map(|(variable, is_set)| is_set.then_some(variable))
        .collect()
    }

    /// The signing key with its domain; `None` where mails are not signed, or a setting is wrong.
    pub(super) fn check(self, from: Option<&Sender>, problems: &mut Vec<String>) -> Option<Dkim> {
        let given = self.given();
        let (Some(selector), Some(path)) = (self.mail_dkim_selector, self.mail_dkim_key_file) else {
            if let Some(variable) = given.first() {
                problems.push(format!(
                    "{variable} is set, and mails are signed with SUN_MAIL_DKIM_SELECTOR and SUN_MAIL_DKIM_KEY_FILE \
                     together: set both, or remove it"
                ));
            }
            return None;
        };
        let from = from?;
        let domain = self.mail_dkim_domain.unwrap_or_else(|| from.domain().to_owned());
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            Err(error) => {
                problems.push(format!(
                    "SUN_MAIL_DKIM_KEY_FILE: {} cannot be read: {error}; point it at the private key in PEM",
                    path.display()
                ));
                return None;
            }
        };
        match Dkim::new(&domain, &selector, &pem) {
            Ok(dkim) if !is_within(from.domain(), dkim.domain()) => {
                problems.push(format!(
                    "SUN_MAIL_DKIM_DOMAIN ({domain}) is not the domain of SUN_MAIL_FROM ({}) or one above it, so that \
                     the signature would count for nothing (DMARC): correct one of them",
                    from.domain()
                ));
                None
            }
            Ok(dkim) => Some(dkim),
            Err(error @ DkimError::Name) => {
                problems.push(format!(
                    "SUN_MAIL_DKIM_SELECTOR or SUN_MAIL_DKIM_DOMAIN {error}: the key is looked for at \
                     SELECTOR._domainkey.DOMAIN"
                ));
                None
            }
            Err(error) => {
                problems.push(format!(
                    "SUN_MAIL_DKIM_KEY_FILE: {} {error}; `openssl genrsa 2048` makes one",
                    path.display()
                ));
                None
            }
        }
    }
}

fn is_within(domain: &str, other: &str) -> bool {
    let (domain, other) = (domain.to_ascii_lowercase(), other.to_ascii_lowercase());
    domain == other || domain.ends_with(&format!(".{other}"))
}
