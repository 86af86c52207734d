//! Which ports a stack listens on: always loopback, the usual numbers where they are free.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

use crate::say::say;

/// How far above the usual number a free one is looked for.
const SEARCH_WIDTH: u16 = 200;

pub(crate) struct Ports {
    pub(crate) temporal: SocketAddr,
    pub(crate) web_ui: SocketAddr,
    pub(crate) sandbox: SocketAddr,
    pub(crate) worker: SocketAddr,
    /// The worker's webhook door.
    pub(crate) door: SocketAddr,
}

impl Ports {
    pub(crate) fn choose() -> Result<Self> {
        // Held until all are chosen, so that no number is given out twice.
        let mut held = Vec::new();
        let mut choose = |what: &str, usual: u16| -> Result<SocketAddr> {
            let listener = first_free(usual, bind).with_context(|| {
                format!("{what} needs a port, but {usual} to {} are all busy", usual + SEARCH_WIDTH)
            })?;
            let address = listener.local_addr()?;
            if address.port() != usual {
                say!("port {usual} is busy: {what} gets {}", address.port());
            }
            held.push(listener);
            Ok(address)
        };
        Ok(Self {
            temporal: choose("the Temporal server", 7233)?,
            web_ui: choose("the Web UI", 8233)?,
            sandbox: choose("the sandbox", 8484)?,
            worker: choose("the worker", 9464)?,
            door: choose("the webhook door", 9565)?,
        })
    }
}

fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// The first success at `usual` or above it. Neighbours rather than random ports: a second stack gets the same
/// numbers every time, and they stay out of the range that outgoing connections take theirs from.
fn first_free<T>(usual: u16, bind: impl Fn(u16) -> Option<T>) -> Option<T> {
    (usual..=usual + SEARCH_WIDTH).find_map(bind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_is_taken_when_it_is_free() {
        assert_eq!(first_free(7233, Some), Some(7233));
    }

    #[test]
    fn busy_ports_are_passed_over() {
        assert_eq!(first_free(7233, |port| (port > 7235).then_some(port)), Some(7236));
        assert_eq!(first_free::<u16>(7233, |_| None), None);
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_busy() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        assert!(bind(port).is_none());
    }

    #[test]
    fn five_different_loopback_ports_are_chosen() {
        let ports = Ports::choose().expect("free ports");
        let all = [ports.temporal, ports.web_ui, ports.sandbox, ports.worker, ports.door];
        assert!(all.iter().all(|address| address.ip().is_loopback()));
        let distinct: std::collections::BTreeSet<_> = all.iter().map(SocketAddr::port).collect();
        assert_eq!(distinct.len(), 5);
    }
}
