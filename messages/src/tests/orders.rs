//! The mails about an order that waits, or has ended without being fulfilled.

use contracts::payment::CustomerAction;

use super::*;

fn order_id() -> Result<OrderId, Box<dyn std::error::Error>> {
    Ok(OrderId::new("ORDER-001")?)
}

fn waits_for(
    url: Option<&str>,
    instruction: Option<&str>,
    held_minutes: u64,
) -> Result<Content, Box<dyn std::error::Error>> {
    let action = CustomerAction {
        kind: "redirect".to_owned(),
        url: url.map(str::to_owned),
        instruction: instruction.map(str::to_owned),
    };
    let total_amount = Money::from_minor_units(25_000_000, Currency::VND);
    Ok(Content::OrderAwaitingPayment { order_id: order_id()?, total_amount, action, held_minutes })
}

/// The mails about how an order goes on, and ended, one of each kind.
pub(super) fn order_mails() -> Result<[Content; 5], Box<dyn std::error::Error>> {
    let amount = Money::from_minor_units(25_000_000, Currency::VND);
    Ok([
        waits_for(Some("https://pay.example.com/1?a=b&c=d"), Some("Transfer it."), 30)?,
        Content::OrderDeclined { order_id: order_id()?, total_amount: amount },
        Content::OrderExpired { order_id: order_id()?, total_amount: amount },
        Content::OrderCancelled { order_id: order_id()? },
        Content::OrderRefunded { order_id: order_id()?, amount },
    ])
}

/// Subjects and texts of the five, word for word.
const SAID: [(Locale, [(&str, &str); 5]); 2] = [
    (
        Locale::ViVn,
        [
            (
                "Thanh toán cho đơn hàng ORDER-001",
                "Đơn hàng ORDER-001 đang chờ bạn thanh toán 25.000.000 VND.\n\n\
                 Thanh toán tại đây: https://pay.example.com/1?a=b&c=d\n\n\
                 Transfer it.\n\n\
                 Chúng tôi giữ hàng cho bạn trong 30 phút kể từ lúc đặt hàng. Nếu bạn đã thanh toán, xin bỏ qua \
                 email này.",
            ),
            (
                "Thanh toán cho đơn hàng ORDER-001 không thành công",
                "Rất tiếc, khoản thanh toán 25.000.000 VND cho đơn hàng ORDER-001 đã bị từ chối. Đơn hàng đã kết \
                 thúc và sẽ không được giao.\n\n\
                 Nếu bạn vẫn muốn mua hàng, vui lòng đặt đơn hàng mới và chọn cách thanh toán khác.",
            ),
            (
                "Đơn hàng ORDER-001 đã hết hạn thanh toán",
                "Chúng tôi chưa nhận được khoản thanh toán 25.000.000 VND cho đơn hàng ORDER-001 trong thời gian \
                 giữ hàng, nên đơn hàng đã kết thúc và sẽ không được giao.\n\n\
                 Khoản tiền bạn đã thanh toán, nếu có, sẽ được hoàn lại. Nếu bạn vẫn muốn mua hàng, vui lòng đặt \
                 đơn hàng mới.",
            ),
            (
                "Đơn hàng ORDER-001 đã được hủy",
                "Đơn hàng ORDER-001 đã được hủy và sẽ không được giao.\n\n\
                 Khoản tiền bạn đã thanh toán, nếu có, sẽ được hoàn lại.",
            ),
            (
                "Hoàn tiền cho đơn hàng ORDER-001",
                "Đơn hàng ORDER-001 không thực hiện được, và chúng tôi đã hoàn lại 25.000.000 VND cho bạn.\n\n\
                 Tiền sẽ về theo cách bạn đã thanh toán. Ngân hàng của bạn có thể cần vài ngày.",
            ),
        ],
    ),
    (
        Locale::EnUs,
        [
            (
                "Pay for your order ORDER-001",
                "Your order ORDER-001 waits for your payment of 25,000,000 VND.\n\n\
                 Pay here: https://pay.example.com/1?a=b&c=d\n\n\
                 Transfer it.\n\n\
                 The goods are held for you for 30 minutes from the time of the order. If you have paid already, \
                 nothing is left to do.",
            ),
            (
                "The payment for your order ORDER-001 was declined",
                "We are sorry: the payment of 25,000,000 VND for your order ORDER-001 was declined. The order has \
                 ended, and nothing will be sent.\n\n\
                 If you still want the goods, please place a new order and choose another way to pay.",
            ),
            (
                "Your order ORDER-001 was not paid in time",
                "Your payment of 25,000,000 VND for order ORDER-001 did not arrive while the goods were held for \
                 you. The order has ended, and nothing will be sent.\n\n\
                 Whatever you have paid for it goes back to you. If you still want the goods, please place a new \
                 order.",
            ),
            (
                "Your order ORDER-001 is cancelled",
                "Order ORDER-001 is cancelled, and nothing will be sent.\n\n\
                 Whatever you have paid for it goes back to you.",
            ),
            (
                "Your refund for order ORDER-001",
                "Order ORDER-001 was not fulfilled, and we have refunded 25,000,000 VND to you.\n\n\
                 The money comes back the way you paid. Your bank may take some days.",
            ),
        ],
    ),
];

