//! Mail by SMTP, which ends in the outbox like mail by HTTP. Strict and small: no TLS and no login, for loopback.
//!
//! - `command`: what may be said;
//! - `wire`: lines in, replies out;
//! - `letter`: a received mail, read as a mailbox would read it.

mod command;
mod letter;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::call::Call;
use crate::http::Shared;
use crate::operation::Operation;
use crate::server::{ACCEPT_PAUSE, GRACE};
use crate::service::Service;
use crate::shutdown::Shutdown;
use command::{Command, MailFrom, Wrong};
pub(crate) use letter::Letter;
use wire::{DataEnd, Ended, Wire};

/// The largest mail that is taken.
pub(crate) const MAIL_BYTES_MAX: usize = 1024 * 1024;
const RECIPIENTS_MAX: usize = 100;

/// Accepts connections until told to stop, then gives open ones a moment to finish.
pub(crate) async fn serve(listener: TcpListener, service: Shared, shutdown: Shutdown) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&service), shutdown.clone()));
                }
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

async fn serve_connection(stream: TcpStream, service: Shared, shutdown: Shutdown) {
    drop(stream.set_nodelay(true));
    let mut session = Session { wire: Wire::new(stream), service, is_greeted: false, mail: None };
    // How it ended makes no difference: the caller hung up, said QUIT, or is hung up on.
    tokio::select! {
        Ok(()) | Err(Ended) = session.talk() => {}
        () = shutdown.requested() => drop(session.wire.reply("421 4.3.2 the sandbox is closing").await),
    }
}

/// One conversation.
struct Session {
    wire: Wire,
    service: Arc<Service>,
    is_greeted: bool,
    mail: Option<Transaction>,
}

/// A mail on its way.
struct Transaction {
    from: MailFrom,
    recipients: Vec<String>,
}

impl Session {
    async fn talk(&mut self) -> Result<(), Ended> {
        self.wire.reply("220 sandbox ESMTP").await?;
        loop {
            let line = self.wire.command().await?;
            match Command::read(&line) {
                Ok(Command::Quit) => {
                    self.wire.reply("221 2.0.0 goodbye").await?;
                    return Ok(());
                }
                Ok(Command::Data) => self.data().await?,
                Ok(command) => {
                    let reply = self.answer(command);
                    self.wire.reply(&reply).await?;
                }
                Err(Wrong(reply)) => self.wire.reply(reply).await?,
            }
        }
    }

    /// Everything that is answered by the conversation alone.
    fn answer(&mut self, command: Command) -> String {
        match command {
            Command::Ehlo => {
                (self.is_greeted, self.mail) = (true, None);
                format!("250-sandbox\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {MAIL_BYTES_MAX}")
            }
            Command::Helo => {
                (self.is_greeted, self.mail) = (true, None);
                "250 sandbox".to_owned()
            }
            Command::Reset => {
                self.mail = None;
                "250 2.0.0 forgotten".to_owned()
            }
            Command::Mail(_) if !self.is_greeted => "503 5.5.1 say EHLO first".to_owned(),
            Command::Mail(_) if self.mail.is_some() => "503 5.5.1 a mail is under way".to_owned(),
            Command::Mail(from) if from.size.is_some_and(|size| size > MAIL_BYTES_MAX) => {
                format!("552 5.3.4 a mail has at most {MAIL_BYTES_MAX} bytes")
            }
            Command::Mail(from) => {
                self.mail = Some(Transaction { from, recipients: Vec::new() });
                "250 2.1.0 sender taken".to_owned()
            }
            Command::Recipient(recipient) => match &mut self.mail {
                None => "503 5.5.1 say MAIL first".to_owned(),
                Some(mail) if mail.recipients.len() == RECIPIENTS_MAX => {
                    "452 4.5.3 too many recipients".to_owned()
                }
                Some(mail) => {
                    mail.recipients.push(recipient);
                    "250 2.1.5 recipient taken".to_owned()
                }
            },
            Command::Noop => "250 2.0.0 yes".to_owned(),
            // Both are taken care of by the caller.
            Command::Data | Command::Quit => "503 5.5.1 not now".to_owned(),
        }
    }

    async fn data(&mut self) -> Result<(), Ended> {
        let Some(mail) = self.mail.take_if(|mail| !mail.recipients.is_empty()) else {
            return self.wire.reply("503 5.5.1 say RCPT first").await;
        };
        self.wire.reply("354 go on, end with a dot").await?;
        let reply = match self.wire.data(MAIL_BYTES_MAX).await? {
            DataEnd::TooLarge => format!("552 5.3.4 a mail has at most {MAIL_BYTES_MAX} bytes"),
            DataEnd::LineTooLong => "554 5.6.0 a line of the mail is longer than 998 characters".to_owned(),
            DataEnd::Whole(bytes) => match Letter::read(&bytes, &mail.from, mail.recipients) {
                Err(why) => format!("554 5.6.0 {why}"),
                Ok(letter) => self.hand_in(&letter).await?,
            },
        };
        self.wire.reply(&reply).await
    }

    /// Through the counter, the faults and the transaction of every request.
    async fn hand_in(&mut self, letter: &Letter) -> Result<String, Ended> {
        let Ok(body) = serde_json::to_vec(letter) else {
            return Ok("451 4.3.0 the mail cannot be stored".to_owned());
        };
        let call = Call {
            operation: Operation::SmtpData,
            id: None,
            query: BTreeMap::new(),
            lists: BTreeMap::new(),
            content_type: None,
            key: Some(letter.message_id.clone()),
            bearer: None,
            body: body.into(),
        };
        let answer = self.service.answer(call).await;
        if answer.hang_up { Err(Ended) } else { Ok(reply(&answer)) }
    }
}

/// An answer in SMTP's words.
fn reply(answer: &Answer) -> String {
    match answer.status {
        250 => "250 2.0.0 taken".to_owned(),
        // The fault `malformed`.
        200 => "this is no reply".to_owned(),
        429 => "450 4.7.1 slow down".to_owned(),
        code @ 400..500 => format!("{code} 4.3.0 not now"),
        code => format!("{code} 5.3.0 not taken"),
    }
}
