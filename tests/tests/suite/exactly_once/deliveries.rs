//! A write is delivered twice or late.

use metastore_tests::Fault;
use metastore_tests::histories::documents::{Audited, Document, Plain, Unique};

use super::{HELD, Setting, Write, check};

/// The write is delivered again, or its first attempt late, after the operations of others.
async fn with_a_second_delivery<T: Document>(fault: Fault) {
    let setting = Setting::<T>::new().await;
    let mut wrong = Vec::new();
    for write in Write::ALL {
        for (number, steps) in write.others().iter().enumerate() {
            let case = setting.case(write, &number.to_string()).await;
            let what = format!("{write:?} {steps:?}");
            setting.proxy.strike_when(case.needle.as_bytes(), fault);
            let (id, _) = setting.write(write, &case).await.unwrap();
            assert!(setting.proxy.fired(), "{what}");
            setting.others_do(&id, steps).await;
            let before = setting.state(&id).await;
            setting.proxy.deliver_held().await;
            check(&what, &setting.state(&id).await, &before, &mut wrong);
        }
    }
    assert!(setting.others.verify().await.unwrap().is_clean());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_write_that_is_delivered_twice_is_applied_once() {
    with_a_second_delivery::<Plain>(Fault::Repeat(HELD)).await;
    with_a_second_delivery::<Audited>(Fault::Repeat(HELD)).await;
    with_a_second_delivery::<Unique>(Fault::Repeat(HELD)).await;
}

#[tokio::test]
async fn a_write_whose_first_attempt_is_delivered_late_is_applied_once() {
    with_a_second_delivery::<Plain>(Fault::Late(HELD)).await;
    with_a_second_delivery::<Audited>(Fault::Late(HELD)).await;
    with_a_second_delivery::<Unique>(Fault::Late(HELD)).await;
}
