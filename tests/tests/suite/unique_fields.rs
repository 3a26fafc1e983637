//! Unique fields: one item for each value, under races too, and no claims of deleted items.

use std::sync::Arc;

use metastore::{Collection, ErrorKind};
use tokio::sync::Barrier;

use crate::fixture::{Order, SOON, Seat, order, seat, start};
use crate::queries::indexes;
use metastore_tests::wait::until;

fn paid(total: i64, payment: &str) -> Order {
    Order { payment: Some(payment.to_owned()), ..order(total) }
}

fn taken(error: &metastore::Error, expected: &str) {
    assert!(error.is_conflict(), "{error}");
    let ErrorKind::AlreadyExists { field: Some(field) } = error.kind() else { panic!("{error}") };
    assert_eq!(field, expected);
}

#[tokio::test]
async fn a_value_leads_to_its_one_item() {
    let (_server, repo) = start().await;
    let first = repo.orders.create(paid(1, "p1")).await.unwrap();
    taken(&repo.orders.create(paid(2, "p1")).await.unwrap_err(), "payment");
    taken(&repo.orders.create_with_id("mine", paid(2, "p1")).await.unwrap_err(), "payment");
    let second = repo.orders.create(paid(2, "p2")).await.unwrap();
    let stolen = repo.orders.update(&second, Order::patch().payment("p1")).await.unwrap_err();
    taken(&stolen, "payment");
    assert_eq!(repo.orders.get(&second.id).await.unwrap().unwrap().version, 1);

    let found = repo.orders.get_by(Order::PAYMENT, "p1").await.unwrap().unwrap();
    assert_eq!(found.id, first.id);
    assert!(repo.orders.get_by(Order::PAYMENT, "p3").await.unwrap().is_none());
    // No value may be shared.
    repo.orders.create(order(3)).await.unwrap();
    repo.orders.create(order(4)).await.unwrap();
    assert_eq!(repo.orders.find(Order::PAYMENT.is_none()).count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_value_is_free_again_after_a_change_and_after_a_deletion() {
    let (_server, repo) = start().await;
    let item = repo.orders.create(paid(1, "p1")).await.unwrap();
    let item = repo.orders.update(&item, Order::patch().payment("p2")).await.unwrap();
    let other = repo.orders.create(paid(2, "p1")).await.unwrap();
    taken(
        &repo.orders.update(&other.id, Order::patch().payment("p2")).await.unwrap_err(),
        "payment",
    );
    repo.orders.delete(&item.id).await.unwrap();
    let other = repo.orders.update(&other, Order::patch().payment("p2").total(9)).await.unwrap();
    repo.orders.modify(&other, |order| order.payment = None).await.unwrap();
    repo.orders.create(paid(3, "p2")).await.unwrap();
}

#[tokio::test]
async fn of_32_writers_for_one_value_one_wins_and_the_others_leave_no_claim() {
    let (server, repo) = start().await;
    for round in 0..10 {
        let barrier = Arc::new(Barrier::new(32));
        let value = format!("p{round}");
        let writers: Vec<_> = (0..32)
            .map(|number| {
                let (orders, barrier) = (repo.orders.clone(), barrier.clone());
                let order = paid(number, &value);
                tokio::spawn(async move {
                    barrier.wait().await;
                    if number % 2 == 0 {
                        orders.create(order).await
                    } else {
                        let item = orders.create(crate::fixture::order(number)).await?;
                        orders.update(&item, Order::patch().payment(order.payment)).await
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(item) => winners.push(item),
                Err(error) => taken(&error, "payment"),
            }
        }
        assert_eq!(winners.len(), 1);
        let found = repo.orders.get_by(Order::PAYMENT, value.as_str()).await.unwrap().unwrap();
        assert_eq!(found.id, winners[0].id);
        assert_eq!(repo.orders.find(Order::PAYMENT.eq(value)).count().await.unwrap(), 1);
    }
    for order in repo.orders.list().limit(1000).await.unwrap() {
        repo.orders.delete(&order.id).await.unwrap();
    }
    assert_eq!(indexes(&server).await, [""; 0]);
}

#[tokio::test]
async fn an_expired_item_holds_no_claim() {
    let (server, repo) = start().await;
    let first = repo.seats.create(seat(1, "a")).await.unwrap();
    taken(&repo.seats.create(seat(1, "b")).await.unwrap_err(), "number");
    let mut second = None;
    until("the seat is free again", SOON, async || {
        second = repo.seats.create(seat(1, "b")).await.ok();
        second.is_some()
    })
    .await;
    let second = second.unwrap();
    assert_ne!(first.id, second.id);
    let since = second.created_at.since(first.created_at).as_millis();
    assert!((249..1000).contains(&since), "free after {since} ms");
    // The leftovers of the first were removed together with its claim, without any read.
    assert_eq!(server.cli(&["HLEN", "idx:shop:web:seats:entries"]).await.as_int(), 1);
    assert_eq!(repo.seats.get_by(Seat::NUMBER, 1u32).await.unwrap().unwrap().id, second.id);
}
