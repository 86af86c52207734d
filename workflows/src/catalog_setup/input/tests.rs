use contracts::catalog::paths::shown;
use contracts::catalog::{Given, Kind, List};
use serde_json::{Value, json};

mod rules;

use super::*;
use crate::input::Unchecked;

fn check(input: &Value) -> Result<CatalogSetupData, Vec<String>> {
    let read = Unchecked::<CatalogSetupData>::from_json(&input.to_string()).expect("JSON").check_strictly();
    // The input is one line: places in it say nothing.
    read.map_err(|problems| {
        problems.into_iter().map(|problem| text::Problem { at: None, ..problem }.to_string()).collect()
    })
}

fn with(field: &str, value: &Value) -> Result<CatalogSetupData, Vec<String>> {
    check(&json!({ "catalog_id": "spring", field: value }))
}

fn problems(field: &str, value: &Value) -> Vec<String> {
    with(field, value).map(drop).expect_err("refused")
}

fn paths(categories: &Value) -> Vec<(String, String)> {
    let data = with("categories", categories).expect("right");
    data.categories.iter().map(|category| (shown(&category.path), category.slug.clone())).collect()
}

fn products(products: &Value) -> CatalogSetupData {
    with("products", products).expect("wrong rows cost themselves")
}

fn wrong(data: &CatalogSetupData) -> Vec<(u32, Option<&str>, String)> {
    data.wrong.iter().map(|row| (row.row, row.key.as_deref(), without_place(&row.problems[0]))).collect()
}

/// The input is one line: places in it say nothing.
fn without_place(problem: &str) -> String {
    match problem
        .split_once(" (line 1, column ")
        .and_then(|(what, rest)| Some((what, rest.split_once(')')?.1)))
    {
        Some((what, rest)) => format!("{what}{rest}"),
        None => problem.to_owned(),
    }
}

fn content() -> Value {
    json!({ "key": "inputs/a.jpg", "bytes": 3, "sha256": "0".repeat(64) })
}

/// The seed's own document, word for word, with its picture in the store.
fn seed() -> Value {
    json!({
        "catalog_id": "seed",
        "categories": [
            { "name": "Electronics", "description": "Electronic devices and accessories",
              "attributes": ["brand", "warranty", "color"] },
            { "name": "Laptops", "description": "Laptop computers", "parent_id": null,
              "attributes": ["processor", "ram", "storage"] },
        ],
        "images": [{ "file_path": "/uploads/laptop-001.jpg", "alt_text": "Gaming Laptop",
            "tags": ["laptop", "gaming"], "content": content() }],
        "products": [{
            "name": "Gaming Laptop Pro", "description": "High-performance gaming laptop", "sku": "LAPTOP-001",
            "price": 25000000, "category_name": "Laptops", "images": ["laptop-001.jpg"], "initial_stock": 50,
            "attributes": { "processor": "Intel i7", "ram": "16GB", "storage": "512GB SSD" },
        }],
        "pricing_rules": [{ "name": "Laptop Bulk Discount", "type": "percentage", "value": 10,
            "conditions": { "category_ids": [], "min_quantity": 2 } }],
    })
}

#[test]
fn the_seeds_document_has_one_problem_and_its_fix_makes_it_right() {
    let mut input = seed();
    let said = check(&input).expect_err("refused");
    let problem = "pricing_rules[0].conditions.category_ids is empty: the rule would take something off every \
                   product (fix: name its categories, such as \"category_names\": [\"Laptops\"], or write \
                   \"applies_to_all\": true)";
    assert_eq!(said, [problem]);
    input["pricing_rules"][0]["conditions"] = json!({ "category_names": ["Laptops"], "min_quantity": 2 });
    let data = check(&input).expect("right");
    assert_eq!(data.rules[0].category_names, ["Laptops"]);
    assert_eq!(data.rules[0].min_quantity, Some(2));
    assert_eq!(data.wrong, []);
    input["pricing_rules"][0]["conditions"] = json!({ "category_ids": [], "applies_to_all": true });
    assert!(check(&input).expect("right").rules[0].applies_to_all);
}

