//! The reasons why Temporal cannot be reached, told apart, each with its fix: a port that speaks something else, TLS on
//! one side only, a certificate that is not trusted, nobody there.
//!
//! A crate of its own, because worker and starter both connect, and of one address both must say the same.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::AlertDescription::NoApplicationProtocol;
use temporalio_client::ConnectionOptions;
use temporalio_client::errors::ClientConnectError;
use tonic::{Code, Status};

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    kind: Kind,
    /// The words of whoever failed; empty where nobody was asked.
    said: String,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The address begins with `https://`, and TLS is off.
    TlsIsOff,
    /// The address begins with `http://`, and TLS is on. It would not be used, and a key would travel in the open.
    TlsIsNotUsed,
    /// The port takes connections, and what comes over them is not gRPC, or nothing.
    NoGrpc,
    /// TLS is on, and the port answers in the open, or not at all.
    NoTls,
    /// TLS says no: a certificate that is not trusted, ours or theirs.
    Untrusted,
    /// Nobody is there.
    Away,
}

/// How a program switches TLS on and off, for the fix: `--tls`, `--tls=false`.
#[derive(Clone, Copy, Debug)]
pub struct Switches {
    /// On.
    pub on: &'static str,
    /// Off.
    pub off: &'static str,
}

/// The contradiction between an address and whether TLS is on, before anybody is asked: waiting does not mend it.
#[must_use]
pub fn contradiction(options: &ConnectionOptions) -> Option<Reason> {
    let kind = match (options.target.scheme(), options.tls_options.is_some()) {
        ("https", false) => Kind::TlsIsOff,
        ("http", true) => Kind::TlsIsNotUsed,
        _ => return None,
    };
    Some(Reason { kind, said: String::new() })
}

/// The reason why connecting failed. `None`: a server answered, and its status says why.
#[must_use]
pub fn reason(options: &ConnectionOptions, error: &ClientConnectError) -> Option<Reason> {
    let (outermost, status): (&(dyn Error + 'static), _) = match error {
        // A client that balances connects when it first asks.
        ClientConnectError::SystemInfoCallError(status) => (status, Some(status)),
        error => (error, None),
    };
    let chain = || std::iter::successors(Some(outermost), cause);
    let root = chain().last().map(ToString::to_string).unwrap_or_default();
    // Reasons that TLS and the client do not give away otherwise are known by their words.
    let was_cut = || match status {
        Some(_) => root == "tls handshake eof",
        None => chain().filter_map(|error| error.downcast_ref::<io::Error>()).any(is_cut),
    };
    let (kind, said) = match (chain().find_map(tls_error), status) {
        (Some(rustls::Error::InvalidMessage(_)), _) => (Kind::NoTls, root),
        (Some(rustls::Error::AlertReceived(NoApplicationProtocol)), _) => (Kind::NoGrpc, root),
        (Some(_), _) => (Kind::Untrusted, root),
        (None, _) if root.starts_with("HTTP/2 was not negotiated") => (Kind::NoGrpc, root),
        (None, _) if options.tls_options.is_some() && was_cut() => (Kind::NoTls, root),
        (None, Some(status)) if is_no_grpc(status) => (Kind::NoGrpc, status.message().to_owned()),
        (None, Some(status)) if status.source().is_none() => return None,
        (None, _) => (Kind::Away, root),
    };
    Some(Reason { kind, said })
}

fn cause<'e>(error: &&'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    (*error).source()
}

/// TLS's own error; one of input and output wraps it without naming it as its source.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let wrapped = || error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>();
    error.downcast_ref::<rustls::Error>().or_else(wrapped)
}

/// A server that was asked for TLS and knows none hangs up.
fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// A status that no server sent: the connection stood, and what came over it was not gRPC, or nothing.
fn is_no_grpc(status: &Status) -> bool {
    matches!(status.code(), Code::Internal | Code::Unknown | Code::Cancelled) && status.source().is_some()
}

/// The hint about a port that is not Temporal's.
const PORT: &str = "is it the port of the Web UI or of an HTTP API? Temporal's own is usually 7233";

