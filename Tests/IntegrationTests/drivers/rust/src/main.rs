//! tokio-postgres: every statement is prepared by name and closed when it is dropped; answers are binary,
//! and queries that are awaited together go as a pipeline.

mod report;

use std::collections::HashSet;
use std::env::var;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use futures_util::future::{join_all, poll_fn, try_join_all};
use futures_util::{pin_mut, SinkExt, TryStreamExt};
use report::{check, end, same, Outcome};
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{AsyncMessage, Client, Error, NoTls, Statement};
use uuid::Uuid;

const CLIENTS: usize = 50;
const EXECUTIONS: usize = 20;

type Notices = Arc<Mutex<Vec<String>>>;

/// A client, and the notices that its connection will hear.
async fn connected() -> Outcome<(Client, Notices)> {
    let settings = format!(
        "host={} port={} user={} dbname={}",
        var("PGHOST")?, var("PGPORT")?, var("PGUSER")?, var("PGDATABASE")?
    );
    let (client, mut connection) = tokio_postgres::connect(&settings, NoTls).await?;
    let notices = Notices::default();
    let heard = notices.clone();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notice(notice) = message {
                heard.lock().unwrap().push(notice.message().to_string());
            }
        }
    });
    Ok((client, notices))
}

fn fails<T>(code: &str, result: Result<T, Error>) -> Outcome {
    match result {
        Ok(_) => Err(format!("no error {code}").into()),
        Err(error) => match error.code() {
            Some(found) => same(code, found.code()),
            None => Err(error.into()),
        },
    }
}

/// Sends a value three times: the first statement is dropped, the second one is kept and used again.
async fn round_trip<T>(client: &Client, kind: &str, value: T)
where
    T: ToSql + FromSqlOwned + PartialEq + Debug + Sync,
{
    check(&format!("type-{kind}"), async {
        let sql = format!("SELECT $1::{kind}");
        same(&value, &client.query_one(sql.as_str(), &[&value]).await?.try_get(0)?)?;
        let statement = client.prepare(&sql).await?;
        for _ in 0..2 {
            same(&value, &client.query_one(&statement, &[&value]).await?.try_get(0)?)?;
        }
        Ok(String::new())
    })
    .await
}

/// The types that the driver has no Rust type for travel as text.
async fn round_trip_as_text(client: &Client, kind: &str, value: &str) {
    check(&format!("type-{kind}"), async {
        let sql = format!("SELECT $1::text::{kind}::text");
        let found: String = client.query_one(sql.as_str(), &[&value]).await?.try_get(0)?;
        same(value, found.as_str())?;
        Ok(String::new())
    })
    .await
}

async fn types() -> Outcome {
    let (client, _) = connected().await?;
    let moment: NaiveDateTime = "2024-02-29T23:59:59.123456".parse()?;
    let document = serde_json::json!({"a": [1, null, "ü"]});
    round_trip(&client, "int2", i16::MIN).await;
    round_trip(&client, "int4", i32::MAX).await;
    round_trip(&client, "int8", i64::MIN).await;
    round_trip_as_text(&client, "numeric", "12345678901234567890.0987654321").await;
    round_trip(&client, "float4", 1.5f32).await;
    round_trip(&client, "float8", 0.1f64).await;
    round_trip(&client, "text", "ünï 'quoted' \\ 語".to_string()).await;
    round_trip(&client, "bytea", (0..=255u8).collect::<Vec<_>>()).await;
    round_trip(&client, "bool", true).await;
    round_trip(&client, "date", "1999-12-31".parse::<NaiveDate>()?).await;
    round_trip(&client, "timestamp", moment).await;
    let instant: DateTime<Utc> = Utc.from_utc_datetime(&moment);
    round_trip(&client, "timestamptz", instant).await;
    round_trip_as_text(&client, "interval", "1 day 02:03:04.5").await;
    round_trip(&client, "uuid", Uuid::parse_str("0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6")?).await;
    round_trip(&client, "json", document.clone()).await;
    round_trip(&client, "jsonb", document).await;
    round_trip(&client, "int4[]", vec![Some(1), None, Some(-3)]).await;
    let texts = ["a", "b,c", "d\"e"].map(|text| Some(text.to_string()));
    round_trip(&client, "text[]", texts.into_iter().chain([None]).collect::<Vec<_>>()).await;
    check("type-null", async {
        let found: Option<i32> = client.query_one("SELECT $1::int4", &[&None::<i32>]).await?.try_get(0)?;
        same(None, found)?;
        Ok(String::new())
    })
    .await;
    Ok(())
}

async fn probe(at: usize, client: &Client, statement: &Statement) -> Outcome<HashSet<i32>> {
    let mut pids = HashSet::new();
    for round in 0..EXECUTIONS {
        let number = (round * CLIENTS + at) as i32;
        let row = client.query_one(statement, &[&number]).await?;
        same(number * (2 + at as i32 % 5), row.try_get(0)?)?;
        pids.insert(row.try_get(1)?);
    }
    Ok(pids)
}

