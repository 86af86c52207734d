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
}