#[test]
fn a_picture_that_no_worker_can_read_is_refused_with_the_way_to_start_it() {
    let said = problems("images", &json!([{ "file_path": "/uploads/a.jpg" }]));
    let problem = "images[0].file_path is a file that no worker can read (fix: start it with 'starter";
    assert!(said.len() == 1 && said[0].starts_with(problem), "{said:?}");
    // The worker fetches it.
    let data =
        with("images", &json!([{ "file_path": "https://cdn.example.com/a.jpg?w=800" }])).expect("right");
    let List::Inline(images) = &data.images else { panic!("inline") };
    assert_eq!(images[0].content, None);
}

#[test]
fn parents_come_before_children_whatever_the_order_in_the_file() {
    let tree = json!([
        { "name": "Cases", "parent_name": "Accessories" },
        { "name": "Accessories", "parent_name": "Phones" },
        { "name": "Phones" },
    ]);
    let wanted = [
        ("Phones", "phones"),
        ("Phones > Accessories", "phones-accessories"),
        ("Phones > Accessories > Cases", "phones-accessories-cases"),
    ];
    assert_eq!(paths(&tree), wanted.map(|(path, slug)| (path.to_owned(), slug.to_owned())));
}

/// C1
#[test]
fn one_name_below_two_parents_is_two_categories_with_slugs_of_their_own() {
    let tree = json!([
        { "name": "Phones" }, { "name": "Laptops" }, { "name": "LAPTOPS " },
        { "name": "Accessories", "parent_name": "Phones" },
        { "name": "Accessories", "parent_name": "laptops" },
        { "name": "Bags", "parent_name": "Laptops > Accessories" },
    ]);
    let slugs: Vec<String> = paths(&tree).into_iter().map(|(_, slug)| slug).collect();
    let wanted =
        ["phones", "laptops", "phones-accessories", "laptops-accessories", "laptops-accessories-bags"];
    assert_eq!(slugs, wanted);
    let ambiguous = json!([
        { "name": "Phones" }, { "name": "Laptops" },
        { "name": "Accessories", "parent_name": "Phones" }, { "name": "Accessories", "parent_name": "Laptops" },
        { "name": "Bags", "parent_name": "Accessories" },
    ]);
    let said = problems("categories", &ambiguous);
    let problem = "categories[4].parent_name 'Accessories' could be 'Accessories' (row 3) or 'Accessories' (row 4) \
                   (fix: write its path: \"Phones > Accessories\")";
    assert_eq!(said, [problem]);
}

/// C1
#[test]
fn equal_slugs_are_refused_with_names_rows_and_the_fix() {
    let fruit = json!([{ "name": "Dưa" }, { "name": "Dừa" }, { "name": "Dứa" }]);
    let said = problems("categories", &fruit);
    let wanted = [
        "categories[1].slug of 'Dừa' (row 2) would be 'dua', as that of 'Dưa' (row 1) (fix: give `slug`)",
        "categories[2].slug of 'Dứa' (row 3) would be 'dua', as that of 'Dừa' (row 2) (fix: give `slug`)",
    ];
    assert_eq!(said, wanted);
    let mut told = fruit;
    told[1]["slug"] = json!("qua-dua");
    told[2]["slug"] = json!("thom");
    let slugs: Vec<String> = paths(&told).into_iter().map(|(_, slug)| slug).collect();
    assert_eq!(slugs, ["dua", "qua-dua", "thom"]);
    // Also where they are given, where they stand at different levels, and where nothing can be derived.
    let given = json!([{ "name": "A", "slug": "x" }, { "name": "B", "slug": "x" }]);
    assert!(problems("categories", &given)[0].contains("would be 'x', as that of 'A' (row 1)"));
    let levels = json!([
        { "name": "Phones" }, { "name": "Cases", "parent_name": "Phones" }, { "name": "Phones Cases" },
    ]);
    assert!(problems("categories", &levels)[0].contains("would be 'phones-cases'"));
    let other_script = json!([{ "name": "电脑" }]);
    let said = problems("categories", &other_script);
    assert_eq!(said, ["categories[0].slug of '电脑' (row 1) cannot be made of its name (fix: give `slug`)"]);
}

