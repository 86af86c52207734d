//! Fields that are not amounts.

use super::*;

#[test]
fn a_required_field_is_missed_whether_absent_or_null() -> TestResult {
    let required = [
        ("/order_id", "order_id"),
        ("/customer_id", "customer_id"),
        ("/customer_email", "customer_email"),
        ("/items", "items"),
        ("/items/0/product_id", "items[0].product_id"),
        ("/items/0/product_name", "items[0].product_name"),
        ("/items/0/quantity", "items[0].quantity"),
        ("/items/0/price", "items[0].price"),
        ("/total_amount", "total_amount"),
        ("/currency", "currency"),
        ("/payment_method", "payment_method"),
        ("/payment_method/type", "payment_method.type"),
        ("/shipping_address", "shipping_address"),
        ("/shipping_address/name", "shipping_address.name"),
        ("/shipping_address/address", "shipping_address.address"),
        ("/shipping_address/city", "shipping_address.city"),
        ("/shipping_address/country", "shipping_address.country"),
        ("/shipping_method", "shipping_method"),
    ];
    for (pointer, field) in required {
        for (value, said) in
            [(None, "is missing (fix: add it)"), (Some("null"), "is null (fix: give it a value)")]
        {
            assert_eq!(refused(&[(pointer, value)])?, [format!("{field} {said}")]);
        }
    }
    Ok(())
}

#[test]
fn an_optional_field_may_be_absent_or_null() -> TestResult {
    let optional = ["/customer_phone", "/shipping_address/phone", "/shipping_address/district"];
    for value in [None, Some("null")] {
        let order = accepted(&optional.map(|pointer| (pointer, value)))?;
        assert_eq!(order.customer_phone, None);
        assert_eq!((order.shipping_address.phone, order.shipping_address.district), (None, None));
    }
    let null = ["/shipping_fee", "/discount", "/tax", "/locale", "/reservation_minutes"]
        .map(|pointer| (pointer, Some("null")));
    let order = accepted(&null)?;
    assert_eq!((order.locale, order.reservation), (Locale::ViVn, Duration::from_secs(1_800)));
    assert_eq!(order.shipping_fee, Money::zero(Currency::VND));
    Ok(())
}

