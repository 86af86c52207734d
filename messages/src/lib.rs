//! The texts that customers, and the shop's team, read: one template file per message and locale, with a block per
//! channel.
//!
//! It is a crate of its own because two crates need it that may not need each other: the adapters, which send, and the
//! command line, which previews (`starter mail preview`) and reaches no outside system.
//!
//! Adding a message: its two files in `templates/`, a line each in `TEMPLATES`, its values in `values`. The blocks
//! are `subject`, `text`, `sms`, `push_title`, `push_body`, and `html` for a mail that is laid out; a mail without it
//! shows its text. The same file is read twice: as text, and with everything escaped for `html`. `layout.html.j2` goes
//! around every page, `footer.…` below marketing. Mail programs know tables and styles in place, and little else.
//!
//! - `preview`: a message's content from a file, to look at it before it is sent.
//!
//! Deliberately absent: templates of the user's own, and anything that reads a file or a network.

mod preview;

use std::fmt::Write as _;

use contracts::money::{Currency, Money};
use contracts::notification::Content;
use contracts::values::Locale;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context};
use thiserror::Error;

pub use preview::{DataError, read_content};

/// The rendered words of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailText {
    /// Subject line.
    pub subject: String,
    /// Body, plain text.
    pub text: String,
    /// The same body as an HTML page of its own, without scripts and without anything to be loaded.
    pub html: String,
}

/// The rendered words of a push message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushText {
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
}

/// The templates, ready to render.
pub struct Texts {
    /// As they are.
    plain: Environment<'static>,
    /// With every value escaped.
    escaped: Environment<'static>,
}

