//! Small histories, right and wrong ones.

use super::explain::{Problem, check};
use super::partition::split;
use super::record::{Answer, Basis, Call, Change, Kind, Operation, Seen, Value};

fn value(token: &str) -> Value {
    Value { token: token.to_owned(), count: 0, name: None }
}

fn named(token: &str, name: &str) -> Value {
    Value { name: Some(name.to_owned()), ..value(token) }
}

/// A version whose commit id equals its token.
fn seen(id: &str, version: u64, value: Value) -> Seen {
    let commit = format!("commit of {}", value.token);
    Seen { id: id.to_owned(), version, commit, created: 0, value }
}

fn shows(version: u64, token: &str) -> Answer {
    Answer::Item(seen("k", version, value(token)))
}

fn unknown() -> Answer {
    Answer::Unknown(None)
}

/// A call on the item `k`, from one time to another.
fn call(from: u64, to: u64, operation: Operation, answer: Answer) -> Call {
    Call {
        process: 0,
        task: 0,
        kind: Kind::Audited,
        id: Some("k".to_owned()),
        operation,
        invoked: from,
        returned: Some(to),
        answer,
    }
}

fn create(from: u64, to: u64, token: &str, answer: Answer) -> Call {
    call(from, to, Operation::Create(value(token)), answer)
}

fn created(from: u64, to: u64, token: &str) -> Call {
    create(from, to, token, shows(1, token))
}

fn update(from: u64, to: u64, token: &str, answer: Answer) -> Call {
    let change = Change::Token(token.to_owned());
    call(from, to, Operation::Update(Basis::Current, change), answer)
}

fn update_on(basis: Basis, from: u64, to: u64, token: &str, answer: Answer) -> Call {
    let change = Change::Token(token.to_owned());
    call(from, to, Operation::Update(basis, change), answer)
}

fn in_hand(version: u64, token: &str) -> Basis {
    Basis::InHand { version, commit: format!("commit of {token}") }
}

fn delete(from: u64, to: u64, answer: Answer) -> Call {
    call(from, to, Operation::Delete(Basis::Current), answer)
}

fn deleted(from: u64, to: u64) -> Call {
    delete(from, to, Answer::Deleted(true))
}

fn get(from: u64, to: u64, answer: Answer) -> Call {
    call(from, to, Operation::Get, answer)
}

fn of_unique(id: &str, call: Call) -> Call {
    Call { kind: Kind::Unique, id: Some(id.to_owned()), ..call }
}

fn problems(calls: &[Call]) -> Vec<String> {
    let problem = |problem| match problem {
        Problem::Wrong(text) => text,
        Problem::Undecided(part) => panic!("{part} was not decided"),
    };
    split(calls).iter().filter_map(|part| check(part, calls).err().map(problem)).collect()
}

