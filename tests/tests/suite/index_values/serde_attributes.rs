//! Attributes of serde: conversions, fields that are left out of the JSON, and fields with
//! their own functions.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::{Collection, ErrorKind};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{found, is_clean, open};

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
