//! Finding items by indexed fields, by owner and by creation, page by page.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use metastore::{Collection, Condition, Cursor, ErrorKind, Id};

use crate::fixture::{Order, OrderState, SOON, order, seat, start, start_proxied, text};
use metastore_tests::wait::until;

/// The keys of all indexes; those of deleted items leave only receipts elsewhere.
/// The keys of indexes, without the ids of commits, which stay for two minutes.
pub(crate) async fn indexes(server: &metastore_tests::Server) -> Vec<String> {
    let is_index = |key: &String| key.starts_with("idx:") && !key.ends_with(":commits");
    server.keys().await.into_iter().filter(is_index).collect()
}

/// The totals that a condition finds, in their order.
async fn totals(repo: &crate::fixture::MyRepo, condition: Condition<Order>) -> Vec<i64> {
    let found = repo.orders.find(condition).limit(1000).await.expect("the index is complete");
    found.iter().map(|order| order.data.total).collect()
}

#[tokio::test]
async fn every_kind_of_field_is_found_by_its_value() {
    let (_server, repo) = start().await;
    let orders = &repo.orders;
    let tags = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect();
    let french = Order { country: Some("fr".into()), tags: tags(&["gift", "a:b"]), ..order(1) };
    let german = Order { state: OrderState::OnItsWay, country: Some("de".into()), ..order(2) };
    let nowhere = Order { tags: tags(&["gift"]), weight: Some(0.5), ..order(3) };
    for order in [french, german, nowhere] {
        orders.create(order).await.unwrap();
    }

    assert_eq!(totals(&repo, Order::COUNTRY.eq("fr")).await, [1]);
    assert_eq!(totals(&repo, Order::COUNTRY.eq(Some("de".to_owned()))).await, [2]);
    assert_eq!(totals(&repo, Order::COUNTRY.is_none()).await, [3]);
    assert_eq!(totals(&repo, Order::COUNTRY.eq(None)).await, [3]);
    assert_eq!(totals(&repo, Order::COUNTRY.is_some()).await, [2, 1]);
    assert_eq!(totals(&repo, Order::COUNTRY.eq("f")).await, [0; 0]);
    assert_eq!(totals(&repo, Order::STATE.eq(OrderState::OnItsWay)).await, [2]);
    assert_eq!(totals(&repo, Order::TAGS.contains("gift")).await, [3, 1]);
    assert_eq!(totals(&repo, Order::TAGS.contains("a:b")).await, [1]);
    assert_eq!(totals(&repo, Order::WEIGHT.at_least(0.5)).await, [3]);
    let both = Order::TAGS.contains("gift").and(Order::COUNTRY.is_none());
    assert_eq!(totals(&repo, both.clone()).await, [3]);
    assert_eq!(orders.find(both).count().await.unwrap(), 1);
    assert_eq!(orders.find(Order::TAGS.contains("gift")).count().await.unwrap(), 2);
}

#[tokio::test]
async fn ranges_go_by_number_and_by_time_and_include_what_they_say() {
    let (_server, repo) = start().await;
    let all = [i64::MIN, -5, 0, 3, 40, 40, i64::MAX - 1, i64::MAX];
    for total in all {
        repo.orders.create(order(total)).await.unwrap();
    }
    assert_eq!(totals(&repo, Order::TOTAL.between(i64::MIN, i64::MAX)).await, all);
    assert_eq!(totals(&repo, Order::TOTAL.between(-5, 40)).await, [-5, 0, 3, 40, 40]);
    assert_eq!(totals(&repo, Order::TOTAL.greater_than(40)).await, [i64::MAX - 1, i64::MAX]);
    assert_eq!(totals(&repo, Order::TOTAL.less_than(0)).await, [i64::MIN, -5]);
    assert_eq!(totals(&repo, Order::TOTAL.at_most(0)).await, [i64::MIN, -5, 0]);
    assert_eq!(totals(&repo, Order::TOTAL.eq(i64::MAX - 1)).await, [i64::MAX - 1]);
    assert_eq!(totals(&repo, Order::TOTAL.between(40, -5)).await, [0; 0]);
    let greatest = repo.orders.find(Order::TOTAL.at_most(40)).descending_by(Order::TOTAL).limit(2);
    assert_eq!(greatest.await.unwrap().iter().map(|o| o.data.total).collect::<Vec<_>>(), [40, 40]);

    for (total, placed) in [(100, "2026-03-01T00:00:00+02:00"), (101, "2026-02-28T22:30:00.5Z")] {
        let placed = placed.to_owned();
        repo.orders.create(Order { placed, ..order(total) }).await.unwrap();
    }
    let evening = Order::PLACED.between("2026-02-28T22:00:00Z", "2026-02-28T23:00:00Z");
    assert_eq!(totals(&repo, evening).await, [100, 101]);
    assert_eq!(totals(&repo, Order::PLACED.greater_than("2026-02-28T22:30:00Z")).await, [101]);
}

