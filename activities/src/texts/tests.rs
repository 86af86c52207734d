use contracts::commerce::OrderLine;
use contracts::customers::RecommendedProduct;
use contracts::money::Currency;
use contracts::values::{OrderId, ProductId, VariantId};

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn confirmation() -> Result<Content, Box<dyn std::error::Error>> {
    Ok(Content::OrderConfirmation {
        order_id: OrderId::new("ORDER-001")?,
        items: vec![OrderLine {
            product_id: ProductId::new("LAPTOP-001")?,
            product_name: "Gaming Laptop Pro".to_owned(),
            variant_id: VariantId::new("LAPTOP-001-16GB-512GB")?,
            quantity: 2,
            price: Money::from_minor_units(25_000_000, Currency::VND),
        }],
        total_amount: Money::from_minor_units(50_000_000, Currency::VND),
        tracking_number: "SUN-1".to_owned(),
    })
}

#[test]
fn vietnamese_says_what_the_seed_says() -> TestResult {
    let (texts, content) = (Texts::load()?, confirmation()?);
    assert_eq!(texts.sms(&content, Locale::ViVn)?, "Đơn hàng ORDER-001 đã được xác nhận. Mã vận đơn: SUN-1");
    let push = texts.push(&content, Locale::ViVn)?;
    assert_eq!(push.title, "Đơn hàng đã được xác nhận");
    assert_eq!(push.body, "Đơn hàng #ORDER-001 đang được chuẩn bị");
    let mail = texts.email(&content, Locale::ViVn)?;
    assert!(mail.subject.contains("ORDER-001"), "{}", mail.subject);
    for part in ["2 × Gaming Laptop Pro", "25.000.000 VND", "50.000.000 VND", "SUN-1"] {
        assert!(mail.text.contains(part), "{part} is not in {}", mail.text);
    }
    Ok(())
}

#[test]
fn every_locale_has_every_channel_and_names_the_order() -> TestResult {
    let (texts, content) = (Texts::load()?, confirmation()?);
    for locale in Locale::ALL {
        let (mail, push) = (texts.email(&content, locale)?, texts.push(&content, locale)?);
        for text in [mail.subject, mail.text, texts.sms(&content, locale)?, push.body] {
            assert!(text.contains("ORDER-001"), "{}: {text}", locale.tag());
        }
        assert!(!push.title.is_empty());
    }
    Ok(())
}

#[test]
fn the_mails_of_onboarding_have_words_in_every_locale() -> TestResult {
    let texts = Texts::load()?;
    let first_name = || "Nguyen".to_owned();
    let code = Some("WELCOME123456".to_owned());
    let product = |price: Option<Money>| -> Result<_, Box<dyn std::error::Error>> {
        let (product_id, name) = (ProductId::new("MOUSE-001")?, "Gaming Mouse".to_owned());
        Ok(RecommendedProduct { product_id, name, price })
    };
    let priced = product(Some(Money::from_minor_units(500_000, Currency::VND)))?;
    let recommendations = vec![priced, product(None)?];
    for locale in Locale::ALL {
        let welcome = Content::Welcome {
            first_name: first_name(),
            loyalty_points: 100,
            welcome_discount_code: code.clone(),
        };
        let mail = texts.email(&welcome, locale)?;
        assert!(mail.subject.contains("Nguyen"), "{}", mail.subject);
        assert!(mail.text.contains("100") && mail.text.contains("WELCOME123456"), "{}", mail.text);
        let without =
            Content::Welcome { first_name: first_name(), loyalty_points: 100, welcome_discount_code: None };
        let without = texts.email(&without, locale)?.text;
        assert!(!without.contains("30") && without.contains("100"), "a code is promised: {without}");

        let tips = texts.email(&Content::OnboardingTips { first_name: first_name() }, locale)?;
        assert!(tips.subject.contains("Nguyen") && tips.text.contains("3."), "{}", tips.text);

        let recommendations = recommendations.clone();
        let mail = Content::ProductRecommendations { first_name: first_name(), recommendations };
        let mail = texts.email(&mail, locale)?.text;
        let price = if locale == Locale::ViVn { "500.000 VND" } else { "500,000 VND" };
        assert!(mail.contains(&format!("Gaming Mouse: {price}\n  Gaming Mouse")), "{mail}");
    }
    Ok(())
}

#[test]
fn prices_are_written_as_the_locale_writes_them() {
    let dollars = Money::from_minor_units(123_456_789, Currency::USD);
    assert_eq!(price(dollars, Locale::EnUs), "1,234,567.89 USD");
    assert_eq!(price(dollars, Locale::ViVn), "1.234.567,89 USD");
    assert_eq!(price(Money::from_minor_units(999, Currency::VND), Locale::ViVn), "999 VND");
}
