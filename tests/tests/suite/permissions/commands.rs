//! A user without one command.

use super::{Bench, OPERATIONS};

#[tokio::test]
async fn without_a_command_nothing_is_half_written() {
    let bench = Bench::start().await;
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        let (commands, keys) = bench.footprint(operation).await;
        assert!(!commands.is_empty(), "{operation}");
        for command in commands {
            let right = format!("-{command}");
            match bench.is_refused(operation, &["~*", "&*", &right]).await {
                Ok(true) => {}
                // It succeeded by another command: then its result is complete.
                Ok(false) => {
                    if bench.server.dbsize().await != keys || !bench.is_clean().await {
                        wrong.push(format!("{operation} without {command} left something out"));
                    }
                }
                Err(reason) => wrong.push(format!("{operation} without {command}: {reason}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
