//! What readers of the golden record may rely on.

mod account;
mod crm;
mod exactly_once;
mod example;
mod facts;
mod follow;
mod rules;

use crate::Golden;

/// All rows of all tables and views but the offsets', as text.
fn dump(golden: &Golden) -> Vec<String> {
    let tables = [
        "contacts",
        "aliases",
        "identifiers",
        "conversations",
        "sessions",
        "message_parts",
        "message_status",
        "events",
        "account_history",
        "account_state",
        "windows",
        "messages",
        "cases",
        "consents",
        "deals",
    ];
    let mut out = Vec::new();
    for table in tables {
        let mut statement = golden.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows: Vec<String> = statement
            .query_map([], |row| {
                let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
                Ok(format!("{table} {values:?}"))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        rows.sort();
        out.append(&mut rows);
    }
    out
}

/// The three state files.
fn state(golden: &Golden) -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    golden.write_state(folder.path()).unwrap();
    ["persons", "sessions", "messages"]
        .map(|name| std::fs::read_to_string(folder.path().join(format!("{name}.ndjson"))).unwrap())
}
