//! The HTTP side: routes, the bearer token, and answers as responses.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, RawPathParams, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get, patch, post, put};
use axum::{RequestExt, Router};

use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::control;
use crate::erp;
use crate::handlers;
use crate::operation::{Catalog, Operation};
use crate::service::Service;

/// Far above any request of a shop; beyond it the body is refused unread.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A picture of the largest size that is taken, and the form around it.
const FORM_BYTES_MAX: usize = 11 * 1024 * 1024;
const KEY_CHARS_MAX: usize = 255;

pub(crate) type Shared = Arc<Service>;

/// Marks a response that must never be sent: the connection is dropped instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

/// Everything the sandbox answers to.
pub(crate) fn router(service: Shared) -> Router {
    Router::new()
        .nest("/api/v1", shop().merge(sync()).merge(catalog()).merge(health()))
        .nest("/erp", erp_endpoints())
        .merge(health())
        .route("/media/{media_id}", get(media))
        .nest("/_sandbox", control::routes())
        .fallback(|| async { respond(&Refusal::not_found("there is nothing at this path").answer()) })
        .method_not_allowed_fallback(|| async {
            let refusal = Refusal::new(405, "METHOD_NOT_ALLOWED", "this path has other methods");
            respond(&refusal.answer())
        })
        .with_state(service)
}

fn health() -> Router<Shared> {
    let healthy = || async { answer_or_stop(Answer::success(200, &serde_json::json!({ "status": "ok" }))) };
    Router::new().route("/health", get(healthy))
}

fn shop() -> Router<Shared> {
    use Operation as O;
    Router::new()
        .route("/orders/{order_id}", get(serve(O::OrdersGet)).put(serve(O::OrdersUpdate)))
        .route("/orders/{order_id}/validate", on_post(O::OrdersValidate))
        .route("/inventory/reserve", on_post(O::InventoryReserve))
        .route("/inventory/confirm", on_post(O::InventoryConfirm))
        .route("/inventory/release", on_post(O::InventoryRelease))
        .route("/inventory/restock", on_post(O::InventoryRestock))
        .route("/inventory/reservations", get(serve(O::InventoryGet)))
        .route("/payments", get(serve(O::PaymentsGet)).post(serve(O::PaymentsCreate)))
        .route("/payments/void", on_post(O::PaymentsVoid))
        .route("/payments/{payment_id}", get(serve(O::PaymentsGet)))
        .route("/payments/{payment_id}/refund", on_post(O::PaymentsRefund))
        .route("/shipments", get(serve(O::ShipmentsGet)).post(serve(O::ShipmentsCreate)))
        .route("/shipments/cancel", on_post(O::ShipmentsCancel))
        .route("/shipments/{shipment_id}", get(serve(O::ShipmentsGet)))
        .route("/shipments/{shipment_id}/cancel", on_post(O::ShipmentsCancel))
        .route("/notifications", on_post(O::NotificationsTeam))
        .route("/notifications/email", on_post(O::NotificationsEmail))
        .route("/notifications/sms", on_post(O::NotificationsSms))
        .route("/notifications/push", on_post(O::NotificationsPush))
        .route("/events", on_post(O::EventsTrack))
        .route("/customers", get(serve(O::CustomersGet)).post(serve(O::CustomersCreate)))
        .route("/customers/{customer_id}", get(serve(O::CustomersGet)).put(serve(O::CustomersUpdate)))
        .route("/customers/{customer_id}/preferences", put(serve(O::CustomersPreferences)))
        .route("/customers/{customer_id}/personalized-content", on_post(O::CustomersContent))
        .route("/customers/{customer_id}/segments", on_post(O::CustomersSegments))
        .route(
            "/customers/{customer_id}/mail-permission",
            get(serve(O::CustomersPermission)).put(serve(O::CustomersUnsubscribe)),
        )
        .route("/loyalty/accounts", get(serve(O::LoyaltyGet)).post(serve(O::LoyaltyCreate)))
        .route("/loyalty/points/reverse", on_post(O::LoyaltyReverse))
        .route("/coupons", get(serve(O::CouponsGet)).post(serve(O::CouponsCreate)))
        .route("/coupons/revoke", on_post(O::CouponsRevoke))
        .route("/products/recommendations", get(serve(O::ProductsRecommend)))
}

