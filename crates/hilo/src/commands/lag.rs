//! `hilo lag`: how far each group is behind, as the broker knows it.

use crate::{
    cli::Lag,
    failure::Failure,
    kafka::{self, Place, groups},
    place,
    say::say,
};
use hilo_kafka::lag::Standing;
use hilo_service::clock;
use serde_json::json;

pub(crate) fn run(arguments: &Lag) -> Result<(), Failure> {
    let config = place::config(arguments.config.as_deref())?;
    let place = Place::new(&config)?;
    let standings = groups::look(&place, groups::all(&place)).map_err(kafka::failure)?;
    let now = clock::now();
    if arguments.json {
        for standing in &standings {
            say!("{}", to_json(standing, now))?;
        }
        return Ok(());
    }
    say!(
        "{:<20} {:>7} {:>10} {:>9}  {}",
        "GROUP",
        "MEMBERS",
        "RECORDS",
        "AGE",
        "MOST BEHIND"
    )?;
    for standing in &standings {
        say!("{}", line(standing, now))?;
    }
    Ok(())
}

fn line(standing: &Standing, now: i64) -> String {
    // A group that joins none has no members to count.
    let members = standing.members.map_or("-".to_owned(), |members| members.to_string());
    let age = standing
        .oldest()
        .map_or("-".to_owned(), |oldest| format!("{:.1} s", seconds(oldest, now)));
    let most = standing
        .lags
        .iter()
        .max_by_key(|lag| lag.records)
        .filter(|lag| lag.records > 0);
    let most = most.map_or(String::new(), |lag| {
        format!("{} partition {}: {} records", lag.topic, lag.partition, lag.records)
    });
    let text = format!(
        "{:<20} {members:>7} {:>10} {age:>9}  {most}",
        standing.group,
        standing.records()
    );
    text.trim_end().to_owned()
}

fn to_json(standing: &Standing, now: i64) -> serde_json::Value {
    let waiting: Vec<serde_json::Value> = standing
        .lags
        .iter()
        .filter(|lag| lag.records > 0)
        .map(|lag| {
            let seconds = lag.oldest.map(|oldest| seconds(oldest, now));
            json!({"topic": lag.topic, "partition": lag.partition, "records": lag.records, "seconds": seconds})
        })
        .collect();
    json!({
        "group": standing.group,
        "members": standing.members,
        "records": standing.records(),
        "seconds": standing.oldest().map(|oldest| seconds(oldest, now)),
        "waiting": waiting,
    })
}

fn seconds(oldest: i64, now: i64) -> f64 {
    (now - oldest).max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_kafka::lag::Lag;

    #[test]
    fn a_group_is_a_line_with_what_is_most_behind() {
        let lag = |partition, records, oldest| Lag {
            topic: "hilo.item",
            partition,
            records,
            oldest,
        };
        let mut standing = Standing {
            group: "hilo.identity".to_owned(),
            members: Some(0),
            lags: vec![lag(0, 5, Some(9_000)), lag(1, 7, Some(8_500)), lag(2, 0, None)],
        };
        assert_eq!(
            line(&standing, 10_000),
            "hilo.identity              0         12     1.5 s  hilo.item partition 1: 7 records"
        );
        let json = to_json(&standing, 10_000);
        assert_eq!(
            (&json["records"], &json["seconds"], &json["members"]),
            (&json!(12), &json!(1.5), &json!(0))
        );
        assert_eq!(json["waiting"].as_array().unwrap().len(), 2);
        standing.lags.clear();
        standing.members = None;
        assert_eq!(
            line(&standing, 10_000),
            "hilo.identity              -          0         -"
        );
    }
}