#[test]
fn a_circle_an_unknown_parent_and_a_chain_that_is_too_deep_are_refused() {
    let circle = json!([
        { "name": "A", "parent_name": "B" }, { "name": "B", "parent_name": "C" }, { "name": "C", "parent_name": "A" },
    ]);
    let said = problems("categories", &circle);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("leads in a circle: 'A' (row 1) below 'B' (row 2) below 'C' (row 3) below 'A'"),
        "{said:?}"
    );
    let own = problems("categories", &json!([{ "name": "A", "parent_name": "A" }]));
    assert!(own[0].contains("leads in a circle: 'A' (row 1) below 'A' (row 1)"), "{own:?}");

    let unknown =
        problems("categories", &json!([{ "name": "Laptops" }, { "name": "B", "parent_name": "Laptop" }]));
    assert!(
        unknown[0].starts_with("categories[1].parent_name 'Laptop' is not a category of this file"),
        "{unknown:?}"
    );
    assert!(unknown[0].contains("did you mean 'Laptops'?"), "{unknown:?}");

    let deep: Vec<Value> = (0..50)
        .map(|level| match level {
            0 => json!({ "name": "L0" }),
            level => json!({ "name": format!("L{level}"), "parent_name": format!("L{}", level - 1) }),
        })
        .collect();
    let said = problems("categories", &json!(deep));
    assert_eq!(said.len(), 40);
    assert!(said[0].contains("stands 11 levels deep (fix: build at most 10 levels)"), "{said:?}");
}

#[test]
fn a_category_that_is_written_twice_says_the_same_or_is_refused() {
    let twice = json!([
        { "name": "Laptops", "description": "Laptop computers" },
        { "name": " laptops", "description": "Portable computers" },
    ]);
    let said = problems("categories", &twice);
    assert!(
        said[0].starts_with("categories[1].name 'laptops' is the category 'Laptops' of row 1"),
        "{said:?}"
    );
    let alike = json!([{ "name": "Laptops", "description": "x" }, { "name": "LAPTOPS", "description": "x" }]);
    assert_eq!(paths(&alike).len(), 1);
    let otherwise_written = json!([
        { "name": "A" }, { "name": "B", "parent_name": "A" }, { "name": "C", "parent_name": "B" },
        { "name": "C", "parent_name": "A > B" },
    ]);
    let said = problems("categories", &otherwise_written);
    assert!(said[0].contains("is the category 'C' (row 3), written another way"), "{said:?}");
    assert!(problems("categories", &json!([{ "name": "A > B" }]))[0].contains("holds '>'"));
}

/// C5
#[test]
fn absent_null_and_given_are_three_things() {
    let data = products(&json!([
        { "sku": "A" },
        { "sku": "B", "description": null, "images": null, "attributes": { "brand": null, "ram": "32GB", "inch": 15.6 } },
        { "sku": "C", "description": "x", "images": ["D", "A"], "status": "inactive" },
    ]));
    let List::Inline(rows) = &data.products else { panic!("inline") };
    assert_eq!((&rows[0].description, &rows[0].images, rows[0].status), (&Given::Absent, &None, None));
    assert_eq!((&rows[1].description, rows[1].images.as_deref()), (&Given::Empty, Some(&[][..])));
    let attributes: Vec<(&str, Option<&str>)> =
        rows[1].attributes.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(attributes, [("brand", None), ("inch", Some("15.6")), ("ram", Some("32GB"))]);
    assert_eq!(rows[2].images.as_deref(), Some(&["D".to_owned(), "A".to_owned()][..]));
    assert_eq!(rows[2].description, Given::Value("x".to_owned()));
}

