//! `starter mail …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use contracts::values::Locale;

#[derive(Subcommand)]
pub(crate) enum MailCommand {
    /// Render a mail to files, to look at it before customers do; nothing is sent, and no server is asked
    #[command(after_help = "\
Writes NAME.LOCALE.txt (the subject, then the text) and NAME.LOCALE.html.

Templates: order_confirmation, order_awaiting_payment, order_declined, order_expired, order_cancelled, order_refunded,
welcome, onboarding_tips, prices_updated, product_recommendations; a sample of each: starter/samples/mail_*.json

Example:
  starter mail preview --template order_confirmation --data starter/samples/mail_order_confirmation.json --out /tmp/mail")]
    Preview(PreviewArgs),
}

#[derive(Args)]
pub(crate) struct PreviewArgs {
    /// The mail's template, such as order_confirmation
    #[arg(long, value_name = "NAME")]
    pub(crate) template: String,
    /// JSON file with the values of the template, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Language and country of the reader
    #[arg(long, value_name = "TAG", default_value = Locale::ViVn.tag(), value_parser = locale)]
    pub(crate) locale: Locale,
    /// Link to unsubscribe, as it stands below marketing
    #[arg(long, value_name = "URL")]
    pub(crate) unsubscribe_url: Option<String>,
    /// Folder for the files; created if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

fn locale(tag: &str) -> Result<Locale, String> {
    let known = || Locale::ALL.map(Locale::tag).join(", ");
    Locale::from_tag(tag).ok_or_else(|| format!("there are texts for: {}", known()))
}
