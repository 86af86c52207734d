//! The reference printed by `--help`; `docs/sandbox.md` is the long form.

/// Every endpoint, card token, switch and fault kind, in lines that fit a terminal.
pub(crate) const REFERENCE: &str = "\
SHOP ENDPOINTS (under /api/v1)
  Bodies are strict JSON: an unknown, missing or wrong field is 400 VALIDATION_ERROR naming it.
  Success: {\"success\":true,\"data\":…}; refusal: {\"success\":false,\"error\":{code,message,details?}}.
  An Idempotency-Key header makes an effect happen once: the same key and body get the same
  answer again (Idempotent-Replayed: true), another body gets 422 IDEMPOTENCY_KEY_REUSED.

  GET  /health                                        never needs the token; also at the root
  POST /orders/{order_id}/validate                    orders.validate; registers the order
  GET  /orders/{order_id}                             orders.get
  PUT  /orders/{order_id}                             orders.update
  POST /inventory/reserve                             inventory.reserve; items[] or one variant
  POST /inventory/confirm                             inventory.confirm; items[] or one variant
  POST /inventory/release                             inventory.release; undoes a reserve
  POST /inventory/restock                             inventory.restock; undoes a confirm
  GET  /inventory/reservations?reference_id=          inventory.get
  POST /payments                                      payments.create
  GET  /payments?order_id= | ?idempotency_key=        payments.get
  GET  /payments/{payment_id}                         payments.get
  POST /payments/void                                 payments.void; by creation key
  POST /payments/{payment_id}/refund                  payments.refund
  POST /shipments                                     shipments.create
  GET  /shipments?order_id= | ?idempotency_key=       shipments.get
  GET  /shipments/{shipment_id}                       shipments.get
  POST /shipments/cancel                              shipments.cancel; by creation key
  POST /shipments/{shipment_id}/cancel                shipments.cancel
  POST /notifications                                 notifications.team; to the shop's own people
  POST /notifications/email                           notifications.email
  POST /notifications/sms                             notifications.sms
  POST /notifications/push                            notifications.push
  POST /events                                        events.track
  SMTP, with --smtp-listen                            smtp.data; no TLS, no login; a mail counts once per
                                                      Message-ID and recipient
  POST /customers                                     customers.create
  GET  /customers?email= | ?idempotency_key=          customers.get
  GET  /customers/{customer_id}                       customers.get
  PUT  /customers/{customer_id}                       customers.update; the status
  PUT  /customers/{customer_id}/preferences           customers.preferences
  POST /customers/{customer_id}/personalized-content  customers.content
  POST /customers/{customer_id}/segments              customers.segments
  GET  /customers/{customer_id}/mail-permission       customers.permission
  PUT  /customers/{customer_id}/mail-permission       customers.unsubscribe
  POST /loyalty/accounts                              loyalty.create
  GET  /loyalty/accounts?customer_id= | ?idempotency_key=   loyalty.get
  POST /loyalty/points/reverse                        loyalty.reverse; by creation key
  POST /coupons                                       coupons.create
  GET  /coupons?code= | ?idempotency_key=             coupons.get
  POST /coupons/revoke                                coupons.revoke; by creation key
  GET  /products/recommendations?customer_id=&type=&limit=   products.recommend

FOR A SYNC WITH ANOTHER SYSTEM (under /api/v1, too)
  POST /products/lookup                               products.lookup
  POST /products                                      products.create
  PUT  /products/{product_id}                         products.update; the id is the SKU
  GET  /products/skus?after=&limit=                   products.skus; of active products
  POST /inventory/lookup                              inventory.lookup
  PUT  /inventory/levels                              inventory.level
  GET  /inventory/statistics                          inventory.statistics
  POST /customers/lookup                              customers.lookup
  PUT  /customers/external/{external_id}              customers.upsert
  POST /orders/lookup                                 orders.lookup
  PUT  /orders/external/{external_id}                 orders.upsert; a record, no order of the shop
  GET  /integrations/{id}/config                      integrations.get
  PUT  /integrations/{id}/config                      integrations.update
  POST /integrations/sync-reports                     integrations.report
  GET  /integrations/sync-reports?integration_id=     integrations.reports

THE CATALOGUE (under /api/v1, too)
  POST /categories                                    categories.create
  GET  /categories?page=&pageSize=                    categories.list
  GET  /categories/tree                               categories.tree
  GET  /categories/{category_id}, PUT, DELETE         categories.get, categories.update,
                                                      categories.delete; only empty ones
  POST /products with productType                     products.create; the platform's form
  GET  /products?search=&page=&pageSize=              products.list; the newest first
  GET  /products/{product_id}, /products/sku/{sku}    products.get
  GET  /products/handle/{handle}                      products.handle
  DELETE /products/{product_id}?force=                products.delete; archives unless forced
  POST /products/{product_id}/seo-content             products.seo; writes nothing
  POST /inventory                                     inventory.create; once per variant and location
  GET  /inventory/product/{product_id}                inventory.product
  POST /pricing-rules                                 rules.create; conditions are JSON text
  GET  /pricing-rules?active=&ruleType=               rules.list
  GET  /pricing-rules/name/{name}                     rules.name
  GET  /pricing-rules/{rule_id}, PUT, DELETE          rules.get, rules.update, rules.delete
  PATCH /pricing-rules/{rule_id}/status               rules.status
  POST /media/upload                                  media.upload; a form with the bytes
  GET  /media?type=&tags[]=                           media.list
  GET  /media/{media_id}, PUT, DELETE                 media.get, media.update, media.delete
  GET  /media/{media_id} at the root                  the bytes, without a token
  PUT  /products/sku/{sku}/price                      prices.set; expected_price compares
  PUT  /products/prices                               prices.batch; updates[], up to 1000
  POST /products/prices/lookup                        prices.lookup; skus[], up to 1000
  GET  /products/prices?category=&after=&limit=       prices.list; by SKU

THE ERP (under /erp; never needs the shop's token, but one of its own)
  POST /auth                                          erp.auth; api_user, api_password
  GET  /products, /inventory, /customers, /orders     erp.products, erp.inventory, erp.customers,
         ?updated_since=&cursor=&limit=               erp.orders; by (updated_at, id)
  GET  /{entity}/keys?cursor=&limit=                  erp.keys; natural keys by id

CARD TOKENS (payment_method.card_token; any other is approved)
  card_declined             402 card_declined, no use in trying again
  card_insufficient_funds   402 insufficient_funds, the customer may retry
  card_expired              402 expired_card, the customer may retry
  card_requires_action      requires_action with a 3-D Secure page of the sandbox
  card_action_later         requires_action; the answer names no action, a read does
  card_processing_error     503 at the first attempt of a key, then approved
  card_charged_reply_lost   charged, but the first answer for the order is lost

CONTROL ENDPOINTS (never need the token)
  GET  /_sandbox/audit[?ended=&rolled_back=]          totals, and every broken promise in words
  GET  /_sandbox/effects[?order_id=]                  each effect with its key and attempts
  GET  /_sandbox/requests                             requests seen per operation
  GET  /_sandbox/outbox[?order_id=]                   mails, SMS and pushes
  GET  /_sandbox/mailbox                              the mails as their readers see them (a page)
  GET  /_sandbox/mailbox/{message_id}                 one of them
  GET  /_sandbox/shop                                 the shelf as a customer sees it (a page)
  GET  /_sandbox/shelf                                the catalogue by natural keys
  GET  /_sandbox/stock                                what is on the shelves
  PUT  /_sandbox/products                             [{sku,variant_id,price,stock,name?,currency?}]
  POST /_sandbox/products/generate                    {products,prefix?,category?,currency?,stock?}
  GET  /_sandbox/prices?sku=&key_prefix=              the ledger of prices, by line
         &after=&limit=
  GET  /_sandbox/prices/summary?key_prefix=           the same in figures
  POST /_sandbox/payments/{order_id}/settle           {\"outcome\":\"paid\"|\"failed\",\"force\"?,\"amount\"?,\"currency\"?}
  POST /_sandbox/payments/{order_id}/again            captures the order's money a second time
  GET  /_sandbox/pay/{payment_id}                     the page behind an action's url
  PUT  /_sandbox/shipments/{order_id}                 {\"status\":\"in_transit\"} ends the void window
  GET  /_sandbox/customers                            customers, with all that belongs to them
  PUT  /_sandbox/customers/{customer_id}              {marketing_consent?,unsubscribed?,suppressed?,
                                                       time_zone?,quiet_hours?,orders_placed?,
                                                       email?}
  GET  /_sandbox/catalog?after=&limit=                products with their levels, by SKU
  GET  /_sandbox/erp, PUT                             {username?,password?,token_seconds?,
                                                       token_requests?,rate_per_second?,page_max?}
  GET  /_sandbox/erp/records[?entity=]                the ERP's records
  PUT  /_sandbox/erp/records                          [{entity,id,fields,updated_at?}]
  DELETE /_sandbox/erp/records                        [{entity,id}]
  POST /_sandbox/erp/generate                         {products,inventory?,seed?,
                                                       invalid_every?}
  GET  /_sandbox/clock, PUT                           {\"now\":time|null} | {\"advance_seconds\":n}
  GET  /_sandbox/switches, PUT                        see below
  GET  /_sandbox/faults, PUT, DELETE                  see below
  POST /_sandbox/reset                                {\"seed\":\"shop\"|\"empty\"} clears everything

SWITCHES (PUT only those to change)
  dedupe                  \"on\"; \"off\" ignores keys: every request has its effect
  replay_errors           false; true stores 5xx answers and replays them under the key
  tombstones              true; false forgets undone keys, so that late effects land
  validate_counts_stock   false; true makes inventory_availability compare quantities
  batch_reserve           true; false refuses the items[] form of reserve and confirm
  coupon_codes_taken      false; true says of every new coupon code that it is taken

FAULTS (PUT a list, which replaces the old one; GET shows it with its hits)
  {operation, kind, status?, count?, probability?, latency_ms?, per_second?, seed?, order_id?, about?}
  operation: a name from above, or *. count: how often it fires (absent: always). probability:
  0 to 1, from a random sequence started by seed. order_id: only requests of that order.
  about: only requests about the row of that id, SKU, name, slug or file name.
  before the effect:  status      answers status (503) instead
                      rate_limit  answers 429 with Retry-After: 1 instead; with per_second: only
                                  requests above so many in a second
                      latency     waits latency_ms, then goes on
  after the effect:   reply_lost  drops the connection without an answer
                      malformed   answers 200 with something that is not JSON
                      hold_reply  withholds the answer for latency_ms, or until DELETE";
