//! The platform's customers.

use contracts::commerce::CustomerOnboarded;
use contracts::customers::{
    AccountRef, AssignSegments, CheckRef, CreateCustomer, Customer, HomeSection, KeptBack, MailVerdict,
    MayMail, MayWelcome, PersonalizeHome, Recommend, RecommendedProduct, RegisteredAddress, Registration,
    Suppress, Unsubscribe, UpdatePreferences, WelcomeVerdict,
};
use contracts::values::{CustomerRef, Recipient};
use serde_json::json;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, customer_id, dong, dong_json, key, product_id};

const REF: &str = "0123456789abcdef";

fn customer_ref() -> TestResult<CustomerRef> {
    Ok(CustomerRef::new(REF)?)
}

#[test]
fn the_question_about_a_pseudonym_stays() -> TestResult {
    let input = CheckRef { customer_ref: customer_ref()?, email: Recipient::new("customer@example.com") };
    pinned(&input, &json!({ "customer_ref": REF, "email": "customer@example.com" }), &[])
}

#[test]
fn the_news_of_a_bounce_stays() -> TestResult {
    let input = Suppress { key: key(), customer_id: customer_id()? };
    pinned(&input, &json!({ "key": KEY, "customer_id": customer_id()?.as_str() }), &[])
}

#[test]
fn the_question_whose_an_address_is_stays() -> TestResult {
    let input = RegisteredAddress { email: Recipient::new("customer@example.com") };
    assert!(!format!("{input:?}").contains('@'), "{input:?}");
    pinned(&input, &json!({ "email": "customer@example.com" }), &[])
}

#[test]
fn a_registration_stays() -> TestResult {
    let preferences = json!({ "newsletter": true });
    let input = CreateCustomer {
        key: key(),
        email: Recipient::new("customer@example.com"),
        first_name: "Nguyen".to_owned(),
        last_name: "Van A".to_owned(),
        phone: Some(Recipient::new("+84901234567")),
        date_of_birth: Some("1990-01-01".to_owned()),
        preferences: preferences.as_object().cloned(),
        marketing_consent: true,
    };
    let golden = json!({
        "key": KEY,
        "email": "customer@example.com",
        "first_name": "Nguyen",
        "last_name": "Van A",
        "phone": "+84901234567",
        "date_of_birth": "1990-01-01",
        "preferences": {},
        "marketing_consent": true
    });
    // The content of the preferences is the shop's own, so they are pinned empty and passed on whole.
    let whole = serde_json::to_value(&input)?;
    assert_eq!(whole["preferences"], preferences);
    let empty = CreateCustomer { preferences: Some(serde_json::Map::new()), ..input };
    let text = serde_json::to_string(&empty)?;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text)?, golden);
    for optional in ["phone", "date_of_birth", "preferences"] {
        let mut without = golden.clone();
        without.as_object_mut().map(|fields| fields.remove(optional));
        let read: CreateCustomer = serde_json::from_str(&without.to_string())?;
        assert_eq!(serde_json::to_value(read)?, without, "{optional}");
    }
    for required in ["key", "email", "first_name", "last_name", "marketing_consent"] {
        let mut without = golden.clone();
        without.as_object_mut().map(|fields| fields.remove(required));
        assert!(serde_json::from_str::<CreateCustomer>(&without.to_string()).is_err(), "{required}");
    }
    assert!(!format!("{empty:?}").contains("Nguyen"));
    Ok(())
}

