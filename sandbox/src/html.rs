//! The pages of the sandbox: no scripts, and nothing loaded from anywhere else.

use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use axum::response::{Html, IntoResponse, Response};

/// A page has styles and pictures of its own; anything else that its content asks for is not fetched.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; \
                      base-uri 'none'; form-action 'none'";

/// A whole page; `title` and `content` are HTML already.
pub(crate) fn page(title: &str, style: &str, content: &str) -> Response {
    let start = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">";
    let html = format!(
        "{start}<title>Sandbox: {title}</title><style>{style}</style><h1>{title}</h1>\n{content}\n</html>"
    );
    ([(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))], Html(html)).into_response()
}

/// A text that shows as it is, in content and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