/// Routes for a sync with another system.
fn sync() -> Router<Shared> {
    use Operation as O;
    Router::new()
        .route("/products/lookup", on_post(O::ProductsLookup))
        .route("/products/skus", get(serve(O::ProductsSkus)))
        .route("/inventory/lookup", on_post(O::InventoryLookup))
        .route("/inventory/levels", put(serve(O::InventoryLevel)))
        .route("/inventory/statistics", get(serve(O::InventoryStatistics)))
        .route("/customers/lookup", on_post(O::CustomersLookup))
        .route("/customers/external/{external_id}", put(serve(O::CustomersUpsert)))
        .route("/orders/lookup", on_post(O::OrdersLookup))
        .route("/orders/external/{external_id}", put(serve(O::OrdersUpsert)))
        .route("/integrations/{id}/config", get(serve(O::IntegrationsGet)).put(serve(O::IntegrationsUpdate)))
        .route(
            "/integrations/sync-reports",
            get(serve(O::IntegrationsReports)).post(serve(O::IntegrationsReport)),
        )
}

/// Routes of the catalogue.
fn catalog() -> Router<Shared> {
    use Catalog as C;
    use Operation as O;
    let on = |operation| serve(O::Catalog(operation));
    Router::new()
        .route("/products", get(on(C::ProductsList)).post(serve(O::ProductsCreate)))
        .route(
            "/products/{product_id}",
            get(on(C::ProductsGet)).put(serve(O::ProductsUpdate)).delete(on(C::ProductsDelete)),
        )
        .route("/products/handle/{handle}", get(on(C::ProductsHandle)))
        .route("/products/sku/{sku}", get(on(C::ProductsGet)))
        .route("/categories", get(on(C::CategoriesList)).post(on(C::CategoriesCreate)))
        .route("/categories/tree", get(on(C::CategoriesTree)))
        .route(
            "/categories/{category_id}",
            get(on(C::CategoriesGet)).put(on(C::CategoriesUpdate)).delete(on(C::CategoriesDelete)),
        )
        .route("/products/{product_id}/seo-content", post(on(C::ProductsSeo)))
        .route("/pricing-rules", get(on(C::RulesList)).post(on(C::RulesCreate)))
        .route("/pricing-rules/name/{name}", get(on(C::RulesName)))
        .route(
            "/pricing-rules/{rule_id}",
            get(on(C::RulesGet)).put(on(C::RulesUpdate)).delete(on(C::RulesDelete)),
        )
        .route("/pricing-rules/{rule_id}/status", patch(on(C::RulesStatus)))
        .route("/media", get(on(C::MediaList)))
        .route("/media/upload", post(on(C::MediaUpload)))
        .route("/media/{media_id}", get(on(C::MediaGet)).put(on(C::MediaUpdate)).delete(on(C::MediaDelete)))
        .route("/inventory", post(on(C::InventoryCreate)))
        .route("/inventory/product/{product_id}", get(on(C::InventoryProduct)))
        .route("/products/sku/{sku}/price", put(on(C::PricesSet)))
        .route("/products/prices", get(on(C::PricesList)).put(on(C::PricesBatch)))
        .route("/products/prices/lookup", post(on(C::PricesLookup)))
}

/// The bytes of a picture, which need no token: browsers show them.
async fn media(State(service): State<Shared>, Path(media_id): Path<String>) -> Response {
    let found = service.transact(move |shop| Ok(handlers::media_bytes(shop, &media_id)?)).await;
    match found {
        Ok(Some((mime_type, bytes))) => {
            let mut response = Response::new(Body::from(bytes));
            let kind = HeaderValue::from_str(&mime_type);
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Ok(None) => respond(&Refusal::not_found("there is no such picture").answer()),
        Err(stop) => respond(&stop.answer()),
    }
}

/// The ERP: another system, which knows nothing of the shop's token.
fn erp_endpoints() -> Router<Shared> {
    use Operation as O;
    Router::new()
        .route("/auth", post(serve_erp(O::ErpAuth)))
        .route("/products", get(serve_erp(O::ErpProducts)))
        .route("/inventory", get(serve_erp(O::ErpInventory)))
        .route("/customers", get(serve_erp(O::ErpCustomers)))
        .route("/orders", get(serve_erp(O::ErpOrders)))
        .route("/{entity}/keys", get(serve_erp(O::ErpKeys)))
}

fn on_post(operation: Operation) -> MethodRouter<Shared> {
    post(serve(operation))
}

type Answering = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// The axum handler of an operation.
fn serve(
    operation: Operation,
) -> impl Fn(State<Shared>, Request) -> Answering + Clone + Send + Sync + 'static {
    move |State(service), request| {
        Box::pin(async move {
            let answer = match admit(&service, request.headers()) {
                Err(refusal) => refusal.answer(),
                Ok(()) => match read(operation, request).await {
                    Err(refusal) => refusal.answer(),
                    Ok(call) => service.answer(call).await,
                },
            };
            respond(&answer)
        })
    }
}

