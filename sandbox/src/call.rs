//! One request to the shop, read from HTTP but not yet understood.

use std::collections::BTreeMap;
use std::hash::Hasher;

use axum::body::Bytes;
use serde_json::Value;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::answer::{Refusal, Stop};
use crate::multipart;
use crate::operation::Operation;
use crate::shop::Shop;

/// A request to one operation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// The id in the path, where the endpoint has one.
    pub(crate) id: Option<String>,
    pub(crate) query: BTreeMap<String, String>,
    /// The query parameters that are lists: those whose names end with `[]`.
    pub(crate) lists: BTreeMap<String, Vec<String>>,
    /// The `Content-Type` header, which matters for forms only: everything else is JSON.
    pub(crate) content_type: Option<String>,
    /// The `Idempotency-Key` header.
    pub(crate) key: Option<String>,
    /// The token of the `Authorization` header, which is for the handler to judge.
    pub(crate) bearer: Option<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// The id in the path.
    pub(crate) fn path_id(&self) -> Result<&str, Stop> {
        self.id.as_deref().ok_or_else(|| Refusal::not_found("no id in the path").into())
    }

    /// The only query parameter of a lookup: exactly one of `names`, and nothing else.
    pub(crate) fn lookup<'n>(&self, names: &[&'n str]) -> Result<(&'n str, &str), Stop> {
        let mut given = self.query.iter();
        let found = given.next().and_then(|(name, value)| {
            let known = names.iter().find(|known| *known == name)?;
            Some((*known, value.as_str()))
        });
        match (found, given.next()) {
            (Some(lookup), None) => Ok(lookup),
            _ => Err(Refusal::invalid("query", format!("give exactly one of {}", names.join(", "))).into()),
        }
    }

    /// A hash of everything that makes the request what it is.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = SipHasher13::new();
        hasher.write(self.id.as_deref().unwrap_or_default().as_bytes());
        hasher.write_u8(0);
        match multipart::parts(self.content_type.as_deref(), &self.body) {
            Ok(parts) => multipart::hash(&parts, &mut hasher),
            Err(_) => hasher.write(&self.body),
        }
        format!("{:032x}", hasher.finish128().as_u128())
    }

    /// The order the request is about, where that can be told without understanding the request.
    pub(crate) fn order_id(&self, shop: &Shop<'_>) -> rusqlite::Result<Option<String>> {
        use Operation::{OrdersGet, OrdersUpdate, OrdersValidate};
        let named = match self.operation {
            OrdersValidate | OrdersUpdate | OrdersGet => self.id.clone(),
            _ => self.order_id_in_body().or_else(|| {
                let query = self.query.get("order_id").or_else(|| self.query.get("reference_id"));
                query.cloned()
            }),
        };
        if named.is_some() {
            return Ok(named);
        }
        let id = self.id.as_deref().or_else(|| self.query.get("idempotency_key").map(String::as_str));
        shop.find(
            "SELECT order_id FROM payments WHERE payment_id = ?1 OR idempotency_key = ?1
             UNION ALL
             SELECT order_id FROM shipments WHERE shipment_id = ?1 OR idempotency_key = ?1",
            [id],
            |row| row.get(0),
        )
    }

    /// Whether the request is about the row of that id, SKU, name, slug or file name.
    pub(crate) fn is_about(&self, wanted: &str) -> bool {
        let named = |value: &Value| {
            ["sku", "product_sku", "product_id", "name", "slug"]
                .iter()
                .any(|field| value.get(field).and_then(Value::as_str) == Some(wanted))
        };
        let in_form = || {
            let parts = multipart::parts(self.content_type.as_deref(), &self.body).unwrap_or_default();
            parts.iter().any(|part| part.name == "filename" && part.bytes == wanted.as_bytes())
        };
        self.id.as_deref() == Some(wanted)
            || serde_json::from_slice(&self.body).is_ok_and(|body| named(&body))
            || in_form()
    }

    fn order_id_in_body(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        ["/order_id", "/orderId", "/data/order_id", "/reference_id"]
            .iter()
            .find_map(|pointer| body.pointer(pointer)?.as_str().map(str::to_owned))
    }
}