#[test]
fn text_has_to_be_text() -> TestResult {
    let texts = [
        ("/order_id", "order_id"),
        ("/customer_id", "customer_id"),
        ("/customer_email", "customer_email"),
        ("/customer_phone", "customer_phone"),
        ("/currency", "currency"),
        ("/items/0/product_id", "items[0].product_id"),
        ("/items/0/product_name", "items[0].product_name"),
        ("/items/0/variant_id", "items[0].variant_id"),
        ("/payment_method/type", "payment_method.type"),
        ("/payment_method/card_token", "payment_method.card_token"),
        ("/shipping_address/name", "shipping_address.name"),
        ("/shipping_address/phone", "shipping_address.phone"),
        ("/shipping_address/address", "shipping_address.address"),
        ("/shipping_address/district", "shipping_address.district"),
        ("/shipping_address/state", "shipping_address.state"),
        ("/shipping_address/postal_code", "shipping_address.postal_code"),
        ("/shipping_address/city", "shipping_address.city"),
        ("/shipping_address/country", "shipping_address.country"),
        ("/shipping_method", "shipping_method"),
        ("/locale", "locale"),
    ];
    for (pointer, field) in texts {
        let kinds = ["7", "true", "[\"x\"]", "{\"x\": 1}"];
        each_is_refused(pointer, &kinds, &format!("{field} is not text (fix: send a JSON string)"))?;
        let half = format!(
            "{field} holds half a sign (\\ud800 to \\udfff, one of a pair alone), which no text can hold (fix: write \
             the whole sign, or leave it out)"
        );
        each_is_refused(pointer, &[r#""\ud800""#], &half)?;
        each_is_refused(pointer, &["\"\"", "\" \\t \""], &format!("{field} is empty (fix: fill it in)"))?;
    }
    Ok(())
}

#[test]
fn an_object_has_to_be_an_object_and_a_list_a_list() -> TestResult {
    for (pointer, field) in [
        ("/payment_method", "payment_method"),
        ("/shipping_address", "shipping_address"),
        ("/items/0", "items[0]"),
    ] {
        let problem = format!("{field} is not an object (fix: send a JSON object)");
        each_is_refused(pointer, &["[]", "\"x\"", "7", "false"], &problem)?;
    }
    let problem = "items is not a list (fix: send a JSON list of objects)";
    each_is_refused("/items", &["{}", "\"x\"", "7", "true"], problem)?;
    // A hole in the list is a mistake of its own, not an entry that may be left out.
    each_is_refused("/items/0", &["null"], "items[0] is not an object (fix: send a JSON object)")
}

#[test]
fn an_order_id_can_stand_in_a_workflow_id_and_in_a_path() -> TestResult {
    for good in ["A", "order_1.2-3", &"x".repeat(64)] {
        let order = accepted(&[("/order_id", Some(&format!("\"{good}\"")))])?;
        assert_eq!(order.order_id.as_str(), good);
    }
    let problem = "order_id holds a character other than letters, digits, '.', '_' and '-' \
        (fix: use the shop's id, unchanged)";
    let bad = ["\"a/b\"", "\"a b\"", "\"a@example.com\"", "\"ORDER#1\"", "\"Đ-1\"", "\"a%2Fb\""];
    each_is_refused("/order_id", &bad, problem)?;
    let dots = "order_id is made of dots (fix: use the shop's id, unchanged)";
    each_is_refused("/order_id", &["\".\"", "\"..\""], dots)?;
    let long = format!("\"{}\"", "x".repeat(65));
    let problem = "order_id is longer than 64 characters (fix: use the shop's id, unchanged)";
    each_is_refused("/order_id", &[&long], problem)
}

#[test]
fn products_and_variants_have_ids_without_blanks() -> TestResult {
    for (pointer, field) in
        [("/items/0/product_id", "items[0].product_id"), ("/items/0/variant_id", "items[0].variant_id")]
    {
        let problem = format!(
            "{field} holds a character other than printable ASCII characters without blanks \
             (fix: use the shop's id, unchanged)"
        );
        each_is_refused(pointer, &["\"a b\"", "\"é\""], &problem)?;
        let long = format!("\"{}\"", "x".repeat(101));
        let problem = format!("{field} is longer than 100 characters (fix: use the shop's id, unchanged)");
        each_is_refused(pointer, &[&long], &problem)?;
    }
    Ok(())
}

#[test]
fn texts_have_a_longest_length_and_no_control_characters() -> TestResult {
    let limits = [
        ("/items/0/product_name", "items[0].product_name", 255),
        ("/payment_method/card_token", "payment_method.card_token", 500),
        ("/shipping_address/name", "shipping_address.name", 200),
        ("/shipping_address/address", "shipping_address.address", 500),
        ("/shipping_address/district", "shipping_address.district", 200),
        ("/shipping_address/state", "shipping_address.state", 100),
        ("/shipping_address/postal_code", "shipping_address.postal_code", 20),
        ("/shipping_address/city", "shipping_address.city", 200),
        ("/shipping_address/country", "shipping_address.country", 100),
        ("/shipping_method", "shipping_method", 50),
    ];
    for (pointer, field, max) in limits {
        // Characters are counted, not bytes: Vietnamese takes two or three for one.
        accepted(&[(pointer, Some(&format!("\"{}\"", "ễ".repeat(max))))])?;
        let long = format!("\"{}\"", "ễ".repeat(max + 1));
        let problem = format!("{field} is longer than {max} characters (fix: shorten it)");
        each_is_refused(pointer, &[&long], &problem)?;
        let problem = format!(
            "{field} holds control characters (fix: remove line breaks and other control characters)"
        );
        each_is_refused(pointer, &["\"a\\u0000b\""], &problem)?;
        // A line break in the name of a product is the shop's own, and becomes a blank.
        if field != "items[0].product_name" {
            each_is_refused(pointer, &["\"a\\nb\"", "\"a\\u0085b\""], &problem)?;
        }
    }
    Ok(())
}

#[test]
fn blanks_around_a_text_are_dropped() -> TestResult {
    let order = accepted(&[("/shipping_method", Some("\"  express \"")), ("/order_id", Some("\" A-1 \""))])?;
    assert_eq!((order.shipping_method.as_str(), order.order_id.as_str()), ("express", "A-1"));
    Ok(())
}

#[test]
fn a_mail_address_has_a_name_and_a_domain() -> TestResult {
    for good in ["a@example.com", "first.last+tag@shop.example.vn", "o'brien@example.com"] {
        let order = accepted(&[("/customer_email", Some(&format!("\"{good}\"")))])?;
        assert_eq!(order.customer_email.reveal(), good);
    }
    let bad = ["\"customer\"", "\"customer@\"", "\"@example.com\"", "\"a@localhost\"", "\"a b@example.com\""];
    let problem = "customer_email is not a mail address (fix: send it as name@example.com)";
    each_is_refused("/customer_email", &bad, problem)
}

#[test]
fn a_phone_number_is_international() -> TestResult {
    for good in ["+84901234567", "+84 90 123 45 67", "+1 (555) 010-9999", "+84.901.234.567"] {
        let order = accepted(&[("/customer_phone", Some(&format!("\"{good}\"")))])?;
        let digits: String = good.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        assert_eq!(order.customer_phone, Some(Recipient::new(digits)));
    }
    let bad = [
        "\"0901234567\"",
        "\"84901234567\"",
        "\"+0901234567\"",
        "\"+1234567\"",
        "\"+1234567890123456\"",
        "\"+84 90 CALL ME\"",
        "\"+84\u{0661}\u{0662}\u{0663}4567\"",
    ];
    for (pointer, field) in
        [("/customer_phone", "customer_phone"), ("/shipping_address/phone", "shipping_address.phone")]
    {
        let problem =
            format!("{field} is not a phone number in international form (fix: send it as +84901234567)");
        each_is_refused(pointer, &bad, &problem)?;
    }
    Ok(())
}

#[test]
fn every_payment_method_is_known_and_only_a_card_needs_a_token() -> TestResult {
    for kind in PaymentKind::ALL {
        let name = format!("\"{}\"", kind.name());
        let without = [("/payment_method/type", Some(name.as_str())), ("/payment_method/card_token", None)];
        if kind == PaymentKind::CreditCard {
            let problem = "payment_method.card_token is missing \
                (fix: send the token that the checkout got for the card)";
            assert_eq!(refused(&without)?, [problem]);
        } else {
            let order = accepted(&without)?;
            assert_eq!((order.payment_kind, order.payment_token), (kind, None));
        }
    }
    let problem = "payment_method.type is not a known payment method \
        (fix: use one of credit_card, e_wallet, bank_transfer, cash_on_delivery)";
    each_is_refused("/payment_method/type", &["\"paypal\"", "\"CREDIT_CARD\""], problem)
}

#[test]
fn a_locale_has_texts() -> TestResult {
    assert_eq!(accepted(&[("/locale", Some("\"en-US\""))])?.locale, Locale::EnUs);
    let problem = "locale has no texts (fix: use one of vi-VN, en-US)";
    each_is_refused("/locale", &["\"fr-FR\"", "\"vi\"", "\"VI-VN\""], problem)
}
