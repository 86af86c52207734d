//! A GET over loopback, just enough to ask our own processes how they are.
//!
//! HTTP/1.0 on purpose: the server then closes after the answer and may not use chunked coding, so the body is
//! simply what follows the blank line.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Loopback answers at once or not at all; a busy machine gets some seconds.
const TIME_LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

pub(crate) fn get(server: SocketAddr, path: &str) -> Result<Response> {
    let mut stream =
        TcpStream::connect_timeout(&server, TIME_LIMIT).context("does not accept connections")?;
    stream.set_read_timeout(Some(TIME_LIMIT))?;
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {server}\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).context("did not take the request")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("did not finish its answer")?;
    parse(&String::from_utf8_lossy(&answer))
}

fn parse(answer: &str) -> Result<Response> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("hung up in the middle of its answer");
    };
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.with_context(|| format!("does not speak HTTP: {:?}", head.lines().next()))?;
    Ok(Response { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn an_answer_is_a_status_and_a_body() {
        let response =
            parse("HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\n{\"a\":\r\n\r\n1}").expect("is HTTP");
        assert_eq!(response.status, 503);
        assert_eq!(response.body, "{\"a\":\r\n\r\n1}");
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(parse("SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(parse("HTTP/1.1 200 OK\r\nContent-").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn a_get_reaches_the_server_and_reads_to_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = listener.local_addr().expect("bound");
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").expect("the head goes out");
            stream.write_all(b"fine").expect("the body goes out");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let response = get(server, "/readyz").expect("answers");
        assert_eq!((response.status, response.body.as_str()), (200, "fine"));
        assert!(peer.join().expect("no panic").starts_with("GET /readyz HTTP/1.0\r\n"));
    }

    #[test]
    fn nobody_listening_is_said_in_words() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = listener.local_addr().expect("bound");
        drop(listener);
        let error = get(server, "/").err().expect("nobody answers");
        assert!(format!("{error:#}").starts_with("does not accept connections"));
    }
}
