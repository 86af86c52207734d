//! Questions that are open while a run goes on.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use super::super::LocalFuture;

/// Questions that are open beside the story of a run, and whatever else its way back does not wait for. They are polled
/// in the order in which they were asked, so that a replay sees the same.
#[derive(Default)]
pub(in super::super) struct Questions {
    open: RefCell<Vec<LocalFuture<()>>>,
    /// Guards against a question that is polled from within a question.
    is_polling: Cell<bool>,
}

impl Questions {
    pub(in super::super) fn add(&self, question: LocalFuture<()>) {
        self.open.borrow_mut().push(question);
    }

    /// Awaits `work`; answers are taken meanwhile.
    pub(in super::super) async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            self.poll(cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Waits until every question is answered, or `else_` is ready.
    pub(in super::super) async fn until_answered<T>(&self, else_: impl Future<Output = T>) {
        let mut else_ = pin!(else_);
        std::future::poll_fn(|cx| {
            self.poll(cx);
            if self.open.borrow().is_empty() || else_.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    fn poll(&self, cx: &mut Context<'_>) {
        if self.is_polling.replace(true) {
            debug_assert!(false, "a question is polled from within a question");
            return;
        }
        let mut open = self.open.take();
        open.retain_mut(|question| question.as_mut().poll(cx).is_pending());
        open.extend(self.open.take());
        self.open.replace(open);
        self.is_polling.set(false);
    }
}
