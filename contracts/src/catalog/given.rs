//! A field that may be left out, emptied or set.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The word of a file about a field. JSON: absent, `null`, or the value; a field of this type has
/// `#[serde(default, skip_serializing_if = "Given::is_absent")]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// Nothing is said: it stays as the shop has it.
    #[default]
    Absent,
    /// It is emptied.
    Empty,
    /// It is set.
    Value(T),
}

impl<T> Given<T> {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The value that is set, if one is.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Empty => None,
        }
    }

    /// Whether something that looks like this is as it is to be.
    #[must_use]
    pub fn agrees(&self, now: Option<&T>) -> bool
    where
        T: PartialEq,
    {
        match self {
            Self::Absent => true,
            Self::Empty => now.is_none(),
            Self::Value(value) => now == Some(value),
        }
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Empty, Self::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(default, skip_serializing_if = "Given::is_absent")]
        text: Given<String>,
    }

    #[test]
    fn absent_null_and_given_are_three_things_on_the_wire() -> Result<(), serde_json::Error> {
        for (json, text) in [
            ("{}", Given::Absent),
            (r#"{"text":null}"#, Given::Empty),
            (r#"{"text":"a"}"#, Given::Value("a".to_owned())),
        ] {
            let row = Row { text };
            assert_eq!(serde_json::to_string(&row)?, json);
            assert_eq!(serde_json::from_str::<Row>(json)?, row);
        }
        Ok(())
    }

    #[test]
    fn what_is_not_said_agrees_with_everything() {
        assert!(Given::<u32>::Absent.agrees(Some(&1)) && Given::<u32>::Absent.agrees(None));
        assert!(Given::<u32>::Empty.agrees(None) && !Given::Empty.agrees(Some(&1)));
        assert!(Given::Value(1).agrees(Some(&1)) && !Given::Value(1).agrees(None));
    }
}
