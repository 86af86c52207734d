//! A gRPC proxy before Temporal: notes every call, and can answer in the server's place: as one that is away, that
//! fails, or that has nothing to say.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use bytes::{Buf as _, BufMut as _, Bytes};
use tokio::net::TcpListener;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::UnaryService;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};

/// The query that every workflow answers by itself.
const METADATA: &str = "__temporal_workflow_metadata";

/// One call that was made.
#[derive(Clone, Debug)]
pub struct Passed {
    /// `QueryWorkflow`
    pub method: String,
    /// Whether it is the built-in query for current details.
    pub is_metadata: bool,
    /// When.
    pub at: Instant,
}

/// A proxy; it ends with this value.
pub struct Proxy {
    /// Where it listens.
    pub address: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    channel: Channel,
    passed: Mutex<Vec<Passed>>,
    is_away: AtomicBool,
    instead: Mutex<Vec<Instead>>,
}

/// An answer in the server's place.
struct Instead {
    method: &'static str,
    times: usize,
    answer: Result<(), Code>,
}

impl Shared {
    /// The answer in the server's place, if there is to be one.
    fn instead(&self, method: &str) -> Option<Result<Response<Bytes>, Status>> {
        let mut instead = self.instead.lock().unwrap_or_else(PoisonError::into_inner);
        let here = instead.iter_mut().find(|here| here.method == method && here.times > 0)?;
        here.times -= 1;
        Some(match here.answer {
            // A message without a field has no bytes.
            Ok(()) => Ok(Response::new(Bytes::new())),
            Err(code) => Err(Status::new(code, "the proxy says so")),
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    /// Starts one before a server.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn before(address: &str) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        let (passed, instead) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { channel, passed, is_away: AtomicBool::new(false), instead });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let passing = Arc::clone(&shared);
        let router = axum::Router::new().fallback(move |request| pass(Arc::clone(&passing), request));
        let serving = Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(async move {
            if let Err(error) = serving.await {
                eprintln!("the proxy ended: {error}");
            }
        });
        Ok(Self { address, shared, server })
    }

    /// From now on the server seems to be away, or is there again.
    pub fn is_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::Relaxed);
    }

    /// So many calls of a method are answered at once with an empty message, or with a failure; 0: the server answers
    /// again.
    pub fn answers_itself(&self, method: &'static str, times: usize, answer: Result<(), Code>) {
        let mut instead = self.shared.instead.lock().unwrap_or_else(PoisonError::into_inner);
        instead.retain(|here| here.method != method);
        instead.push(Instead { method, times, answer });
    }

    /// The calls of a method so far, those that the proxy answered itself included.
    #[must_use]
    pub fn passed(&self, method: &str) -> Vec<Passed> {
        let passed = self.shared.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.iter().filter(|call| call.method == method).cloned().collect()
    }
}

type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Takes whatever is called.
async fn pass(shared: Arc<Shared>, request: axum::extract::Request) -> axum::response::Response {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut grpc = tonic::server::Grpc::new(Untouched).accept_compressed(CompressionEncoding::Gzip);
    grpc.unary(Forward { shared, path }, request).await.map(Body::new)
}

struct Forward {
    shared: Arc<Shared>,
    path: PathAndQuery,
}

impl UnaryService<Bytes> for Forward {
    type Response = Bytes;
    type Future = Answering<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (shared, path) = (Arc::clone(&self.shared), self.path.clone());
        Box::pin(async move {
            if shared.is_away.load(Ordering::Relaxed) {
                return Err(Status::unavailable("away"));
            }
            let method = path.path().rsplit('/').next().unwrap_or_default().to_owned();
            let is_metadata =
                request.get_ref().windows(METADATA.len()).any(|part| part == METADATA.as_bytes());
            let instead = shared.instead(&method);
            let call = Passed { method, is_metadata, at: Instant::now() };
            shared.passed.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            if let Some(answer) = instead {
                return answer;
            }
            let client = tonic::client::Grpc::new(shared.channel.clone());
            // The caller's own header goes on with its request: the server may compress its answer.
            let mut client = client.accept_compressed(CompressionEncoding::Gzip);
            client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let answer = client.unary(request, path, Untouched).await?;
            // A server that was asked before it went away does not answer any more.
            match shared.is_away.load(Ordering::Relaxed) {
                true => Err(Status::unavailable("away")),
                false => Ok(answer),
            }
        })
    }
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Untouched;

impl Codec for Untouched {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Untouched {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Untouched {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
