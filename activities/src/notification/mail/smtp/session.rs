//! Conversations with the mail server. The steps are taken one by one, because what an answer means depends on what
//! it answers: the same 550 speaks of a wrong sender (a setting) or of a wrong recipient (an outcome).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::notification::Delivery;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::{At, Bounces, MailError, Refusal, judge};
use super::message::Mail;
use super::record::Record;
use super::{MailServer, Security, is_ascii};
use crate::http::address;
use crate::notification::attempt::{Attempt, DOUBTS_MAX, Doubts, Limits, UnderWay, no_reply};

/// Conversations at once: what servers allow one client without ado.
const AT_ONCE_MAX: usize = 8;
/// Mails that wait for one of these inside the worker, at most.
const WAITING_MAX: usize = 4 * AT_ONCE_MAX;
/// Servers close idle connections after some minutes; ours are closed before.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// The server, and the connections to it that are open.
pub(super) struct Sessions {
    pub(super) server: MailServer,
    tls: TlsParameters,
    hello: ClientId,
    slots: Semaphore,
    /// Places for mails that wait for one of the slots.
    waiting: Semaphore,
    under_way: UnderWay,
    /// Mails that were handed over without a reply, by `Message-ID`.
    doubts: Doubts,
    record: Record,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Sessions {
    pub(super) fn new(server: MailServer, tls: TlsParameters) -> Self {
        // A name that stands in the DNS, which this machine's own often does not.
        let hello = ClientId::Domain(server.from.0.email.domain().to_owned());
        let (slots, waiting) = (Semaphore::new(AT_ONCE_MAX), Semaphore::new(WAITING_MAX));
        let (under_way, doubts, record) = (UnderWay::default(), Doubts::default(), Record::new());
        Self { server, tls, hello, slots, waiting, under_way, doubts, record, idle: Mutex::default() }
    }

    pub(super) async fn send(&self, mail: &Mail, attempt: Attempt<'_>) -> Result<Delivery, MailError> {
        let Some(_turn) = self.under_way.begin(&mail.message_id) else {
            return Err(MailError::not_sent("an attempt before is still handing it over; it is tried again"));
        };
        let id = &mail.message_id;
        let doubts = self.doubts.of(id).max(attempt.doubts());
        if doubts >= DOUBTS_MAX {
            return Ok(no_reply());
        }
        let Limits { wait, talk: limit } = attempt.limits(self.server.timeout);
        let _slot = self.slot(wait).await?;
        if !attempt.is_wanted() {
            return Err(MailError::not_sent("it is not wanted any more"));
        }
        let offered = tokio::time::timeout(limit, self.offer(mail, attempt)).await;
        let (mut connection, refusal) = offered.unwrap_or_else(|_| Err(self.too_slow(limit)))?;
        if let Some(refusal) = refusal {
            self.keep(connection);
            return self.record.refused(id, refusal);
        }
        // From here on the server may have taken it, whatever becomes of this worker.
        attempt.tell(doubts + 1).await;
        let limit = attempt.reply(self.server.reply);
        let said = match tokio::time::timeout(limit, connection.message(&mail.bytes)).await {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => judge(At::Message, &error, self.server.bounces).map(Some),
            Err(_) => Err(MailError::Unknown { why: format!("none within {limit:?}") }),
        };
        match said {
            Ok(None) => {
                self.keep(connection);
                self.record.taken(id);
                self.doubts.forget(id);
                Ok(Delivery::Accepted { message_id: Some(id.clone()) })
            }
            Ok(Some(refusal)) => {
                self.keep(connection);
                attempt.tell(doubts).await;
                self.record.refused(id, refusal)
            }
            Err(MailError::Unknown { why }) => {
                self.doubts.note(id, doubts + 1);
                if doubts + 1 < DOUBTS_MAX { Err(MailError::Unknown { why }) } else { Ok(no_reply()) }
            }
            Err(error) => {
                attempt.tell(doubts).await;
                Err(error)
            }
        }
    }

    pub(super) async fn health(&self) -> Result<(), MailError> {
        let limit = self.server.timeout;
        let talk = async {
            let _slot = self.slot(limit).await?;
            let connection = self.connection().await?;
            self.keep(connection);
            Ok(())
        };
        tokio::time::timeout(limit, talk).await.unwrap_or_else(|_| Err(self.too_slow(limit)))
    }