#[test]
fn a_wrong_product_costs_itself_or_under_all_or_nothing_the_start() {
    let list = json!([
        { "sku": "A", "name": "a", "price": 1.5 },
        { "sku": "B", "name": "b", "price": 1 },
        { "sku": "C", "status": "sold" },
        { "sku": "D", "category_name": null },
        { "sku": "E", "attributes": { "ram": [1] } },
        { "sku": "F", "seo_settings": { "meta_titel": "x" } },
        "G",
    ]);
    let data = products(&list);
    assert_eq!(data.products.count(), 1);
    let wanted = [
        (
            1,
            Some("A"),
            "products[0].price has more decimals than VND allows (0) (fix: send an amount ≥ 0 with at most 0 decimals)",
        ),
        (
            3,
            Some("C"),
            "products[2].status is not a status (fix: known are: draft, active, inactive, archived)",
        ),
        (
            4,
            Some("D"),
            "products[3].category_name is null (fix: a product stands in a category: name one, or leave it out)",
        ),
        (
            5,
            Some("E"),
            "products[4].attributes has a list or an object as 'ram' (fix: send a text or a number)",
        ),
        (
            6,
            Some("F"),
            "products[5].seo_settings has a key 'meta_titel' (fix: did you mean 'meta_title'? known are: meta_title, meta_description)",
        ),
        (7, None, "products[6] is not an object (fix: send a JSON object)"),
    ];
    assert_eq!(wrong(&data), wanted.map(|(row, key, said)| (row, key, said.to_owned())));
    let input = json!({ "catalog_id": "spring", "policy": "all_or_nothing", "products": list });
    let said = check(&input).expect_err("refused");
    assert_eq!(said.len(), 6);
    assert!(
        said[0].starts_with("products row 1 (A) is wrong: products[0].price has more decimals"),
        "{said:?}"
    );
    // A misspelt field is usually misspelt in every row.
    let said = problems("products", &json!([{ "sku": "A", "prise": 1 }]));
    assert!(
        said[0].starts_with("products[0].prise is not a known field (fix: did you mean 'price'?"),
        "{said:?}"
    );
}

#[test]
fn of_two_rows_with_one_sku_nobody_can_say_which_is_meant() {
    let data = products(&json!([{ "sku": "A", "price": 1 }, { "sku": "B" }, { "sku": "A", "price": 2 }]));
    assert_eq!(data.products.count(), 1);
    let wanted = [
        (1, Some("A"), "row 3 has the same key (fix: keep one of them)"),
        (3, Some("A"), "row 1 has the same key (fix: keep one of them)"),
    ];
    assert_eq!(wrong(&data), wanted.map(|(row, key, said)| (row, key, said.to_owned())));
}

#[test]
fn many_wrong_rows_speak_for_a_column_that_is_read_wrongly() {
    let rows =
        |count: usize| -> Value { (0..count).map(|row| json!({ "sku": format!("S {row}") })).collect() };
    assert_eq!(products(&rows(WRONG_MAX)).wrong.len(), WRONG_MAX);
    let said = problems("products", &rows(WRONG_MAX + 1));
    assert_eq!(said.len(), WRONG_MAX + 1);
    assert!(
        said[0].contains("101 rows are wrong, which is too many to leave out (at most 100)"),
        "{}",
        said[0]
    );
}

#[test]
fn a_list_may_lie_in_the_object_store() {
    let list =
        json!({ "count": 10_000, "ref": { "key": "inputs/x.jsonl", "bytes": 5, "sha256": "a".repeat(64) } });
    let left_out = json!([{ "kind": "product", "row": 3, "key": "A", "problems": ["price is missing"] }]);
    let input = json!({ "catalog_id": "spring", "products": list, "left_out": left_out });
    let data = check(&input).expect("right");
    assert_eq!(data.products.count(), 10_000);
    assert_eq!((data.wrong[0].kind, data.wrong[0].row), (Kind::Product, 3));
    let said =
        problems("products", &json!({ "count": 1, "ref": { "key": "x", "bytes": 1, "sha256": "../x" } }));
    assert!(said[0].starts_with("products.ref.sha256 is not a SHA-256 in hex"), "{said:?}");
}
