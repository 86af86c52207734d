//! Numbers of workbooks whose look says more than their digits.

use rust_xlsxwriter::Format as Look;

use super::workbooks::{written, xlsx};
use super::*;

/// One value, in a cell of that look, as it is read.
fn shown(number: f64, code: &str) -> String {
    let bytes = written(|book| {
        let look = Look::new().set_num_format(code);
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "sku")?.write_with_format(1, 0, number, &look)?;
        Ok(())
    });
    xlsx(&bytes, &json!({})).expect("read").join(" ")
}

/// Zeros, signs and sections of a look are a key's own.
#[test]
fn a_number_that_is_shown_with_zeros_or_signs_is_the_text_that_is_shown() {
    for (number, code, text) in [
        (612_345_678.0, "0#\" \"##\" \"##\" \"##\" \"##", "\"06 12 34 56 78\""),
        (612_345_678.0, "00 00 00 00 00", "\"06 12 34 56 78\""),
        (78_051_120.0, "000-00-0000", "\"078-05-1120\""),
        (612_345_678.0, "[<=99999]00000;0000000000", "\"0612345678\""),
        (1_010.0, "[<=99999]00000;0000000000", "\"01010\""),
        (612_345_678.0, "\"SKU-\"0000000000", "\"SKU-0612345678\""),
        (17.0, "00-00", "\"00-17\""),
        (-17.0, "0000", "\"-0017\""),
        (-17.0, "0000;(0000)", "\"(0017)\""),
        (1.5, "0000", "1.5"),
        (-25.0, "\"VND \"0;\"VND -\"0", "-25"),
        (25_000.0, "#,##0 \"đ\"", "25000"),
    ] {
        assert_eq!(shown(number, code), text, "{number} as {code}");
    }
    let none = shown(9.0, "[<5]0000;[<9]000");
    assert_eq!(none.trim(), "! sku holds a number that its format shows as ##### (Sheet1!A2)");
}

/// E8: what was a key is told from an amount by crate `mapping`, if it is given as it is shown.
#[test]
fn a_power_of_ten_is_given_as_one() {
    assert_eq!(shown(100_000.0, "0.00E+00"), "1.00E+05");
    assert_eq!(shown(123_456.0, "0.00E+00"), "1.23456E+05");
    assert_eq!(shown(8_934_620_000_000.0, "##0.0E+0"), "8.93462E+12");
    assert_eq!(shown(0.5, "# ?/?"), "0.5");
}
