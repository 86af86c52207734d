-- Money is in minor units of its currency; times are milliseconds since 1970 of the sandbox clock.

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    total INTEGER NOT NULL,
    payment_type TEXT NOT NULL,
    status TEXT NOT NULL,
    payment_status TEXT,
    payment_id TEXT,
    -- JSON: the provider's ids.
    refund_ids TEXT,
    shipping_status TEXT,
    tracking_number TEXT,
    estimated_delivery TEXT,
    failure_reason TEXT,
    -- JSON: the action that the customer has to take, while the order waits for it.
    payment_action TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE order_lines (
    order_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    -- Of one piece, as a decimal: it may be finer than a minor unit.
    price TEXT NOT NULL,
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

-- Facts that all variants of a product share. The order of the ids is that of creation.
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    product_type TEXT NOT NULL DEFAULT 'simple',
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'inactive', 'archived')),
    category_id TEXT,
    handle TEXT UNIQUE,
    description TEXT,
    short_description TEXT,
    meta_title TEXT,
    meta_description TEXT,
    -- JSON numbers, lists and objects, as they were written.
    weight TEXT,
    dimensions TEXT,
    tags TEXT,
    attributes TEXT,
    idempotency_key TEXT,
    -- The key of the last request that changed it; NULL when that had none.
    changed_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX products_category ON products (category_id, sku);

