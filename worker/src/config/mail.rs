//! The mail server, and how it is reached.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use activities::http::Credential;
use activities::mail::{Bounces, Login, MailServer, Mailer, Security, Sender};
use clap::{Args, ValueEnum};
use reqwest::Url;

use super::check::secret;

mod dkim;

/// Mail by SMTP.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mail")]
pub(super) struct MailArgs {
    /// Mail server: smtp://[user@]host[:587] (STARTTLS, which it must offer unless it is on this machine) or
    /// smtps://[user@]host[:465] (TLS at once); default: the message senders' HTTP endpoint.
    #[arg(long, env = "SUN_MAIL_URL", value_name = "URL")]
    mail_url: Option<String>,
    /// Who mails are from: orders@example.com or "Sun Shop <orders@example.com>" (required with SUN_MAIL_URL).
    #[arg(long, env = "SUN_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// User of the mail server, if not in the URL.
    #[arg(long, env = "SUN_MAIL_USER", value_name = "NAME")]
    mail_user: Option<String>,
    /// Password of that user.
    #[arg(long, env = "SUN_MAIL_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    mail_password: Option<String>,
    /// File that holds the password.
    #[arg(long, env = "SUN_MAIL_PASSWORD_FILE", value_name = "FILE")]
    mail_password_file: Option<PathBuf>,
    /// File of certificates (PEM) that are trusted in place of the system's.
    #[arg(long, env = "SUN_MAIL_CA_FILE", value_name = "FILE")]
    mail_ca_file: Option<PathBuf>,
    /// Which permanent refusals (5xx) have the address suppressed at the platform, so that nothing more is sent there.
    #[arg(long, env = "SUN_MAIL_BOUNCES", value_name = "WHICH", value_enum, default_value_t)]
    mail_bounces: BouncesArg,
    #[command(flatten)]
    dkim: dkim::DkimArgs,
}

/// [`Bounces`], as it is written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum BouncesArg {
    /// Every one.
    #[default]
    EveryRefusal,
    /// Every one but those that are a matter of permission or policy (5.7.x): a server that refuses the shop itself (a
    /// block list, a relay without login) silences no customer.
    OfTheAddress,
    /// Only those that name no such mailbox (5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.2.1).
    NoSuchMailbox,
}

impl From<BouncesArg> for Bounces {
    fn from(which: BouncesArg) -> Self {
        match which {
            BouncesArg::EveryRefusal => Self::EveryRefusal,
            BouncesArg::OfTheAddress => Self::OfTheAddress,
            BouncesArg::NoSuchMailbox => Self::NoSuchMailbox,
        }
    }
}

/// The parts of the URL.
struct Place {
    host: String,
    port: u16,
    security: Security,
    user: Option<String>,
}

impl MailArgs {
    /// The mail server, if there is one.
    pub(super) fn check(self, timeout: Duration, problems: &mut Vec<String>) -> Option<MailServer> {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (url, from, user) = (given(self.mail_url), given(self.mail_from), given(self.mail_user));
        let is_password_set =
            given(self.mail_password.clone()).is_some() || self.mail_password_file.is_some();
        let Some(url) = url else {
            for (variable, is_set) in [
                ("SUN_MAIL_FROM", from.is_some()),
                ("SUN_MAIL_USER", user.is_some()),
                ("SUN_MAIL_PASSWORD", is_password_set),
                ("SUN_MAIL_CA_FILE", self.mail_ca_file.is_some()),
            ]
            .into_iter()
            .chain(self.dkim.given().into_iter().map(|variable| (variable, true)))
            {
                if is_set {
                    problems.push(format!(
                        "{variable} is set, but SUN_MAIL_URL is not, so that it would not be used: set SUN_MAIL_URL \
                         to smtp://host or smtps://host, or remove {variable}"
                    ));
                }
            }
            return None;
        };
        let before = problems.len();
        let password = secret("SUN_MAIL_PASSWORD", self.mail_password, self.mail_password_file, problems);
        let place = place(&url, problems);
        let from = sender(from, problems);
        let dkim = self.dkim.check(from.as_ref(), problems);
        let authorities = self.mail_ca_file.and_then(|path| read_authorities(path, problems));
        let place = place?;
        let login = login(&place, user, password.map(Credential::new), is_password_set, problems);
        // An operator who names authorities wants the server's certificate checked against them.
        let security = match place.security {
            Security::StartTlsIfOffered if authorities.is_some() => Security::StartTls,
            security => security,
        };
        let Place { host, port, .. } = place;
        let bounces = self.mail_bounces.into();
        let server =
            MailServer { host, port, security, login, from: from?, authorities, bounces, dkim, timeout };
        if problems.len() > before {
            return None;
        }
        match Mailer::new(server.clone()) {
            Ok(_) => Some(server),
            Err(error) => {
                problems.push(error.to_string());
                None
            }
        }
    }
}

