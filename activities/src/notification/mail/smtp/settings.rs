//! The settings of a mail server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use text::Problem;

use super::{Bounces, Dkim, DkimError, Login, MailServer, MailServerError, Mailer, Security, Sender};
use crate::notification::mail::MailSender;
use crate::provider::{Given, Kind, Met, Setting, secret};

/// RFC 5321, 4.5.3.2.6.
const REPLY_MAX: Duration = Duration::from_secs(600);

const URL: &str = "SUN_MAIL_URL";
const FROM: &str = "SUN_MAIL_FROM";
const USER: &str = "SUN_MAIL_USER";
const PASSWORD: &str = "SUN_MAIL_PASSWORD";
const CA_FILE: &str = "SUN_MAIL_CA_FILE";
const BOUNCES: &str = "SUN_MAIL_BOUNCES";
const DKIM_SELECTOR: &str = "SUN_MAIL_DKIM_SELECTOR";
const DKIM_DOMAIN: &str = "SUN_MAIL_DKIM_DOMAIN";
const DKIM_KEY_FILE: &str = "SUN_MAIL_DKIM_KEY_FILE";

/// A mail server, by SMTP.
pub(in crate::notification::mail) const KIND: Kind<dyn MailSender> = Kind {
    name: "smtp",
    help: "a mail server",
    settings: &[
        Setting::text(
            URL,
            "mail-url",
            "URL",
            "Mail server: smtp://[user@]host[:587] (STARTTLS, which it must offer unless it is on this machine) or \
             smtps://[user@]host[:465] (TLS at once); default: the message senders' HTTP endpoint",
        ),
        Setting::text(
            FROM,
            "mail-from",
            "ADDRESS",
            "Who mails are from: orders@example.com or \"Sun Shop <orders@example.com>\" (required with SUN_MAIL_URL)",
        ),
        Setting::text(USER, "mail-user", "NAME", "User of the mail server, if not in the URL"),
        secret!("SUN_MAIL_PASSWORD", "mail-password", "PASSWORD", "Password of that user"),
        Setting::text(
            CA_FILE,
            "mail-ca-file",
            "FILE",
            "File of certificates (PEM) that are trusted in place of the system's",
        ),
        Setting::text(
            BOUNCES,
            "mail-bounces",
            "WHICH",
            "Which permanent refusals (5xx) have the address suppressed at the platform, so that nothing more is \
             sent there: only those of the recipient that name no such mailbox or domain (5.1.1, 5.1.2, 5.1.3, 5.1.10, \
             5.2.1); all of the recipient, and whatever is about the address or its mailbox (5.1.x, 5.2.x), but not a \
             full one (5.2.2); or every one. None ever does that is about the sender, a limit, the system, the \
             protocol (5.1.7, 5.1.8, 5.3.x, 5.4.x, 5.5.x), or a matter of permission or policy (5.7.x)",
        )
        .or("no-such-mailbox")
        .of(&["every-refusal", "of-the-address", "no-such-mailbox"]),
        Setting::text(
            DKIM_SELECTOR,
            "mail-dkim-selector",
            "NAME",
            "Selector of the DKIM key; its public half is the TXT record SELECTOR._domainkey.DOMAIN. Off unless set",
        ),
        Setting::text(
            DKIM_DOMAIN,
            "mail-dkim-domain",
            "DOMAIN",
            "Domain that signs; default: the one of SUN_MAIL_FROM",
        ),
        Setting::text(
            DKIM_KEY_FILE,
            "mail-dkim-key-file",
            "FILE",
            "File that holds the private key: RSA, 2048 to 4096 bits, PEM",
        ),
    ],
    open,
};

fn open(given: &Given<'_>) -> Result<Arc<dyn MailSender>, Vec<Problem>> {
    match Mailer::new(server(given)?) {
        Ok(mailer) => Ok(Arc::new(mailer)),
        Err(MailServerError::Authorities) => {
            let fix = "they must be PEM, of a certificate authority";
            Err(vec![Problem::new(CA_FILE, "holds certificates that cannot be used", fix)])
        }
        Err(error @ MailServerError::Tls(_)) => {
            Err(vec![Problem::new(URL, error.to_string(), "see whether this machine trusts any authority")])
        }
    }
}

