//! Mail addresses, phones, lines, keys: whatever is read can be read again, and is the same.

use text::{Refusal, key, line, local_phone, mail_address, phone, plain_sku, prose, title};

use super::{Target, texts};
use crate::mutate::Random;

pub(super) const TARGET: Target = Target {
    name: "address",
    corpus,
    is_right: |bytes| READERS.iter().any(|(_, read)| read(&String::from_utf8_lossy(bytes)).is_ok()),
    check,
    rounds: 20_000,
};

type Read = fn(&str) -> Result<String, Refusal>;

const READERS: &[(&str, Read)] = &[
    ("mail_address", mail_address),
    ("phone", phone),
    ("local_phone", |text| local_phone(text, 30)),
    ("line", |text| line(text, 100)),
    ("title", |text| title(text, 100)),
    ("prose", |text| prose(text, 100)),
    ("key", |text| key(text, 100)),
    ("plain_sku", |text| Ok(plain_sku(text))),
    ("number", |text| Ok(text::number(text))),
    ("as_seen", |text| Ok(text::as_seen(text).into_owned())),
];

fn corpus() -> Vec<Vec<u8>> {
    texts(&[
        "Lan.Pham+shop@thử.example.com",
        "\"abc..def\"@docomo.example.com",
        "lan@xn--th-yct.example.com",
        "+84 (0)901 234 567",
        "\u{202d}+39 06 1234 5678\u{202c}",
        "Nguyễn Văn A, Vie\u{323}\u{302}t Nam",
        "👨\u{200d}👩\u{200d}👧 علی\u{200c}رضا",
        "ÁO-01/Đ M",
        "\"abc..\\d\\\"ef\"@example.com",
        "(+84) 901 234 567",
        "(0901) 234-567",
        "\"lan\\ pham\"@example.com",
        "ｌａｎ＠example.com",
    ])
}

fn check(bytes: &[u8], _: &mut Random) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    for (name, read) in READERS {
        let once = match read(&text) {
            Ok(once) => once,
            Err(refusal) if refusal.problem.is_empty() || refusal.fix.is_empty() => {
                return Err(format!("{name} refuses without a word"));
            }
            Err(_) => continue,
        };
        match read(&once) {
            Ok(twice) if twice == once => {}
            other => return Err(format!("{name} makes {once:?}, and of that {other:?}")),
        }
        let is_right = match *name {
            "mail_address" => once.is_ascii() || once.rsplit('@').next().is_some_and(str::is_ascii),
            "phone" => once.strip_prefix('+').is_some_and(|digits| {
                (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
            }),
            "line" | "key" => text::composed(&once) == once && !once.chars().any(char::is_control),
            _ => true,
        };
        if !is_right {
            return Err(format!("{name} gives {once:?}"));
        }
    }
    Ok(())
}
