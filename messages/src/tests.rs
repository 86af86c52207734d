use contracts::commerce::OrderLine;
use contracts::customers::RecommendedProduct;
use contracts::money::UnitPrice;
use contracts::values::{OrderId, PriceBatchId, ProductId, VariantId};

use super::*;

mod orders;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn confirmation() -> Result<Content, Box<dyn std::error::Error>> {
    confirmation_of("Gaming Laptop Pro", "SUN-1")
}

fn confirmation_of(product: &str, tracking_number: &str) -> Result<Content, Box<dyn std::error::Error>> {
    Ok(Content::OrderConfirmation {
        order_id: OrderId::new("ORDER-001")?,
        items: vec![OrderLine {
            product_id: ProductId::new("LAPTOP-001")?,
            product_name: product.to_owned(),
            variant_id: VariantId::new("LAPTOP-001-16GB-512GB")?,
            quantity: 2,
            price: Money::from_minor_units(25_000_000, Currency::VND).into(),
        }],
        total_amount: Money::from_minor_units(50_000_000, Currency::VND),
        tracking_number: tracking_number.to_owned(),
    })
}

fn prices_updated() -> Result<Content, Box<dyn std::error::Error>> {
    Ok(Content::PricesUpdated {
        batch_id: PriceBatchId::new("b-2026-12")?,
        rows: 1_200,
        applied: 1_101,
        unchanged: 62,
        conflicts: 33,
        refused: 4,
        invalid: 0,
    })
}

#[test]
fn vietnamese_says_what_the_seed_says() -> TestResult {
    let (texts, content) = (Texts::load()?, confirmation()?);
    assert_eq!(texts.sms(&content, Locale::ViVn)?, "Đơn hàng ORDER-001 đã được xác nhận. Mã vận đơn: SUN-1");
    let push = texts.push(&content, Locale::ViVn)?;
    assert_eq!(push.title, "Đơn hàng đã được xác nhận");
    assert_eq!(push.body, "Đơn hàng #ORDER-001 đang được chuẩn bị");
    let mail = texts.email(&content, Locale::ViVn, None)?;
    assert!(mail.subject.contains("ORDER-001"), "{}", mail.subject);
    for part in ["2 × Gaming Laptop Pro", "25.000.000 VND", "50.000.000 VND", "SUN-1"] {
        assert!(mail.text.contains(part), "{part} is not in {}", mail.text);
    }
    Ok(())
}

/// A unit price may be finer than the coin, and is read with all of its decimals.
#[test]
fn a_price_below_the_coin_is_written_out() -> TestResult {
    let mut content = confirmation()?;
    if let Content::OrderConfirmation { items, total_amount, .. } = &mut content {
        items[0].price = UnitPrice::parse("1250.0125", Currency::USD)?;
        *total_amount = Money::from_minor_units(250_003, Currency::USD);
    }
    for (locale, unit, total) in
        [(Locale::ViVn, "1.250,0125 USD", "2.500,03 USD"), (Locale::EnUs, "1,250.0125 USD", "2,500.03 USD")]
    {
        let text = Texts::load()?.email(&content, locale, None)?.text;
        assert!(text.contains(unit) && text.contains(total), "{text}");
    }
    Ok(())
}

#[test]
fn every_locale_has_every_channel_and_names_the_order() -> TestResult {
    let (texts, content) = (Texts::load()?, confirmation()?);
    for locale in Locale::ALL {
        let (mail, push) = (texts.email(&content, locale, None)?, texts.push(&content, locale)?);
        for text in [mail.subject, mail.text, texts.sms(&content, locale)?, push.body] {
            assert!(text.contains("ORDER-001"), "{}: {text}", locale.tag());
        }
        assert!(!push.title.is_empty());
    }
    Ok(())
}

#[test]
fn the_html_says_what_the_text_says() -> TestResult {
    let (texts, content) = (Texts::load()?, confirmation()?);
    for (locale, title, price) in [
        (Locale::ViVn, "<title>Xác nhận đơn hàng ORDER-001</title>", "50.000.000 VND"),
        (Locale::EnUs, "<title>Your order ORDER-001 is confirmed</title>", "50,000,000 VND"),
    ] {
        let html = texts.email(&content, locale, None)?.html;
        let lang = format!("<html lang=\"{}\">", locale.tag());
        for part in [title, price, "Gaming Laptop Pro", "2 ×", "SUN-1", "<table", &lang] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
    }
    Ok(())
}

#[test]
fn a_value_cannot_become_markup_or_a_header() -> TestResult {
    let content =
        confirmation_of("Áo <script>alert('x')</script> & \"quần\"", "SUN\r\nBcc: everybody@example.com")?;
    let mail = Texts::load()?.email(&content, Locale::ViVn, None)?;
    assert!(!mail.html.contains("<script"), "{}", mail.html);
    assert!(
        mail.html
            .contains("Áo &lt;script&gt;alert(&#x27;x&#x27;)&lt;&#x2f;script&gt; &amp; &quot;quần&quot;")
    );
    assert!(mail.text.contains("Áo <script>alert('x')</script> & \"quần\""), "{}", mail.text);

    let broken = "{% block subject %}{{ tracking_number }}{% endblock %}{% block text %}.{% endblock %}";
    let mail = Texts::of(&[("order_confirmation.vi-VN", broken)])?.email(&content, Locale::ViVn, None)?;
    assert_eq!(mail.subject, "SUN Bcc: everybody@example.com");
    Ok(())
}

