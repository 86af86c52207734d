//! The door's connections. Anybody may connect, and keep quiet: they are few and short, so that the door cannot use up
//! the descriptors that the worker needs for its own calls, and whoever has kept quiet longest makes room for the next
//! one. A proxy in front gives all callers one address, so addresses say nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Whatever is larger is not a request to this door.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Connections at once.
const CONNECTIONS_MAX: usize = 256;
/// A connection's whole life: one request, read, acted on and answered.
const CONNECTION_LIMIT: Duration = Duration::from_secs(15);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until aborted.
pub(super) async fn serve(listener: TcpListener, routes: Router) {
    let (mut open, quiet) = (JoinSet::new(), Quiet::default());
    for number in 0.. {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The caller is gone already, or descriptors have run out: others may still come.
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while open.try_join_next().is_some() {}
        if open.len() >= CONNECTIONS_MAX {
            quiet.drop_longest();
            // Where all are being answered, the first answer makes room.
            drop(open.join_next().await);
        }
        let caller = Caller { number, quiet: quiet.clone() };
        // The caller is in the list before its request can take it out.
        let mut list = quiet.list();
        list.insert(number, open.spawn(answer(stream, routes.clone(), caller)));
    }
}

async fn answer(stream: TcpStream, routes: Router, caller: Caller) {
    let caller = Arc::new(caller);
    let routes = routes.layer(from_fn_with_state(caller.clone(), whole));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    // How it ended is the caller's business: it hung up, or it was too slow.
    drop(tokio::time::timeout(CONNECTION_LIMIT, connection).await);
}

/// Reads a request to its end before anything is made of it.
async fn whole(State(caller): State<Arc<Caller>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(body) => {
            caller.is_heard();
            next.run(Request::from_parts(head, Body::from(body))).await
        }
        // Or cut off: then nobody reads this.
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too large\n").into_response(),
    }
}

/// The callers whose requests have not wholly arrived, in the order in which they came.
#[derive(Clone, Default)]
struct Quiet(Arc<Mutex<BTreeMap<u64, AbortHandle>>>);

impl Quiet {
    fn list(&self) -> MutexGuard<'_, BTreeMap<u64, AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_longest(&self) {
        if let Some((_, connection)) = self.list().pop_first() {
            connection.abort();
        }
    }
}

/// Somebody who has connected.
struct Caller {
    number: u64,
    quiet: Quiet,
}

impl Caller {
    fn is_heard(&self) {
        self.quiet.list().remove(&self.number);
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.is_heard();
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;

    use super::*;

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: door\r\nContent-Length: 2\r\n\r\nhi";

    async fn answer_to(stream: &mut TcpStream) -> String {
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("in time").expect("an answer");
        answer
    }

    /// 2,000 connections that say nothing, or begin a request and do not end it, keep nobody out; whoever is being
    /// answered is not put off for them.
    #[tokio::test]
    async fn quiet_callers_make_room_for_those_who_speak() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (go, asked) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let routes = Router::new().route(
            "/",
            post({
                let (go, asked) = (go.clone(), asked.clone());
                async move || {
                    asked.add_permits(1);
                    go.acquire().await.expect("open").forget();
                    "heard"
                }
            }),
        );
        let door = tokio::spawn(serve(listener, routes));

        let mut patient = TcpStream::connect(address).await.expect("a place");
        patient.write_all(REQUEST).await.expect("sent");
        asked.acquire().await.expect("asked").forget();
        let mut quiet = Vec::new();
        for number in 0..2_000 {
            let mut stream = TcpStream::connect(address).await.expect("a place");
            if number % 2 == 0 {
                stream.write_all(&REQUEST[..REQUEST.len() - 1]).await.expect("sent");
            }
            quiet.push(stream);
        }
        let mut speaks = TcpStream::connect(address).await.expect("a place");
        speaks.write_all(REQUEST).await.expect("sent");
        go.add_permits(2);
        for stream in [&mut patient, &mut speaks] {
            let answer = answer_to(stream).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("heard"), "{answer}");
        }
        door.abort();
    }
}