-- What is sold and has a price; a product without variants is its own.
CREATE TABLE variants (
    variant_id TEXT PRIMARY KEY,
    sku TEXT NOT NULL,
    price INTEGER NOT NULL,
    -- The price that orders are held to, as a decimal, where it is finer than a minor unit; the price is then rounded.
    exact_price TEXT,
    -- The price before the first line of price_changes.
    opening_price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    cost INTEGER,
    compare_at INTEGER,
    attributes TEXT,
    -- The sum of the variant's levels.
    on_hand INTEGER NOT NULL,
    held INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX variants_sku ON variants (sku);
-- Only the control interface sets a finer price; whoever changes the price otherwise ends it.
CREATE TRIGGER variants_exact_price AFTER UPDATE OF price ON variants WHEN old.exact_price IS NOT NULL
BEGIN
    UPDATE variants SET exact_price = NULL WHERE variant_id = new.variant_id;
END;

-- Every change of a price since the variant was made.
CREATE TABLE price_changes (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    old_price INTEGER NOT NULL,
    old_currency TEXT NOT NULL,
    price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT,
    reason TEXT,
    effective_date TEXT,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX price_changes_variant ON price_changes (variant_id, id);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    category_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    parent_id TEXT,
    description TEXT,
    is_active INTEGER NOT NULL DEFAULT 1,
    sort_order INTEGER NOT NULL DEFAULT 0,
    meta_title TEXT,
    meta_description TEXT,
    attributes TEXT,
    external_id TEXT UNIQUE,
    idempotency_key TEXT,
    changed_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX categories_slug ON categories (coalesce(parent_id, ''), slug);
CREATE INDEX categories_parent ON categories (parent_id);
CREATE INDEX categories_name ON categories (name);

-- Rules that lower prices while their window is open. Conditions and actions are JSON texts.
CREATE TABLE pricing_rules (
    id INTEGER PRIMARY KEY,
    rule_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    rule_type TEXT NOT NULL CHECK (rule_type IN ('percentage', 'fixed', 'buy_x_get_y')),
    -- In ten-thousandths of a percent, or of the currency's unit.
    discount_value INTEGER NOT NULL,
    conditions TEXT NOT NULL,
    actions TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    start_date INTEGER,
    -- The first moment at which the rule is over.
    end_date INTEGER,
    usage_limit INTEGER,
    usage_count INTEGER NOT NULL DEFAULT 0,
    is_active INTEGER NOT NULL DEFAULT 1,
    idempotency_key TEXT,
    changed_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE media (
    id INTEGER PRIMARY KEY,
    media_id TEXT NOT NULL UNIQUE,
    filename TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    alt TEXT,
    title TEXT,
    description TEXT,
    idempotency_key TEXT,
    changed_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE media_tags (
    media_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (media_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_tags_tag ON media_tags (tag, media_id);

-- The pictures of a product in their order: of the shop's media, or from elsewhere.
CREATE TABLE product_images (
    sku TEXT NOT NULL,
    position INTEGER NOT NULL,
    media_id TEXT,
    url TEXT,
    PRIMARY KEY (sku, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX product_images_media ON product_images (media_id);

-- Where the stock lies.
CREATE TABLE levels (
    variant_id TEXT NOT NULL,
    location TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (variant_id, location)
) STRICT, WITHOUT ROWID;

-- Every change of on_hand that is not a confirmation or a restock.
CREATE TABLE adjustments (
    variant_id TEXT NOT NULL,
    delta INTEGER NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX adjustments_variant ON adjustments (variant_id);

CREATE TABLE reservations (
    id INTEGER PRIMARY KEY,
    reservation_id TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL,
    order_id TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('held', 'confirmed', 'released', 'expired', 'restocked')),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX reservations_reference ON reservations (reference, variant_id);
CREATE INDEX reservations_variant ON reservations (variant_id, status);
CREATE INDEX reservations_due ON reservations (expires_at) WHERE status = 'held';

CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    payment_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL,
    idempotency_key TEXT,
    status TEXT NOT NULL CHECK (status IN
        ('paid', 'requires_action', 'declined', 'failed', 'voided', 'refunded', 'partially_refunded')),
    -- Of the money that came, or of what was asked for as long as none came.
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    captured INTEGER NOT NULL,
    -- What was asked for.
    asked INTEGER NOT NULL,
    asked_in TEXT NOT NULL,
    refunded INTEGER NOT NULL DEFAULT 0,
    decline_code TEXT,
    action TEXT
) STRICT;
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX payments_key ON payments (idempotency_key);

CREATE TABLE refunds (
    refund_id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL,
    amount INTEGER NOT NULL,
    reason TEXT,
    time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which card tokens already played their first-time trick, and for whom.
CREATE TABLE card_tricks (subject TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE shipments (
    id INTEGER PRIMARY KEY,
    shipment_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL,
    idempotency_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('created', 'in_transit', 'voided')),
    tracking_number TEXT NOT NULL,
    shipping_method TEXT NOT NULL,
    estimated_delivery INTEGER NOT NULL,
    -- Collected at the door, and the worth of the goods; in whole minor units.
    collects INTEGER,
    collects_in TEXT,
    worth INTEGER,
    worth_in TEXT
) STRICT;
CREATE INDEX shipments_order ON shipments (order_id);
CREATE INDEX shipments_key ON shipments (idempotency_key);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'team')),
    order_id TEXT,
    idempotency_key TEXT,
    time INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    -- What makes two messages to one recipient the same message.
    subject TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_order ON outbox (order_id);

CREATE TABLE events (
    event_id TEXT PRIMARY KEY,
    event_type TEXT NOT NULL,
    order_id TEXT,
    time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL UNIQUE,
    -- The id of another system, for accounts that were taken over from it.
    external_id TEXT UNIQUE,
    idempotency_key TEXT,
    -- Lower-case: one account per address.
    address TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    phone TEXT,
    date_of_birth TEXT,
    preferences TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'incomplete_onboarding', 'closed')),
    marketing_consent INTEGER NOT NULL,
    unsubscribed INTEGER NOT NULL DEFAULT 0,
    suppressed TEXT CHECK (suppressed IN ('bounce', 'complaint')),
    time_zone TEXT NOT NULL DEFAULT 'Asia/Ho_Chi_Minh',
    quiet_from TEXT,
    quiet_until TEXT,
    orders_placed INTEGER NOT NULL DEFAULT 0,
    recommendation_settings TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX customers_key ON customers (idempotency_key);

CREATE TABLE personalized_content (
    customer_id TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sections TEXT NOT NULL,
    PRIMARY KEY (customer_id, content_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
    customer_id TEXT NOT NULL,
    segment TEXT NOT NULL,
    PRIMARY KEY (customer_id, segment)
) STRICT, WITHOUT ROWID;

-- Points that were given; what was taken back of them is in reversals.
CREATE TABLE grants (
    id INTEGER PRIMARY KEY,
    grant_id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL,
    idempotency_key TEXT,
    tier TEXT NOT NULL,
    points INTEGER NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX grants_customer ON grants (customer_id);
CREATE INDEX grants_key ON grants (idempotency_key);

CREATE TABLE reversals (
    id INTEGER PRIMARY KEY,
    grant_id TEXT NOT NULL,
    points INTEGER NOT NULL,
    reason TEXT,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX reversals_grant ON reversals (grant_id);

CREATE TABLE coupons (
    id INTEGER PRIMARY KEY,
    coupon_id TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    idempotency_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
    percent INTEGER NOT NULL,
    usage_limit INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX coupons_code ON coupons (code);
CREATE INDEX coupons_key ON coupons (idempotency_key);

-- Orders of another system: records, which the shop's own order book knows nothing of.
CREATE TABLE external_orders (
    external_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    customer_external_id TEXT,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    currency TEXT NOT NULL,
    -- As text: the other system may count finer than milliseconds.
    ordered_at TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE integrations (
    integration_id TEXT PRIMARY KEY,
    last_sync_timestamp TEXT,
    last_sync_status TEXT CHECK (last_sync_status IN ('success', 'failed')),
    last_error TEXT,
    watermarks TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_reports (
    id INTEGER PRIMARY KEY,
    report_id TEXT NOT NULL UNIQUE,
    sync_id TEXT NOT NULL UNIQUE,
    integration_id TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    duration INTEGER NOT NULL,
    summary TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE INDEX sync_reports_integration ON sync_reports (integration_id);

-- What the ERP keeps, right or wrong; updated_at is in microseconds since 1970.
CREATE TABLE erp_records (
    entity TEXT NOT NULL CHECK (entity IN ('products', 'inventory', 'customers', 'orders')),
    id TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    -- The natural key, as far as the fields have one.
    key TEXT,
    fields TEXT NOT NULL,
    PRIMARY KEY (entity, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX erp_records_updated ON erp_records (entity, updated_at, id);

CREATE TABLE erp_tokens (
    token TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    -- How many requests it is good for; NULL: any number.
    requests_max INTEGER,
    requests INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (operation, key)
) STRICT, WITHOUT ROWID;

-- What was undone and must not happen afterwards; item is a variant, or '' where the key says it all.
CREATE TABLE tombstones (
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (operation, key, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (operation TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (operation, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE effects (
    id INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    key TEXT,
    order_id TEXT,
    effect TEXT,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX effects_key ON effects (operation, key);
CREATE INDEX effects_order ON effects (order_id);

CREATE TABLE faults (
    position INTEGER PRIMARY KEY,
    dial TEXT NOT NULL,
    hits INTEGER NOT NULL,
    random_state INTEGER NOT NULL
) STRICT;