#[test]
fn an_order_that_waits_or_ends_says_what_happened_in_every_locale() -> TestResult {
    let texts = Texts::load()?;
    for (locale, said) in SAID {
        for (content, (subject, text)) in order_mails()?.iter().zip(said) {
            let mail = texts.email(content, locale, None)?;
            assert_eq!((mail.subject.as_str(), mail.text.as_str()), (subject, text));
            // The page says the same, in tags.
            let html = &mail.html;
            assert!(html.contains("<strong>ORDER-001</strong>") && html.contains(subject), "{html}");
            let has_amount = !matches!(content, Content::OrderCancelled { .. });
            assert_eq!(html.contains("000 VND</strong>"), has_amount, "{html}");
        }
    }
    Ok(())
}

#[test]
fn what_the_customer_has_to_do_is_a_link_or_words() -> TestResult {
    let texts = Texts::load()?;
    for locale in Locale::ALL {
        let mail = |content: Content| texts.email(&content, locale, None);
        let linked = mail(waits_for(Some("https://pay.example.com/1?a=b&c=d"), None, 30)?)?;
        let link = r#"<a href="https:&#x2f;&#x2f;pay.example.com&#x2f;1?a=b&amp;c=d""#;
        assert!(linked.html.contains(link), "{}", linked.html);
        // An address that a mail program does not open is not a link.
        for (url, shown) in
            [("momo://pay/1", "momo:&#x2f;&#x2f;pay&#x2f;1"), ("javascript:x()", "javascript:x()")]
        {
            let app = mail(waits_for(Some(url), None, 30)?)?;
            assert!(app.html.contains(shown) && !app.html.contains("<a href"), "{}", app.html);
            assert!(app.text.contains(url), "{}", app.text);
        }
        let told = mail(waits_for(None, Some("Transfer <it>"), 30)?)?;
        assert!(
            told.text.contains("Transfer <it>") && told.html.contains("Transfer &lt;it&gt;"),
            "{}",
            told.html
        );
        assert!(!told.html.contains("<a href") && !told.text.contains("http"), "{}", told.text);
    }
    Ok(())
}

#[test]
fn how_long_the_goods_are_held_is_said_in_the_unit_that_fits() -> TestResult {
    let texts = Texts::load()?;
    for (minutes, vi, en) in [
        (1, "1 phút", "1 minute "),
        (30, "30 phút", "30 minutes "),
        (60, "1 giờ", "1 hour "),
        (90, "90 phút", "90 minutes "),
        (1_440, "1 ngày", "1 day "),
        (10_080, "7 ngày", "7 days "),
    ] {
        let content = waits_for(None, Some("pay"), minutes)?;
        let said = |locale| texts.email(&content, locale, None).map(|mail| mail.text);
        let (vietnamese, english) = (said(Locale::ViVn)?, said(Locale::EnUs)?);
        assert!(vietnamese.contains(&format!("trong {vi} kể")), "{vietnamese}");
        assert!(english.contains(&format!("for you for {en}from")), "{english}");
    }
    Ok(())
}
