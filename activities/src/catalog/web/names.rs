//! The look-up of names. The addresses that a name leads to are checked here, behind it: a second look-up could answer
//! otherwise.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::networks::Networks;

/// Looks names up.
pub(super) trait LookUp: Send + Sync + 'static {
    /// The addresses of a name.
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// As this machine does it.
pub(super) struct System;

impl LookUp for System {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) }.boxed()
    }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NoWay {
    /// Nobody knows it.
    #[error("no address is known")]
    Unknown,
    /// One of its addresses is not public.
    #[error("a private address")]
    Private,
}

/// Names whose addresses may be connected to.
pub(super) struct Checked<N> {
    pub(super) names: Arc<N>,
    pub(super) allowed: Networks,
}

impl<N: LookUp> Resolve for Checked<N> {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, allowed) = (self.names.look_up(name.as_str().to_owned()), self.allowed.clone());
        Box::pin(async move {
            let found = found.await.unwrap_or_default();
            if found.is_empty() {
                return Err(NoWay::Unknown.into());
            }
            // A name that leads to both may lead to the other one the next time.
            if !found.iter().all(|address| allowed.allow(*address)) {
                return Err(NoWay::Private.into());
            }
            // The port is the address's own.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}
