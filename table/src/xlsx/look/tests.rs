use super::*;

fn look(code: &str, number: f64) -> Look {
    section(&of_code(code), number).map(|section| section.look.clone()).unwrap_or_default()
}

#[test]
fn a_code_says_what_a_number_is() {
    let day = Look::Date { has_time: false };
    for (code, meant) in [
        ("General", Look::Plain),
        ("#,##0", Look::Plain),
        ("#,##0.00 \"đồng\"", Look::Plain),
        ("#,##0\\ [$₫-42A]", Look::Plain),
        ("[Red]-#,##0", Look::Plain),
        ("# ##0.00", Look::Plain),
        ("#\" \"###\" \"##0", Look::Plain),
        ("\"VND \"0", Look::Plain),
        ("\"Rs.\"0", Look::Plain),
        ("0 \"kg\"", Look::Plain),
        ("# ?/?", Look::Plain),
        ("0.00E+00", Look::Power(2)),
        ("@", Look::Plain),
        ("0", Look::Plain),
        ("0.00", Look::Plain),
        ("_-* #,##0\\ _d_-;\\-* #,##0\\ _d_-", Look::Plain),
        ("0%", Look::Percent),
        ("0.0\\ %", Look::Percent),
        ("0.00\"%\"", Look::Plain),
        ("dd/mm/yyyy", day.clone()),
        ("[$-1010000]d/m/yyyy;@", day.clone()),
        ("dd/mm/yyyy;;\"none\"", day.clone()),
        ("mmm", day),
        ("yyyy\\-mm\\-dd\\ hh:mm:ss", Look::Date { has_time: true }),
        ("hh:mm AM/PM", Look::Time),
        ("mm:ss", Look::Time),
        ("[h]:mm:ss", Look::Elapsed),
    ] {
        assert_eq!(look(code, 1.0), meant, "{code}");
    }
    assert_eq!(look("0;-0;\"free\"", 0.0), Look::Plain);
    assert_eq!(section(&of_code("[<5]0000;[<9]000"), 9.0), None);
}

/// The key is what a person sees.
#[test]
fn a_key_is_shown_with_the_zeros_and_signs_of_its_look() {
    for (code, number, shown) in [
        ("00000", "17", "00017"),
        ("00000", "123456", "123456"),
        ("0#\" \"##\" \"##\" \"##\" \"##", "612345678", "06 12 34 56 78"),
        ("00 00 00 00 00", "612345678", "06 12 34 56 78"),
        ("000-00-0000", "78051120", "078-05-1120"),
        ("[<=99999]00000;0000000000", "612345678", "0612345678"),
        ("[<=99999]00000;0000000000", "612", "00612"),
        ("[<=9999999]###-####;(###) ###-####", "2025550123", "(202) 555-0123"),
        ("[<=9999999]###-####;(###) ###-####", "5550123", "555-0123"),
        ("\"SKU-\"0000000000", "612345678", "SKU-0612345678"),
        ("\"SKU-\"0", "17", "SKU-17"),
        ("00-00", "17", "00-17"),
        ("00-00;[Red]\"x\"00-00;\"none\"", "17", "00-17"),
        ("00.00", "1.1", "01.10"),
        ("0000", "0", "0000"),
        ("00\\;0", "123", "12;3"),
    ] {
        let number_of: f64 = number.parse().expect("a number");
        let Look::Key(pattern) = look(code, number_of) else { panic!("{code} is no key's") };
        assert_eq!(pattern.shown(number).as_deref(), Some(shown), "{code}");
    }
    let Look::Key(pattern) = look("0000", 1.5) else { panic!("no key's") };
    assert_eq!(pattern.shown("1.5"), None, "more is stored than is shown");
}