    /// One of the conversations at once. So that mails to a slow server do not take the place of a worker's other
    /// activities, only some wait here; the others come again.
    async fn slot(&self, wait: Duration) -> Result<SemaphorePermit<'_>, MailError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let busy = || {
            let why =
                format!("all {AT_ONCE_MAX} connections to the mail server are in use; it is tried again");
            MailError::not_sent(why)
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let slot = tokio::time::timeout(wait, self.slots.acquire()).await.map_err(|_| busy())?;
        slot.map_err(|_| MailError::not_sent("the worker is shutting down"))
    }

    /// One that is open and answers, or a new one. The caller owns it: a conversation that is given up half-way
    /// takes its connection along.
    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        address::note(&self.address());
        while let Some(mut connection) = self.take() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    /// Offers a mail to the server: the connection on which it waits for the mail, or its refusal.
    async fn offer(
        &self,
        mail: &Mail,
        attempt: Attempt<'_>,
    ) -> Result<(AsyncSmtpConnection, Option<Refusal>), MailError> {
        let mut connection = self.connection().await?;
        let may_go_on = || attempt.may_hand_over(self.server.timeout).map_err(MailError::not_sent);
        let refusal = introduce(&mut connection, mail, self.server.bounces, may_go_on).await?;
        Ok((connection, refusal))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let MailServer { host, port, security, .. } = &self.server;
        let address = (host.trim_matches(['[', ']']), *port);
        let wrapped = (*security == Security::Wrapped).then(|| self.tls.clone());
        let connected = AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, wrapped, None).await;
        let mut connection = connected.map_err(|error| outage(At::Connect, &error))?;
        if *security != Security::Wrapped && connection.can_starttls() {
            let secured = connection.starttls(self.tls.clone(), &self.hello).await;
            secured.map_err(|error| outage(At::StartTls, &error))?;
        } else if *security == Security::StartTls {
            return Err(MailError::not_sent(
                "the mail server offers no STARTTLS, and to other machines mail goes encrypted only: use smtps:// in \
                 SUN_MAIL_URL, or switch STARTTLS on there",
            ));
        }
        if let Some(login) = &self.server.login {
            let credentials = Credentials::new(login.user.clone(), login.password.reveal().to_owned());
            let accepted = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            accepted.map_err(|error| outage(At::Login, &error))?;
        }
        Ok(connection)
    }

    /// Where the server is, for the log.
    fn address(&self) -> String {
        let MailServer { host, port, security, .. } = &self.server;
        let scheme = if *security == Security::Wrapped { "smtps" } else { "smtp" };
        format!("{scheme}://{host}:{port}")
    }

    fn too_slow(&self, limit: Duration) -> MailError {
        let hint = match self.server.security {
            Security::Wrapped => "is it running?",
            _ => "is it running? A port where TLS begins at once, such as 465, is written smtps://",
        };
        MailError::not_sent(format!(
            "the mail server of SUN_MAIL_URL did not answer within {limit:?}; {hint}"
        ))
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE_MAX);
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        if !connection.has_broken() {
            self.idle().push(Idle { connection, since: Instant::now() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing that could panic happens under the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One mail, one recipient, up to the word of the server that it wants to see the mail; or its refusal. It has taken
/// nothing so far.
async fn introduce(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
    bounces: Bounces,
    may_go_on: impl Fn() -> Result<(), MailError>,
) -> Result<Option<Refusal>, MailError> {
    let mut options = Vec::new();
    if !is_ascii(&mail.to) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Ok(Some(Refusal::of_mail("smtputf8_unsupported")));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if let Err(error) = connection.command(MailFrom::new(Some(mail.from.clone()), options)).await {
        return judge(At::Sender, &error, bounces).map(Some);
    }
    if let Err(error) = connection.command(Rcpt::new(mail.to.clone(), Vec::new())).await {
        return Ok(leave(connection, judge(At::Recipient, &error, bounces)?).await);
    }
    may_go_on()?;
    if let Err(error) = connection.command(Data).await {
        return Ok(leave(connection, judge(At::Data, &error, bounces)?).await);
    }
    // The server may have thought about it for long. A mail without its end is none.
    may_go_on()?;
    Ok(None)
}

/// Ends a transaction that came to nothing, so that the connection can serve the next mail.
async fn leave(connection: &mut AsyncSmtpConnection, refusal: Refusal) -> Option<Refusal> {
    if connection.command(Rset).await.is_err() {
        connection.abort().await;
    }
    Some(refusal)
}

fn outage(at: At, error: &SmtpError) -> MailError {
    match judge(at, error, Bounces::default()) {
        Err(error) => error,
        // No answer before the recipient is about one mail.
        Ok(_) => MailError::not_sent("the mail server refuses the conversation"),
    }
}