impl Reason {
    /// Whether waiting cannot mend it: the settings contradict each other.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.kind, Kind::TlsIsOff | Kind::TlsIsNotUsed)
    }

    /// The fix. `None`: nobody is there, and whoever asks knows best how Temporal is started.
    #[must_use]
    pub fn fix(&self, switches: Switches) -> Option<String> {
        let Switches { on, off } = switches;
        match self.kind {
            Kind::TlsIsOff => Some(format!("{PORT}; if it wants TLS, {on}; else write HOST:PORT without https://")),
            Kind::TlsIsNotUsed => Some(format!("write HOST:PORT without http://; or, in the open, {off}")),
            Kind::NoGrpc => Some(format!("{PORT}; if it wants TLS, {on}")),
            Kind::NoTls => {
                Some(format!("{PORT}; if it is in the open, {off} (a key or a certificate switches TLS on)"))
            }
            Kind::Untrusted => Some(
                "name the authority that signed the server's certificate (TEMPORAL_TLS_SERVER_CA_CERT_PATH), and the \
                 name in it (TEMPORAL_TLS_SERVER_NAME); and check our own (TEMPORAL_TLS_CLIENT_CERT_PATH)"
                    .to_owned(),
            ),
            Kind::Away => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = &self.said;
        match self.kind {
            Kind::TlsIsOff => f.write_str("its address begins with https://, and TLS is off"),
            Kind::TlsIsNotUsed => {
                f.write_str("its address begins with http://, and TLS is on, which would then not be used")
            }
            Kind::NoGrpc => write!(f, "what listens there does not speak gRPC ({said})"),
            Kind::NoTls => write!(f, "what listens there does not speak TLS ({said})"),
            Kind::Untrusted => write!(f, "TLS does not trust it, or it does not trust us ({said})"),
            Kind::Away => f.write_str(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use temporalio_client::{TlsOptions, Url};

    use super::*;

    const SWITCHES: Switches = Switches { on: "say --tls", off: "say --tls=false" };

    fn options(address: &str, has_tls: bool) -> ConnectionOptions {
        let options = ConnectionOptions::new(address.parse::<Url>().expect("a URL"));
        options.maybe_tls_options(has_tls.then(TlsOptions::default)).build()
    }

    #[test]
    fn an_address_and_tls_that_contradict_each_other_are_told_before_anybody_is_asked() {
        for (address, has_tls, said) in [
            ("https://127.0.0.1:8233", false, "its address begins with https://, and TLS is off"),
            (
                "http://example.com:7233",
                true,
                "its address begins with http://, and TLS is on, which would then not be used",
            ),
        ] {
            let reason = contradiction(&options(address, has_tls)).expect(address);
            assert!(reason.is_final());
            assert_eq!(reason.to_string(), said);
            assert!(reason.fix(SWITCHES).is_some_and(|fix| fix.contains("HOST:PORT")));
        }
        assert_eq!(contradiction(&options("https://example.com:7233", true)), None);
        assert_eq!(contradiction(&options("http://127.0.0.1:7233", false)), None);
    }

    #[test]
    fn a_status_that_no_server_sent_is_no_grpc_and_one_that_it_sent_says_why() {
        let reason = |status| {
            reason(&options("http://127.0.0.1:80", false), &ClientConnectError::SystemInfoCallError(status))
        };
        let mut status = Status::internal("h2 protocol error");
        status.set_source(std::sync::Arc::new(io::Error::other("frame")));
        let said = reason(status).expect("no gRPC").to_string();
        assert_eq!(said, "what listens there does not speak gRPC (h2 protocol error)");
        assert_eq!(reason(Status::permission_denied("no")), None);
    }

    /// A client that balances connects when it first asks, so a failure to connect comes as a status.
    #[test]
    fn a_failure_to_connect_is_found_below_a_status() {
        let said = |source: io::Error| {
            let mut status = Status::unavailable("tcp connect error");
            status.set_source(std::sync::Arc::new(source));
            let error = ClientConnectError::SystemInfoCallError(status);
            let reason = reason(&options("https://127.0.0.1:8233", true), &error).expect("no server spoke");
            (reason.kind, reason.said)
        };
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(said(refused), (Kind::Away, "connection refused".to_owned()));
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(said(eof).0, Kind::NoTls);
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert_eq!(said(io::Error::new(io::ErrorKind::InvalidData, plain)).0, Kind::NoTls);
        let stranger = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(said(io::Error::new(io::ErrorKind::InvalidData, stranger)).0, Kind::Untrusted);
    }

    #[test]
    fn errors_of_tls_are_found_where_they_are_wrapped() {
        let alert = rustls::Error::AlertReceived(NoApplicationProtocol);
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, alert.clone());
        assert_eq!(tls_error(&wrapped), Some(&alert));
        assert_eq!(tls_error(&alert), Some(&alert));
        assert_eq!(tls_error(&io::Error::other("x")), None);
        assert!(is_cut(&io::Error::from(io::ErrorKind::UnexpectedEof)));
        assert!(!is_cut(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }
}
