//! The facts of the worked example, by hand.

use super::{
    Fact, NUMBER, Sent, account, at, clock, closed, conversation, person, preference, received, session, told,
};
use hilo_contracts::facts::{Conversation, Rating, Session, Status, Work};
use hilo_domain::{
    Millis,
    time::{DAY, SECOND},
};

/// All facts, one revision after the other.
pub(crate) fn facts() -> Vec<Fact> {
    let mut all = people();
    all.extend(sends());
    all.extend(messages());
    all.extend(sessions());
    all.push(account(
        "a1",
        at("05-07T12:00:00"),
        ("waba", "310000000000001"),
        None,
        Some(2000),
    ));
    all.push(account(
        "a2",
        at("05-07T12:00:02"),
        ("template", "7001"),
        Some("YELLOW"),
        None,
    ));
    all
}

/// Time of the clock line at its end.
pub(crate) fn now() -> Millis {
    at("07-20T00:00:00")
}

fn people() -> Vec<Fact> {
    let acme = [
        ("camila", "CL"),
        ("sol", "CL"),
        ("rosa", "CL"),
        ("ivan", "CL"),
        ("nico", "CL"),
        ("test", "US"),
        ("lupe", "MX"),
        ("ar11", "AR"),
        ("bruna", "AR"),
        ("pia", "CL"),
        ("leo", "CL"),
        ("co3001", "CO"),
        ("co0031", "CO"),
        ("diego", "CO"),
    ];
    let beta = [("ines", "BR"), ("camila-beta", "CL")];
    let acme = acme.map(|(id, country)| person("acme", id, country, 1));
    acme.into_iter()
        .chain(beta.map(|(id, country)| person("beta", id, country, 1)))
        .collect()
}

fn sends() -> Vec<Fact> {
    let free = |id: &str, person: &str, at| Sent::new("acme", id, person).accepted(at);
    let promo = |id: &str, person: &str, at, segment: &str| {
        free(id, person, at)
            .template("promo_otono", "es", "marketing")
            .campaign("otono", segment)
    };
    let noon = |second: &str| at(&format!("05-05T15:00:{second}"));
    let a002 = free("A002", "camila", at("05-04T13:02:00"))
        .status("sent", at("05-04T13:02:01"), &[])
        .status("delivered", at("05-04T13:02:02"), &[])
        .status("read", at("05-04T13:02:10"), &[]);
    let a020 = free("A020", "pia", at("05-04T10:00:00"))
        .template("cita_manana", "es_CL", "utility")
        .status("sent", at("05-04T10:00:01"), &[])
        .status("delivered", at("05-04T10:00:09"), &[])
        .status("delivered", at("05-04T10:00:06"), &[]);
    let a021 = Sent::new("acme", "A021", "co0031").status("delivered", at("05-04T11:00:00"), &[]);
    let a010 = promo("A010", "sol", noon("00"), "vip")
        .status("read", at("05-05T15:02:00"), &[])
        .status("sent", noon("02"), &[])
        .status("delivered", noon("05"), &[]);
    let a012 = promo("A012", "diego", noon("01"), "vip")
        .status("sent", noon("03"), &[])
        .status("read", at("05-05T15:10:00"), &[]);
    let a013 = promo("A013", "lupe", noon("02"), "nuevo")
        .status("sent", noon("04"), &[])
        .status("delivered", noon("08"), &[]);
    let a015 = promo("A015", "leo", noon("03"), "nuevo")
        .status("failed", noon("06"), &[131_049])
        .status("delivered", noon("10"), &[]);
    let a016 = promo("A016", "co3001", noon("04"), "nuevo")
        .status("failed", noon("06"), &[131_026])
        .status("sent", noon("09"), &[]);
    let mut all: Vec<Fact> = [a002, a021, a010, a012, a013, a015, a016]
        .into_iter()
        .flat_map(|sent| sent.facts(false))
        .collect();
    all.extend(a020.facts(true));
    for (id, person, time) in [
        ("A005", "camila", "05-06T13:05:00"),
        ("A070", "ar11", "05-07T15:00:00"),
        ("A081", "nico", "05-09T09:00:03"),
        ("A083", "nico", "05-09T09:03:05"),
        ("A085", "nico", "05-09T09:06:00"),
    ] {
        all.extend(free(id, person, at(time)).facts(false));
    }
    all.extend(
        Sent::new("beta", "B002", "ines")
            .accepted(at("05-06T12:00:05"))
            .facts(false),
    );
    // An echo is no send that the API accepted.
    let echo = Status {
        event_id: "A042-1".to_owned(),
        tenant: "acme".to_owned(),
        event_time: at("05-07T12:04:01"),
        kind: "accepted".to_owned(),
        revision: 1,
        message_id: "A042".to_owned(),
        accepted_at: Some(at("05-07T12:04:01")),
        person_id: Some("pia".to_owned()),
        phone_number_id: Some(NUMBER.to_owned()),
        ..Status::default()
    };
    all.push(Fact::Status(Box::new(echo)));
    all
}

