//! A mail server to test against that nobody here wrote: aiosmtpd, with TLS and a login required, on loopback.
//!
//! The mails it received are read by Python's mail parser: another reader than ours has to find them right.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use crate::processes::{Leashed, free_port, tool};
use crate::world::LIMIT;

/// The user who may send.
pub const USER: &str = "shop@example.com";
/// That user's password.
pub const PASSWORD: &str = "a password of the tests";
/// A recipient the server refuses.
pub const NOBODY: &str = "nobody@example.com";
/// A recipient whose mailbox is full.
pub const FULL: &str = "full@example.com";
/// A recipient whose mail is refused for what the server thinks of the sender.
pub const LISTED: &str = "listed@example.com";

/// The settings of a worker that signs its mails.
pub const DKIM: [&str; 2] = [
    "--mail-dkim-selector=s1",
    concat!("--mail-dkim-key-file=", env!("CARGO_MANIFEST_DIR"), "/../activities/tests/dkim_key.pem"),
];
/// The public half of that key, as the DNS has it.
const DKIM_RECORD: &str = include_str!("../../activities/tests/dkim_record.txt");

/// A mail server of a test's own, with certificates of its own.
pub struct MailServer {
    port: u16,
    scheme: &'static str,
    folder: Folder,
    _process: Leashed,
}

/// The unusual habits of a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// TLS at once, in place of STARTTLS.
    pub is_wrapped: bool,
    /// It knows the key that [`DKIM`] mails are signed with.
    pub knows_key: bool,
    /// So many mails are taken, and the connection is dropped in place of a reply.
    pub lost_replies: u32,
    /// How long it takes over each mail, in milliseconds.
    pub delay_ms: u32,
}

impl MailServer {
    /// Starts one that expects STARTTLS.
    pub fn start() -> anyhow::Result<Self> {
        Self::with(Habits::default())
    }

    /// Starts one with other habits.
    pub fn with(habits: Habits) -> anyhow::Result<Self> {
        let folder = Folder::new()?;
        certify(&folder.0)?;
        let port = free_port()?;
        let path = |name: &str| folder.0.join(name).display().to_string();
        let (port_text, lost) = (port.to_string(), habits.lost_replies.to_string());
        let delay = (f64::from(habits.delay_ms) / 1000.0).to_string();
        let (cert, key, mails) = (path("cert.pem"), path("key.pem"), path("mails"));
        let mut args: Vec<&str> = vec!["--port", &port_text, "--cert", &cert, "--key", &key, "--box", &mails];
        let refused = [format!("{NOBODY}=5.1.1"), format!("{FULL}=5.2.2"), format!("{LISTED}=5.7.1")];
        args.extend(["--user", USER, "--password", PASSWORD, "--lose-replies", &lost, "--delay", &delay]);
        args.extend(refused.iter().flat_map(|pair| ["--refuse", pair]));
        args.extend(habits.is_wrapped.then_some("--wrapped"));
        let record = format!("s1._domainkey.shop.example.com={}", DKIM_RECORD.trim());
        args.extend(habits.knows_key.then_some(["--dkim", &record]).into_iter().flatten());
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        let process = Leashed::start(&tool("SUNFLOW_AIOSMTPD")?, &args)?;
        let until = Instant::now() + LIMIT;
        while let Err(error) = std::net::TcpStream::connect(("127.0.0.1", port)) {
            if Instant::now() > until {
                return Err(error).context("aiosmtpd does not answer");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let scheme = if habits.is_wrapped { "smtps" } else { "smtp" };
        Ok(Self { port, scheme, folder, _process: process })
    }

    /// A worker's settings for it that are right in every respect, by name.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("--mail-url", format!("{}://localhost:{}", self.scheme, self.port)),
            ("--mail-from", "Cửa hàng Mặt Trời <orders@shop.example.com>".to_owned()),
            ("--mail-user", USER.to_owned()),
            ("--mail-password", PASSWORD.to_owned()),
            ("--mail-ca-file", self.authority().display().to_string()),
        ]
    }

    /// The same, with one of them changed.
    #[must_use]
    pub fn settings_but(&self, name: &'static str, value: &str) -> Vec<String> {
        let settings = self.settings().into_iter();
        let changed = settings.map(|(known, right)| {
            let value = if known == name { value } else { &right };
            format!("{known}={value}")
        });
        changed.collect()
    }

    /// The server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.0.join("authority.pem")
    }

    /// The certificate of an authority that signed nothing of this server's.
    #[must_use]
    pub fn stranger(&self) -> PathBuf {
        self.folder.0.join("stranger.pem")
    }

    /// The mails it received, in their order.
    pub fn mails(&self) -> anyhow::Result<Vec<Value>> {
        let lines = match fs::read_to_string(self.folder.0.join("mails")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            lines => lines?,
        };
        // The last line may be on its way.
        let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

/// An authority, a certificate of it for `localhost` alone, and an authority that nobody here knows.
fn certify(folder: &Path) -> anyhow::Result<()> {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate()?)
    };
    let (ours, stranger, key) = (authority()?, authority()?, KeyPair::generate()?);
    let cert = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &ours)?;
    for (name, pem) in [
        ("authority.pem", ours.pem()),
        ("stranger.pem", stranger.pem()),
        ("cert.pem", cert.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        fs::write(folder.join(name), pem)?;
    }
    Ok(())
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("sunflow-mail-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Leftovers lie in the system's folder for temporary files.
        fs::remove_dir_all(&self.0).ok();
    }
}
