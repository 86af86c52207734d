//! Serving connections, which are ended by dropping them where an answer must be lost.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http::{HangUp, Shared};
use crate::shutdown::Shutdown;

pub(crate) const GRACE: Duration = Duration::from_secs(2);
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// The connection is dropped instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost")]
struct ReplyLost;

/// Accepts connections until told to stop, then gives open ones a moment to finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, router.clone(), shutdown.clone()));
                }
                // The caller is gone already, or descriptors have run out: others may still come.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    let finished =
        tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        connections.shutdown().await;
    }
}

async fn serve_connection(stream: TcpStream, router: Router, shutdown: Shutdown) {
    // Answers are small: waiting to fill a packet would only slow them down. Without it they still arrive.
    drop(stream.set_nodelay(true));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let response = router.call(request);
        async move { sendable(response.await) }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error here is a caller that hung up, or a reply lost on purpose.
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = shutdown.requested() => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}

/// hyper drops the connection without a byte when the service fails.
fn sendable(response: Result<Response<Body>, Infallible>) -> Result<Response<Body>, ReplyLost> {
    match response {
        Ok(response) if response.extensions().get::<HangUp>().is_none() => Ok(response),
        _ => Err(ReplyLost),
    }
}

/// Lets expired holds go even when nobody asks anything.
pub(crate) async fn sweep(service: Shared, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(SWEEP_PERIOD) => {
                // Every transaction begins with a sweep; one that fails is made up for by the next.
                drop(service.transact(|_| Ok(())).await);
            }
        }
    }
}