#[tokio::test]
async fn every_write_keeps_the_indexes() {
    let (server, repo) = start().await;
    let orders = &repo.orders;
    let french = || Order::COUNTRY.eq("fr");
    let item = orders.create(order(1)).await.unwrap();
    assert_eq!(totals(&repo, french()).await, [0; 0]);
    let item = orders.update(&item, Order::patch().country("fr").total(7)).await.unwrap();
    assert_eq!(totals(&repo, french()).await, [7]);
    assert_eq!(totals(&repo, Order::TOTAL.eq(1)).await, [0; 0]);
    let item = orders.modify(&item.id, |order| order.tags.push("x".into())).await.unwrap();
    assert_eq!(totals(&repo, Order::TAGS.contains("x")).await, [7]);
    let item =
        orders.replace(&item, Order { country: Some("fr".into()), ..order(8) }).await.unwrap();
    assert_eq!(totals(&repo, Order::TAGS.contains("x").and(french())).await, [0; 0]);
    assert_eq!(totals(&repo, french()).await, [8]);
    orders.delete(&item.id).await.unwrap();
    assert_eq!(totals(&repo, french()).await, [0; 0]);
    orders.create_with_id("mine", Order { country: Some("fr".into()), ..order(9) }).await.unwrap();
    assert_eq!(totals(&repo, french()).await, [9]);
    orders.delete("mine").await.unwrap();
    assert_eq!(indexes(&server).await, [""; 0]);
}

#[tokio::test]
async fn pages_hold_each_item_once_while_others_come_and_go() {
    let (_server, repo) = start().await;
    let orders = &repo.orders;
    let mut stay = BTreeSet::new();
    let mut go = Vec::new();
    for total in 0..60 {
        let order = Order { country: Some("fr".into()), ..order(total / 7) };
        let id = orders.create(order).await.unwrap().id.clone();
        if total % 3 == 0 { go.push(id) } else { assert!(stay.insert(id)) }
    }
    type Ask<'a> = Box<dyn Fn() -> metastore::Query<'a, Order, metastore::Sorted> + 'a>;
    let queries: [Ask<'_>; 6] = [
        Box::new(|| orders.list().into_sorted()),
        Box::new(|| orders.list().oldest_first().into_sorted()),
        Box::new(|| orders.find(Order::COUNTRY.eq("fr")).into_sorted()),
        Box::new(|| orders.find(Order::COUNTRY.eq("fr")).oldest_first().into_sorted()),
        Box::new(|| orders.list().ascending_by(Order::TOTAL)),
        Box::new(|| orders.find(Order::TOTAL.at_least(0)).descending_by(Order::TOTAL)),
    ];
    for ask in queries {
        let mut seen: Vec<Id> = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let query = ask().limit(7);
            let query = match &after {
                Some(cursor) => query.after(cursor),
                None => query,
            };
            let page = query.page().await.unwrap();
            seen.extend(page.items.iter().map(|item| item.id.clone()));
            // The last item of the page is deleted, and another one is created.
            if let Some(gone) = go.pop() {
                orders.delete(&gone).await.unwrap();
            }
            let last = page.items.last().map(|item| item.id.clone());
            if let Some(last) = last.filter(|last| seen.len() < 10 && !stay.contains(last)) {
                orders.delete(&last).await.unwrap();
            }
            let new = Order { country: Some("fr".into()), ..order(3) };
            go.push(orders.create(new).await.unwrap().id.clone());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let unique: BTreeSet<Id> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "an item is on two pages");
        assert!(stay.is_subset(&unique), "an item is on no page");
    }
}

