//! An index contains the value of the field in the order of its type, independent of its name,
//! place and form in JSON by serde's attributes.

mod serde_attributes;

use metastore::{Collection, Condition, DynamicQuery, IndexValue, Indexable, Ordered, Repo, Store};
use metastore_tests::Server;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

async fn open<T: Collection>() -> (Server, Repo<T>) {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    (server, store.repo())
}

async fn is_clean<T: Collection>(repo: &Repo<T>) {
    let report = repo.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// The documents that a condition finds, in the order of a query on a range.
async fn found<T: Collection, R>(
    repo: &Repo<T>,
    condition: Condition<T>,
    shown: impl Fn(&T) -> R,
) -> Vec<R> {
    repo.find(condition).await.unwrap().iter().map(|item| shown(&item.data)).collect()
}

mod own_types {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Indexable)]
    #[serde(rename_all = "kebab-case")]
    enum Size {
        Small,
        ExtraLarge,
    }

    #[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize, Indexable)]
    struct Cents(i64);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Indexable)]
    #[serde(transparent)]
    struct Tag {
        name: String,
    }

    /// Its order is no order of text.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    enum Level {
        Low,
        Medium,
        High,
    }

    impl Indexable for Level {
        fn index_value(&self) -> IndexValue {
            IndexValue::integer(*self as i128)
        }
    }

    impl Ordered for Level {}

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "shop", app = "own", name = "things", object_type = texts)]
    struct Thing {
        #[index]
        size: Option<Size>,
        #[index(range)]
        price: Cents,
        #[index]
        tags: Vec<Tag>,
        #[index(range)]
        level: Level,
    }

    #[tokio::test]
    async fn enums_newtypes_and_own_implementations_are_found_and_ordered() {
        let (_server, things) = open::<Thing>().await;
        for (price, level) in [(900, Level::High), (1_000, Level::Low), (-20, Level::Medium)] {
            let tags = vec![Tag { name: format!("t{price}") }];
            let size = (price > 0).then_some(Size::ExtraLarge);
            things.create(Thing { size, price: Cents(price), tags, level }).await.unwrap();
        }
        let by_price = found(&things, Thing::PRICE.at_most(Cents(1_000)), |t| t.price.0).await;
        assert_eq!(by_price, [-20, 900, 1_000]);
        let by_level = found(&things, Thing::LEVEL.at_least(Level::Low), |t| t.level).await;
        assert_eq!(by_level, [Level::Low, Level::Medium, Level::High]);
        assert_eq!(things.find(Thing::SIZE.eq(Size::ExtraLarge)).count().await.unwrap(), 2);
        assert_eq!(things.find(Thing::SIZE.is_none()).count().await.unwrap(), 1);
        let tag = Tag { name: "t900".to_owned() };
        assert_eq!(things.find(Thing::TAGS.contains(tag)).count().await.unwrap(), 1);
        // By name, each value is read as the field's type.
        let dynamic = things.store().repo::<Thing>();
        let by_name = metastore::Dynamic::new().with(&dynamic);
        for (field, operator, value, count) in [
            ("size", "eq", json!("extra-large"), 2),
            ("price", "between", json!([0, 950]), 1),
            ("level", "greater_than", json!("Low"), 2),
            ("tags", "contains", json!("t-20"), 1),
        ] {
            let selection = DynamicQuery::new().filter(field, operator, value);
            let found = by_name.find_items("things", &selection).await.unwrap();
            assert_eq!(found.items.len(), count, "{field}");
        }
        is_clean(&things).await;
    }
}

/// Stores a collection with one field of a type in each of these values, and finds ranges of them.
macro_rules! range_test {
    ($test:ident, $app:literal, $(#[$attribute:meta])* $ty:ty, $ascending:expr) => {
        mod $test {
            use super::*;

            #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
            #[collection(domain = "shop", app = $app, name = "things", object_type = texts)]
            struct Thing {
                #[index(range)]
                $(#[$attribute])*
                value: $ty,
            }

            #[tokio::test]
            async fn is_ordered_as_in_rust() {
                let (_server, things) = open::<Thing>().await;
                let ascending: Vec<$ty> = $ascending;
                assert!(ascending.windows(2).all(|pair| pair[0] < pair[1]), "the test's own order");
                for value in ascending.iter().rev() {
                    things.create(Thing { value: value.clone() }).await.unwrap();
                }
                let last = ascending.len() - 1;
                for (from, to) in [(0, last), (1, last - 1), (2, 2)] {
                    let between =
                        Thing::VALUE.between(ascending[from].clone(), ascending[to].clone());
                    let found = found(&things, between, |thing| thing.value.clone()).await;
                    assert_eq!(found, ascending[from..=to], "{from} to {to}");
                }
                let middle = ascending[2].clone();
                let greater = found(&things, Thing::VALUE.greater_than(middle), |t| t.value.clone());
                assert_eq!(greater.await, ascending[3..]);
                let all = things.list().descending_by(Thing::VALUE).await.unwrap();
                let all: Vec<_> = all.iter().rev().map(|item| item.data.value.clone()).collect();
                assert_eq!(all, ascending);
                is_clean(&things).await;
            }
        }
    };
}

fn decimals(texts: &[&str]) -> Vec<Decimal> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

range_test!(
    a_decimal_that_is_text_in_json,
    "decimals",
    Decimal,
    decimals(&["-10.5", "-9", "0.30", "9.99", "10", "100.000000000000000000000001"])
);
range_test!(
    an_unsigned_number_of_128_bits,
    "u128s",
    u128,
    vec![0, 9, 1 << 64, 100_000_000_000_000_000_012, 100_000_000_000_000_000_021, u128::MAX]
);
range_test!(
    a_number_of_128_bits,
    "i128s",
    i128,
    vec![i128::MIN, -(1 << 100), -(1 << 100) + 1, 5, 1 << 90, i128::MAX]
);
range_test!(a_time_of_chrono, "chrono", chrono::DateTime<chrono::Utc>, {
    [-1_000i64, -1, 0, 1, 1_700_000_000_123, 1_700_000_000_124]
        .map(|millis| chrono::DateTime::from_timestamp_millis(millis).unwrap())
        .to_vec()
});
range_test!(
    a_time_of_jiff,
    "jiff",
    jiff::Timestamp,
    [-1_000_000_001i128, -1, 0, 1, 1_700_000_000_000_000_000, 1_700_000_000_000_000_001]
        .map(|nanoseconds| jiff::Timestamp::from_nanosecond(nanoseconds).unwrap())
        .to_vec()
);
range_test!(
    a_time_of_time,
    "time",
    #[serde(with = "time::serde::rfc3339")]
    time::OffsetDateTime,
    [-1_000_000_001i128, -1, 0, 1, 1_700_000_000_000_000_000, 1_700_000_000_000_000_001]
        .map(|nanoseconds| time::OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap())
        .to_vec()
);
range_test!(
    a_uuid,
    "uuids",
    uuid::Uuid,
    [0, 1, 1 << 64, 1 << 100, u128::MAX].map(uuid::Uuid::from_u128).to_vec()
);