fn place(text: &str, problems: &mut Vec<String>) -> Option<Place> {
    let fix =
        "write it as smtp://host:587 or smtps://host:465, with user@ before the host if it wants a login";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            problems.push(format!("SUN_MAIL_URL is not a URL ({error}): {fix}"));
            return None;
        }
    };
    let (is_wrapped, port) = match url.scheme() {
        "smtps" => (true, 465),
        "smtp" => (false, 587),
        _ => {
            problems.push(format!("SUN_MAIL_URL is not of a mail server: {fix}"));
            return None;
        }
    };
    if url.password().is_some() {
        problems.push(
            "SUN_MAIL_URL holds a password: give it as SUN_MAIL_PASSWORD or SUN_MAIL_PASSWORD_FILE instead"
                .to_owned(),
        );
        return None;
    }
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let Some(host) = url.host_str().filter(|host| !host.is_empty() && is_bare) else {
        problems.push(format!("SUN_MAIL_URL is more or less than a scheme, a host and a port: {fix}"));
        return None;
    };
    let Some(user) = percent_decoded(url.username()) else {
        problems.push("the user in SUN_MAIL_URL cannot be read: give it as SUN_MAIL_USER instead".to_owned());
        return None;
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    let security = match is_wrapped {
        true => Security::Wrapped,
        false if is_loopback(&host) => Security::StartTlsIfOffered,
        false => Security::StartTls,
    };
    let user = Some(user).filter(|user| !user.is_empty());
    Some(Place { port: url.port().unwrap_or(port), security, user, host })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Users are often mail addresses, whose `@` a URL has as `%40`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).ok()
}

fn sender(from: Option<String>, problems: &mut Vec<String>) -> Option<Sender> {
    let fix = "set it to an address such as orders@example.com, or \"Sun Shop <orders@example.com>\"";
    let Some(from) = from else {
        problems.push(format!("SUN_MAIL_FROM is missing, and SUN_MAIL_URL is set: {fix}"));
        return None;
    };
    from.parse().map_err(|error| problems.push(format!("SUN_MAIL_FROM {error}: {fix}"))).ok()
}

fn login(
    place: &Place,
    user: Option<String>,
    password: Option<Credential>,
    is_password_set: bool,
    problems: &mut Vec<String>,
) -> Option<Login> {
    if place.user.is_some() && user.is_some() {
        problems.push("a user is in SUN_MAIL_URL and in SUN_MAIL_USER: keep one of them".to_owned());
    }
    match (place.user.clone().or(user), password) {
        (Some(user), Some(password)) => Some(Login { user, password }),
        (Some(_), None) => {
            // A file that cannot be read is a problem already.
            if !is_password_set {
                problems.push(
                    "SUN_MAIL_URL or SUN_MAIL_USER names a user, but there is no password: set SUN_MAIL_PASSWORD or \
                     SUN_MAIL_PASSWORD_FILE"
                        .to_owned(),
                );
            }
            None
        }
        (None, _) => {
            if is_password_set {
                problems.push(
                    "SUN_MAIL_PASSWORD is set, but no user: set SUN_MAIL_USER, or remove the password"
                        .to_owned(),
                );
            }
            None
        }
    }
}

fn read_authorities(path: PathBuf, problems: &mut Vec<String>) -> Option<Vec<u8>> {
    let fix = "point it at a file of certificates in PEM";
    match std::fs::read(&path) {
        Ok(pem) if contains(&pem, b"-----BEGIN CERTIFICATE-----") => Some(pem),
        Ok(_) => {
            problems.push(format!("SUN_MAIL_CA_FILE: {} holds no certificate; {fix}", path.display()));
            None
        }
        Err(error) => {
            problems.push(format!("SUN_MAIL_CA_FILE: {} cannot be read: {error}; {fix}", path.display()));
            None
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests;