#[track_caller]
fn right(calls: &[Call]) {
    let found = problems(calls);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[track_caller]
fn wrong(calls: &[Call]) -> String {
    let found = problems(calls);
    assert_eq!(found.len(), 1, "{}", found.join("\n"));
    found.concat()
}

#[test]
fn calls_one_after_the_other_are_right() {
    let revert = Operation::Revert(Basis::Current, 1);
    let mut reverted = seen("k", 3, value("a"));
    reverted.commit = "commit of a revert".to_owned();
    right(&[
        get(0, 1, Answer::Nothing),
        created(2, 3, "a"),
        create(4, 5, "b", Answer::AlreadyExists(None)),
        update(6, 7, "c", shows(2, "c")),
        call(8, 9, revert, Answer::Item(reverted.clone())),
        get(10, 11, Answer::Item(reverted)),
        call(12, 13, Operation::GetVersion(2), shows(2, "c")),
        call(14, 15, Operation::GetVersion(4), Answer::Nothing),
        deleted(16, 17),
        delete(18, 19, Answer::Deleted(false)),
        update(20, 21, "d", Answer::NotFound),
        created(22, 23, "e"),
        get(24, 25, shows(1, "e")),
    ]);
}

#[test]
fn calls_at_the_same_time_may_come_in_any_order() {
    right(&[
        created(0, 10, "a"),
        create(0, 9, "b", Answer::AlreadyExists(None)),
        get(1, 8, Answer::Nothing),
        update(2, 20, "c", shows(2, "c")),
        update_on(in_hand(1, "a"), 11, 20, "d", Answer::Conflict { expected: 1, actual: 2 }),
        deleted(11, 30),
        get(21, 29, Answer::Nothing),
    ]);
}

#[test]
fn an_open_write_may_come_late_or_never() {
    let history =
        |answer| vec![created(0, 1, "a"), update(2, 3, "b", unknown()), get(90, 91, answer)];
    right(&history(shows(2, "b")));
    right(&history(shows(1, "a")));
    // It is applied only once.
    let mut twice = history(shows(2, "b"));
    twice.extend([deleted(92, 93), created(94, 95, "c"), get(96, 97, shows(2, "b"))]);
    wrong(&twice);
}

#[test]
fn open_writes_that_nobody_has_seen_count_as_versions() {
    let history = |version| {
        let mut calls = vec![created(0, 1, "a")];
        calls.extend((0..3).map(|number| update(2, 3, &format!("open {number}"), unknown())));
        calls.push(update(9, 10, "b", shows(version, "b")));
        calls
    };
    for version in 2..=5 {
        right(&history(version));
    }
    wrong(&history(6));
}

#[test]
fn an_open_deletion_may_explain_an_absence() {
    let open = |answer| [created(0, 1, "a"), delete(2, 3, answer), get(4, 5, Answer::Nothing)];
    right(&open(unknown()));
    wrong(&open(Answer::Deleted(false)));
}

#[test]
fn an_open_write_has_one_commit() {
    let other = Answer::Item(Seen { commit: "another".to_owned(), ..seen("k", 2, value("b")) });
    wrong(&[
        created(0, 1, "a"),
        update(2, 3, "b", unknown()),
        get(4, 5, shows(2, "b")),
        get(6, 7, other),
    ]);
}

#[test]
fn a_create_that_is_refused_and_applied_is_wrong() {
    wrong(&[create(0, 1, "a", Answer::AlreadyExists(None))]);
    wrong(&[
        created(0, 1, "a"),
        create(2, 3, "b", Answer::AlreadyExists(None)),
        deleted(4, 5),
        get(6, 7, shows(1, "b")),
    ]);
}

#[test]
fn a_create_that_is_applied_twice_is_wrong() {
    wrong(&[created(0, 1, "a"), deleted(2, 3), get(4, 5, shows(1, "a"))]);
    wrong(&[created(0, 9, "a"), deleted(2, 3), deleted(4, 5)]);
}

#[test]
fn an_update_that_is_refused_and_applied_is_wrong() {
    for refusal in [Answer::NotFound, Answer::Conflict { expected: 1, actual: 2 }] {
        wrong(&[
            created(0, 1, "a"),
            update_on(in_hand(1, "a"), 2, 3, "b", refusal),
            get(4, 5, shows(2, "b")),
        ]);
    }
}

#[test]
fn a_conflict_with_the_version_in_hand_is_wrong() {
    let conflict = || Answer::Conflict { expected: 1, actual: 1 };
    wrong(&[created(0, 1, "a"), update_on(in_hand(1, "a"), 2, 3, "b", conflict())]);
    right(&[
        created(0, 1, "a"),
        deleted(2, 3),
        created(4, 5, "c"),
        update_on(in_hand(1, "a"), 6, 7, "b", conflict()),
    ]);
}

#[test]
fn a_deletion_of_a_newer_item_is_wrong() {
    wrong(&[created(0, 1, "a"), deleted(2, 3), created(4, 5, "b"), get(6, 7, Answer::Nothing)]);
    let at = |answer| call(4, 5, Operation::Delete(Basis::At(1)), answer);
    wrong(&[created(0, 1, "a"), update(2, 3, "b", shows(2, "b")), at(Answer::Deleted(true))]);
    let conflict = Answer::Conflict { expected: 1, actual: 2 };
    right(&[created(0, 1, "a"), update(2, 3, "b", shows(2, "b")), at(conflict)]);
}

#[test]
fn a_lost_update_is_wrong() {
    let add = |from, to, token: &str, version, count| {
        let value = Value { count, ..value(token) };
        let change = Change::Add(token.to_owned());
        let operation = Operation::Update(Basis::Current, change);
        call(from, to, operation, Answer::Item(seen("k", version, value)))
    };
    right(&[created(0, 1, "a"), add(2, 9, "b", 2, 1), add(3, 8, "c", 3, 2)]);
    wrong(&[created(0, 1, "a"), add(2, 9, "b", 2, 1), add(3, 8, "c", 3, 1)]);
}

#[test]
fn a_version_that_is_left_out_given_twice_or_read_too_late_is_wrong() {
    wrong(&[created(0, 1, "a"), update(2, 3, "b", shows(3, "b"))]);
    let two =
        [created(0, 1, "a"), update(2, 9, "b", shows(2, "b")), update(3, 8, "c", shows(2, "c"))];
    wrong(&two);
    wrong(&[created(0, 1, "a"), update(2, 3, "b", shows(2, "b")), get(4, 5, shows(1, "a"))]);
    let old = call(4, 5, Operation::GetVersion(1), shows(1, "x"));
    wrong(&[created(0, 1, "a"), update(2, 3, "b", shows(2, "b")), old]);
}

#[test]
fn a_list_is_a_read_of_each_item() {
    let list = |items: Vec<Seen>, is_whole| Call {
        id: None,
        ..call(2, 3, Operation::List, Answer::Items(items, is_whole))
    };
    right(&[created(0, 1, "a"), list(vec![seen("k", 1, value("a"))], true)]);
    right(&[created(0, 1, "a"), list(vec![], false)]);
    wrong(&[created(0, 1, "a"), list(vec![], true)]);
    wrong(&[list(vec![seen("k", 1, value("a"))], true)]);
}

#[test]
fn an_item_that_nobody_created_is_found_by_its_token() {
    let generated = |answer| Call { id: None, ..create(0, 1, "a", answer) };
    right(&[generated(unknown()), get(4, 5, shows(1, "a"))]);
    right(&[generated(unknown()), get(4, 5, Answer::Nothing)]);
    wrong(&[generated(Answer::Failed("no connection".to_owned())), get(4, 5, shows(1, "a"))]);
}

#[test]
fn a_unique_value_has_one_holder() {
    let claim = |id: &str, from, to, token: &str, answer: Option<Answer>| {
        let value = named(token, "n");
        let answer = answer.unwrap_or_else(|| Answer::Item(seen(id, 1, value.clone())));
        of_unique(id, call(from, to, Operation::Create(value), answer))
    };
    let taken = || Some(Answer::AlreadyExists(Some("name".to_owned())));
    let get_by = |from, to, answer| {
        let call = call(from, to, Operation::GetBy("n".to_owned()), answer);
        Call { id: None, kind: Kind::Unique, ..call }
    };
    right(&[
        get_by(0, 1, Answer::Nothing),
        claim("a", 2, 3, "1", None),
        claim("b", 4, 5, "2", taken()),
        get_by(6, 7, Answer::Item(seen("a", 1, named("1", "n")))),
        of_unique("a", deleted(8, 9)),
        claim("b", 10, 11, "3", None),
    ]);
    wrong(&[claim("a", 2, 3, "1", None), claim("b", 4, 5, "2", None)]);
    wrong(&[claim("b", 4, 5, "2", taken())]);
    wrong(&[claim("a", 2, 3, "1", None), get_by(4, 5, Answer::Nothing)]);
    let count = |answer| Call {
        id: None,
        kind: Kind::Unique,
        ..call(4, 5, Operation::Count, Answer::Count(answer))
    };
    right(&[claim("a", 2, 3, "1", None), count(1)]);
    wrong(&[claim("a", 2, 3, "1", None), count(2)]);
}

#[test]
fn what_is_wrong_is_said_with_its_item_and_few_calls() {
    let mut calls = vec![created(0, 1, "a")];
    for number in 0..200 {
        let (at, version) = (2 + 4 * number, number + 2);
        calls.push(update(
            at,
            at + 1,
            &format!("u{number}"),
            shows(version, &format!("u{number}")),
        ));
        calls.push(get(at + 2, at + 3, shows(version, &format!("u{number}"))));
    }
    // Nothing after this one matters.
    calls.push(get(401, 402, shows(1, "a")));
    let told = wrong(&calls);
    assert!(told.starts_with("Audited k:"), "{told}");
    assert!(told.contains("get k → version 1"), "{told}");
    assert!(told.lines().count() < 25, "{told}");
    assert!(!told.contains("u150"), "{told}");
}

#[test]
fn many_open_writes_are_decided() {
    let mut calls = vec![created(0, 1, "a")];
    calls.extend((0..30).map(|number| update(2, 3, &format!("open {number}"), unknown())));
    calls.extend((0..30).map(|_| delete(2, 3, unknown())));
    calls.extend((0..50).map(|number| get(4 + 2 * number, 5 + 2 * number, shows(1, "a"))));
    calls.push(get(200, 201, shows(2, "open 7")));
    right(&calls);
    calls.push(get(202, 203, shows(1, "a")));
    wrong(&calls);
}
