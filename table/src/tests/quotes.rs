//! Quotes that do not match, and backslashes before them.

use super::*;

/// E6: refused at the byte where the quote opened; no row is swallowed.
#[test]
fn a_quote_that_opens_inside_or_never_closes_is_refused_at_its_byte() {
    let never = "sku,name,price\nQ-1,\"27 inch monitor,100\nQ-2,mouse,90\n";
    assert_eq!(
        csv(never, &json!({})),
        Err(format!("has a quote that is never closed {}", at(never, "\"27")))
    );
    let by_another = "sku,name,price\nQ-1,\"27 inch monitor,100\nQ-2,\"24 inch,90\n";
    let behind =
        format!("has a quote whose value goes on behind the closing quote {}", at(by_another, "\"27"));
    assert_eq!(csv(by_another, &json!({})), Err(behind));
    let three_later = "sku,name,price\nQ-1,\"27 inch,100\nQ-2,mouse,90\nQ-3,24 inch\",80\nQ-4,x,1\n";
    let rows = format!("has a quote that takes in whole rows {}", at(three_later, "\"27"));
    assert_eq!(csv(three_later, &json!({})), Err(rows));
    let next_row = "sku,price,name\nQ-1,100,\"27 inch\nQ-2,90,24 inch\"\n";
    let rows = format!("has a quote that takes in whole rows {}", at(next_row, "\"27"));
    assert_eq!(csv(next_row, &json!({})), Err(rows));
    assert_eq!(
        csv(next_row, &json!({ "line_breaks": true })),
        Ok(vec![r"27 inch\nQ-2,90,24 inch|100|Q-1".to_owned()])
    );
    let inside = "sku,name\nQ-1,27\" monitor\n";
    assert_eq!(csv(inside, &json!({})), Err(format!("has a quote inside a value {}", at(inside, "\" mon"))));
    assert_eq!(csv(inside, &json!({ "quote": "none" })), Ok(vec![r#"27\" monitor|Q-1"#.to_owned()]));
    let short = "sku,name,price\nQ-1,\"two\nlines\"\nQ-2,x,1\n";
    let quote = format!(
        "has a record of 2 values for 3 columns, and a quote that takes in line breaks {}",
        at(short, "\"two")
    );
    assert_eq!(csv(short, &json!({})), Err(quote));
    let said =
        |text: &str, part: &str| Err(format!("has a quote that takes in whole rows {}", at(text, part)));
    // Closed one row later; over a line of nothing; with a delimiter at each line's end; in the heading.
    for swallowed in [
        "sku,name,price\nA,\"foo,1\nC,baz\",3\nD,x,4\n",
        "sku,name,price\nA,\"foo,1\n \nC,baz\",3\nD,x,4\n",
        "sku,name,price\nA,\"foo,1, \nC,baz\",3,\nD,x,4\n",
        "sku,name,price,\nA,\"foo,1,\nC,baz\",3,\n",
        "sku,name,price\n\"A,foo,1\nC\",baz,3\n",
        "sku,\"name,price\nA,foo\",1\n",
    ] {
        assert_eq!(csv(swallowed, &json!({})), said(swallowed, "\""), "{swallowed}");
        // A carriage return alone ends a line, too; before a line feed it is a part of it.
        for end in ["\r", "\r\n"] {
            let other = swallowed.replace('\n', end);
            assert_eq!(csv(&other, &json!({})), said(&other, "\""), "{other:?}");
        }
        assert!(csv(swallowed, &json!({ "line_breaks": true })).is_ok(), "{swallowed}");
    }
    // Each line of a file with one column is a row.
    let keys = "sku\n\"A-1\nA-2\"\nA-3\n";
    for one in [keys, "sku\n\"A-1\n\nA,2\"\nA-3\n", "sku,\n\"A-1,\nA-2\",\n", "\"sku\nA-1\"\nA-2\n"] {
        assert_eq!(csv(one, &json!({})), said(one, "\""), "{one}");
    }
    assert_eq!(
        csv(keys, &json!({ "line_breaks": true })),
        Ok(vec![r"A-1\nA-2".to_owned(), "A-3".to_owned()])
    );
    // A value of two lines beside one that is quoted for its delimiter.
    let beside = "sku,name,price\nA,\"one, two\nthree\",\"1.250,5\"\n\"B,1\",\"one\ntwo, three\",5\n";
    assert_eq!(csv(beside, &json!({})).map(|rows| rows.len()), Ok(2));
    let open_end = "sku,name,\nB,\"Áo\ndài\",\n";
    assert_eq!(csv(open_end, &json!({})), Ok(vec![r"Áo\ndài|B".to_owned()]));
    let heading = "sku,\"Name\n(dt.)\",price\nA,\"x\r\ny\",1\n";
    assert_eq!(csv(heading, &json!({})), Ok(vec![r"x\r\ny|1|A".to_owned()]));
    // Values of several lines are right, with delimiters in them too.
    let lines = "sku,text,price\nA,\"one,\ntwo\n\nthree, four, five\",1\n";
    assert_eq!(csv(lines, &json!({})), Ok(vec![r"1|A|one,\ntwo\n\nthree, four, five".to_owned()]));
}

/// E7
#[test]
fn a_backslash_before_a_quote_needs_the_option_that_says_what_it_is() {
    let (said, none) = (json!({ "escape": "\\" }), json!({ "escape": "none" }));
    let inch = "sku,name\nA,\"19\\\" monitor\"\n";
    let refused = |text: &str, part: &str| Err(format!("has a backslash before a quote {}", at(text, part)));
    assert_eq!(csv(inch, &json!({})), refused(inch, "\\\""));
    assert_eq!(csv(inch, &said), Ok(vec![r#"19\" monitor|A"#.to_owned()]));
    let path = "sku,name\nA,\"C:\\\\\"\n";
    assert_eq!(csv(path, &json!({})), refused(path, "\\\"\n"));
    assert_eq!(csv(path, &said), Ok(vec![r"C:\\|A".to_owned()]));
    assert_eq!(csv(path, &none), Ok(vec![r"C:\\\\|A".to_owned()]));
    let bare = "sku,name\nA,\"a\"b\n";
    let behind = format!("has a quote whose value goes on behind the closing quote {}", at(bare, "\"a"));
    assert_eq!(csv(bare, &json!({})), Err(behind));
    let mut reader =
        Reader::open(Cursor::new(bare), Kind::Csv, &Format::default()).map_err(|_| "opens").expect("opens");
    let Err(Flaw::Wrong(problem)) = reader.next_row() else { panic!("read") };
    assert!(problem.fix.contains("option escape"), "{}", problem.fix);
}
