//! Cursors come from untrusted clients: a modified one never shows other users' items.

use std::collections::BTreeSet;

use metastore::{Collection as _, Cursor, DynamicQuery, ErrorKind, Query, Store};
use metastore_tests::collections::Text;

use crate::fixture::{Log, MyRepo, Order, order, start, start_with, text};

type Ask<'a> = (&'static str, Box<dyn Fn() -> Query<'a, Text> + 'a>);

fn cursor(text: impl Into<String>) -> Cursor {
    text.into().parse().expect("any text can be handed in")
}

/// Every way of changing a cursor of this query that needs no key, and the cursors of all other
/// queries.
fn forged(own: &str, others: &[String]) -> Vec<String> {
    let mut all = vec![String::new(), "0".repeat(1 << 20), "\u{0}".into(), "ü".repeat(50)];
    all.push(own.to_uppercase());
    all.push(own.repeat(2));
    for at in 0..own.len() {
        all.push(own[..at].to_owned());
        let digit = own.as_bytes()[at];
        for bit in 0..7 {
            all.push(format!("{}{}{}", &own[..at], char::from(digit ^ 1 << bit), &own[at + 1..]));
        }
        all.push(format!(
            "{}{}{}",
            &own[..at],
            if digit == b'0' { '1' } else { '0' },
            &own[at + 1..]
        ));
    }
    for more in ["0", "00", "20", "2030", " ", "\n"] {
        all.push(format!("{own}{more}"));
    }
    for other in others {
        // Whole, and its position behind the tag of this one.
        all.push(other.clone());
        all.push(format!("{}{}", &own[..32], &other[32..]));
        all.push(format!("{}{}", &other[..32], &own[32..]));
    }
    all.retain(|text| text != own);
    all
}