fn server(given: &Given<'_>) -> Result<MailServer, Vec<Problem>> {
    let mut met = Met::default();
    let place = met.take(given.needed(URL, "smtp://host:587 or smtps://host:465").and_then(place));
    let from = met.take(sender(given));
    let bounces = met.take(bounces(given));
    let dkim = from.as_ref().and_then(|from| met.take(dkim(given, from))).flatten();
    let authorities = met.take(authorities(given)).flatten();
    let login = place.as_ref().and_then(|place| met.take(login(given, place))).flatten();
    let server = place.zip(from).zip(bounces).map(|((place, from), bounces)| {
        // An operator who names authorities wants the server's certificate checked against them.
        let security = match place.security {
            Security::StartTlsIfOffered if authorities.is_some() => Security::StartTls,
            security => security,
        };
        let Place { host, port, .. } = place;
        let (timeout, reply) = (given.timeout, REPLY_MAX);
        MailServer { host, port, security, login, from, authorities, bounces, dkim, timeout, reply }
    });
    met.or(server)
}

/// The parts of the URL.
struct Place {
    host: String,
    port: u16,
    security: Security,
    user: Option<String>,
}

fn place(text: &str) -> Result<Place, Problem> {
    let fix =
        "write it as smtp://host:587 or smtps://host:465, with user@ before the host if it wants a login";
    let wrong = |problem: String| Problem::new(URL, problem, fix);
    let url = Url::parse(text.trim()).map_err(|error| wrong(format!("is not a URL ({error})")))?;
    let (is_wrapped, port) = match url.scheme() {
        "smtps" => (true, 465),
        "smtp" => (false, 587),
        _ => return Err(wrong("is not of a mail server".to_owned())),
    };
    if url.password().is_some() {
        let fix = "give it as SUN_MAIL_PASSWORD or SUN_MAIL_PASSWORD_FILE instead";
        return Err(Problem::new(URL, "holds a password", fix));
    }
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| !host.is_empty() && is_bare);
    let host = host.ok_or_else(|| wrong("is more or less than a scheme, a host and a port".to_owned()))?;
    let user = percent_decoded(url.username()).ok_or_else(|| {
        Problem::new(URL, "names a user that cannot be read", "give it as SUN_MAIL_USER instead")
    })?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let security = match is_wrapped {
        true => Security::Wrapped,
        false if text::is_this_machine(&host) => Security::StartTlsIfOffered,
        false => Security::StartTls,
    };
    let user = Some(user).filter(|user| !user.is_empty());
    Ok(Place { port: url.port().unwrap_or(port), security, user, host })
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

fn sender(given: &Given<'_>) -> Result<Sender, Problem> {
    let example = "an address such as orders@example.com, or \"Sun Shop <orders@example.com>\"";
    let from = given.needed(FROM, example)?;
    from.parse().map_err(|error: super::SenderError| {
        Problem::new(FROM, error.to_string(), format!("set it to {example}"))
    })
}

fn bounces(given: &Given<'_>) -> Result<Bounces, Problem> {
    match given.get(BOUNCES) {
        Some("every-refusal") => Ok(Bounces::EveryRefusal),
        Some("of-the-address") => Ok(Bounces::OfTheAddress),
        None | Some("no-such-mailbox") => Ok(Bounces::NoSuchMailbox),
        Some(_) => {
            let fix = "write every-refusal, of-the-address or no-such-mailbox";
            Err(Problem::new(BOUNCES, "is none of its values", fix))
        }
    }
}

