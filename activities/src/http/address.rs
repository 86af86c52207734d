//! The address of the call that failed in an activity, for the worker's log. It is not part of the failure: an address
//! changes with the settings, and what a history holds does not.

use std::cell::RefCell;
use std::future::Future;

use reqwest::Url;

tokio::task_local! {
    static LAST: RefCell<Option<String>>;
}

/// Runs an activity; returns the address of the last call that failed in it, if one did.
pub async fn of_the_last_failure<F: Future>(activity: F) -> (F::Output, Option<String>) {
    let noting = async move {
        let ended = activity.await;
        (ended, LAST.with(RefCell::take))
    };
    LAST.scope(RefCell::default(), noting).await
}

/// Notes the address of a call that failed: scheme, host and port, nothing of its path, user or query.
pub(crate) fn note(address: &str) {
    // Outside of an activity, as in a probe, nobody wants it.
    let _noted = LAST.try_with(|last| last.replace(Some(address.to_owned())));
}

/// Forgets it: the last call went well.
pub(super) fn forget() {
    let _forgotten = LAST.try_with(RefCell::take);
}

/// Where a base URL leads, without what may be a secret in it.
pub(super) fn origin(base: &Url) -> String {
    base.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_failed_call_of_this_activity_is_named() {
        let base: Url = "https://user:secret@pay.example.com:8443/api?key=secret".parse().expect("a URL");
        let ((), address) = of_the_last_failure(async {
            note("http://before.example.com");
            note(&origin(&base));
        })
        .await;
        assert_eq!(address.as_deref(), Some("https://pay.example.com:8443"));
        let (other, address) = of_the_last_failure(async { 7 }).await;
        assert_eq!((other, address), (7, None));
        let ((), address) = of_the_last_failure(async {
            note("http://before.example.com");
            forget();
        })
        .await;
        assert_eq!(address, None);
        // Nobody asked.
        note("http://nobody.example.com");
    }
}
