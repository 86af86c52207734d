//! The operations of the catalogue: prices, categories, products, rules and pictures.

macro_rules! operations {
    ($($operation:ident = $name:literal, $effect:literal;)*) => {
        /// One operation of the catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Catalog {
            $($operation,)*
        }

        impl Catalog {
            /// Every one, in the order of the documentation.
            pub(crate) const ALL: &[Self] = &[$(Self::$operation,)*];

            /// The name used on the control interface.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)*
                }
            }

            /// Whether the operation bears effects.
            pub(super) fn has_effect(self) -> bool {
                match self {
                    $(Self::$operation => $effect,)*
                }
            }
        }
    };
}

// The operation, its name, and whether it bears effects.
operations! {
    PricesSet = "prices.set", true;
    PricesBatch = "prices.batch", true;
    PricesLookup = "prices.lookup", false;
    PricesList = "prices.list", false;
    CategoriesCreate = "categories.create", true;
    CategoriesList = "categories.list", false;
    CategoriesTree = "categories.tree", false;
    CategoriesGet = "categories.get", false;
    CategoriesUpdate = "categories.update", true;
    CategoriesDelete = "categories.delete", true;
    ProductsList = "products.list", false;
    ProductsGet = "products.get", false;
    ProductsHandle = "products.handle", false;
    ProductsDelete = "products.delete", true;
    InventoryCreate = "inventory.create", true;
    InventoryProduct = "inventory.product", false;
    ProductsSeo = "products.seo", false;
    RulesCreate = "rules.create", true;
    RulesList = "rules.list", false;
    RulesGet = "rules.get", false;
    RulesName = "rules.name", false;
    RulesUpdate = "rules.update", true;
    RulesStatus = "rules.status", true;
    RulesDelete = "rules.delete", true;
    MediaUpload = "media.upload", true;
    MediaList = "media.list", false;
    MediaGet = "media.get", false;
    MediaUpdate = "media.update", true;
    MediaDelete = "media.delete", true;
}
