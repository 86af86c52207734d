//! Conversations with the mail server. The steps are taken one by one, because what an answer means depends on what
//! it answers: the same 550 speaks of a wrong sender (a setting) or of a wrong recipient (an outcome).

use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::notification::attempt::{Attempt, Limits, UnderWay};

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
        let (under_way, record) = (UnderWay::default(), Record::new());
        Self { server, tls, hello, slots, waiting, under_way, record, idle: Mutex::default() }
    }

    pub(super) async fn send(&self, mail: &Mail, attempt: Attempt<'_>) -> Result<Delivery, MailError> {
        let Some(_turn) = self.under_way.begin(&mail.message_id) else {
            return Err(MailError::not_sent("an attempt before is still handing it over; it is tried again"));
        };
        let Limits { wait, talk: limit } = attempt.limits(self.server.timeout);
        let _slot = self.slot(wait).await?;
        if !attempt.is_wanted() {
            return Err(MailError::not_sent("it is not wanted any more"));
        }
        let handed_over = AtomicBool::new(false);
        let talk = async {
            let mut connection = self.connection().await?;
            let answer = hand_over(&mut connection, mail, self.server.bounces, &handed_over).await?;
            self.keep(connection);
            Ok(answer)
        };
        match tokio::time::timeout(limit, talk).await {
            Ok(Ok(Answer::Taken)) => {
                self.record.taken(&mail.message_id);
                Ok(Delivery::Accepted { message_id: Some(mail.message_id.clone()) })
            }
            Ok(Ok(Answer::Refused(refusal))) => self.record.refused(&mail.message_id, refusal),
            Ok(Err(error)) => Err(error),
            Err(_) if handed_over.load(Ordering::Relaxed) => {
                Err(MailError::Unknown { why: format!("none within {limit:?}") })
            }
            Err(_) => Err(self.too_slow(limit)),
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
        while let Some(mut connection) = self.take() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.connect().await
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

/// The server's last word about a mail.
enum Answer {
    Taken,
    Refused(Refusal),
}

/// One mail, one recipient. `handed_over` is set from where on the server may have taken it.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
    bounces: Bounces,
    handed_over: &AtomicBool,
) -> Result<Answer, MailError> {
    let mut options = Vec::new();
    if !is_ascii(&mail.to) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Ok(Answer::Refused(Refusal::of_mail("smtputf8_unsupported")));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if let Err(error) = connection.command(MailFrom::new(Some(mail.from.clone()), options)).await {
        return judge(At::Sender, &error, bounces).map(Answer::Refused);
    }
    if let Err(error) = connection.command(Rcpt::new(mail.to.clone(), Vec::new())).await {
        return leave(connection, judge(At::Recipient, &error, bounces)?).await;
    }
    if let Err(error) = connection.command(Data).await {
        return leave(connection, judge(At::Data, &error, bounces)?).await;
    }
    handed_over.store(true, Ordering::Relaxed);
    match connection.message(&mail.bytes).await {
        Ok(_) => Ok(Answer::Taken),
        Err(error) => judge(At::Message, &error, bounces).map(Answer::Refused),
    }
}

/// Ends a transaction that came to nothing, so that the connection can serve the next mail.
async fn leave(connection: &mut AsyncSmtpConnection, refusal: Refusal) -> Result<Answer, MailError> {
    if connection.command(Rset).await.is_err() {
        connection.abort().await;
    }
    Ok(Answer::Refused(refusal))
}

fn outage(at: At, error: &SmtpError) -> MailError {
    match judge(at, error, Bounces::default()) {
        Err(error) => error,
        // No answer before the recipient is about one mail.
        Ok(_) => MailError::not_sent("the mail server refuses the conversation"),
    }
}
