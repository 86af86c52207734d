//! What customers read: one template file per message and locale, with a block per channel.

use contracts::money::{Money, exponent};
use contracts::notification::Content;
use contracts::values::Locale;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

/// The rendered words of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailText {
    /// Subject line.
    pub subject: String,
    /// Body, plain text.
    pub text: String,
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
    templates: Environment<'static>,
}

/// A template that does not render: a mistake in this crate, not in an order.
#[derive(Debug, Error)]
#[error("text template: {0}")]
pub struct TextError(#[from] minijinja::Error);

impl TextError {
    /// Gives up: rendering again would fail again.
    #[must_use]
    pub fn into_failure(self) -> ActivityError {
        ActivityError::application(ApplicationFailure::non_retryable(self))
    }
}

/// Customers get the order's messages on every channel, the onboarding's as mails alone.
const TEMPLATES: [(&str, &str); 8] = [
    ("order_confirmation.vi-VN", include_str!("../templates/order_confirmation.vi-VN.j2")),
    ("order_confirmation.en-US", include_str!("../templates/order_confirmation.en-US.j2")),
    ("welcome.vi-VN", include_str!("../templates/welcome.vi-VN.j2")),
    ("welcome.en-US", include_str!("../templates/welcome.en-US.j2")),
    ("onboarding_tips.vi-VN", include_str!("../templates/onboarding_tips.vi-VN.j2")),
    ("onboarding_tips.en-US", include_str!("../templates/onboarding_tips.en-US.j2")),
    ("product_recommendations.vi-VN", include_str!("../templates/product_recommendations.vi-VN.j2")),
    ("product_recommendations.en-US", include_str!("../templates/product_recommendations.en-US.j2")),
];

impl Texts {
    /// Loads the templates.
    ///
    /// # Errors
    /// When one does not parse.
    pub fn load() -> Result<Self, TextError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates })
    }

    /// The words of a mail.
    ///
    /// # Errors
    /// When the template does not render.
    pub fn email(&self, content: &Content, locale: Locale) -> Result<EmailText, TextError> {
        Ok(EmailText {
            subject: self.block("subject", content, locale)?,
            text: self.block("text", content, locale)?,
        })
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

    fn block(&self, block: &str, content: &Content, locale: Locale) -> Result<String, TextError> {
        let template = self.templates.get_template(&format!("{}.{}", content.template(), locale.tag()))?;
        let mut rendered = template.render_captured(values(content, locale))?;
        Ok(rendered.with_state_mut(|state| state.render_block(block))?.trim().to_owned())
    }
}

fn values(content: &Content, locale: Locale) -> Value {
    match content {
        Content::OrderConfirmation { order_id, items, total_amount, tracking_number } => {
            let item = |line: &contracts::commerce::OrderLine| {
                context! {
                    name => line.product_name.as_str(),
                    quantity => line.quantity,
                    price => price(line.price, locale),
                }
            };
            context! {
                order_id => order_id.as_str(),
                items => items.iter().map(item).collect::<Vec<_>>(),
                total => price(*total_amount, locale),
                tracking_number => tracking_number,
            }
        }
        Content::Welcome { first_name, loyalty_points, welcome_discount_code } => context! {
            first_name => first_name,
            loyalty_points => loyalty_points,
            welcome_discount_code => welcome_discount_code,
        },
        Content::OnboardingTips { first_name } => context! { first_name => first_name },
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

/// An amount as the locale writes it: `25.000.000 VND`, `25,000,000 VND`.
fn price(money: Money, locale: Locale) -> String {
    let (thousands, decimal) = match locale {
        Locale::ViVn => ('.', ','),
        Locale::EnUs => (',', '.'),
    };
    let digits = money.amount().to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(thousands);
        }
        grouped.push(digit);
    }
    if exponent(money.currency()) > 0 {
        grouped.push(decimal);
        grouped.push_str(fraction);
    }
    format!("{grouped} {}", money.currency().code())
}

#[cfg(test)]
mod tests;