#[tokio::test]
async fn a_forged_cursor_is_refused_and_shows_nobody_elses_items() {
    let (server, repo) = start().await;
    let tenant = Store::options().domain("tenant2").connect(server.url()).await.unwrap();
    let tenant = MyRepo::with_store(&tenant);
    for repo in [&repo, &tenant] {
        for user in ["bob", "carol"] {
            let texts = repo.as_user(user).unwrap().texts;
            for number in 0..6 {
                let item = texts.create(text(&format!("{user}'s {number}"))).await.unwrap();
                repo.texts.item(&item).wordcount().materialize().await.unwrap();
                let language = Text::patch().language("en");
                texts.update(&item, language).await.unwrap();
            }
        }
        for total in 0..6 {
            repo.orders.create(order(total)).await.unwrap();
        }
    }
    let texts = &repo.texts;
    let asks: Vec<Ask<'_>> = vec![
        ("list", Box::new(|| texts.list())),
        ("oldest first", Box::new(|| texts.list().oldest_first())),
        ("owner", Box::new(|| texts.list().owned_by("bob"))),
        ("owner, oldest first", Box::new(|| texts.list().owned_by("bob").oldest_first())),
        ("other owner", Box::new(|| texts.list().owned_by("carol"))),
        ("value", Box::new(|| texts.find(Text::LANGUAGE.eq("en")))),
        ("no value", Box::new(|| texts.find(Text::LANGUAGE.is_some()))),
        ("two conditions", Box::new(|| texts.find(Text::LANGUAGE.eq("en")).owned_by("bob"))),
        ("derived", Box::new(|| texts.list().with_mutation(Text::WORDCOUNT))),
    ];
    let mut cursors = Vec::new();
    for (name, ask) in &asks {
        let page = ask().limit(2).page().await.unwrap();
        let next = page.next.unwrap_or_else(|| panic!("{name} has a second page"));
        // The original works, with any limit.
        let rest = ask().limit(100).after(&next).page().await.unwrap();
        let owned = rest.items.iter().all(|item| item.owner.as_ref().is_some());
        assert!(owned && !rest.items.is_empty(), "{name}");
        cursors.push(next.to_string());
    }
    let next = |page: metastore::Page<_>| page.next.expect("there is a second page").to_string();
    let foreign = [
        next(tenant.texts.list().limit(2).ids().await.unwrap()),
        next(tenant.texts.list().owned_by("bob").limit(2).ids().await.unwrap()),
        next(repo.orders.list().limit(2).ids().await.unwrap()),
        next(repo.orders.list().ascending_by(Order::TOTAL).limit(2).ids().await.unwrap()),
    ];
    assert_eq!(cursors.iter().chain(&foreign).collect::<BTreeSet<_>>().len(), 13, "all differ");

    let before = server.command_counts().await.get("evalsha").copied();
    for ((name, ask), own) in asks.iter().zip(&cursors) {
        let others: Vec<String> =
            cursors.iter().filter(|other| *other != own).chain(&foreign).cloned().collect();
        for text in forged(own, &others) {
            let forged = cursor(text.as_str());
            let shown = &text[..text.len().min(120)];
            let refused = match ask().after(&forged).page().await {
                Ok(page) => panic!("{name} took {shown:?} and gave {:?}", page.items),
                Err(error) => error,
            };
            assert!(matches!(refused.kind(), ErrorKind::InvalidArgument(_)), "{refused:?}");
            let refused = ask().after(&forged).ids().await.unwrap_err();
            assert!(matches!(refused.kind(), ErrorKind::InvalidArgument(_)), "{refused:?}");
        }
    }
    assert_eq!(server.command_counts().await.get("evalsha").copied(), before, "nothing is sent");

    // Other operations with cursors refuse them as well.
    let own = &cursors[1];
    for text in forged(own, &foreign) {
        let forged = cursor(text);
        let by_name = DynamicQuery::new().oldest_first().after(&forged);
        let errors = [
            texts.migrate().resume(&forged).await.unwrap_err(),
            texts.verify().resume(&forged).await.unwrap_err(),
            texts.repair().resume(&forged).await.unwrap_err(),
            repo.dynamic().find_items("texts", &by_name).await.unwrap_err(),
            repo.dynamic().find_ids("texts", &by_name).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn offsets_out_of_range_are_refused_before_anything_is_sent() {
    let (_server, repo) = start().await;
    repo.texts.create(text("one")).await.unwrap();
    for offset in [u32::MAX as usize + 1, 1 << 53, usize::MAX / 2, usize::MAX] {
        let language = || Text::LANGUAGE.is_none();
        for error in [
            repo.texts.list().offset(offset).await.unwrap_err(),
            repo.texts.find(language()).offset(offset).ids().await.unwrap_err(),
            repo.dynamic().list_items("texts", offset, 10).await.unwrap_err(),
            repo.dynamic().dead_jobs("texts", "summarize", offset, 10).await.unwrap_err(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
            assert!(error.to_string().contains("offset must be at most"), "{error}");
        }
    }
    assert!(repo.texts.list().offset(u32::MAX as usize).await.unwrap().is_empty());
    let last = repo.texts.find(Text::LANGUAGE.is_none()).offset(u32::MAX as usize);
    assert!(last.await.unwrap().is_empty());
}

#[tokio::test]
async fn programs_on_one_server_share_the_key_and_one_with_another_key_refuses() {
    let (server, repo) = start().await;
    for number in 0..5 {
        repo.texts.create(text(&number.to_string())).await.unwrap();
    }
    let connect = async |options: metastore::StoreOptions| {
        MyRepo::with_store(&options.connect(server.url()).await.unwrap()).texts
    };
    let first = repo.texts.list().limit(2).page().await.unwrap().next.unwrap();
    let second = connect(Store::options()).await;
    assert_eq!(second.list().after(&first).await.unwrap().len(), 3);
    let given = || Store::options().cursor_key("a secret of many bytes");
    let (third, fourth) = (connect(given()).await, connect(given()).await);
    let refused = third.list().after(&first).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InvalidArgument(_)), "{refused:?}");
    let own = third.list().limit(2).page().await.unwrap().next.unwrap();
    assert_eq!(fourth.list().after(&own).await.unwrap().len(), 3);
    assert!(second.list().after(&own).await.is_err());

    let short = Store::options().cursor_key("short").connect(server.url()).await.unwrap_err();
    assert!(short.to_string().contains("at least 16 bytes"), "{short}");
    assert!(!format!("{:?}", given()).contains("secret"));

    // A truncated key is not used.
    server.cli(&["SET", "catalog:metastore:cursor_key", "abc"]).await;
    let error = connect(Store::options()).await.list().after(&first).await.unwrap_err();
    assert_eq!(error.key(), Some("catalog:metastore:cursor_key"), "{error}");
}

#[tokio::test]
async fn a_server_that_refuses_writes_still_serves_pages() {
    let log = Log::default();
    let _guard = log.record();
    let (server, repo) = start_with(Store::options()).await;
    for number in 0..5 {
        repo.texts.create(text(&number.to_string())).await.unwrap();
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let page = repo.texts.list().limit(2).page().await.unwrap();
    let own = page.next.unwrap();
    assert_eq!(repo.texts.list().after(&own).await.unwrap().len(), 3);
    assert!(log.text().contains("has no cursor key yet"), "{}", log.text());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    // Those of that time stay valid here, and new ones are valid everywhere.
    let shared = repo.texts.list().limit(2).page().await.unwrap().next.unwrap();
    assert_ne!(shared, own);
    assert_eq!(repo.texts.list().after(&own).await.unwrap().len(), 3);
    let other = MyRepo::connect(server.url()).await.unwrap();
    assert_eq!(other.texts.list().after(&shared).await.unwrap().len(), 3);
}
