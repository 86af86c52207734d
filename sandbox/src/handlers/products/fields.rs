//! The fields of products that are more than texts.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::Stop;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Draft,
    Active,
    Inactive,
    Archived,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Archived => "archived",
        }
    }
}

/// The platform's kinds of products.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Simple,
    Configurable,
    Grouped,
    Bundle,
    Virtual,
    Combo,
    GiftCard,
    FlightTicket,
    ParkTicket,
    HotelRoom,
    Souvenir,
    GiftItem,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Configurable => "configurable",
            Self::Grouped => "grouped",
            Self::Bundle => "bundle",
            Self::Virtual => "virtual",
            Self::Combo => "combo",
            Self::GiftCard => "gift_card",
            Self::FlightTicket => "flight_ticket",
            Self::ParkTicket => "park_ticket",
            Self::HotelRoom => "hotel_room",
            Self::Souvenir => "souvenir",
            Self::GiftItem => "gift_item",
        }
    }
}

/// A JSON number that is not negative, kept as it was written.
#[derive(Debug, Deserialize, Serialize)]
#[serde(try_from = "Box<RawValue>")]
pub(super) struct Number(Box<RawValue>);

impl TryFrom<Box<RawValue>> for Number {
    type Error = &'static str;

    fn try_from(raw: Box<RawValue>) -> Result<Self, Self::Error> {
        match raw.get().chars().next() {
            Some('0'..='9') => Ok(Self(raw)),
            Some('-') => Err("must not be negative"),
            _ => Err("must be a JSON number"),
        }
    }
}

impl Number {
    pub(super) fn text(&self) -> &str {
        self.0.get()
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dimensions {
    length: Number,
    width: Number,
    height: Number,
}

/// A list or an object as the database keeps it.
pub(super) fn text_of(value: Option<&impl Serialize>) -> Result<Option<String>, Stop> {
    Ok(value.map(serde_json::to_string).transpose()?)
}
