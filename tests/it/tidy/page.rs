//! A Markdown page, or the comments of a Rust file, taken apart: fences, code spans, links, headings and prose.

/// A piece of a page, and the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A page, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The lines of fences with commands: those after `$ ` in a `console`, all of a fence without a language.
    pub(super) typed: Vec<Piece>,
    /// Code spans, without their backticks.
    pub(super) spans: Vec<Piece>,
    /// The targets of links.
    pub(super) links: Vec<Piece>,
    /// Headings, without their signs.
    pub(super) headings: Vec<Piece>,
    /// Paragraphs and list items, each on one line, without their code spans.
    pub(super) prose: Vec<Piece>,
}

/// The comments of a Rust file, as a page whose lines have the file's numbers.
pub(super) fn comments(source: &str) -> String {
    let lines = source.lines().map(|line| {
        let comment = line.trim_start().strip_prefix("//").unwrap_or_default();
        let comment = comment.strip_prefix(['/', '!']).unwrap_or(comment);
        comment.strip_prefix(' ').unwrap_or(comment)
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut fence: Option<String> = None;
        let mut paragraph: Option<Piece> = None;
        for (line, raw) in (1..).zip(text.lines()) {
            let trimmed = raw.trim();
            if let Some(language) = trimmed.strip_prefix("```") {
                page.end(&mut paragraph);
                fence = if fence.is_some() { None } else { Some(language.to_owned()) };
            } else if let Some(language) = &fence {
                page.fenced(language, line, trimmed);
            } else {
                page.open(&mut paragraph, line, raw);
            }
        }
        page.end(&mut paragraph);
        page
    }

    fn fenced(&mut self, language: &str, line: usize, text: &str) {
        let typed = match language {
            "console" => text.strip_prefix("$ "),
            "" => Some(text),
            _ => None,
        };
        self.typed.extend(typed.map(|text| Piece { line, text: text.to_owned() }));
    }

    /// A line outside of fences: it goes on with the paragraph before it, or begins another one.
    fn open(&mut self, paragraph: &mut Option<Piece>, line: usize, raw: &str) {
        let text = raw.trim();
        let is_heading = text.starts_with('#');
        if text.is_empty() || is_heading || text.starts_with('|') || is_item(text) {
            self.end(paragraph);
        }
        if is_heading {
            let text = text.trim_start_matches('#').trim().to_owned();
            self.headings.push(Piece { line, text });
            return;
        }
        match paragraph {
            _ if text.is_empty() => {}
            Some(begun) => {
                begun.text.push(' ');
                begun.text.push_str(text);
            }
            None => *paragraph = Some(Piece { line, text: text.to_owned() }),
        }
    }

    fn end(&mut self, paragraph: &mut Option<Piece>) {
        let Some(Piece { line, text }) = paragraph.take() else { return };
        let mut rest = text.as_str();
        let mut words = String::new();
        while let Some((before, begun)) = rest.split_once('`') {
            words.push_str(before);
            // A tick that nothing closes is a tick.
            let Some((span, after)) = begun.split_once('`') else { break };
            self.spans.push(Piece { line, text: span.trim().to_owned() });
            words.push_str("``");
            rest = after;
        }
        words.push_str(rest);
        for target in words.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            self.links.push(Piece { line, text: target.0.to_owned() });
        }
        if !text.starts_with('|') {
            let text = item_text(&words).to_owned();
            self.prose.push(Piece { line, text });
        }
    }
}

fn is_item(text: &str) -> bool {
    item_text(text) != text
}

/// A list item without its sign.
fn item_text(text: &str) -> &str {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = number.len() != text.len();
    text.strip_prefix("- ").or_else(|| number.strip_prefix(". ").filter(|_| is_number)).unwrap_or(text)
}

#[test]
fn a_page_is_taken_apart() {
    let page = Page::read(
        "# One `page`\n\nWords `a span\nover lines` and [a link](there.md#part).\n- an item\n  of two lines\n\n\
         | a | `row` |\n\n```console\n$ starter doctor   # well?\nall is well\n```\n```json\n{}\n```\n",
    );
    let piece = |line, text: &str| Piece { line, text: text.to_owned() };
    assert_eq!(page.headings, [piece(1, "One `page`")]);
    assert_eq!(page.spans, [piece(3, "a span over lines"), piece(8, "row")]);
    assert_eq!(page.links, [piece(3, "there.md#part")]);
    assert_eq!(page.typed, [piece(11, "starter doctor   # well?")]);
    assert_eq!(
        page.prose,
        [piece(3, "Words `` and [a link](there.md#part)."), piece(5, "an item of two lines")]
    );
}

#[test]
fn comments_keep_the_lines_of_their_file() {
    let page = Page::read(&comments("//! Runs `one\n//! thing`.\nfn code() {}\n    /// Another.\n"));
    assert_eq!(page.spans, [Piece { line: 1, text: "one thing".to_owned() }]);
    assert_eq!(page.prose[1], Piece { line: 4, text: "Another.".to_owned() });
}
