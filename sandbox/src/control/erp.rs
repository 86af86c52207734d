//! The ERP's side of the control interface, and the catalog that a sync with it leaves in the shop.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::{QueryPairs, answer, pairs};
use crate::answer::{Refusal, Stop};
use crate::erp::{self, Entity, Generate, Given, Named, Settings, SettingsChange};
use crate::http::Shared;
use crate::{body, handlers, paging};

pub(super) async fn catalog(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| handlers::catalog(shop, &pairs(query)?)).await
}

pub(super) async fn show_settings(State(service): State<Shared>) -> Response {
    answer(&service, Settings::load).await
}

pub(super) async fn set_settings(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let change: SettingsChange = body::parse(&request)?;
        Settings::load(shop)?.change(shop, change)
    })
    .await
}

pub(super) async fn list_records(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| {
        let query = pairs(query)?;
        paging::only(&query, &["entity"])?;
        let entity = query.get("entity").map(|name| {
            let unknown = || Refusal::invalid("entity", "must be products, inventory, customers or orders");
            Entity::from_name(name).ok_or_else(unknown)
        });
        erp::list(shop, entity.transpose().map_err(Stop::from)?)
    })
    .await
}

pub(super) async fn put_records(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let records: Vec<Given> = body::parse(&request)?;
        Ok(json!({ "records": erp::put(shop, &records)? }))
    })
    .await
}

pub(super) async fn delete_records(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let records: Vec<Named> = body::parse(&request)?;
        Ok(json!({ "deleted": erp::delete(shop, &records)? }))
    })
    .await
}

pub(super) async fn generate(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let wanted: Generate = body::parse(&request)?;
        erp::generate(shop, &wanted)
    })
    .await
}
