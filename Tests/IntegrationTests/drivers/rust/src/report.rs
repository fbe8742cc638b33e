//! What a driver's program says: one line a check, `ok NAME` or `not ok NAME: why`.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

static FAILED: AtomicBool = AtomicBool::new(false);

/// Runs a check and says how it went; what it returns stands in the line.
pub async fn check(name: &str, run: impl Future<Output = Outcome<String>>) {
    match run.await {
        Ok(details) => println!("{}", format!("ok {name} {details}").trim_end()),
        Err(error) => {
            FAILED.store(true, Ordering::Relaxed);
            // What tokio-postgres says of a server's error stands in its source.
            let source = error.source().map(|source| source.to_string()).unwrap_or_default();
            let why = format!("{error} {source}");
            println!("not ok {name}: {}", why.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}

pub fn same<T: PartialEq + Debug>(expected: T, found: T) -> Outcome {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{found:?} for {expected:?}").into())
    }
}

pub fn end() -> ! {
    std::process::exit(FAILED.load(Ordering::Relaxed) as i32)
}