fn messages() -> Vec<Fact> {
    let mut all: Vec<Fact> = [
        ("A001", "camila", "05-04T13:00:00", None),
        ("A003", "camila", "05-04T13:24:00", None),
        ("A004", "camila", "05-06T13:00:00", None),
        ("A011", "sol", "05-05T16:00:00", Some("A010")),
        ("A014", "lupe", "05-05T18:00:00", None),
        ("A040", "bruna", "05-07T12:00:00", None),
        ("A041", "pia", "05-07T12:00:01", None),
        ("A051", "diego", "05-08T11:00:00", None),
        ("A060", "rosa", "05-04T09:00:00", None),
        ("A061", "ivan", "05-25T09:00:00", None),
        ("A080", "nico", "05-09T09:00:00", None),
        ("A082", "nico", "05-09T09:01:00", None),
        ("A084", "nico", "05-09T09:05:00", None),
    ]
    .into_iter()
    .map(|(id, person, time, reply_to)| conversation(received("acme", id, person, at(time), reply_to)))
    .collect();
    all.push(conversation(received(
        "beta",
        "B001",
        "ines",
        at("05-06T12:00:00"),
        None,
    )));
    all.push(conversation(received(
        "beta",
        "B003",
        "camila-beta",
        at("05-06T14:00:00"),
        None,
    )));
    all.push(conversation(preference(
        "acme",
        "p1",
        "leo",
        at("05-05T17:00:00"),
        "opt_out",
    )));
    let test = received("acme", "ABGGFlA5Fpa", "test", at("05-10T08:00:00"), None);
    all.push(conversation(Conversation { test: true, ..test }));
    all
}

fn sessions() -> Vec<Fact> {
    let mut all = Vec::new();
    for (tenant, person, opened) in [
        ("acme", "sol", "05-05T16:00:00"),
        ("acme", "rosa", "05-04T09:00:00"),
        ("acme", "ivan", "05-25T09:00:00"),
        ("acme", "lupe", "05-05T18:00:00"),
        ("acme", "bruna", "05-07T12:00:00"),
        ("acme", "diego", "05-08T11:00:00"),
        ("beta", "camila-beta", "05-06T14:00:00"),
    ] {
        let open = session(at(opened));
        let end = open.opened_at + DAY;
        all.push(told(tenant, person, 1, open.clone()));
        all.push(told(tenant, person, 2, closed(open, end, "inactivity")));
    }
    all.extend(answered());
    let test = told("acme", "test", 1, session(at("05-10T08:00:00")));
    if let Fact::Conversation(fact) = test {
        all.push(conversation(Conversation { test: true, ..*fact }));
    }
    all
}

