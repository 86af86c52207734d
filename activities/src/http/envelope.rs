//! Whose words an answer is: the API's own, or those of something before it (a proxy's page, a captive portal, a
//! gateway that knows no such path). Only the API's own words refuse anything.

use serde_json::Value;

/// Tells whether a body is an error of the API's own making.
pub(crate) type IsOwn = fn(&[u8]) -> bool;

/// The platform documents four shapes: `success: false`, an `error` object, a `code` at the top level, and a `message`
/// beside `errors`. A `message` alone is what gateways say.
pub(crate) fn of_the_platform(body: &[u8]) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    fields.get("success") == Some(&Value::Bool(false))
        || fields.get("error").is_some_and(Value::is_object)
        || fields.get("code").is_some_and(Value::is_string)
        || fields.get("errors").is_some_and(|errors| errors.is_object() || errors.is_array())
}

/// An object in `error`.
pub(crate) fn of_stripe(body: &[u8]) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    fields.get("error").is_some_and(Value::is_object)
}

/// A number in `code` that is one of Twilio's: they have five digits, and a gateway writes its HTTP status there.
pub(crate) fn of_twilio(body: &[u8]) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    fields.get("code").and_then(Value::as_u64).is_some_and(|code| code >= 10_000)
}

/// An API that refuses with a success's status only: whatever comes with another one is not its own.
pub(crate) fn none(_body: &[u8]) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apis_own_words_are_told_from_those_of_something_before_it() {
        for own in [
            r#"{"success": false, "error": {"code": "A"}}"#,
            r#"{"success": false, "error": "no such thing"}"#,
            r#"{"error": {"code": "A"}}"#,
            r#"{"error": {}}"#,
            r#"{"code": "A", "message": "m", "timestamp": "t"}"#,
            r#"{"message": "m", "errors": {"email": ["is wrong"]}}"#,
        ] {
            assert!(of_the_platform(own.as_bytes()), "{own}");
        }
        for other in [
            "",
            "<html>404 Not Found</html>",
            "null",
            "[]",
            "{}",
            r#"{"message": "no Route matched with those values"}"#,
            r#"{"timestamp": "t", "status": 404, "error": "Not Found", "path": "/"}"#,
            r#"{"detail": "Not Found"}"#,
            r#"{"success": true}"#,
            r#"{"code": 404}"#,
        ] {
            assert!(!of_the_platform(other.as_bytes()), "{other}");
            assert!(!of_stripe(other.as_bytes()), "{other}");
        }
        assert!(of_stripe(br#"{"error": {"type": "card_error"}}"#));
        assert!(of_twilio(br#"{"code": 20404, "message": "m", "status": 404}"#));
        assert!(!of_twilio(br#"{"code": 404, "message": "Not Found"}"#));
        assert!(!of_twilio(br#"{"code": "A"}"#) && !of_twilio(b"<html>") && !none(br#"{"error": {}}"#));
    }
}