async fn prepared() -> Outcome<String> {
    let (mut clients, mut statements) = (vec![], vec![]);
    for at in 0..CLIENTS {
        let (client, _) = connected().await?;
        let sql = format!("SELECT $1::int4 * {} AS matrix_probe, pg_backend_pid()", 2 + at % 5);
        statements.push(client.prepare(&sql).await?);
        clients.push(client);
    }
    let probes = (0..CLIENTS).map(|at| probe(at, &clients[at], &statements[at]));
    let seen = join_all(probes).await.into_iter().collect::<Outcome<Vec<_>>>()?;
    let servers: HashSet<_> = seen.iter().flatten().collect();
    let moved = seen.iter().filter(|pids| pids.len() > 1).count();
    let is_named = "SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement LIKE '%matrix' || '_probe%'";
    let named: bool = clients[0].query_one(is_named, &[]).await?.try_get(0)?;
    Ok(format!(
        "clients={CLIENTS} executions={} servers={} moved={moved} named={}",
        CLIENTS * EXECUTIONS,
        servers.len(),
        if named { "yes" } else { "no" }
    ))
}

async fn rollback() -> Outcome<String> {
    let (mut client, _) = connected().await?;
    client.batch_execute("DROP TABLE IF EXISTS matrix_rollback; CREATE TABLE matrix_rollback (n int4)").await?;
    let transaction = client.transaction().await?;
    transaction.execute("INSERT INTO matrix_rollback VALUES ($1)", &[&1]).await?;
    fails("22012", transaction.query("SELECT 1 / $1::int4", &[&0]).await)?;
    fails("25P02", transaction.query("SELECT 1", &[]).await)?;
    transaction.rollback().await?;
    let count: i64 = client.query_one("SELECT count(*) FROM matrix_rollback", &[]).await?.try_get(0)?;
    same(0, count)?;
    client.batch_execute("DROP TABLE matrix_rollback").await?;
    Ok(String::new())
}

/// Two hundred queries of one connection under way at once, with an error among them.
async fn batch() -> Outcome<String> {
    let (client, _) = connected().await?;
    let statement = client.prepare("SELECT 100 / ($1::int4 - 150) + $1").await?;
    let numbers: Vec<i32> = (0..200).collect();
    let rows = join_all(numbers.iter().map(|number| {
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &[number]).await }
    }))
    .await;
    for (number, row) in numbers.into_iter().zip(rows) {
        if number == 150 {
            fails("22012", row)?;
        } else {
            same(100 / (number - 150) + number, row?.try_get(0)?)?;
        }
    }
    // Different statements, each prepared and closed beside the others.
    let sums = try_join_all((0..20).map(|n| {
        let client = &client;
        async move { client.query_one(format!("SELECT $1::int4 + {n}").as_str(), &[&n]).await }
    }))
    .await?;
    for (n, row) in sums.into_iter().enumerate() {
        same(2 * n as i32, row.try_get(0)?)?;
    }
    Ok(String::new())
}

/// A portal that is fetched in pieces inside its transaction.
async fn cursor() -> Outcome<String> {
    let (mut client, _) = connected().await?;
    let transaction = client.transaction().await?;
    let portal = transaction.bind("SELECT g FROM generate_series(1, $1::int4) g", &[&1000]).await?;
    let mut found: Vec<i32> = vec![];
    loop {
        let rows = transaction.query_portal(&portal, 70).await?;
        if rows.is_empty() {
            break;
        }
        found.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    transaction.commit().await?;
    same((1..=1000).collect::<Vec<_>>(), found)?;
    Ok(String::new())
}

async fn copies() -> Outcome {
    let (client, _) = connected().await?;
    let text: String = (0..1000).map(|n| format!("{n}\trow {n}\n")).collect();
    check("copy-in", async {
        client.batch_execute("DROP TABLE IF EXISTS matrix_copy; CREATE TABLE matrix_copy (n int4, t text)").await?;
        let sink = client.copy_in("COPY matrix_copy FROM STDIN").await?;
        pin_mut!(sink);
        sink.send(Bytes::from(text.clone())).await?;
        same(1000, sink.finish().await?)?;
        Ok(String::new())
    })
    .await;
    check("copy-out", async {
        let stream = client.copy_out("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT").await?;
        let found: BytesMut = stream
            .try_fold(BytesMut::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await?;
        same(text.as_bytes(), &found[..])?;
        client.batch_execute("DROP TABLE matrix_copy").await?;
        Ok(String::new())
    })
    .await;
    Ok(())
}

async fn cancel() -> Outcome<String> {
    let (client, _) = connected().await?;
    let token = client.cancel_token();
    let canceller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        token.cancel_query(NoTls).await
    });
    fails("57014", client.query("SELECT pg_sleep(30)", &[]).await)?;
    canceller.await??;
    same(5, client.query_one("SELECT 5", &[]).await?.try_get(0)?)?;
    Ok(String::new())
}

async fn notice() -> Outcome<String> {
    let (client, notices) = connected().await?;
    client.batch_execute("DO $$ BEGIN RAISE NOTICE 'heard %', 7; END $$").await?;
    let heard = notices.lock().unwrap().clone();
    same(vec!["heard 7".to_string()], heard)?;
    Ok(String::new())
}

async fn groups() -> Outcome {
    types().await?;
    check("prepared", prepared()).await;
    check("rollback", rollback()).await;
    check("batch", batch()).await;
    check("cursor", cursor()).await;
    copies().await?;
    check("cancel", cancel()).await;
    check("notice", notice()).await;
    Ok(())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if let Err(error) = groups().await {
            check("all", async { Err(error) }).await;
        }
    });
    end()
}
