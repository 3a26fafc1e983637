//! An index contains the value of the field in the order of its type, independent of its name,
//! place and form in JSON by serde's attributes.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::{
    Collection, Condition, DynamicQuery, ErrorKind, IndexValue, Indexable, Ordered, Repo, Store,
};
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

mod converted {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "shop", app = "converted", name = "people", object_type = texts)]
    #[serde(from = "Stored", into = "Stored")]
    struct Person {
        #[unique]
        email: String,
        #[index]
        country: String,
    }

    /// What is stored, under other names and in another place.
    #[derive(Clone, Serialize, Deserialize)]
    struct Stored {
        #[serde(rename = "mail")]
        address: String,
        place: BTreeMap<String, String>,
    }

    impl From<Stored> for Person {
        fn from(mut stored: Stored) -> Self {
            // Addresses are the same in any case.
            let email = stored.address.to_lowercase();
            Self { email, country: stored.place.remove("country").unwrap_or_default() }
        }
    }

    impl From<Person> for Stored {
        fn from(person: Person) -> Self {
            let place = BTreeMap::from([("country".to_owned(), person.country)]);
            Self { address: person.email, place }
        }
    }

    fn person(email: &str) -> Person {
        Person { email: email.to_owned(), country: "fr".to_owned() }
    }

    #[tokio::test]
    async fn unique_and_index_hold_where_another_type_is_stored() {
        let (_server, people) = open::<Person>().await;
        let ada = people.create(person("Ada@Example.com")).await.unwrap();
        let taken = people.create(person("ada@example.com")).await.unwrap_err();
        assert!(
            matches!(taken.kind(), ErrorKind::AlreadyExists { field: Some(field) } if field == "email"),
            "{taken}"
        );
        let found = people.get_by(Person::EMAIL, "ada@example.com").await.unwrap();
        assert_eq!(found.map(|item| item.id.clone()), Some(ada.id.clone()));
        let french = people.find(Person::COUNTRY.eq("fr"));
        assert_eq!(french.count().await.unwrap(), 1);
        people.update(&ada.id, Person::patch().country("it")).await.unwrap();
        assert_eq!(people.find(Person::COUNTRY.eq("it")).count().await.unwrap(), 1);
        is_clean(&people).await;
    }
}

mod left_out {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "shop", app = "leftout", name = "pages", object_type = texts)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        #[index(range)]
        #[serde(default, skip_serializing_if = "is_zero")]
        read_count: u64,
        #[index]
        #[serde(default = "english", skip_serializing_if = "String::is_empty")]
        language: String,
        #[index]
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        #[unique]
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u128>,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_zero(count: &u64) -> bool {
        *count == 0
    }

    fn english() -> String {
        "en".to_owned()
    }

    #[tokio::test]
    async fn a_value_that_is_left_out_of_the_json_is_found_by_what_it_is_read_as() {
        let (_server, pages) = open::<Page>().await;
        let page = Page { read_count: 0, language: String::new(), tags: Vec::new(), code: None };
        pages.create(page.clone()).await.unwrap();
        pages.create(Page { read_count: 7, code: Some(u128::MAX), ..page }).await.unwrap();
        assert_eq!(found(&pages, Page::READ_COUNT.eq(0), |page| page.read_count).await, [0]);
        assert_eq!(found(&pages, Page::READ_COUNT.less_than(8), |p| p.read_count).await, [0, 7]);
        // It is read as "en", so it is found by that.
        assert_eq!(pages.find(Page::LANGUAGE.eq("en")).count().await.unwrap(), 2);
        assert_eq!(pages.find(Page::CODE.is_none()).count().await.unwrap(), 1);
        let code = pages.get_by(Page::CODE, u128::MAX).await.unwrap();
        assert_eq!(code.unwrap().data.read_count, 7);
        is_clean(&pages).await;
    }
}

/// Seconds since the epoch, as many services store times: fractions of a second are lost.
mod whole_seconds {
    use std::time::{Duration, SystemTime};

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        at: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).map_err(serde::ser::Error::custom)?;
        serializer.serialize_u64(since.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<SystemTime, D::Error> {
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::deserialize(reader)?))
    }
}

/// Bytes as text.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(reader)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("x"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(serde::de::Error::custom)).collect()
    }
}

fn trimmed<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(reader)?;
    Ok(words.iter().map(|word| word.trim().to_owned()).collect())
}

mod with {
    use super::*;
    use std::time::SystemTime;

    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "shop", app = "with", name = "files", object_type = texts)]
    struct File {
        #[unique]
        #[serde(with = "hex")]
        digest: Vec<u8>,
        #[index]
        #[serde(with = "whole_seconds")]
        stored: SystemTime,
        #[index(range)]
        #[serde(with = "time::serde::timestamp")]
        changed: time::OffsetDateTime,
        #[index]
        #[serde(default, deserialize_with = "trimmed")]
        tags: Vec<String>,
    }

    #[tokio::test]
    async fn a_field_with_functions_of_its_own_is_asked_for_by_its_own_type() {
        let (_server, files) = open::<File>().await;
        let stored = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900);
        let changed = time::OffsetDateTime::from_unix_timestamp_nanos(9_900_000_000).unwrap();
        let tags = vec![" a ".to_owned(), "b".to_owned()];
        let file = File { digest: vec![0xab, 0x01], stored, changed, tags };
        let written = files.create(file.clone()).await.unwrap();
        let read = files.get(&written.id).await.unwrap().unwrap();

        assert!(files.get_by(File::DIGEST, vec![0xab, 0x01]).await.unwrap().is_some());
        let again = files.create(file.clone()).await.unwrap_err();
        assert!(matches!(again.kind(), ErrorKind::AlreadyExists { .. }), "{again}");
        // By the written value and by the value that is read, which is less precise.
        for (stored, changed) in [(stored, changed), (read.data.stored, read.data.changed)] {
            assert_eq!(files.find(File::STORED.eq(stored)).count().await.unwrap(), 1);
            assert_eq!(files.find(File::CHANGED.eq(changed)).count().await.unwrap(), 1);
            assert_eq!(files.find(File::CHANGED.at_least(changed)).count().await.unwrap(), 1);
        }
        for (tag, count) in [("a", 1), (" a ", 1), ("b", 1), ("c", 0)] {
            assert_eq!(files.find(File::TAGS.contains(tag)).count().await.unwrap(), count, "{tag}");
        }
        // An older one comes first although its number in JSON has fewer digits, or a sign.
        for seconds in [-5, 100] {
            let changed = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let digest = seconds.to_string().into_bytes();
            files.create(File { digest, changed, ..file.clone() }).await.unwrap();
        }
        let all = files.list().ascending_by(File::CHANGED).await.unwrap();
        let seconds: Vec<i64> = all.iter().map(|item| item.data.changed.unix_timestamp()).collect();
        assert_eq!(seconds, [-5, 9, 100]);
        is_clean(&files).await;
    }
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
