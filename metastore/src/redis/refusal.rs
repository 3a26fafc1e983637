//! Error messages of the server as kinds of errors.

use crate::error::ErrorKind;

/// The kind of an error of the server; `None` for a message of the client library. Errors of the
/// server begin with a word in capitals.
pub(crate) fn refusal(message: &str) -> Option<ErrorKind> {
    let code = message.split_whitespace().next()?;
    if code.len() < 3 || !code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return None;
    }
    let text = without_position(message).to_owned();
    Some(match code {
        "OOM" => ErrorKind::OutOfMemory(text),
        "READONLY" => ErrorKind::ReadOnly(text),
        "LOADING" => ErrorKind::Loading,
        "WRONGTYPE" => ErrorKind::WrongType(text),
        "NOAUTH" | "WRONGPASS" | "NOPERM" => ErrorKind::Auth(text),
        "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" | "TRYAGAIN" | "NOREPLICAS" | "MISCONF" => {
            ErrorKind::Unavailable(text)
        }
        "MOVED" | "ASK" | "CROSSSLOT" => ErrorKind::Unsupported(format!(
            "the server is a node of a Redis Cluster; use one server, or a primary with replicas: {text}"
        )),
        "ERR" => without_code(text),
        _ => ErrorKind::Server(text),
    })
}

/// The message of an error within a script, without the script's hash and line at its end. An error
/// that a script returns has none.
fn without_position(message: &str) -> &str {
    match message.rfind(" script: ") {
        Some(end) if message[end..].contains("@user_script") => &message[..end],
        _ => message,
    }
}

/// The kind of an error that has no specific code.
fn without_code(text: String) -> ErrorKind {
    let says = |part: &str| text.contains(part);
    if says("max number of clients") || says("on a stale replica") {
        ErrorKind::Unavailable(text)
    } else if says("executing the script can't")
        || says("ACL failure in script")
        || says("without any password configured")
    {
        ErrorKind::Auth(text)
    } else if says("DB index is out of range") {
        ErrorKind::InvalidArgument(format!(
            "the URL names a database that the server lacks: {text}"
        ))
    } else if says("unknown command") {
        ErrorKind::Unsupported(format!("the server lacks a command: {text}"))
    } else {
        ErrorKind::Server(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn each_refusal_has_its_kind_and_message_and_says_whether_a_retry_helps() {
        let table: &[(&str, &str, bool)] = &[
            ("OOM command not allowed when used memory > 'maxmemory'.", "out of memory", false),
            ("READONLY You can't write against a read only replica.", "read-only", true),
            ("LOADING Redis is loading the dataset in memory", "loading", true),
            ("WRONGTYPE Operation against a key holding the wrong kind", "another type", false),
            ("NOAUTH Authentication required.", "refused access", false),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                "refused access",
                false,
            ),
            ("NOPERM User x has no permissions to run the 'get' command", "refused access", false),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                "refused access",
                false,
            ),
            ("ERR The user executing the script can't run this command", "refused access", false),
            (
                "ERR ACL failure in script: User x has no permissions to run the 'set' command script: 2f4d, \
                 on @user_script:53.",
                "to run the 'set' command",
                false,
            ),
            (
                "ERR ACL failure in script: User x has no permissions to run the 'get' command",
                "to run the 'get' command",
                false,
            ),
            ("MASTERDOWN Link with MASTER is down", "is not available", true),
            ("ERR Can not execute the command on a stale replica", "is not available", true),
            ("BUSY Redis is busy running a script.", "is not available", true),
            ("ERR max number of clients reached", "is not available", true),
            ("NOREPLICAS Not enough good replicas to write.", "is not available", true),
            ("MISCONF Errors writing to the AOF file", "is not available", true),
            ("TRYAGAIN Multiple keys request during rehashing", "is not available", true),
            ("MOVED 3999 127.0.0.1:6381", "Redis Cluster", false),
            ("CROSSSLOT Keys in request don't hash to the same slot", "Redis Cluster", false),
            ("ERR DB index is out of range", "names a database", false),
            ("ERR unknown command 'EVALSHA', with args beginning with:", "lacks a command", false),
            ("ERR syntax error", "the server refused: ERR", false),
            ("NOSCRIPT No matching script.", "the server refused: NOSCRIPT", false),
        ];
        for (text, words, is_retryable) in table {
            let error = Error::new("get", refusal(text).expect("is a refusal"));
            assert!(error.to_string().contains(words), "{text}: {error}");
            assert_eq!(error.is_retryable(), *is_retryable, "{text}: {error:?}");
        }
    }

    #[test]
    fn messages_of_the_client_library_are_not_refusals() {
        for text in ["Connection closed.", "Failed to route command.", "IO error", ""] {
            assert!(refusal(text).is_none(), "{text}");
        }
    }
}