/// A template that does not render: a mistake in this crate, not in an order.
#[derive(Debug, Error)]
#[error("text template: {0}")]
pub struct TextError(#[from] minijinja::Error);

/// Every message in every locale: the confirmation of an order on every channel, all others as mails alone.
const TEMPLATES: [(&str, &str); 20] = [
    ("order_confirmation.vi-VN", include_str!("../templates/order_confirmation.vi-VN.j2")),
    ("order_confirmation.en-US", include_str!("../templates/order_confirmation.en-US.j2")),
    ("order_awaiting_payment.vi-VN", include_str!("../templates/order_awaiting_payment.vi-VN.j2")),
    ("order_awaiting_payment.en-US", include_str!("../templates/order_awaiting_payment.en-US.j2")),
    ("order_declined.vi-VN", include_str!("../templates/order_declined.vi-VN.j2")),
    ("order_declined.en-US", include_str!("../templates/order_declined.en-US.j2")),
    ("order_expired.vi-VN", include_str!("../templates/order_expired.vi-VN.j2")),
    ("order_expired.en-US", include_str!("../templates/order_expired.en-US.j2")),
    ("order_cancelled.vi-VN", include_str!("../templates/order_cancelled.vi-VN.j2")),
    ("order_cancelled.en-US", include_str!("../templates/order_cancelled.en-US.j2")),
    ("order_refunded.vi-VN", include_str!("../templates/order_refunded.vi-VN.j2")),
    ("order_refunded.en-US", include_str!("../templates/order_refunded.en-US.j2")),
    ("welcome.vi-VN", include_str!("../templates/welcome.vi-VN.j2")),
    ("welcome.en-US", include_str!("../templates/welcome.en-US.j2")),
    ("onboarding_tips.vi-VN", include_str!("../templates/onboarding_tips.vi-VN.j2")),
    ("onboarding_tips.en-US", include_str!("../templates/onboarding_tips.en-US.j2")),
    ("prices_updated.vi-VN", include_str!("../templates/prices_updated.vi-VN.j2")),
    ("prices_updated.en-US", include_str!("../templates/prices_updated.en-US.j2")),
    ("product_recommendations.vi-VN", include_str!("../templates/product_recommendations.vi-VN.j2")),
    ("product_recommendations.en-US", include_str!("../templates/product_recommendations.en-US.j2")),
];

/// The foot of marketing mails in every locale: why the mail came, and how to end them.
const FOOTERS: [(&str, &str); 2] = [
    ("footer.vi-VN", include_str!("../templates/footer.vi-VN.j2")),
    ("footer.en-US", include_str!("../templates/footer.en-US.j2")),
];

const LAYOUT: &str = include_str!("../templates/layout.html.j2");

impl Texts {
    /// Loads the templates.
    ///
    /// # Errors
    /// When one does not parse.
    pub fn load() -> Result<Self, TextError> {
        Self::of(&TEMPLATES)
    }

    fn of(templates: &[(&'static str, &'static str)]) -> Result<Self, TextError> {
        let load = |escape: AutoEscape| {
            let mut environment = Environment::new();
            environment.set_undefined_behavior(UndefinedBehavior::Strict);
            environment.set_auto_escape_callback(move |_| escape.clone());
            for (name, source) in templates.iter().chain(&FOOTERS) {
                environment.add_template(name, source)?;
            }
            Ok::<_, minijinja::Error>(environment)
        };
        let (plain, mut escaped) = (load(AutoEscape::None)?, load(AutoEscape::Html)?);
        escaped.add_template("layout", LAYOUT)?;
        Ok(Self { plain, escaped })
    }

    /// The words of a mail. `unsubscribe`: where it can be ended, for marketing; the reader sees it below the mail.
    ///
    /// # Errors
    /// When the template does not render.
    pub fn email(
        &self,
        content: &Content,
        locale: Locale,
        unsubscribe: Option<&str>,
    ) -> Result<EmailText, TextError> {
        let subject = self.block("subject", content, locale)?;
        // A line break in a header would begin another header.
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = self.block("text", content, locale)?;
        let footer = |templates| unsubscribe.map(|url| footer(templates, url, locale)).transpose();
        let body = self.html(&text, content, locale)?;
        let layout = self.escaped.get_template("layout")?;
        let below = footer((&self.escaped, "html"))?.map_or_else(|| Value::from(()), Value::from_safe_string);
        let html =
            layout.render(context! { lang => locale.tag(), subject => &subject, body, footer => below })?;
        let text = match footer((&self.plain, "text"))? {
            Some(footer) => format!("{text}\n\n{footer}"),
            None => text,
        };
        Ok(EmailText { subject, text, html })
    }

    /// The message's own `html` block, or else its text.
    fn html(&self, text: &str, content: &Content, locale: Locale) -> Result<Value, TextError> {
        match block(&self.escaped, "html", content, locale) {
            Ok(body) => Ok(Value::from_safe_string(body)),
            Err(error) if error.kind() == ErrorKind::UnknownBlock => {
                Ok(Value::from_safe_string(laid_out(text)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The words of an SMS.
    ///
    /// # Errors
    /// When the template does not render.
    pub fn sms(&self, content: &Content, locale: Locale) -> Result<String, TextError> {
        self.block("sms", content, locale)
    }

    /// The words of a push message.
    ///
    /// # Errors
    /// When the template does not render.
    pub fn push(&self, content: &Content, locale: Locale) -> Result<PushText, TextError> {
        Ok(PushText {
            title: self.block("push_title", content, locale)?,
            body: self.block("push_body", content, locale)?,
        })
    }

    fn block(&self, name: &str, content: &Content, locale: Locale) -> Result<String, TextError> {
        Ok(block(&self.plain, name, content, locale)?)
    }
}

fn block(
    templates: &Environment<'_>,
    name: &str,
    content: &Content,
    locale: Locale,
) -> Result<String, minijinja::Error> {
    let template = templates.get_template(&format!("{}.{}", content.template(), locale.tag()))?;
    let mut rendered = template.render_captured(values(content, locale))?;
    Ok(rendered.with_state_mut(|state| state.render_block(name))?.trim().to_owned())
}

fn footer(
    (templates, name): (&Environment<'_>, &str),
    unsubscribe_url: &str,
    locale: Locale,
) -> Result<String, minijinja::Error> {
    let template = templates.get_template(&format!("footer.{}", locale.tag()))?;
    let mut rendered = template.render_captured(context! { unsubscribe_url })?;
    Ok(rendered.with_state_mut(|state| state.render_block(name))?.trim().to_owned())
}

/// Plain text as HTML: escaped, paragraphs and lines kept.
fn laid_out(text: &str) -> String {
    let mut html = String::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let lines: Vec<String> = paragraph.lines().map(|line| escaped(line.trim())).collect();
        // Writing to a text does not fail.
        let _written = writeln!(html, "<p>{}</p>", lines.join("<br>\n"));
    }
    html
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

fn values(content: &Content, locale: Locale) -> Value {
    match content {
        Content::OrderConfirmation { order_id, items, total_amount, tracking_number } => {
            let item = |line: &contracts::commerce::OrderLine| {
                context! {
                    name => line.product_name.as_str(),
                    quantity => line.quantity,
                    price => written(&line.price.amount().to_string(), line.price.currency(), locale),
                }
            };
            context! {
                order_id => order_id.as_str(),
                items => items.iter().map(item).collect::<Vec<_>>(),
                total => price(*total_amount, locale),
                tracking_number => tracking_number,
            }
        }
        Content::OrderAwaitingPayment { order_id, total_amount, action, held_minutes } => context! {
            order_id => order_id.as_str(),
            total => price(*total_amount, locale),
            url => action.url.as_deref(),
            is_link => action.url.as_deref().is_some_and(is_link),
            instruction => action.instruction.as_deref(),
            held => held(*held_minutes),
        },
        Content::OrderDeclined { order_id, total_amount }
        | Content::OrderExpired { order_id, total_amount } => context! {
            order_id => order_id.as_str(),
            total => price(*total_amount, locale),
        },
        Content::OrderCancelled { order_id } => context! { order_id => order_id.as_str() },
        Content::OrderRefunded { order_id, amount } => context! {
            order_id => order_id.as_str(),
            amount => price(*amount, locale),
        },
        Content::Welcome { first_name, loyalty_points, welcome_discount_code } => context! {
            first_name => first_name,
            loyalty_points => loyalty_points,
            welcome_discount_code => welcome_discount_code,
        },
        Content::OnboardingTips { first_name } => context! { first_name => first_name },
        Content::PricesUpdated { batch_id, rows, applied, unchanged, conflicts, refused, invalid } => {
            context! {
                batch_id => batch_id.as_str(), rows, applied, unchanged, conflicts, refused, invalid,
            }
        }
        Content::ProductRecommendations { first_name, recommendations } => {
            let product = |product: &contracts::customers::RecommendedProduct| {
                context! {
                    name => product.name.as_str(),
                    price => product.price.map(|amount| price(amount, locale)),
                }
            };
            context! {
                first_name => first_name,
                recommendations => recommendations.iter().map(product).collect::<Vec<_>>(),
            }
        }
    }
}

/// Whether an address may be opened out of a mail. One of another kind is shown.
fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Minutes in the largest unit that says them in a whole number; the template has the word for the unit.
fn held(minutes: u64) -> Value {
    let units = [("day", 24 * 60), ("hour", 60)];
    let whole = units.into_iter().find(|(_, length)| minutes >= *length && minutes.is_multiple_of(*length));
    let (unit, length) = whole.unwrap_or(("minute", 1));
    context! { count => minutes / length, unit }
}

/// Money as the locale writes it: `25.000.000 VND`, `25,000,000 VND`.
fn price(money: Money, locale: Locale) -> String {
    written(&money.amount().to_string(), money.currency(), locale)
}

/// An amount with all of its decimals: `0,0125 USD`.
fn written(digits: &str, currency: Currency, locale: Locale) -> String {
    let (thousands, decimal) = match locale {
        Locale::ViVn => ('.', ','),
        Locale::EnUs => (',', '.'),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(thousands);
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push(decimal);
        grouped.push_str(fraction);
    }
    format!("{grouped} {}", currency.code())
}

#[cfg(test)]
mod tests;
