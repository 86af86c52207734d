//! The commands of the mail server, and the refusals of all others.

/// The longest address that RFC 5321 allows.
const ADDRESS_BYTES_MAX: usize = 254;

/// A command that is understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Mail(MailFrom),
    Recipient(String),
    Data,
    Reset,
    Noop,
    Quit,
}

/// The sender, and what was said about the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MailFrom {
    /// Empty for mail that nobody answers.
    pub(super) address: String,
    pub(super) size: Option<usize>,
    /// The mail may have bytes above 127.
    pub(super) is_eight_bit: bool,
}

/// The reply to what is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) &'static str);

const UNKNOWN: Wrong = Wrong("500 5.5.2 unknown command");
const NOT_HERE: Wrong = Wrong("502 5.5.1 not in this sandbox");
const ARGUMENT: Wrong = Wrong("501 5.5.4 wrong argument");
const PARAMETER: Wrong = Wrong("555 5.5.4 unknown parameter");
const ADDRESS: Wrong = Wrong("553 5.1.3 not an address that is taken here");

impl Command {
    pub(super) fn read(line: &str) -> Result<Self, Wrong> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let alone = |command| if argument.is_empty() { Ok(command) } else { Err(ARGUMENT) };
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if is_name(argument) => Ok(Self::Ehlo),
            "HELO" if is_name(argument) => Ok(Self::Helo),
            "EHLO" | "HELO" => Err(ARGUMENT),
            "MAIL" => mail_from(argument).map(Self::Mail),
            "RCPT" => recipient(argument).map(Self::Recipient),
            "DATA" => alone(Self::Data),
            "RSET" => alone(Self::Reset),
            "QUIT" => alone(Self::Quit),
            "NOOP" => Ok(Self::Noop),
            "AUTH" | "BDAT" | "EXPN" | "HELP" | "STARTTLS" | "VRFY" => Err(NOT_HERE),
            _ => Err(UNKNOWN),
        }
    }
}

/// A host name, or an address in brackets.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte))
}

fn mail_from(argument: &str) -> Result<MailFrom, Wrong> {
    let (path, parameters) = path(argument, "FROM:")?;
    let address = if path.is_empty() { String::new() } else { address(path)? };
    let mut mail = MailFrom { address, size: None, is_eight_bit: false };
    for parameter in parameters.split_ascii_whitespace() {
        match parameter.to_ascii_uppercase().split_once('=') {
            Some(("SIZE", size)) => mail.size = Some(size.parse().map_err(|_| ARGUMENT)?),
            Some(("BODY", "8BITMIME")) => mail.is_eight_bit = true,
            Some(("BODY", "7BIT")) => mail.is_eight_bit = false,
            _ => return Err(PARAMETER),
        }
    }
    Ok(mail)
}

fn recipient(argument: &str) -> Result<String, Wrong> {
    match path(argument, "TO:")? {
        (path, "") => address(path),
        _ => Err(PARAMETER),
    }
}

/// `FROM:<address> parameters`: what is between the brackets, and what follows them.
fn path<'a>(argument: &'a str, name: &str) -> Result<(&'a str, &'a str), Wrong> {
    let start = argument.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
    let rest = start.map(|_| &argument[name.len()..]).and_then(|rest| rest.strip_prefix('<'));
    let (path, rest) = rest.and_then(|rest| rest.split_once('>')).ok_or(ARGUMENT)?;
    match rest.strip_prefix(' ') {
        Some(parameters) => Ok((path, parameters)),
        None if rest.is_empty() => Ok((path, "")),
        None => Err(ARGUMENT),
    }
}

/// The plain kind only: quoted ones, routes and other letters are refused.
fn address(text: &str) -> Result<String, Wrong> {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let dots_are_between = |part: &str| part.split('.').all(|label| !label.is_empty());
    match text.split_once('@') {
        Some((local, domain))
            if text.len() <= ADDRESS_BYTES_MAX
                && local.bytes().all(is_local)
                && domain.bytes().all(is_domain)
                && dots_are_between(local)
                && dots_are_between(domain) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(ADDRESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_rightly_is_understood() {
        let from = |size, is_eight_bit| MailFrom { address: "a@example.com".into(), size, is_eight_bit };
        for (line, command) in [
            ("EHLO example.com", Command::Ehlo),
            ("helo [127.0.0.1]", Command::Helo),
            ("MAIL FROM:<a@example.com>", Command::Mail(from(None, false))),
            ("mail from:<a@example.com> SIZE=10 BODY=8BITMIME", Command::Mail(from(Some(10), true))),
            ("RCPT TO:<b+c@shop.example.com>", Command::Recipient("b+c@shop.example.com".into())),
            ("NOOP whatever", Command::Noop),
            ("RSET", Command::Reset),
            ("quit", Command::Quit),
        ] {
            assert_eq!(Command::read(line), Ok(command), "{line}");
        }
        let bounce = Command::read("MAIL FROM:<>");
        assert!(matches!(bounce, Ok(Command::Mail(MailFrom { address, .. })) if address.is_empty()));
    }

    #[test]
    fn what_is_said_wrongly_is_told() {
        for (line, reply) in [
            ("", UNKNOWN),
            ("HI", UNKNOWN),
            ("VRFY a", NOT_HERE),
            ("STARTTLS", NOT_HERE),
            ("EHLO", ARGUMENT),
            ("EHLO a b", ARGUMENT),
            ("MAIL FROM: <a@example.com>", ARGUMENT),
            ("MAIL FROM:a@example.com", ARGUMENT),
            ("MAIL FROM:<a@example.com>x", ARGUMENT),
            ("MAIL FROM:<a@example.com> SIZE=x", ARGUMENT),
            ("MAIL FROM:<a@example.com> SMTPUTF8", PARAMETER),
            ("RCPT TO:<a@example.com> NOTIFY=NEVER", PARAMETER),
            ("RCPT TO:<>", ADDRESS),
            ("RCPT TO:<a b@example.com>", ADDRESS),
            ("RCPT TO:<đ@example.com>", ADDRESS),
            ("RCPT TO:<a@b@example.com>", ADDRESS),
            ("RCPT TO:<a..b@example.com>", ADDRESS),
            ("DATA now", ARGUMENT),
        ] {
            assert_eq!(Command::read(line), Err(reply), "{line}");
        }
    }
}
