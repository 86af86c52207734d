//! The control interface under `/_sandbox`: what a newcomer, a test or a benchmark turns and reads.
//!
//! Its results are not wrapped in the platform's envelope; its refusals are in the platform's error model.

mod catalog;
mod erp;
mod shelf;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post, put};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::clock::{self, ClockChange};
use crate::faults::{self, Dial};
use crate::handlers::{self, CustomerChange, Outcome};
use crate::http::{Shared, answer_or_stop};
use crate::money::{Amount, Currency, Major};
use crate::seed::{self, Seed, Shelf};
use crate::shop::Shop;
use crate::switches::SwitchesChange;
use crate::{audit, effects, mailbox, paging, storefront};

const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/audit", get(audit))
        .route("/effects", get(effects))
        .route("/requests", get(requests))
        .route("/outbox", get(outbox))
        .route("/mailbox", get(mailbox::list))
        .route("/mailbox/{message_id}", get(mailbox::show))
        .route("/shop", get(storefront::show))
        .route("/stock", get(stock))
        .route("/products", put(put_products))
        .route("/products/generate", post(catalog::generate))
        .route("/shelf", get(shelf::show))
        .route("/prices", get(catalog::prices))
        .route("/prices/summary", get(catalog::prices_in_figures))
        .route("/payments/{order_id}/settle", post(settle))
        .route("/payments/{order_id}/again", post(pay_again))
        .route("/pay/{payment_id}", get(pay_page).post(pay))
        .route("/shipments/{order_id}", put(hand_over))
        .route("/customers", get(customers))
        .route("/customers/{customer_id}", put(change_customer))
        .route("/catalog", get(erp::catalog))
        .route("/erp", get(erp::show_settings).put(erp::set_settings))
        .route("/erp/records", get(erp::list_records).put(erp::put_records).delete(erp::delete_records))
        .route("/erp/generate", post(erp::generate))
        .route("/clock", get(show_clock).put(set_clock))
        .route("/switches", get(show_switches).put(set_switches))
        .route("/faults", get(show_faults).put(set_faults).delete(clear_faults))
        .route("/reset", post(reset))
        // Tests fill the ERP in one request.
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Runs `work` in a transaction and answers its result as plain JSON.
async fn answer<T: Serialize + Send + 'static>(
    service: &Shared,
    work: impl FnOnce(&Shop<'_>) -> Result<T, Stop> + Send + 'static,
) -> Response {
    let outcome = service.transact(work).await;
    answer_or_stop(outcome.and_then(|value| Ok(Answer::raw(200, serde_json::to_string(&value)?))))
}

type QueryPairs = Result<Query<BTreeMap<String, String>>, QueryRejection>;

fn pairs(query: QueryPairs) -> Result<BTreeMap<String, String>, Refusal> {
    let Query(query) = query.map_err(|rejection| Refusal::invalid("query", rejection.body_text()))?;
    Ok(query)
}

/// The optional `order_id` of a query; anything else in it is refused.
fn order_filter(query: QueryPairs) -> Result<Option<String>, Stop> {
    let mut query = pairs(query)?;
    let order_id = query.remove("order_id");
    match query.into_keys().next() {
        None => Ok(order_id),
        Some(unknown) => Err(Refusal::invalid(&unknown, "unknown parameter, expected order_id").into()),
    }
}

async fn audit(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| {
        let query = pairs(query)?;
        paging::only(&query, &["rolled_back", "ended"])?;
        let prefix = |name| query.get(name).map(String::as_str);
        Ok(audit::audit(shop, &audit::Over { rolled_back: prefix("rolled_back"), ended: prefix("ended") })?)
    })
    .await
}

async fn effects(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| Ok(effects::log(shop, order_filter(query)?.as_deref())?)).await
}

async fn outbox(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| Ok(handlers::outbox(shop, order_filter(query)?.as_deref())?)).await
}