#[test]
fn what_becomes_of_a_registration_stays() -> TestResult {
    let customer = Customer {
        customer_id: customer_id()?,
        email: Recipient::new("customer@example.com"),
        first_name: "Nguyen".to_owned(),
    };
    assert_eq!(format!("{customer:?}"), r#"Customer { customer_id: CustomerId("CUSTOMER-001"), .. }"#);
    let golden = json!({
        "result": "created",
        "customer_id": "CUSTOMER-001",
        "email": "customer@example.com",
        "first_name": "Nguyen"
    });
    pinned(&Registration::Created(customer), &golden, &[])?;
    pinned(&Registration::AlreadyRegistered, &json!({ "result": "already_registered" }), &[])?;
    let refused = Registration::Refused { code: "VALIDATION_ERROR".to_owned() };
    pinned(&refused, &json!({ "result": "refused", "code": "VALIDATION_ERROR" }), &[])?;
    pinned(&AccountRef { key: key() }, &json!({ "key": KEY }), &[])
}

#[test]
fn what_is_written_about_a_customer_stays() -> TestResult {
    let wishes = UpdatePreferences {
        key: key(),
        customer_id: customer_id()?,
        categories: vec!["electronics".to_owned()],
        price_range: Some("medium".to_owned()),
        brands: vec!["Apple".to_owned()],
    };
    let golden = json!({
        "key": KEY,
        "customer_id": "CUSTOMER-001",
        "categories": ["electronics"],
        "price_range": "medium",
        "brands": ["Apple"]
    });
    pinned(&wishes, &golden, &["/price_range"])?;
    let home = PersonalizeHome {
        key: key(),
        customer_id: customer_id()?,
        sections: vec![
            HomeSection::HeroBanner { content: "welcome_new_customer".to_owned() },
            HomeSection::ProductRecommendations { source: "onboarding_preferences".to_owned() },
            HomeSection::CategoryHighlights { categories: vec!["fashion".to_owned()] },
        ],
    };
    let golden = json!({
        "key": KEY,
        "customer_id": "CUSTOMER-001",
        "sections": [
            { "type": "hero_banner", "content": "welcome_new_customer" },
            { "type": "product_recommendations", "source": "onboarding_preferences" },
            { "type": "category_highlights", "categories": ["fashion"] }
        ]
    });
    pinned(&home, &golden, &[])?;
    let segments =
        AssignSegments { key: key(), customer_id: customer_id()?, segments: vec!["new_customer".to_owned()] };
    let golden = json!({ "key": KEY, "customer_id": "CUSTOMER-001", "segments": ["new_customer"] });
    pinned(&segments, &golden, &[])?;
    let unsubscribe = Unsubscribe { key: key(), customer_id: customer_id()? };
    pinned(&unsubscribe, &json!({ "key": KEY, "customer_id": "CUSTOMER-001" }), &[])
}

#[test]
fn the_question_whether_a_mail_may_be_sent_stays() -> TestResult {
    let question = MayMail {
        customer_id: customer_id()?,
        customer_ref: customer_ref()?,
        now: "2026-03-01T12:00:00Z".to_owned(),
    };
    let golden = json!({ "customer_id": "CUSTOMER-001", "customer_ref": REF, "now": "2026-03-01T12:00:00Z" });
    pinned(&question, &golden, &[])?;
    let send = MailVerdict::Send {
        unsubscribe_url: Some("https://shop.example.com/bye/1/2".to_owned()),
        email: Some(Recipient::new("lan@example.com")),
        note: Some("in the shop's own zone".to_owned()),
    };
    let golden = json!({
        "verdict": "send", "unsubscribe_url": "https://shop.example.com/bye/1/2", "email": "lan@example.com",
        "note": "in the shop's own zone"
    });
    pinned(&send, &golden, &["/unsubscribe_url", "/email", "/note"])?;
    let wait = MailVerdict::Wait { until: "2026-03-02T01:00:00Z".to_owned() };
    pinned(&wait, &json!({ "verdict": "wait", "until": "2026-03-02T01:00:00Z" }), &[])?;
    let welcome =
        MayWelcome { customer_id: question.customer_id.clone(), customer_ref: question.customer_ref.clone() };
    pinned(&welcome, &json!({ "customer_id": "CUSTOMER-001", "customer_ref": REF }), &[])?;
    let promote = WelcomeVerdict::Promote { unsubscribe_url: "https://shop.example.com/bye/1/2".to_owned() };
    let golden = json!({ "verdict": "promote", "unsubscribe_url": "https://shop.example.com/bye/1/2" });
    pinned(&promote, &golden, &[])?;
    pinned(&WelcomeVerdict::Plain, &json!({ "verdict": "plain" }), &[])?;
    let keep = WelcomeVerdict::Keep { reason: KeptBack::Complained };
    pinned(&keep, &json!({ "verdict": "keep", "reason": "complained" }), &[])?;
    let keep = MailVerdict::Keep { reason: KeptBack::NoConsent };
    pinned(&keep, &json!({ "verdict": "keep", "reason": "no_consent" }), &[])?;
    let reasons = [
        KeptBack::NoConsent,
        KeptBack::Unsubscribed,
        KeptBack::Bounced,
        KeptBack::Complained,
        KeptBack::Ordered,
        KeptBack::NoCustomer,
        KeptBack::Erased,
        KeptBack::Undone,
        KeptBack::NothingToRecommend,
        KeptBack::NoWayOut,
        KeptBack::AlwaysQuiet,
    ];
    let words = json!([
        "no_consent",
        "unsubscribed",
        "bounced",
        "complained",
        "ordered",
        "no_customer",
        "erased",
        "undone",
        "nothing_to_recommend",
        "no_way_out",
        "always_quiet"
    ]);
    pinned(&reasons.to_vec(), &words, &[])
}

#[test]
fn recommendations_stay() -> TestResult {
    let wish = Recommend { customer_id: customer_id()?, limit: 6 };
    pinned(&wish, &json!({ "customer_id": "CUSTOMER-001", "limit": 6 }), &[])?;
    let product = RecommendedProduct {
        product_id: product_id()?,
        name: "Gaming Laptop Pro".to_owned(),
        price: Some(dong(25_000_000)),
    };
    let golden = json!({
        "product_id": "LAPTOP-001", "name": "Gaming Laptop Pro", "price": dong_json("25000000")
    });
    pinned(&product, &golden, &["/price"])
}

#[test]
fn the_event_stays() -> TestResult {
    let event = CustomerOnboarded {
        key: key(),
        customer_id: customer_id()?,
        onboarding_source: Some("website_registration".to_owned()),
        interests: vec!["electronics".to_owned()],
        marketing_consent: true,
        completion_time: 1_234,
    };
    let golden = json!({
        "key": KEY,
        "customer_id": "CUSTOMER-001",
        "onboarding_source": "website_registration",
        "interests": ["electronics"],
        "marketing_consent": true,
        "completion_time": 1234
    });
    pinned(&event, &golden, &["/onboarding_source"])
}
