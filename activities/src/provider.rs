//! The lists of providers: a provider's name, the settings that it reads, and how it is opened with them.
//!
//! Payment, carrier, mail and SMS each have a trait, a list `KINDS` of [`Kind`], and a folder per provider. Adding one
//! is a folder and a line in its list: the worker makes its command line, its help and its checks from the list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use text::Problem;

use crate::http::{Credential, Endpoint, Names};

/// A setting that a provider reads.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable: `SUN_STRIPE_API_URL`.
    pub variable: &'static str,
    /// The flag that says the same: `stripe-api-url`.
    pub flag: &'static str,
    /// The kind of value, for the help: `URL`.
    pub value: &'static str,
    /// Its purpose.
    pub help: &'static str,
    /// The value where none is given.
    pub default: Option<&'static str>,
    /// The only values that it takes; none: any.
    pub one_of: &'static [&'static str],
    /// A secret: its values are shown nowhere, and a file may hold it.
    pub file: Option<SecretFile>,
}

/// The setting that names the file of a secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretFile {
    /// The environment variable: `SUN_STRIPE_SECRET_KEY_FILE`.
    pub variable: &'static str,
    /// The flag that says the same.
    pub flag: &'static str,
    /// Its purpose.
    pub help: &'static str,
}

impl Setting {
    /// A text that nobody has to hide.
    #[must_use]
    pub const fn text(
        variable: &'static str,
        flag: &'static str,
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self { variable, flag, value, help, default: None, one_of: &[], file: None }
    }

    /// With a value where none is given.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// With these values only.
    #[must_use]
    pub const fn of(self, one_of: &'static [&'static str]) -> Self {
        Self { one_of, ..self }
    }
}

/// A [`Setting`] that is a secret, with the one that names its file.
macro_rules! secret {
    ($variable:literal, $flag:literal, $value:literal, $help:literal) => {
        $crate::provider::Setting {
            file: Some($crate::provider::SecretFile {
                variable: concat!($variable, "_FILE"),
                flag: concat!($flag, "-file"),
                help: concat!("File that holds what is otherwise in ", $variable),
            }),
            ..$crate::provider::Setting::text($variable, $flag, $value, $help)
        }
    };
}
pub(crate) use secret;

/// A provider that can be chosen. `P` is the trait of its list.
pub struct Kind<P: ?Sized + 'static> {
    /// The name that it is chosen by.
    pub name: &'static str,
    /// A few words on it, for the help.
    pub help: &'static str,
    /// The settings that it reads; no other provider of its list reads them.
    pub settings: &'static [Setting],
    /// Opens it.
    pub open: Open<P>,
}

/// Opens a provider with what is given. Connects to nothing yet.
///
/// # Errors
/// Every setting that is wrong, with the fix.
pub type Open<P> = fn(&Given<'_>) -> Result<Arc<P>, Vec<Problem>>;

/// Everything that a provider is opened with.
#[derive(Clone, Copy)]
pub struct Given<'g> {
    /// The values that were set, by variable: neither empty nor a default. Secrets were read from their files.
    pub values: &'g BTreeMap<&'static str, String>,
    /// The settings of the provider that is opened.
    pub settings: &'static [Setting],
    /// Where the platform does this itself; `None`: that is not known, and named as a problem already.
    pub home: Option<&'g Endpoint>,
    /// Limit of one request, and of one mail.
    pub timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub response_bytes_max: usize,
}

impl Given<'_> {
    /// A setting's value, or its default.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<&str> {
        let default = || self.settings.iter().find(|setting| setting.variable == variable)?.default;
        self.values.get(variable).map(String::as_str).or_else(default)
    }

    /// A secret's value.
    #[must_use]
    pub fn secret(&self, variable: &str) -> Option<Credential> {
        self.get(variable).map(Credential::new)
    }

    /// A setting that the provider cannot do without: `example` says what to set it to.
    ///
    /// # Errors
    /// When it is not set.
    pub fn needed(&self, variable: &str, example: &str) -> Result<&str, Problem> {
        self.get(variable).ok_or_else(|| Problem::new(variable, "is missing", format!("set it to {example}")))
    }

    /// A setting that is a base URL.
    ///
    /// # Errors
    /// When it is none.
    pub fn url(&self, variable: &str) -> Result<Option<Url>, Problem> {
        self.get(variable).map(|text| base_url(variable, text)).transpose()
    }

    /// A setting that is the base URL of an API.
    ///
    /// # Errors
    /// When it is none.
    pub fn api_url(&self, variable: &str) -> Result<Option<Url>, Problem> {
        self.get(variable).map(|text| api_url(variable, text)).transpose()
    }

    /// The endpoint of a system that speaks like the platform: its own, by these settings, or else the platform's. One
    /// with a URL of its own never gets the platform's token.
    ///
    /// # Errors
    /// When the URL is none. No problem at all: the platform's place is not known.
    pub fn like_the_platform(
        &self,
        system: &'static str,
        url_setting: &'static str,
        token_setting: &'static str,
    ) -> Result<Endpoint, Vec<Problem>> {
        let own = self.api_url(url_setting).map_err(|problem| vec![problem])?;
        let home = self.home.ok_or_else(Vec::new)?;
        let names = Names::of(url_setting, token_setting);
        Ok(home.elsewhere(system, own, self.secret(token_setting), names))
    }
}

/// The problems that were met on the way to a provider: all are named, not only the first.
#[derive(Debug, Default)]
pub struct Met(Vec<Problem>);

impl Met {
    /// Takes a value that was read, or notes the problem.
    pub fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.0.push(problem)).ok()
    }

    /// The same for what may have several problems.
    pub fn take_all<T>(&mut self, read: Result<T, Vec<Problem>>) -> Option<T> {
        read.map_err(|problems| self.0.extend(problems)).ok()
    }

    /// One problem more.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Gives what was opened, unless something was wrong.
    ///
    /// # Errors
    /// Everything that was wrong.
    pub fn or<T>(self, opened: Option<T>) -> Result<T, Vec<Problem>> {
        match opened {
            Some(opened) if self.0.is_empty() => Ok(opened),
            _ => Err(self.0),
        }
    }
}

/// Reads a base URL.
///
/// # Errors
/// When it is not an HTTP URL, or holds credentials.
pub fn base_url(variable: &str, text: &str) -> Result<Url, Problem> {
    let fix = "write it as http://host:port or https://host/path";
    let url =
        Url::parse(text).map_err(|error| Problem::new(variable, format!("is not a URL ({error})"), fix))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Problem::new(variable, "is not an HTTP URL", fix));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new(variable, "holds credentials", "give them as a token instead"));
    }
    Ok(url)
}

/// Reads a base URL behind which paths are put.
///
/// # Errors
/// As [`base_url`]; also when it has a query or a fragment, which would be lost or stand behind each path.
pub fn api_url(variable: &str, text: &str) -> Result<Url, Problem> {
    let url = base_url(variable, text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::new(variable, "has something behind its path (? or #)", "leave that out"));
    }
    Ok(url)
}

/// Whether what is sent there travels in the open, off this machine.
#[must_use]
pub fn is_readable_by_others(url: &Url) -> bool {
    url.scheme() != "https" && !is_loopback(url)
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(text::is_this_machine)
}
