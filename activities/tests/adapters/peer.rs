//! An outside system that answers, byte by byte, what a test tells it to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use activities::http::{Api, Credential, Endpoint, Names};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::TestResult;

/// The token every peer is spoken to with; no failure may repeat it.
pub(crate) const TOKEN: &str = "very-secret-token";
/// The largest answer that is read.
pub(crate) const BYTES_MAX: usize = 1_000;

/// The answer of a peer to a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(String),
    /// Sends these bytes, and then nothing more until the test is over.
    Stall(String),
    /// Sends these bytes once it is told to go on.
    Hold(String, Arc<Notify>),
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `POST /api/v1/payments`
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The peer. Answers in the order given, the last one for ever.
pub(crate) struct Peer {
    pub(crate) base: String,
    received: Arc<Mutex<Vec<Received>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer with a status, further headers (each with its line end) and a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Answer {
    Answer::Bytes(response(status, headers, body))
}

pub(crate) fn response(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Words\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

impl Peer {
    pub(crate) async fn start(answers: impl Into<Vec<Answer>>) -> TestResult<Self> {
        let (mut answers, mut last) = (answers.into().into_iter(), None);
        let next = move |_: &Received| {
            last = answers.next().or_else(|| last.take());
            last.clone()
        };
        Self::choosing(next).await
    }

    /// One whose answer follows from the request.
    pub(crate) async fn choosing(
        mut choose: impl FnMut(&Received) -> Option<Answer> + Send + 'static,
    ) -> TestResult<Self> {
        install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}/", listener.local_addr()?);
        let received = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&received);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else { continue };
                let chosen = choose(&request);
                if let Ok(mut seen) = seen.lock() {
                    seen.push(request);
                }
                if let Some(answer) = chosen {
                    tokio::spawn(give(stream, answer));
                }
            }
        });
        Ok(Self { base, received, server })
    }

    /// A client of the peer.
    pub(crate) fn api(&self) -> TestResult<Api> {
        self.api_within(Duration::from_secs(10))
    }

    pub(crate) fn api_within(&self, timeout: Duration) -> TestResult<Api> {
        api(&self.base, timeout)
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().map(|received| received.clone()).unwrap_or_default()
    }
}

/// The HTTP library asks for a TLS provider even where TLS is not used; one serves all tests.
pub(crate) fn install_tls() {
    // An error says that another test was first.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A client of whatever is at this address.
pub(crate) fn api(base: &str, timeout: Duration) -> TestResult<Api> {
    install_tls();
    Ok(Api::new(Endpoint {
        system: "peer",
        base: base.parse()?,
        version: "v1".to_owned(),
        token: Some(Credential::new(TOKEN)),
        timeout,
        response_bytes_max: BYTES_MAX,
        names: Names::of("PEER_URL", "PEER_TOKEN"),
    })?)
}

async fn give(mut stream: TcpStream, answer: Answer) {
    // A caller that has hung up is not this side's concern.
    match answer {
        Answer::Bytes(bytes) => drop(stream.write_all(bytes.as_bytes()).await),
        Answer::Stall(bytes) => {
            drop(stream.write_all(bytes.as_bytes()).await);
            std::future::pending::<()>().await;
        }
        Answer::Hold(bytes, go_on) => {
            go_on.notified().await;
            drop(stream.write_all(bytes.as_bytes()).await);
        }
    }
}

/// One request; `None` when the caller hung up in the middle of it.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut received = Received { line, headers, body: String::new() };
    let length: usize = received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    received.body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    Some(received)
}