#[tokio::test]
async fn items_created_in_one_millisecond_are_paged_too() {
    let (server, repo) = start().await;
    for number in 0..30 {
        repo.texts.create_with_id(format!("t{number:02}"), text("x")).await.unwrap();
    }
    // As if all had been created at once.
    for number in 0..30 {
        let id = format!("t{number:02}");
        server.cli(&["ZADD", "idx:myapp:textsplitter:texts", "1000", &id]).await;
    }
    for newest_first in [true, false] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = repo.texts.list().limit(4);
            let query = if newest_first { query.newest_first() } else { query.oldest_first() };
            let query = match &after {
                Some(cursor) => query.after(cursor),
                None => query,
            };
            let page = query.ids().await.unwrap();
            seen.extend(page.items.iter().map(ToString::to_string));
            // The last item of the page is deleted each second time.
            if seen.len() % 8 == 0 {
                repo.texts.delete(page.items.last().unwrap()).await.unwrap();
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected = seen.clone();
        expected.sort();
        expected.dedup();
        if newest_first {
            expected.reverse();
        }
        assert_eq!(seen, expected);
        assert!(newest_first || seen.len() < 30);
    }
}

#[tokio::test]
async fn a_stream_returns_everything_and_reads_no_more_than_is_consumed() {
    let (_server, proxy, repo) = start_proxied(metastore::Store::options()).await;
    for number in 0..450 {
        repo.counters.create(crate::fixture::Counter { count: number }).await.unwrap();
    }
    let all: Vec<_> = repo.counters.list().oldest_first().stream().try_collect().await.unwrap();
    let counts: Vec<u64> = all.iter().map(|item| item.data.count).collect();
    assert_eq!(counts, (0..450).collect::<Vec<_>>());

    let before = proxy.round_trips();
    let mut few = std::pin::pin!(repo.counters.list().stream());
    for _ in 0..150 {
        few.try_next().await.unwrap().unwrap();
    }
    assert_eq!(proxy.round_trips() - before, 1, "one page was enough");
}

#[tokio::test]
async fn no_order_is_dropped_in_silence() {
    let (_server, repo) = start().await;
    repo.orders.create(order(1)).await.unwrap();
    let twice = repo.orders.list().newest_first().descending_by(Order::TOTAL).await.unwrap_err();
    assert!(matches!(twice.kind(), ErrorKind::InvalidArgument(_)), "{twice}");
}

#[tokio::test]
async fn offsets_leave_out_what_they_say() {
    let (_server, repo) = start().await;
    for total in 0..20 {
        let country = (total % 2 == 0).then(|| "fr".to_owned());
        repo.orders.create(Order { country, ..order(total) }).await.unwrap();
    }
    let list = repo.orders.list().oldest_first().offset(15).limit(10).await.unwrap();
    assert_eq!(list.iter().map(|o| o.data.total).collect::<Vec<_>>(), [15, 16, 17, 18, 19]);
    let french = repo.orders.find(Order::COUNTRY.eq("fr")).offset(2).limit(3).await.unwrap();
    assert_eq!(french.iter().map(|o| o.data.total).collect::<Vec<_>>(), [14, 12, 10]);
    let both = Order::TOTAL.at_least(4).and(Order::COUNTRY.is_some());
    let both = repo.orders.find(both).ascending_by(Order::TOTAL).offset(1).limit(2).await.unwrap();
    assert_eq!(both.iter().map(|o| o.data.total).collect::<Vec<_>>(), [6, 8]);
}