fn login(given: &Given<'_>, place: &Place) -> Result<Option<Login>, Problem> {
    let user = given.get(USER).map(str::trim);
    if place.user.is_some() && user.is_some() {
        return Err(Problem::new("SUN_MAIL_URL and SUN_MAIL_USER", "both name a user", "keep one of them"));
    }
    match (place.user.as_deref().or(user), given.secret(PASSWORD)) {
        (Some(user), Some(password)) => Ok(Some(Login { user: user.to_owned(), password })),
        // A file that cannot be read is a problem already.
        (_, None) if given.get("SUN_MAIL_PASSWORD_FILE").is_some() => Ok(None),
        (Some(_), None) => Err(Problem::new(
            "SUN_MAIL_URL or SUN_MAIL_USER",
            "names a user, but there is no password",
            "set SUN_MAIL_PASSWORD or SUN_MAIL_PASSWORD_FILE",
        )),
        (None, Some(_)) => {
            Err(Problem::new(PASSWORD, "is set, but no user", "set SUN_MAIL_USER, or remove the password"))
        }
        (None, None) => Ok(None),
    }
}

/// A file that a setting names.
fn file(variable: &str, path: &str, fix: &str) -> Result<Vec<u8>, Problem> {
    std::fs::read(Path::new(path))
        .map_err(|error| Problem::new(variable, format!("names {path}, which cannot be read ({error})"), fix))
}

fn authorities(given: &Given<'_>) -> Result<Option<Vec<u8>>, Problem> {
    let fix = "point it at a file of certificates in PEM";
    let Some(path) = given.get(CA_FILE) else { return Ok(None) };
    let pem = file(CA_FILE, path, fix)?;
    let mark = b"-----BEGIN CERTIFICATE-----";
    match pem.windows(mark.len()).any(|window| window == mark) {
        true => Ok(Some(pem)),
        false => Err(Problem::new(CA_FILE, format!("names {path}, which holds no certificate"), fix)),
    }
}

/// The signer, if mails are signed.
fn dkim(given: &Given<'_>, from: &Sender) -> Result<Option<Dkim>, Problem> {
    let (selector, path) = match (given.get(DKIM_SELECTOR), given.get(DKIM_KEY_FILE)) {
        (Some(selector), Some(path)) => (selector, path),
        _ => {
            let set = [DKIM_SELECTOR, DKIM_DOMAIN, DKIM_KEY_FILE];
            let Some(variable) = set.into_iter().find(|variable| given.get(variable).is_some()) else {
                return Ok(None);
            };
            return Err(Problem::new(
                variable,
                "is set, and mails are signed with SUN_MAIL_DKIM_SELECTOR and SUN_MAIL_DKIM_KEY_FILE together",
                "set both, or remove it",
            ));
        }
    };
    let domain = given.get(DKIM_DOMAIN).unwrap_or_else(|| from.domain());
    let pem = file(DKIM_KEY_FILE, path, "point it at the private key in PEM")?;
    match Dkim::new(domain, selector, &pem) {
        Ok(dkim) if is_within(from.domain(), dkim.domain()) => Ok(Some(dkim)),
        Ok(_) => Err(Problem::new(
            DKIM_DOMAIN,
            format!(
                "({domain}) is not the domain of SUN_MAIL_FROM ({}) or one above it, so that the signature would count \
                 for nothing (DMARC)",
                from.domain()
            ),
            "correct one of them",
        )),
        Err(error @ DkimError::Name) => Err(Problem::new(
            "SUN_MAIL_DKIM_SELECTOR or SUN_MAIL_DKIM_DOMAIN",
            error.to_string(),
            "write them as in the name of the key's record, SELECTOR._domainkey.DOMAIN",
        )),
        Err(error @ (DkimError::NoKey | DkimError::OtherKey)) => Err(Problem::new(
            DKIM_KEY_FILE,
            format!("names {path}, which {error}"),
            "`openssl genrsa 2048` makes one",
        )),
    }
}

fn is_within(domain: &str, other: &str) -> bool {
    let (domain, other) = (domain.to_ascii_lowercase(), other.to_ascii_lowercase());
    domain == other || domain.ends_with(&format!(".{other}"))
}

#[cfg(test)]
mod tests;
