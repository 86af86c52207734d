//! News that the run hears while a person is asked does not wait in silence: the question says it, or is over.

use std::rc::Rc;

use super::super::people::Fact;
use super::{Meanwhile, Open, Process, Settled};

/// News that the run has heard while a question is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Heed {
    /// Nothing that the question is about.
    #[default]
    Nothing,
    /// Something that a person has to know who answers: so many pieces of news.
    News(u32),
    /// The matter is another one by now: the question closes; why.
    Over(&'static str),
}

/// Reads from the workflow's state what the run has heard.
pub(in super::super) type Heeding<W> = Rc<dyn Fn(&W) -> Heed>;

/// The fact of a question that says what was heard since it was asked.
const HEARD_SINCE: &str = "heard_since";

impl<W: Process, T: 'static> Open<W, T> {
    /// Says in the question what the run has heard, or closes it.
    pub(super) async fn heed(&mut self, heed: Heed) -> Option<Settled<T>> {
        self.heeded = heed.clone();
        match heed {
            Heed::Nothing => None,
            Heed::News(count) => {
                let value = format!("{count} more pieces of news, which are looked at once this is answered");
                self.scribe.amend(&self.id, |question| {
                    question.facts.retain(|fact| fact.name != HEARD_SINCE);
                    question.facts.push(Fact { name: HEARD_SINCE.to_owned(), value });
                });
                None
            }
            Heed::Over(why) => {
                let by_hand = self.scribe.change(|saga| {
                    saga.people.question_mut(&self.id).is_some_and(|question| question.hands_off)
                });
                let meanwhile = self.stop_trying(why.to_owned()).await;
                self.scribe.close(&self.id, why);
                Some(match meanwhile {
                    Meanwhile::Done(done) => Settled::Done(done),
                    _ => Settled::Overtaken { by_hand },
                })
            }
        }
    }
}
