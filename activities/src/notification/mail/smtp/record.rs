//! The last hour's mails, and what follows from them for the next refusal.
//!
//! - A refusal of permission or policy (5.7.x) is put off for an hour, then it costs the mail. Where most mails are
//!   refused so, it is the mail server that is named.
//! - Ten addresses without a mailbox in an hour that are a fifth of the mails are more than lists hold: a server has
//!   changed what it says. Then no address is suppressed until the hour has passed, and somebody is told.
//!
//! Each worker counts its own mails, and begins anew when it starts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use contracts::notification::Delivery;

use super::error::{Cause, MailError, Refusal};
use crate::observe;

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES: u64 = 60;
/// How long a refusal of permission or policy is put off.
const POLICY_PATIENCE: Duration = Duration::from_secs(3600);
/// The longest pause between two attempts at such a mail.
const POLICY_PAUSE_MAX: Duration = Duration::from_secs(600);
/// Mails refused so that are remembered, at most.
const REFUSED_MAX: usize = 10_000;
/// Refusals of policy from which on "most" means something.
const POLICY_MIN: u64 = 5;
/// Addresses that are suppressed in an hour, where they are a fifth of the mails.
const SUPPRESSED_MAX: u64 = 10;
const SUPPRESSED_PART: u64 = 5;

/// The mails of an hour by their fates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Of any end.
    mails: u64,
    /// Refused as a matter of permission or policy.
    policy: u64,
    /// Refused because there is no such mailbox, or for what else suppresses.
    addresses: u64,
}

/// The fates of the mails of the last hour.
#[derive(Debug)]
pub(super) struct Record(Mutex<Hour>);

#[derive(Debug)]
struct Hour {
    began: Instant,
    /// By minutes since it began.
    minutes: BTreeMap<u64, Counts>,
    /// Mails that were refused as a matter of policy, by `Message-ID`, and since when they are.
    refused: HashMap<String, Instant>,
    /// Whether suppressing has stopped.
    is_stopped: bool,
}

impl Record {
    pub(super) fn new() -> Self {
        let (minutes, refused) = (BTreeMap::new(), HashMap::new());
        Self(Mutex::new(Hour { began: Instant::now(), minutes, refused, is_stopped: false }))
    }

    /// Notes a mail that was taken.
    pub(super) fn taken(&self, message_id: &str) {
        self.with(|hour| {
            hour.refused.remove(message_id);
            hour.now(Instant::now()).mails += 1;
        });
    }

    /// Notes a refusal for good, and says what it comes to.
    ///
    /// # Errors
    /// When it is put off.
    pub(super) fn refused(&self, message_id: &str, refusal: Refusal) -> Result<Delivery, MailError> {
        self.with(|hour| hour.judge(message_id, refusal, Instant::now()))
    }

