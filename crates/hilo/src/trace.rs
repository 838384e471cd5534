//! A story on a terminal, masked unless somebody said why.

use hilo_dashboard::Trace;
use hilo_domain::time;
use serde_json::Value;

/// What of a record is shown: all of it where somebody said why.
fn shown(content: &Value, revealed: bool) -> Value {
    if revealed {
        content.clone()
    } else {
        hilo_dashboard::mask::json(content)
    }
}

fn shown_id(id: &str, revealed: bool) -> String {
    if revealed {
        id.to_owned()
    } else {
        hilo_dashboard::mask::identifier(id).as_str().to_owned()
    }
}

/// The story as lines for a terminal, masked unless revealed.
pub(crate) fn print(trace: &Trace, revealed: bool, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let id = shown_id(&trace.id, revealed);
    writeln!(out, "{} {id} ({} steps)", trace.kind, trace.total)?;
    for step in &trace.steps {
        let at = if step.at == 0 {
            "-".to_owned()
        } else {
            time::to_rfc3339(step.at)
        };
        let content = shown(&step.content, revealed);
        writeln!(out, "{at:<24} {:<6} {:<22} {content}", step.stage.as_str(), step.title)?;
    }
    Ok(())
}

/// The story as JSON, masked unless revealed.
pub(crate) fn to_json(trace: &Trace, revealed: bool) -> Value {
    let steps: Vec<Value> = trace
        .steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "stage": step.stage.as_str(),
                "at": time::to_rfc3339(step.at),
                "title": step.title,
                "topic": step.topic,
                "content": shown(&step.content, revealed),
            })
        })
        .collect();
    let id = shown_id(&trace.id, revealed);
    serde_json::json!({"id": id, "kind": trace.kind, "total": trace.total, "steps": steps})
}
