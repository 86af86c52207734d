//! How an input travels as a payload of Temporal's.
//!
//! Read by hand, because whatever serde refuses fails the workflow *task*, which Temporal retries for ever: a start
//! without any payload, with two, or with one that is not JSON is an input with a problem, and fails the run.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use temporalio_common::data_converters::{
    PayloadConversionError, SerializationContext, TemporalDeserializable, TemporalSerializable,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::{ENCODING_PAYLOAD_KEY, JSON_ENCODING_VAL};

use text::json;

use super::{Problem, Unchecked};

impl<T> Unchecked<T> {
    /// The input as one payload of Temporal's.
    ///
    /// # Errors
    /// When it was received with a problem: it is not sent on.
    pub fn payload(&self) -> Result<Payload, PayloadConversionError> {
        let json = self.json.as_ref().map_err(|problem| {
            PayloadConversionError::EncodingError(format!("an input with a problem: {problem}").into())
        })?;
        Ok(written(json.get().as_bytes().to_vec()))
    }
}

impl<T> TemporalSerializable for Unchecked<T> {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        self.payload()
    }
}

impl<T> TemporalDeserializable for Unchecked<T> {
    fn from_payload(_: &SerializationContext<'_>, payload: Payload) -> Result<Self, PayloadConversionError> {
        Ok(Self { json: read(payload), claims: PhantomData })
    }

    fn from_payloads(
        ctx: &SerializationContext<'_>,
        mut payloads: Vec<Payload>,
    ) -> Result<Self, PayloadConversionError> {
        let problem = match payloads.len() {
            1 => return Self::from_payload(ctx, payloads.remove(0)),
            0 => "is missing: the run was started without any".to_owned(),
            n => format!("comes in {n} payloads"),
        };
        Ok(Self { json: Err(wrong(problem)), claims: PhantomData })
    }
}

/// The payload of a signal that code sends, and that anybody may send by hand (a button of the Web UI). A signal cannot
/// be refused, and one that serde refuses would fail the workflow *task* for ever, so the run decides: `None` is what
/// cannot be read as a `T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<T>(pub Option<T>);

impl<T: Serialize> TemporalSerializable for Said<T> {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        let json = serde_json::to_vec(&self.0);
        json.map(written).map_err(|error| PayloadConversionError::EncodingError(error.into()))
    }
}

impl<T: DeserializeOwned> TemporalDeserializable for Said<T> {
    fn from_payload(_: &SerializationContext<'_>, payload: Payload) -> Result<Self, PayloadConversionError> {
        Ok(Self(read(payload).ok().and_then(|json| serde_json::from_str(json.get()).ok())))
    }

    fn from_payloads(
        ctx: &SerializationContext<'_>,
        mut payloads: Vec<Payload>,
    ) -> Result<Self, PayloadConversionError> {
        match payloads.len() {
            1 => Self::from_payload(ctx, payloads.remove(0)),
            _ => Ok(Self(None)),
        }
    }
}

fn written(data: Vec<u8>) -> Payload {
    let encoding = JSON_ENCODING_VAL.as_bytes().to_vec();
    let metadata = [(ENCODING_PAYLOAD_KEY.to_owned(), encoding)].into();
    Payload { metadata, data, external_payloads: Vec::new() }
}

fn read(payload: Payload) -> Result<Box<RawValue>, Problem> {
    let encoding = payload.metadata.get(ENCODING_PAYLOAD_KEY).map(Vec::as_slice).unwrap_or_default();
    if encoding != JSON_ENCODING_VAL.as_bytes() {
        let encoding: String = String::from_utf8_lossy(encoding).chars().take(40).collect();
        return Err(wrong(format!("is encoded as '{encoding}'")));
    }
    let text = json::decoded(&payload.data).map_err(|problem| wrong(problem.what()))?;
    // The error's own words may quote the input.
    RawValue::from_string(text.to_owned())
        .map_err(|error| wrong(format!("is not JSON, line {} column {}", error.line(), error.column())))
}

fn wrong(problem: String) -> Problem {
    Problem::new("(input)", problem, "send one JSON object (encoding json/plain), as in the sample input")
}

#[cfg(test)]
mod tests {
    use temporalio_common::data_converters::{
        GenericPayloadConverter as _, PayloadConverter, SerializationContextData,
    };

    use super::super::{Checked, Fields};
    use super::*;

    struct Anything;

    impl Checked for Anything {
        fn read(_: &Fields<'_>) -> Option<Self> {
            Some(Self)
        }
    }

    fn payload(encoding: &str, data: &[u8]) -> Payload {
        let metadata = [(ENCODING_PAYLOAD_KEY.to_owned(), encoding.as_bytes().to_vec())].into();
        Payload { metadata, data: data.to_vec(), external_payloads: Vec::new() }
    }

    /// As a worker reads it, with the converter that it has unless told otherwise.
    fn problems(payloads: Vec<Payload>) -> Vec<String> {
        let converter = PayloadConverter::default();
        let data = SerializationContextData::None;
        let read: Unchecked<Anything> = converter
            .from_payloads(&SerializationContext::new(&data, &converter), payloads)
            .expect("an input is never a reason to fail the task");
        let problems = read.check().err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    /// As a worker reads a signal.
    fn said(payloads: Vec<Payload>) -> Option<String> {
        let converter = PayloadConverter::default();
        let data = SerializationContextData::None;
        let read: Said<String> = converter
            .from_payloads(&SerializationContext::new(&data, &converter), payloads)
            .expect("a signal is never a reason to fail the task");
        read.0
    }

    #[test]
    fn whatever_a_signal_brings_can_be_read() {
        let word = || payload("json/plain", b"\"undone\"");
        assert_eq!(said(vec![word()]).as_deref(), Some("undone"));
        for payloads in [
            vec![],
            vec![word(), word()],
            vec![payload("binary/null", b"")],
            vec![payload("json/plain", b"7")],
            vec![payload("json/plain", b"{\"event\": 1}")],
            vec![payload("json/plain", b"\"undone")],
            vec![payload("json/protobuf", b"\"undone\"")],
        ] {
            assert_eq!(said(payloads), None);
        }
    }

    #[test]
    fn whatever_a_start_brings_can_be_read() {
        let object = || payload("json/plain", b"{}");
        assert_eq!(problems(vec![object()]), [""; 0]);
        // S1
        assert_eq!(problems(vec![payload("json/plain", b"\xEF\xBB\xBF{}")]), [""; 0]);
        for (payloads, wanted) in [
            (vec![], "(input) is missing: the run was started without any"),
            (vec![object(), object()], "(input) comes in 2 payloads"),
            (vec![payload("binary/null", b"")], "(input) is encoded as 'binary/null'"),
            (vec![payload("json/plain", b"")], "(input) is not JSON, line 1 column 0"),
            (vec![payload("json/plain", b"{\"a\":")], "(input) is not JSON, line 1 column 5"),
            (vec![payload("json/plain", b"\xff")], "(input) is not UTF-8"),
            (vec![payload("json/plain", b"\xff\xfe{\0}\0")], "(input) is UTF-16 text"),
            (vec![payload("json/plain", b"null")], "(input) is not a JSON object"),
        ] {
            let said = problems(payloads);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].starts_with(wanted), "{said:?}");
        }
    }
}