async fn requests(State(service): State<Shared>) -> Response {
    answer(&service, |shop| {
        let counts = shop.list("SELECT operation, count FROM requests", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        Ok(counts.into_iter().collect::<BTreeMap<_, _>>())
    })
    .await
}

#[derive(Serialize)]
struct StockLine {
    sku: String,
    variant_id: String,
    name: String,
    price: Major,
    currency: String,
    on_hand: i64,
    held: i64,
    available: i64,
}

async fn stock(State(service): State<Shared>) -> Response {
    answer(&service, |shop| Ok(stock_lines(shop)?)).await
}

fn stock_lines(shop: &Shop<'_>) -> rusqlite::Result<Vec<StockLine>> {
    let sql = "SELECT sku, variant_id, name, price, currency, on_hand, held
               FROM variants JOIN products USING (sku) ORDER BY sku, variant_id";
    shop.list(sql, [], |row| {
        let currency: String = row.get(4)?;
        let (on_hand, held): (i64, i64) = (row.get(5)?, row.get(6)?);
        Ok(StockLine {
            sku: row.get(0)?,
            variant_id: row.get(1)?,
            name: row.get(2)?,
            price: Major::new(row.get(3)?, &currency),
            currency,
            on_hand,
            held,
            available: on_hand - held,
        })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    sku: Text,
    variant_id: Text,
    price: Amount,
    stock: u32,
    name: Option<Text>,
    currency: Option<Currency>,
}

async fn put_products(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let products: Vec<Product> = body::parse(&request)?;
        for (index, product) in products.iter().enumerate() {
            put_product(shop, index, product)?;
        }
        Ok(stock_lines(shop)?)
    })
    .await
}

fn put_product(shop: &Shop<'_>, index: usize, product: &Product) -> Result<(), Stop> {
    let currency = product.currency.as_ref().map_or("VND", Currency::code);
    let stock = i64::from(product.stock);
    let held = shop.number("SELECT held FROM variants WHERE variant_id = ?1", [&*product.variant_id])?;
    if stock < held {
        let message = format!("is below the {held} held of {}", &*product.variant_id);
        return Err(Refusal::invalid(&format!("[{index}].stock"), message).into());
    }
    let field = format!("[{index}].price");
    let exact = product.price.unit_price(&field)?;
    let is_finer = exact.is_finer_than(currency);
    let rounded = exact.times(1, currency).filter(|_| is_finer);
    let shelf = Shelf {
        sku: &product.sku,
        variant_id: &product.variant_id,
        name: product.name.as_deref().unwrap_or(&product.sku),
        price: rounded.map_or_else(|| product.price.minor(currency, &field), Ok)?,
        currency,
        stock,
    };
    seed::put(shop, &shelf)?;
    shop.run(
        "UPDATE variants SET exact_price = ?2 WHERE variant_id = ?1",
        params![shelf.variant_id, is_finer.then(|| exact.to_string())],
    )?;
    Ok(())
}

async fn settle(State(service): State<Shared>, Path(order_id): Path<String>, request: Bytes) -> Response {
    answer(&service, move |shop| handlers::settle_order(shop, &order_id, &body::parse(&request)?)).await
}

async fn pay_again(State(service): State<Shared>, Path(order_id): Path<String>) -> Response {
    answer(&service, move |shop| handlers::pay_again(shop, &order_id)).await
}

/// The page behind an action's link. It says nothing of the order, so it needs no token.
async fn pay_page(State(service): State<Shared>, Path(payment_id): Path<String>) -> Response {
    match service.transact(move |shop| handlers::payment_is_open(shop, &payment_id)).await {
        Ok(true) => page(
            r#"<form method="post"><button formaction="?outcome=paid">Pay</button>
<button formaction="?outcome=failed">Give up</button></form>"#,
        ),
        Ok(false) => page("<p>This payment is settled.</p>"),
        Err(stop) => answer_or_stop(Err(stop)),
    }
}

async fn pay(State(service): State<Shared>, Path(payment_id): Path<String>, query: QueryPairs) -> Response {
    let settled = service
        .transact(move |shop| {
            let Query(query) = query.map_err(|rejection| Refusal::invalid("query", rejection.body_text()))?;
            let outcome = match query.get("outcome").map(String::as_str) {
                Some("paid") => Outcome::Paid,
                Some("failed") => Outcome::Failed,
                _ => return Err(Refusal::invalid("outcome", "must be paid or failed").into()),
            };
            handlers::settle_payment(shop, &payment_id, outcome).map(|_| outcome)
        })
        .await;
    match settled {
        Ok(Outcome::Paid) => page("<p>Paid. You may close this page.</p>"),
        Ok(Outcome::Failed) => page("<p>Not paid. You may close this page.</p>"),
        Err(stop) => answer_or_stop(Err(stop)),
    }
}

fn page(content: &str) -> Response {
    let start = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox payment</title>"#;
    Html(format!("{start}<h1>Sandbox payment</h1>\n{content}\n</html>")).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    #[serde(rename = "status")]
    _status: HandedOver,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum HandedOver {
    InTransit,
}

async fn hand_over(State(service): State<Shared>, Path(order_id): Path<String>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let _: HandOver = body::parse(&request)?;
        handlers::hand_over(shop, &order_id)?;
        Ok(json!({ "order_id": order_id, "status": "in_transit" }))
    })
    .await
}

async fn customers(State(service): State<Shared>) -> Response {
    answer(&service, handlers::customers).await
}

async fn change_customer(
    State(service): State<Shared>,
    Path(customer_id): Path<String>,
    request: Bytes,
) -> Response {
    answer(&service, move |shop| {
        let change: CustomerChange = body::parse(&request)?;
        handlers::change_customer(shop, &customer_id, &change)
    })
    .await
}

async fn show_clock(State(service): State<Shared>) -> Response {
    answer(&service, |shop| Ok(json!({ "now": clock::text(shop.now) }))).await
}

async fn set_clock(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let change: ClockChange = body::parse(&request)?;
        Ok(json!({ "now": clock::text(clock::change(shop, &change)?) }))
    })
    .await
}

async fn show_switches(State(service): State<Shared>) -> Response {
    answer(&service, |shop| Ok(shop.switches)).await
}

async fn set_switches(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| {
        let change: SwitchesChange = body::parse(&request)?;
        shop.switches.change(shop, &change)
    })
    .await
}

async fn show_faults(State(service): State<Shared>) -> Response {
    answer(&service, faults::show).await
}

async fn set_faults(State(service): State<Shared>, request: Bytes) -> Response {
    replace_faults(&service, move || body::parse(&request)).await
}

async fn clear_faults(State(service): State<Shared>) -> Response {
    replace_faults(&service, || Ok(Vec::new())).await
}

/// The old list is gone either way, so the replies it withheld go out.
async fn replace_faults(
    service: &Shared,
    dials: impl FnOnce() -> Result<Vec<Dial>, Stop> + Send + 'static,
) -> Response {
    let response = answer(service, move |shop| {
        faults::replace(shop, &dials()?)?;
        faults::show(shop)
    })
    .await;
    if response.status().is_success() {
        service.let_go();
    }
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Seed,
}

async fn reset(State(service): State<Shared>, request: Bytes) -> Response {
    let response = answer(&service, move |shop| {
        let Reset { seed } = body::parse(&request)?;
        seed::clear(shop)?;
        seed::plant(shop, seed)?;
        Ok(json!({ "reset": true }))
    })
    .await;
    if response.status().is_success() {
        service.let_go();
    }
    response
}
