//! Numbers that a float cannot hold: a write of one once got lost, because it was compared as a
//! float.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "wallets", object_type = texts)]
struct Wallet {
    wei: u128,
    owed: Option<i128>,
    by_day: Vec<u128>,
    /// As another program wrote it.
    #[serde(default = "zero")]
    raw: Box<RawValue>,
}

fn zero() -> Box<RawValue> {
    raw("0")
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

const WEI: u128 = 100_000_000_000_000_000_012;

fn wallet() -> Wallet {
    Wallet { wei: WEI, owed: Some(-1), by_day: vec![WEI, u128::MAX], raw: zero() }
}

#[tokio::test]
async fn a_change_within_a_large_number_is_never_taken_for_none() {
    let (_server, wallets) = start::<Wallet>().await;
    let first = wallets.create(wallet()).await.unwrap();
    let id = &first.id;

    let second = wallets.modify(id, |wallet| wallet.wei += 9).await.unwrap();
    assert_eq!((second.version, second.unchanged, second.data.wei), (2, false, WEI + 9));
    let third = wallets.update(&second, Wallet::patch().owed(i128::MIN)).await.unwrap();
    let fourth =
        wallets.update(id, Wallet::patch().by_day(vec![WEI, u128::MAX - 1])).await.unwrap();
    let mut whole = fourth.data.clone();
    whole.wei += 1;
    let fifth = wallets.replace(&fourth, whole.clone()).await.unwrap();
    whole.wei += 1;
    let sixth = wallets.replace(id, whole.clone()).await.unwrap();
    let many = wallets.update_many([(id, Wallet::patch().wei(WEI))]).await;
    assert_eq!(many[0].as_ref().unwrap().version, 7);
    assert_eq!([third.version, fourth.version, fifth.version, sixth.version], [3, 4, 5, 6]);
    assert_eq!(wallets.get_version(id, 6).await.unwrap().unwrap().data.wei, WEI + 11);
    assert_eq!(wallets.revert(id, 6).await.unwrap().version, 8);
    assert!(wallets.revert(id, 6).await.unwrap().unchanged);

    let audit = wallets.audit(id).await.unwrap();
    let changed: Vec<_> = audit.entries.iter().map(|e| e.changed.join(" ")).collect();
    assert_eq!(changed, ["wei", "wei", "wei", "wei", "by_day", "owed", "wei", ""]);
}

#[tokio::test]
async fn an_equal_number_makes_no_version() {
    let (_server, wallets) = start::<Wallet>().await;
    let item = wallets.create(wallet()).await.unwrap();
    assert!(wallets.replace(&item, wallet()).await.unwrap().unchanged);
    assert!(wallets.replace(&item.id, wallet()).await.unwrap().unchanged);
    assert!(wallets.update(&item.id, Wallet::patch().wei(WEI)).await.unwrap().unchanged);
}

#[tokio::test]
async fn a_number_is_another_one_if_it_is_written_in_another_way() {
    let (_server, wallets) = start::<Wallet>().await;
    let id = wallets.create(wallet()).await.unwrap().id.clone();
    let ways = ["100", "1E2", "100.0", "1e2", "-0", "-0.0", "0.0", "1e400", "[1.50]", "[1.5]"];
    for (version, json) in (2..).zip(ways) {
        let item = wallets.update(&id, Wallet::patch().raw(raw(json))).await.unwrap();
        assert_eq!((item.version, item.unchanged), (version, false), "{json}");
        let stored = wallets.get(&id).await.unwrap().unwrap();
        assert_eq!(stored.data.raw.get(), json);
        assert!(wallets.update(&id, Wallet::patch().raw(raw(json))).await.unwrap().unchanged);
    }
}
