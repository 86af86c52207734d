//! Mails as their readers will see them, from local files to local files.

use std::fs;
use std::path::{Path, PathBuf};

use messages::Texts;
use serde::Serialize;

use crate::cli::mail::{MailCommand, PreviewArgs};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;
use crate::terminal::output::Out;

/// The mail as it was written, and its files.
#[derive(Serialize)]
struct Preview {
    subject: String,
    text_file: PathBuf,
    html_file: PathBuf,
}

/// `starter mail …`
pub(crate) fn run(out: &Out, command: &MailCommand) -> Result<Exit, Failure> {
    match command {
        MailCommand::Preview(args) => preview(out, args),
    }
}

fn preview(out: &Out, args: &PreviewArgs) -> Result<Exit, Failure> {
    let data = input::read(&args.data)?;
    let content = messages::read_content(&args.template, &data.json).map_err(|error| {
        Failure::because(Exit::Usage, error, data.name)
            .fix("correct --template or the data; starter/samples/mail_*.json are some that fit")
    })?;
    let rendered =
        Texts::load().and_then(|texts| texts.email(&content, args.locale, args.unsubscribe_url.as_deref()));
    let mail =
        rendered.map_err(|error| Failure::because(Exit::Failed, error, "the mail cannot be rendered"))?;
    fs::create_dir_all(&args.out).map_err(|error| unwritable(&args.out, error))?;
    let name = format!("{}.{}", args.template, args.locale.tag());
    let text = format!("Subject: {}\n\n{}\n", mail.subject, mail.text);
    let preview = Preview {
        text_file: write(&args.out, format!("{name}.txt"), &text)?,
        html_file: write(&args.out, format!("{name}.html"), &mail.html)?,
        subject: mail.subject,
    };
    out.document(&preview, |_| {
        let Preview { subject, text_file, html_file } = &preview;
        format!("{subject}\n{}\n{}", text_file.display(), html_file.display())
    })?;
    Ok(Exit::Ok)
}

fn write(folder: &Path, name: String, content: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    fs::write(&path, content).map_err(|error| unwritable(&path, error))?;
    Ok(path)
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::because(Exit::Failed, error, format!("cannot write {}", path.display()))
        .fix("name a folder that you may write to with --out")
}