    fn with<R>(&self, change: impl FnOnce(&mut Hour) -> R) -> R {
        // Nothing that could panic happens under the lock.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Hour {
    fn judge(&mut self, message_id: &str, refusal: Refusal, now: Instant) -> Result<Delivery, MailError> {
        let Refusal { code, cause } = refusal;
        match cause {
            Cause::Policy => return self.put_off(message_id, code, now),
            Cause::Mail => self.now(now).mails += 1,
            Cause::Address if self.suppresses(now) => return Ok(Delivery::Bounced { code }),
            Cause::Address => observe::tell(|observer| observer.suppression_held()),
        }
        self.refused.remove(message_id);
        Ok(Delivery::Refused { code })
    }

    /// Whether one address more is suppressed.
    fn suppresses(&mut self, now: Instant) -> bool {
        let Counts { mails, addresses, .. } = self.whole(now);
        let this = self.now(now);
        this.mails += 1;
        this.addresses += 1;
        let is_stopped = addresses >= SUPPRESSED_MAX && addresses * SUPPRESSED_PART >= mails;
        if is_stopped && !self.is_stopped {
            tracing::error!(
                addresses,
                mails,
                "the mail server of SUN_MAIL_URL says of too many addresses that there is no such mailbox: no \
                 address is suppressed until an hour has passed; look at what it answers, and at the customers"
            );
        }
        self.is_stopped = is_stopped;
        !is_stopped
    }

    fn put_off(&mut self, message_id: &str, code: String, now: Instant) -> Result<Delivery, MailError> {
        observe::tell(|observer| observer.relay_refused());
        let since = match self.refused.get(message_id) {
            Some(since) => *since,
            None => {
                let this = self.now(now);
                this.mails += 1;
                this.policy += 1;
                self.refused.retain(|_, since| now.duration_since(*since) < POLICY_PATIENCE * 24);
                if self.refused.len() < REFUSED_MAX {
                    self.refused.insert(message_id.to_owned(), now);
                }
                now
            }
        };
        let so_far = now.duration_since(since);
        if so_far >= POLICY_PATIENCE {
            self.refused.remove(message_id);
            return Ok(Delivery::Refused { code });
        }
        let Counts { mails, policy, .. } = self.whole(now);
        let why = if policy >= POLICY_MIN && policy * 2 > mails {
            format!(
                "the mail server of SUN_MAIL_URL refuses most mails as a matter of permission or policy ({code}): may \
                 this host, SUN_MAIL_USER and SUN_MAIL_FROM send by it, or is one of them on a list? It is tried for \
                 an hour"
            )
        } else {
            format!(
                "the mail server refuses it as a matter of permission or policy ({code}); it is tried for an hour"
            )
        };
        let again = so_far.clamp(MINUTE, POLICY_PAUSE_MAX).min(POLICY_PATIENCE - so_far).max(MINUTE / 60);
        Err(MailError::Refused { why, again })
    }

    /// The counts of this minute.
    fn now(&mut self, now: Instant) -> &mut Counts {
        let minute = now.duration_since(self.began).as_secs() / 60;
        self.minutes.retain(|known, _| known + MINUTES > minute);
        self.minutes.entry(minute).or_default()
    }

    /// The counts of the hour.
    fn whole(&mut self, now: Instant) -> Counts {
        self.now(now);
        self.minutes.values().fold(Counts::default(), |sum, counts| Counts {
            mails: sum.mails + counts.mails,
            policy: sum.policy + counts.policy,
            addresses: sum.addresses + counts.addresses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Hour {
        let Record(hour) = Record::new();
        hour.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(cause: Cause) -> Refusal {
        Refusal { code: "550".to_owned(), cause }
    }

    fn judged(hour: &mut Hour, id: &str, cause: Cause, now: Instant) -> Result<Delivery, MailError> {
        hour.judge(id, refusal(cause), now)
    }

    fn is_bounce(judged: &Result<Delivery, MailError>) -> bool {
        matches!(judged, Ok(Delivery::Bounced { .. }))
    }

    #[test]
    fn policy_is_put_off_for_an_hour_then_it_costs_the_mail_and_never_the_address() {
        let (mut hour, start) = (hour(), Instant::now());
        let mut now = start;
        let mut pauses = Vec::new();
        let end = loop {
            match judged(&mut hour, "a", Cause::Policy, now) {
                Err(MailError::Refused { again, .. }) => {
                    pauses.push(again.as_secs());
                    now += again;
                }
                end => break end,
            }
        };
        assert_eq!(end, Ok(Delivery::Refused { code: "550".to_owned() }));
        assert_eq!(now - start, Duration::from_secs(3600));
        assert_eq!(pauses, [60, 60, 120, 240, 480, 600, 600, 600, 600, 240], "grows to ten minutes");
    }

    #[test]
    fn the_relay_is_named_when_most_are_refused_so() {
        let (mut hour, now) = (hour(), Instant::now());
        for id in ["1", "2", "3", "4", "5"] {
            let said =
                judged(&mut hour, id, Cause::Policy, now).err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(said.contains("refuses most mails"), id == "5", "{said}");
        }
        hour.now(now).mails += 10;
        let said =
            judged(&mut hour, "6", Cause::Policy, now).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(said.contains("refuses it as a matter"), "{said}");
    }

    #[test]
    fn ten_addresses_in_an_hour_that_are_a_fifth_of_the_mails_are_the_last() {
        let (mut hour, start) = (hour(), Instant::now());
        let one = |hour: &mut Hour, now| is_bounce(&judged(hour, "a", Cause::Address, now));
        assert!((0..10).all(|_| one(&mut hour, start)));
        assert!((0..5).all(|_| !one(&mut hour, start)), "the eleventh is kept");
        // Those that were kept count as well: while it goes on, it stays stopped.
        hour.now(start).mails += 50;
        assert!(!one(&mut hour, start));
        hour.now(start).mails += 50;
        assert!(one(&mut hour, start), "less than a fifth of the mails");
        assert!(one(&mut hour, start + Duration::from_secs(3660)), "another hour");
    }
}
