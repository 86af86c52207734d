use contracts::values::{IdempotencyKey, Recipient};
use mail_parser::{HeaderValue, MessageParser};
use messages::EmailText;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const SUBJECT: &str =
    "Xác nhận đơn hàng ORDER-001: cảm ơn bạn đã mua hàng tại cửa hàng của chúng tôi, Nguyễn Văn Á";

fn composed(to: &str, key: &str, unsubscribe: Option<&str>) -> Result<Mail, Box<dyn std::error::Error>> {
    let text = EmailText {
        subject: SUBJECT.to_owned(),
        text: format!("Tổng cộng: 25.000.000 VND\n.\n{}\n", "Đơn hàng đã được xác nhận. ".repeat(60)),
        html: "<p>Mã vận đơn: <strong>SUN-1</strong></p>".to_owned(),
    };
    let from: Mailbox = "Cửa hàng Mặt Trời <orders@shop.example.com>".parse()?;
    let (key, to) = (IdempotencyKey::new("order/ORDER-001", key), Recipient::new(to));
    let letter = Letter { key: &key, to: &to, text: &text, unsubscribe };
    compose(&from, &letter).map_err(|flaw| flaw.code().into())
}

#[test]
fn an_independent_reader_finds_every_letter_in_its_place() -> TestResult {
    let mail = composed("customer@example.com", "send-notifications/email", None)?;
    assert!(mail.bytes.is_ascii(), "not every server takes other letters");
    assert!(mail.bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
    let read = MessageParser::default().parse(&mail.bytes).ok_or("no mail")?;
    assert_eq!(read.subject(), Some(SUBJECT));
    let from = read.from().and_then(|from| from.first()).ok_or("no sender")?;
    assert_eq!(from.name(), Some("Cửa hàng Mặt Trời"));
    assert_eq!(from.address(), Some("orders@shop.example.com"));
    assert_eq!(read.to().and_then(|to| to.first()).and_then(|to| to.address()), Some("customer@example.com"));
    let text = read.body_text(0).ok_or("no text")?.replace("\r\n", "\n");
    assert!(text.starts_with("Tổng cộng: 25.000.000 VND\n.\nĐơn hàng đã được xác nhận. Đơn"), "{text}");
    assert_eq!(read.body_html(0).as_deref(), Some("<p>Mã vận đơn: <strong>SUN-1</strong></p>"));
    assert_eq!(read.header("Auto-Submitted"), Some(&HeaderValue::Text("auto-generated".into())));
    assert!(read.date().is_some());
    assert!(read.header("List-Unsubscribe").is_none() && read.header("List-Unsubscribe-Post").is_none());
    assert_eq!(format!("<{}>", read.message_id().unwrap_or_default()), mail.message_id);
    Ok(())
}

#[test]
fn the_key_makes_the_id_and_does_not_show_in_it() -> TestResult {
    let id = |key| composed("customer@example.com", key, None).map(|mail| mail.message_id);
    assert_eq!(id("a")?, id("a")?);
    assert_ne!(id("a")?, id("b")?);
    assert!(id("a")?.ends_with("@shop.example.com>") && !id("a")?.contains("ORDER"), "{}", id("a")?);
    Ok(())
}

#[test]
fn one_click_unsubscribes_over_https_only() -> TestResult {
    let header = |url, name: &str| -> Result<Option<String>, Box<dyn std::error::Error>> {
        let mail = composed("customer@example.com", "a", Some(url))?;
        let read = MessageParser::default().parse(&mail.bytes).ok_or("no mail")?;
        Ok(read.header_raw(name.to_owned()).map(|value| value.trim().to_owned()))
    };
    let long = format!("https://shop.example.com/u?token={}", "a1b2".repeat(60));
    assert_eq!(header(&long, "List-Unsubscribe")?, Some(format!("<{long}>")));
    assert_eq!(header(&long, "List-Unsubscribe-Post")?.as_deref(), Some("List-Unsubscribe=One-Click"));
    let open = "http://127.0.0.1:9464/u";
    assert_eq!(header(open, "List-Unsubscribe")?, Some(format!("<{open}>")));
    assert_eq!(header(open, "List-Unsubscribe-Post")?, None);
    // A sign that would end the header is written differently in a URL.
    let sly = "https://shop.example.com/u>\r\nBcc: a@example.com";
    assert_eq!(header(sly, "Bcc")?, None);
    Ok(())
}

#[test]
fn what_is_no_address_or_no_link_is_told_apart() {
    let said = composed("customer@example.com", "a", Some("/u")).err().map(|error| error.to_string());
    assert_eq!(said.as_deref(), Some("invalid_unsubscribe_url"));
    for bad in ["", "customer", "a@b@c", "a b@example.com", "a@example.com\r\nRCPT TO:<b@example.com>"] {
        let said = composed(bad, "a", None).err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), Some("invalid_address"), "{bad:?}");
    }
}

/// M5 and M7, to the end: the envelope and the header that the server reads.
#[test]
fn quotes_and_other_domains_reach_the_server_as_they_must() -> TestResult {
    for (to, address) in [
        ("\"abc..def\"@example.com", "\"abc..def\"@example.com"),
        ("lan@xn--th-yct.example.com", "lan@xn--th-yct.example.com"),
    ] {
        let mail = composed(to, "a", None)?;
        assert_eq!(mail.to.to_string(), address);
        let head = String::from_utf8(mail.bytes)?;
        assert!(head.contains(&format!("To: {address}\r\n")), "{head}");
    }
    Ok(())
}

#[test]
fn the_senders_domain_is_sent_as_mail_servers_know_it() -> TestResult {
    let sender: super::super::Sender = "Cửa hàng <orders@thử.example.com>".parse()?;
    assert_eq!(sender.domain(), "xn--th-yct.example.com");
    // A machine of this network is nobody's mailbox, and may send.
    assert_eq!("orders@mailhost".parse::<super::super::Sender>()?.domain(), "mailhost");
    Ok(())
}
