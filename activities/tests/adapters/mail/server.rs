//! A mail server that does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use activities::http::Credential;
use activities::notification::NotificationActivities;
use activities::notification::mail::smtp::{Bounces, Login, MailServer, Mailer, Security};
use messages::Texts;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::LIMIT;
use crate::TestResult;
use crate::shop::Shop;
use crate::temporal::Temporal;

/// The deeds of a scripted server when it hears a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    Says(&'static str),
    HangsUp,
    Nothing,
    /// Its polite answer, so many milliseconds later.
    Later(u64),
}

/// A mail server that answers as told, and politely where nothing is told.
pub(super) struct Server {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(told: &[(&'static str, Does)]) -> TestResult<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (told, heard) = (Arc::new(told.iter().copied().collect::<HashMap<_, _>>()), Arc::default());
        let ears = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&told), Arc::clone(&ears)));
            }
        });
        Ok(Self { port, heard, task })
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn times(&self, verb: &str) -> usize {
        self.heard().iter().filter(|line| line.starts_with(verb)).count()
    }
}

async fn converse(stream: TcpStream, told: Arc<HashMap<&'static str, Does>>, heard: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut verb = "CONNECT".to_owned();
    loop {
        let polite = match verb.as_str() {
            "CONNECT" => "220 hello",
            "EHLO" => "250-hello\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 2.7.0 come in",
            "DATA" => "354 go on",
            _ => "250 2.0.0 fine",
        };
        let reply = match told.get(verb.as_str()).copied().unwrap_or(Does::Says(polite)) {
            Does::Says(reply) => reply,
            Does::HangsUp => return,
            Does::Nothing => std::future::pending().await,
            Does::Later(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                polite
            }
        };
        let in_mail = verb == "DATA" && reply.starts_with('3');
        if stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            return;
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if in_mail && line.starts_with("Message-ID:") {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
            }
            if !in_mail || line == "." {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
                line.split(' ').next().unwrap_or_default().clone_into(&mut verb);
                break;
            }
        }
    }
}

pub(super) fn server_at(port: u16) -> TestResult<MailServer> {
    Ok(MailServer {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::StartTlsIfOffered,
        login: None,
        from: "Sun Shop <orders@shop.example.com>".parse()?,
        authorities: None,
        bounces: Bounces::default(),
        dkim: None,
        timeout: LIMIT,
        reply: LIMIT,
    })
}

/// With time enough for a machine that is busy.
pub(super) fn patient(server: MailServer) -> MailServer {
    MailServer { timeout: Duration::from_secs(10), reply: Duration::from_secs(10), ..server }
}

pub(super) fn with_login(server: MailServer) -> MailServer {
    let password = Credential::new("very-secret-password");
    MailServer { login: Some(Login { user: "shop".to_owned(), password }), ..server }
}

pub(super) async fn sending(server: MailServer) -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let activities = NotificationActivities::new(shop.api()?, Texts::load()?);
    Ok((shop, Temporal::with(activities.with_mail(Arc::new(Mailer::new(server)?))).await?))
}