fn answered() -> Vec<Fact> {
    let mut all = Vec::new();
    let mut tell = |tenant: &str, person: &str, open: Session, end: Session| {
        all.push(told(tenant, person, 1, open));
        all.push(told(tenant, person, 2, end));
    };
    let some = |text: &str| Some(text.to_owned());
    let human = |open: &Session, agent: &str| Session {
        agent: some(agent),
        answered_by_human: true,
        owners: vec![agent.to_owned()],
        ..open.clone()
    };

    let open = session(at("05-04T13:00:00"));
    let (start, stop) = (open.opened_at, at("05-04T13:02:00"));
    let end = Session {
        frt_human: Some(clock(start, stop, Some("ana"), at("05-04T13:00:30"))),
        frt_any: Some(clock(start, stop, Some("ana"), at("05-04T13:00:30"))),
        queue: some("soporte"),
        reason: some("agenda"),
        turns: vec![clock(start, stop, Some("ana"), start)],
        work: vec![work("ana", 90, Some(1170))],
        ratings: vec![rating("csat", "5", "5", "05-04T13:30:00")],
        repeated_at: Some(at("05-06T13:00:00")),
        ..human(&open, "ana")
    };
    tell("acme", "camila", open, closed(end, at("05-04T13:20:00"), "resolved"));

    let open = session(at("05-06T13:00:00"));
    let (start, stop) = (open.opened_at, at("05-06T13:05:00"));
    let end = Session {
        frt_human: Some(clock(start, stop, Some("ana"), start)),
        frt_any: Some(clock(start, stop, Some("ana"), start)),
        turns: vec![clock(start, stop, Some("ana"), start)],
        work: vec![work("ana", 300, None)],
        ..human(&open, "ana")
    };
    tell("acme", "camila", open, closed(end, at("05-06T13:30:00"), "resolved"));

    let open = session(at("05-07T12:00:01"));
    let (start, stop) = (open.opened_at, at("05-07T12:04:01"));
    let end = Session {
        frt_human: Some(clock(start, stop, Some("unknown"), start)),
        frt_any: Some(clock(start, stop, Some("unknown"), start)),
        turns: vec![clock(start, stop, Some("unknown"), start)],
        work: vec![work("unknown", 240, None)],
        ..human(&open, "unknown")
    };
    tell("acme", "pia", open, closed(end, at("05-08T12:04:01"), "inactivity"));

    let open = session(at("05-09T09:00:00"));
    let (handed, answer) = (at("05-09T09:01:05"), at("05-09T09:03:05"));
    let (again, last) = (at("05-09T09:05:00"), at("05-09T09:06:00"));
    let end = Session {
        frt_human: Some(clock(handed, answer, Some("bruno"), at("05-09T09:01:30"))),
        frt_any: Some(clock(open.opened_at, at("05-09T09:00:03"), None, open.opened_at)),
        queue: some("soporte"),
        reason: some("saldo"),
        outcome: some("escalated_requested"),
        bot: some("bot-1"),
        turns: [(handed, answer), (again, last)]
            .into_iter()
            .map(|(start, stop)| clock(start, stop, Some("bruno"), start))
            .collect(),
        work: vec![work("bruno", 215, Some(510))],
        ratings: vec![
            rating("ces", "6", "7", "05-09T09:15:00"),
            rating("csat", "3", "5", "05-09T09:16:00"),
        ],
        ..human(&open, "bruno")
    };
    tell(
        "acme",
        "nico",
        Session {
            frt_human: None,
            ..open
        },
        closed(end, at("05-09T09:10:00"), "resolved"),
    );

    let open = Session {
        frt_human: None,
        ..session(at("05-06T12:00:00"))
    };
    let end = Session {
        frt_any: Some(clock(open.opened_at, at("05-06T12:00:05"), None, open.opened_at)),
        outcome: some("contained_confirmed"),
        bot: some("bot-2"),
        ..open.clone()
    };
    tell("beta", "ines", open, closed(end, at("05-06T12:10:00"), "resolved"));
    all
}

fn work(agent: &str, active: Millis, assigned: Option<Millis>) -> Work {
    Work {
        agent: agent.to_owned(),
        active_millis: Some(active * SECOND),
        assigned_millis: assigned.map(|assigned| assigned * SECOND),
    }
}

fn rating(instrument: &str, score: &str, scale: &str, time: &str) -> Rating {
    let [instrument, score, scale] = [instrument, score, scale].map(str::to_owned);
    Rating {
        instrument,
        score,
        scale,
        rated_at: at(time),
    }
}