#[test]
fn a_mail_without_html_of_its_own_shows_its_text() -> TestResult {
    let plain = "{% block subject %}Hello{% endblock %}\
                 {% block text %}Dear <you>,\n\norder {{ order_id }}\nis 'here'.{% endblock %}";
    let mail =
        Texts::of(&[("order_confirmation.en-US", plain)])?.email(&confirmation()?, Locale::EnUs, None)?;
    let body = "<p>Dear &lt;you&gt;,</p>\n<p>order ORDER-001<br>\nis &#39;here&#39;.</p>";
    assert!(mail.html.contains(body), "{}", mail.html);
    Ok(())
}

#[test]
fn a_file_fills_a_template_or_is_told_what_it_lacks() -> TestResult {
    let json = serde_json::to_string(&confirmation()?)?;
    assert_eq!(read_content("order_confirmation", &json)?, confirmation()?);
    let bare = json.replacen("\"template\":\"order_confirmation\",", "", 1);
    assert_ne!(bare, json);
    assert_eq!(read_content("order_confirmation", &bare)?, confirmation()?);
    for (template, json, words) in [
        ("nothing", json.as_str(), "there is no template `nothing`, there are: order_confirmation"),
        ("order_confirmation", "[]", "data is no JSON object"),
        ("order_confirmation", r#"{"order_id":"A","order_id":"B"}"#, "data.order_id is given twice"),
        (
            "order_confirmation",
            r#"{"order_id":"A""#,
            "data is not JSON: EOF while parsing an object (line 1, column 15)",
        ),
        ("order_confirmation", "{}", "missing field `order_id`"),
        ("order_confirmation", r#"{"template":"welcome"}"#, "it says that it is for `welcome`"),
    ] {
        let said = read_content(template, json).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(words), "{json}: {said}");
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
        let mail = texts.email(&welcome, locale, None)?;
        assert!(mail.subject.contains("Nguyen"), "{}", mail.subject);
        assert!(mail.text.contains("100") && mail.text.contains("WELCOME123456"), "{}", mail.text);
        let without =
            Content::Welcome { first_name: first_name(), loyalty_points: 100, welcome_discount_code: None };
        let without = texts.email(&without, locale, None)?.text;
        assert!(!without.contains("30") && without.contains("100"), "a code is promised: {without}");

        let tips = texts.email(&Content::OnboardingTips { first_name: first_name() }, locale, None)?;
        assert!(tips.subject.contains("Nguyen") && tips.text.contains("3."), "{}", tips.text);

        let recommendations = recommendations.clone();
        let mail = Content::ProductRecommendations { first_name: first_name(), recommendations };
        let mail = texts.email(&mail, locale, None)?.text;
        let price = if locale == Locale::ViVn { "500.000 VND" } else { "500,000 VND" };
        assert!(mail.contains(&format!("Gaming Mouse: {price}\n  Gaming Mouse")), "{mail}");
    }
    Ok(())
}

#[test]
fn the_team_reads_the_figures_of_a_price_run_in_every_locale() -> TestResult {
    let (texts, content) = (Texts::load()?, prices_updated()?);
    for locale in Locale::ALL {
        let mail = texts.email(&content, locale, None)?;
        assert!(mail.subject.contains("b-2026-12"), "{}", mail.subject);
        for figure in ["1200", "1101", "62", "33", "4"] {
            let (text, html) = (format!(": {figure}\n"), format!(">{figure}</td>"));
            assert!(mail.text.contains(&text) && mail.html.contains(&html), "{figure}: {}", mail.text);
        }
    }
    Ok(())
}

#[test]
fn marketing_says_how_it_ends_and_nothing_else_does() -> TestResult {
    let texts = Texts::load()?;
    let tips = Content::OnboardingTips { first_name: "Nguyen".to_owned() };
    let url = "https://shop.example.com/unsubscribe/1/a&b/2";
    for (locale, words) in [(Locale::ViVn, "Hủy nhận email"), (Locale::EnUs, "Unsubscribe")] {
        let mail = texts.email(&tips, locale, Some(url))?;
        assert!(mail.text.ends_with(&format!("{words}: {url}")), "{}", mail.text);
        let link =
            r#"<a href="https:&#x2f;&#x2f;shop.example.com&#x2f;unsubscribe&#x2f;1&#x2f;a&amp;b&#x2f;2""#;
        assert!(mail.html.contains(link) && mail.html.contains(words), "{}", mail.html);
        let without = texts.email(&tips, locale, None)?;
        assert!(!without.text.contains(words) && !without.html.contains(words), "{}", without.html);
    }
    Ok(())
}

/// Mail programs block what is loaded, cut off what is wide, and know no style sheets.
#[test]
fn every_mail_is_laid_out_for_mail_programs() -> TestResult {
    let texts = Texts::load()?;
    let first_name = || "Nguyen".to_owned();
    let contents = [
        confirmation()?,
        Content::Welcome { first_name: first_name(), loyalty_points: 100, welcome_discount_code: None },
        Content::OnboardingTips { first_name: first_name() },
        Content::ProductRecommendations { first_name: first_name(), recommendations: vec![] },
        prices_updated()?,
    ];
    for content in contents.iter().chain(&orders::order_mails()?) {
        for locale in Locale::ALL {
            let html = texts.email(content, locale, Some("https://shop.example.com/bye"))?.html;
            let name = format!("{} {}", content.template(), locale.tag());
            assert!(html.contains("max-width:600px") && html.contains("<h1 style="), "{name}: {html}");
            for never in ["<style", "<script", "<img", "src=", "url(", "<link", "class="] {
                assert!(!html.contains(never), "{name} has {never}: {html}");
            }
        }
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