fn admit(service: &Service, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(token) = &service.token else { return Ok(()) };
    match headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) {
        None => Err(Refusal::new(401, "AUTH_FAILED", "a bearer token is needed")),
        Some(given) if given.strip_prefix(b"Bearer ") == Some(token.as_bytes()) => Ok(()),
        Some(_) => Err(Refusal::new(401, "AUTH_INVALID_TOKEN", "the bearer token is not the right one")),
    }
}

/// The axum handler of an operation of the ERP, which looks after its own tokens.
fn serve_erp(
    operation: Operation,
) -> impl Fn(State<Shared>, Request) -> Answering + Clone + Send + Sync + 'static {
    move |State(service), request| {
        Box::pin(async move {
            let answer = match read(operation, request).await {
                Err(refusal) => erp::refuse(refusal),
                Ok(call) => service.answer(call).await,
            };
            respond(&answer)
        })
    }
}

async fn read(operation: Operation, mut request: Request) -> Result<Call, Refusal> {
    let unreadable = |what: &str| Refusal::new(400, "INVALID_REQUEST", format!("{what} cannot be read"));
    let path = request.extract_parts::<RawPathParams>().await.map_err(|_| unreadable("the path"))?;
    let id = path.iter().next().map(|(_, id)| id.to_owned());
    let pairs = request.extract_parts::<Query<Vec<(String, String)>>>().await;
    let Query(pairs) = pairs.map_err(|_| unreadable("the query"))?;
    let (query, lists) = sorted(pairs)?;
    let key = idempotency_key(request.headers())?;
    let bearer = bearer(request.headers());
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let is_upload = operation == Operation::Catalog(Catalog::MediaUpload);
    let body = to_bytes(request.into_body(), if is_upload { FORM_BYTES_MAX } else { BODY_BYTES_MAX })
        .await
        .map_err(|_| Refusal::new(413, "INVALID_REQUEST", "the body was cut short or is too large"))?;
    Ok(Call { operation, id, query, lists, content_type, key, bearer, body })
}

type Lists = BTreeMap<String, Vec<String>>;

/// Parameters with one value, and those that are lists. One that is given twice is not understood.
fn sorted(pairs: Vec<(String, String)>) -> Result<(BTreeMap<String, String>, Lists), Refusal> {
    let (mut query, mut lists) = (BTreeMap::new(), Lists::new());
    for (name, value) in pairs {
        if name.ends_with("[]") {
            lists.entry(name).or_default().push(value);
        } else if query.insert(name.clone(), value).is_some() {
            return Err(Refusal::invalid(&name, "is given twice"));
        }
    }
    Ok((query, lists))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?;
    given.strip_prefix("Bearer ").map(str::to_owned)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_CHARS_MAX => Ok(Some(key.to_owned())),
        _ => {
            let message = format!("must be 1 to {KEY_CHARS_MAX} visible ASCII characters");
            Err(Refusal::invalid("Idempotency-Key", message))
        }
    }
}

/// The answer as a response.
pub(crate) fn respond(answer: &Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if answer.replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    if let Some(seconds) = answer.retry_after_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if answer.hang_up {
        response.extensions_mut().insert(HangUp);
    }
    response
}

/// The answer, or that of the reason why there is none.
pub(crate) fn answer_or_stop(outcome: Result<Answer, Stop>) -> Response {
    respond(&outcome.unwrap_or_else(|stop| stop.answer()))
}