#[tokio::test]
async fn a_cursor_of_another_query_is_refused_and_so_is_nonsense() {
    let (_server, repo) = start().await;
    for total in 0..3 {
        repo.orders.create(order(total)).await.unwrap();
    }
    let cursor = repo.orders.list().limit(1).page().await.unwrap().next.unwrap();
    assert_eq!(repo.orders.list().limit(2).after(&cursor).await.unwrap().len(), 2);
    for query in [
        repo.orders.list().oldest_first(),
        repo.orders.find(Order::TOTAL.at_least(0)),
        repo.orders.list().owned_by("u1"),
    ] {
        let error = query.after(&cursor).await.unwrap_err();
        assert!(error.to_string().contains("is not one of this query"), "{error}");
    }
    let error = repo.orders.list().after(&"nonsense".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    for limit in [0, 1_001] {
        let error = repo.orders.list().limit(limit).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    }
}

#[tokio::test]
async fn items_belong_to_who_created_them() {
    let (server, repo) = start().await;
    let ann = repo.as_user("ann").unwrap();
    let bob = repo.as_user("bob").unwrap();
    let hers = ann.texts.create(text("hers")).await.unwrap();
    bob.texts.create(text("his")).await.unwrap();
    repo.texts.create(text("nobody's")).await.unwrap();
    assert_eq!(hers.owner.as_ref().map(ToString::to_string).as_deref(), Some("ann"));

    // An item keeps its owner when another user changes it.
    let changed =
        bob.texts.update(&hers, crate::fixture::Text::patch().content("new")).await.unwrap();
    assert_eq!(changed.actor.as_ref().map(ToString::to_string).as_deref(), Some("bob"));
    let of_ann = repo.texts.list().owned_by("ann").await.unwrap();
    assert_eq!(of_ann.len(), 1);
    assert_eq!(of_ann[0].data.content, "new");
    assert_eq!(repo.texts.list().owned_by("bob").count().await.unwrap(), 1);
    assert_eq!(repo.texts.list().owned_by("eve").count().await.unwrap(), 0);
    assert!(repo.texts.list().owned_by("").await.is_err());
    assert!(repo.as_user("").is_err());
    let none = crate::fixture::Text::LANGUAGE.is_none();
    assert_eq!(repo.texts.find(none).owned_by("ann").count().await.unwrap(), 1);

    ann.texts.delete(&hers.id).await.unwrap();
    assert_eq!(repo.texts.list().owned_by("ann").count().await.unwrap(), 0);
    let left: Vec<String> = indexes(&server).await;
    assert!(left.contains(&"idx:myapp:textsplitter:texts:owner".to_owned()), "bob's are left");
}

#[tokio::test]
async fn expired_items_are_in_no_list_no_count_and_no_query_and_leave_nothing() {
    let (server, repo) = start().await;
    let seats = repo.as_user("u1").unwrap().seats;
    for number in 0..50 {
        seats.create(seat(number, "a")).await.unwrap();
    }
    until("all have expired", SOON, async || {
        // From the deadline on, no list shows one, although the server may still hold its key.
        let now = repo.seats.store().now();
        let listed = repo.seats.list().limit(100).await.unwrap();
        assert!(listed.iter().all(|seat| now.since(seat.created_at).as_millis() <= 250));
        repo.seats.count().await.unwrap() == 0
    })
    .await;
    assert_eq!(repo.seats.find(crate::fixture::Seat::ROW.eq("a")).count().await.unwrap(), 0);
    // The server's clock may be a few milliseconds behind the store's estimate.
    until("nothing is left", SOON, async || server.keys().await.is_empty()).await;
}

#[tokio::test]
async fn a_deep_page_makes_the_server_do_the_same_however_many_items_there_are() {
    let (server, repo) = start().await;
    let mut calls = Vec::new();
    for number in [1_000, 9_000] {
        for result in repo.orders.create_many((0..number).map(order)).await {
            result.unwrap();
        }
        let half = usize::try_from(number / 2).unwrap();
        let mut of_both = Vec::new();
        for by_field in [false, true] {
            let query = || match by_field {
                true => repo.orders.find(Order::TOTAL.at_least(0)).limit(50),
                false => repo.orders.list().limit(50),
            };
            let deep = query().offset(half.min(900)).page().await.unwrap().next.unwrap();
            server.reset_command_counts().await;
            let page = query().after(&deep).page().await.unwrap();
            assert_eq!(page.items.len(), 50);
            of_both.push(server.command_counts().await);
        }
        calls.push(of_both);
    }
    assert_eq!(calls[0], calls[1]);
}
