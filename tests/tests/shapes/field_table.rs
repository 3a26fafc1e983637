//! A table of types and serde attributes: each is written, read, patched, compared, reverted and
//! found, in the typed and in the dynamic API, with extreme values.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroI128, NonZeroU8, Wrapping};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metastore::{Collection, Dynamic, DynamicQuery, ErrorKind, Json, Store, Timestamp};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use validator::Validate;

/// A struct with a field for each row, and a function that passes each value through all
/// operations.
macro_rules! table {
    ($test:ident { $($(#[$attr:meta])* $name:ident: $ty:ty = [$($value:expr),+ $(,)?];)* }) => {
        #[tokio::test]
        async fn $test() {
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
            #[collection(domain = "myapp", app = "table", name = "fields", object_type = texts)]
            struct Document {
                $($(#[$attr])* $name: $ty,)*
                #[serde(default)]
                other: u8,
            }

            $(let $name: Vec<$ty> = vec![$($value),+];)*
            let base = Document { $($name: $name[0].clone(),)* other: 0 };
            let mut cases = Vec::new();
            $(for value in $name {
                let mut document = base.clone();
                document.$name = value.clone();
                cases.push((document, Document::patch().$name(value)));
            })*
            round(base, cases, |document| document.other += 1).await;
        }
    };
}

async fn round<T: Collection + Debug + PartialEq>(
    base: T,
    cases: Vec<(T, T::Patch)>,
    touch: impl Fn(&mut T) + Send + Copy,
) {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    let (repo, dynamic) = (store.repo::<T>(), Dynamic::new().collection::<T>(&store));
    repo.create_with_id("one", base.clone()).await.unwrap();
    let count = cases.len() as u64;
    for (document, patch) in cases {
        let mut version = repo.replace("one", base.clone()).await.unwrap().version;
        let item = repo.update("one", patch.clone()).await.unwrap();
        let changes = document != base;
        version += u64::from(changes);
        assert_eq!((item.version, &item.data), (version, &document));
        let stored = repo.get("one").await.unwrap().unwrap();
        assert_eq!((&stored.data, stored.version), (&document, version));
        if changes {
            let diff = repo.diff("one", version - 1, version).await.unwrap();
            assert!(!diff.is_empty(), "{document:?}");
        }
        // Writing it again changes nothing.
        for same in [
            repo.update("one", patch.clone()).await.unwrap(),
            repo.replace(&stored, document.clone()).await.unwrap(),
            repo.replace("one", document.clone()).await.unwrap(),
            repo.revert("one", version).await.unwrap(),
        ] {
            assert!(same.unchanged, "{document:?}");
        }
        // The dynamic API accepts what it returns.
        let shown = dynamic.get_item("fields", "one").await.unwrap().unwrap().into_data();
        assert!(dynamic.replace_item("fields", "one", shown.clone()).await.unwrap().unchanged);
        assert!(dynamic.update_item("fields", "one", shown.clone()).await.unwrap().unchanged);
        let exact = Json::from_text(shown.to_string());
        let made = dynamic.create_item("fields", exact).await.unwrap();
        assert_eq!(repo.get(&made.id).await.unwrap().unwrap().data, document);
        assert_eq!(made.data, shown);
        // Only another field changes.
        let touched = repo.modify("one", touch).await.unwrap();
        assert_eq!(touched.version, version + 1);
        let diff = repo.diff("one", version, version + 1).await.unwrap();
        assert_eq!(diff.patch().value().as_array().unwrap().len(), 1, "{diff}");
        assert_eq!(diff.patch()[0]["path"], "/other", "{diff}");
        let audit = repo.audit("one").limit(1).await.unwrap();
        assert_eq!(audit.entries[0].changed, ["other"]);
        let back = repo.revert("one", version).await.unwrap();
        assert_eq!((back.version, &back.data), (version + 2, &document));
        assert!(repo.diff("one", version, version + 2).await.unwrap().is_empty());
    }
    assert_eq!(repo.count().await.unwrap(), count + 1);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype(String);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Plain {
    FirstOne,
    #[serde(rename = "2")]
    Second,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    New(u128),
    Tuple(i128, String),
    Struct { a: Option<f64> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Unit,
    Struct { a: Option<i64>, b: Vec<Internal> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    New(u128),
    Struct { a: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Struct { a: u8 },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
struct Strict {
    first_one: u128,
    r#type: String,
    inner: Option<Box<Strict>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "u128", into = "u128")]
struct Through(u128);

impl From<u128> for Through {
    fn from(value: u128) -> Self {
        Self(value)
    }
}

impl From<Through> for u128 {
    fn from(value: Through) -> Self {
        value.0
    }
}

mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

fn words<C: FromIterator<String>>(count: u8) -> C {
    (0..count).map(|n| format!("w{n}\u{0}\"ä😀")).collect()
}

table! {
    primitives_go_through {
        bools: bool = [false, true];
        chars: char = ['a', '\0', '\u{10ffff}', '"'];
        strings: String = [String::new(), "\u{0}\u{1f}\"\\/ä😀\u{2028}".into(), "x".repeat(100_000)];
        i8s: i8 = [i8::MIN, 0, i8::MAX];
        u8s: u8 = [0, u8::MAX];
        i16s: i16 = [i16::MIN, i16::MAX];
        u16s: u16 = [0, u16::MAX];
        i32s: i32 = [i32::MIN, i32::MAX];
        u32s: u32 = [0, u32::MAX];
        i64s: i64 = [i64::MIN, -1, i64::MAX, (1 << 53) + 1];
        u64s: u64 = [0, u64::MAX, u64::MAX - 1];
        i128s: i128 = [i128::MIN, i128::MIN + 1, -1, i128::MAX];
        u128s: u128 = [0, u128::MAX, u128::MAX - 1, 1 << 64, (1 << 64) + 1];
        isizes: isize = [isize::MIN, isize::MAX];
        usizes: usize = [0, usize::MAX];
        f32s: f32 = [0.1, f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::EPSILON, 16_777_217.0];
        f64s: f64 = [0.1, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21, 9_007_199_254_740_993.0];
        nonzeros: NonZeroU8 = [NonZeroU8::MIN, NonZeroU8::MAX];
        wide_nonzeros: NonZeroI128 = [NonZeroI128::MIN, NonZeroI128::MAX];
        wrappings: Wrapping<u64> = [Wrapping(0), Wrapping(u64::MAX)];
        units: () = [()];
        unit_structs: Unit = [Unit];
    }
}

table! {
    containers_go_through {
        options: Option<String> = [None, Some(String::new()), Some("null".into())];
        wide_options: Option<u128> = [None, Some(u128::MAX), Some(u128::MAX - 1)];
        boxes: Box<i128> = [Box::new(i128::MIN), Box::new(i128::MIN + 1)];
        cows: Cow<'static, str> = ["a".into(), "b".into()];
        boxed_texts: Box<str> = ["a".into(), "b".into()];
        vectors: Vec<u128> = [vec![], vec![u128::MAX, 0], vec![u128::MAX - 1, 0]];
        nested_vectors: Vec<Vec<Option<f64>>> = [vec![], vec![vec![None, Some(1e300)], vec![]]];
        queues: VecDeque<i64> = [VecDeque::new(), VecDeque::from([i64::MIN, i64::MAX])];
        linked: LinkedList<bool> = [LinkedList::new(), LinkedList::from([true])];
        arrays: [u128; 3] = [[0; 3], [u128::MAX, 1, 2], [u128::MAX - 1, 1, 2]];
        tuples: (u8, String, Option<i128>) = [(0, "a".into(), None), (1, "b".into(), Some(i128::MIN))];
        bytes: Vec<u8> = [vec![], vec![0, 255]];
        sets: HashSet<String> = [HashSet::new(), words(50), words(49)];
        wide_sets: HashSet<u128> = [HashSet::new(), (0..50).map(|n| u128::MAX - n).collect()];
        ordered_sets: BTreeSet<Pair> = [BTreeSet::new(), BTreeSet::from([Pair(1, "a".into())])];
        optional_sets: Option<HashSet<Newtype>> =
            [None, Some(words::<Vec<_>>(30).into_iter().map(Newtype).collect())];
        sets_in_lists: Vec<HashSet<u8>> = [vec![], vec![(0..30).collect(), (0..40).collect()]];
        sets_in_maps: HashMap<String, BTreeMap<u8, HashSet<char>>> = [
            HashMap::new(),
            HashMap::from([("a".into(), BTreeMap::from([(1, ('a'..='z').collect())]))]),
        ];
        maps: HashMap<String, u128> =
            [HashMap::new(), words::<Vec<_>>(50).into_iter().zip(u128::MAX - 60..).collect()];
        ordered_maps: BTreeMap<Newtype, Option<bool>> =
            [BTreeMap::new(), BTreeMap::from([(Newtype("".into()), None), (Newtype("a/~".into()), Some(true))])];
        maps_by_number: HashMap<i128, String> =
            [HashMap::new(), HashMap::from([(i128::MIN, "a".into()), (i128::MAX, "b".into())])];
        maps_by_char: BTreeMap<char, u8> = [BTreeMap::new(), BTreeMap::from([('"', 1), ('\0', 2)])];
        maps_of_maps: HashMap<u64, HashMap<String, Vec<f32>>> =
            [HashMap::new(), HashMap::from([(u64::MAX, HashMap::from([("a".into(), vec![0.1])]))])];
    }
}

table! {
    types_of_ones_own_go_through {
        newtypes: Newtype = [Newtype("a".into()), Newtype(String::new())];
        tuple_structs: Pair = [Pair(0, "a".into()), Pair(255, "b".into())];
        plain_enums: Plain = [Plain::FirstOne, Plain::Second];
        external_enums: External = [
            External::Unit,
            External::New(u128::MAX),
            External::New(u128::MAX - 1),
            External::Tuple(i128::MIN, "x".into()),
            External::Struct { a: None },
            External::Struct { a: Some(-0.5) },
        ];
        internal_enums: Internal = [
            Internal::Unit,
            Internal::Struct { a: Some(i64::MIN), b: vec![Internal::Unit] },
            Internal::Struct { a: None, b: vec![] },
        ];
        adjacent_enums: Adjacent =
            [Adjacent::Unit, Adjacent::New(u128::MAX), Adjacent::Struct { a: "x".into() }];
        untagged_enums: Untagged = [
            Untagged::Number(i64::MIN),
            Untagged::Text("1".into()),
            Untagged::List(vec![Untagged::Struct { a: 1 }, Untagged::Number(0)]),
        ];
        strict_structs: Strict = [
            Strict::default(),
            Strict { first_one: u128::MAX, inner: Some(Box::default()), ..Strict::default() },
        ];
        flattened_rests: Flat = [
            Flat::default(),
            Flat { a: i64::MIN, rest: BTreeMap::from([("b".into(), serde_json::json!([u64::MAX, null, {}]))]) },
        ];
        through_others: Through = [Through(0), Through(u128::MAX), Through(u128::MAX - 1)];
        values: Value = [Value::Null, serde_json::json!({"a": [1, -1.5, u64::MAX, "x", {"": null}]})];
        times: Timestamp = [Timestamp::from_millis(0), Timestamp::from_millis(1_764_000_000_001)];
        durations: Duration = [Duration::ZERO, Duration::MAX];
        system_times: SystemTime = [UNIX_EPOCH, UNIX_EPOCH + Duration::from_nanos(1)];
        addresses: IpAddr = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::from([127, 0, 0, 1])];
        sockets: SocketAddr = [SocketAddr::from(([0, 0, 0, 0], 0)), SocketAddr::from(([1; 8], 65_535))];
        paths: PathBuf = [PathBuf::new(), "/a/ä".into()];
        ranges: std::ops::Range<u64> = [0..0, 0..u64::MAX];
        results: Result<u8, String> = [Ok(1), Err("x".into())];
    }
}

table! {
    attributes_go_through {
        #[serde(flatten)]
        flattened: Flat = [
            Flat::default(),
            Flat { a: 1, rest: BTreeMap::from([("more".into(), "x".into())]) },
        ];
        #[serde(rename = "a/~ \"ä")]
        renamed: u128 = [0, u128::MAX];
        #[serde(rename(serialize = "w", deserialize = "r"), alias = "w")]
        renamed_both_ways: u128 = [0, u128::MAX];
        #[serde(alias = "b", alias = "c")]
        with_alias: Vec<u128> = [vec![], vec![u128::MAX]];
        #[serde(default)]
        with_default: Option<i128> = [None, Some(i128::MIN)];
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<u128> = [vec![], vec![u128::MAX]];
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out_options: Option<Strict> =
            [None, Some(Strict::default())];
        #[serde(with = "text")]
        with_module: u128 = [0, u128::MAX, u128::MAX - 1];
        #[serde(serialize_with = "metastore::sorted")]
        written_otherwise: HashSet<Newtype> =
            [HashSet::new(), words::<Vec<_>>(40).into_iter().map(Newtype).collect()];
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "table", name = "indexed", object_type = texts)]
struct Indexed {
    #[index]
    text: String,
    #[index(range)]
    number: i64,
    #[index(range)]
    float: Option<f64>,
    #[index]
    tags: HashSet<String>,
    #[unique]
    key: u64,
}

#[tokio::test]
async fn what_is_indexed_is_found_by_its_extremes_by_type_and_by_name() {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (repo, dynamic) = (store.repo::<Indexed>(), Dynamic::new().collection::<Indexed>(&store));
    let texts = ["", "\0", "😀", "a:b", "2024-01-01T00:00:00Z"];
    let numbers = [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX];
    let floats = [None, Some(f64::MIN), Some(-0.0), Some(5e-324), Some(f64::MAX)];
    for (n, ((text, number), float)) in (0..).zip(texts.into_iter().zip(numbers).zip(floats)) {
        let key = u64::MAX - n;
        let tags = HashSet::from([format!("t{n}"), "all".to_owned()]);
        repo.create(Indexed { text: text.into(), number, float, tags, key }).await.unwrap();
    }
    let by_name = async |field: &str, op: &str, value: Value| {
        let selection = DynamicQuery::new().filter(field, op, value);
        dynamic.find_items("indexed", &selection).await.unwrap().items.len()
    };
    for (n, ((text, number), float)) in (0..).zip(texts.into_iter().zip(numbers).zip(floats)) {
        let key = u64::MAX - n;
        assert_eq!(repo.find(Indexed::TEXT.eq(text)).await.unwrap()[0].data.key, key);
        assert_eq!(repo.find(Indexed::NUMBER.eq(number)).await.unwrap()[0].data.key, key);
        assert_eq!(repo.find(Indexed::FLOAT.eq(float)).await.unwrap()[0].data.key, key);
        assert_eq!(repo.get_by(Indexed::KEY, key).await.unwrap().unwrap().data.text, text);
        let tag = format!("t{n}");
        assert_eq!(repo.find(Indexed::TAGS.contains(tag.as_str())).await.unwrap()[0].data.key, key);
        assert_eq!(by_name("text", "eq", text.into()).await, 1);
        assert_eq!(by_name("number", "eq", number.into()).await, 1);
        assert_eq!(by_name("float", "eq", float.into()).await, 1);
        assert_eq!(by_name("key", "eq", key.into()).await, 1);
        assert_eq!(by_name("tags", "contains", tag.into()).await, 1);
    }
    let wrong = Indexed {
        text: "x".into(),
        number: 0,
        float: Some(f64::NAN),
        tags: HashSet::new(),
        key: 1,
    };
    let error = repo.create(wrong).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unreadable { path, .. } if path == "float"),
        "{error}"
    );
}
