use super::*;

const INPUT: &str = r#"
[schedule.input]
integration_id = "erp-001"
erp_endpoint = "https://erp.example.com/api"
credentials_ref = "env:ERP_001"
sync_entities = ["products"]
last_sync_timestamp = 2026-11-01T00:00:00Z
"#;

/// One schedule with these lines.
fn one(lines: &str) -> String {
    format!("[[schedule]]\nid = \"a\"\nprocess = \"erp\"\n{lines}\n{INPUT}")
}

fn right(text: &str) -> Vec<Wanted> {
    read(text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Line, and everything said, of every problem.
fn wrong(text: &str) -> Vec<(usize, String)> {
    let problems = read(text, Path::new(".")).map(|_| ()).expect_err("a wrong file");
    let placed = problems.into_iter().map(|problem| match problem.at {
        Some(Place::Line { line, .. }) => (line, problem.to_string()),
        other => panic!("{other:?}"),
    });
    placed.collect()
}

#[test]
fn what_is_left_out_has_a_stated_default() {
    let wanted = right(&one("every = \"1h\""));
    let [one] = wanted.as_slice() else { panic!("not one") };
    assert_eq!((one.id.as_str(), one.zone.as_str(), one.overlap), ("a", "UTC", Overlap::Skip));
    assert_eq!((one.catch_up, one.jitter), (SignedDuration::from_mins(10), SignedDuration::ZERO));
    assert!(!one.pause_on_failure && one.note.is_empty());
    assert_eq!(one.plan.workflow_id, "erp/erp-001");
}

#[test]
fn every_key_is_read() {
    let lines = "every = \"1h30m\"\noffset = \"5m\"\ncron = [\"0 3 * * MON-FRI\"]\n\
                 at = [{ hour = 2, minute = \"30\", day_of_week = \"SUN\" }]\nzone = \"Asia/Ho_Chi_Minh\"\n\
                 overlap = \"buffer_one\"\ncatch_up = \"1m\"\npause_on_failure = true\njitter = \"30s\"\nnote = \"hello\"";
    let wanted = right(&one(lines));
    let [one] = wanted.as_slice() else { panic!("not one") };
    assert_eq!(one.interval, Some((SignedDuration::from_mins(90), SignedDuration::from_mins(5))));
    let calendars: Vec<_> = one.calendars.iter().map(Calendar::words).collect();
    assert_eq!(calendars, ["cron 0 3 * * MON-FRI", "at minute 30, hour 2, day of week SUN"]);
    assert_eq!((one.zone.as_str(), one.overlap), ("Asia/Ho_Chi_Minh", Overlap::BufferOne));
    assert_eq!((one.catch_up, one.jitter), (SignedDuration::from_mins(1), SignedDuration::from_secs(30)));
    assert!(one.pause_on_failure && one.note == "hello");
}

#[test]
fn one_wrong_value_is_told_with_line_and_fix() {
    for (line, says) in [
        (
            "every = \"1h\"\nzoen = \"UTC\"",
            "has an unknown key 'zoen' (line 5, column 1) (fix: did you mean 'zone'?",
        ),
        ("every = \"1h\"\nzone = \"Asia/Ho_Chi_Min\"", "did you mean Asia/Ho_Chi_Minh?"),
        ("every = \"1h\"\nzone = \"asia/ho_chi_minh\"", "write Asia/Ho_Chi_Minh"),
        (
            "every = \"1h\"\nzone = 7",
            "zone of schedule 'a' is a number (line 5, column 8) (fix: write it in quotes)",
        ),
        ("cron = [\"0 3 * *\"]", "is not five fields"),
        ("cron = \"0 25 * * *\"", "has a wrong hour: '25' is no number from 0 to 23"),
        ("every = \"0s\"", "it has to be a second at least"),
        ("every = \"1 moment\"", "is no duration"),
        ("every = \"1500ms\"", "not in whole seconds"),
        ("every = \"10m\"\noffset = \"10m\"", "is not shorter than every 10m"),
        ("at = [{ hour = 2 }]\noffset = \"10m\"", "goes with every only"),
        ("at = [{ hour = 24 }]", "hour in at of schedule 'a' '24' is no number from 0 to 23"),
        ("at = [{ hours = 2 }]", "did you mean 'hour'?"),
        ("at = [{}]", "is empty"),
        ("note = \"none\"", "does not say when"),
        ("every = \"1h\"\noverlap = \"queue\"", "one of: skip, buffer_one, buffer_all"),
        ("every = \"1h\"\ncatch_up = \"5s\"", "the server makes 10s of anything shorter"),
        ("every = \"1h\"\njitter = \"-5s\"", "cannot be below zero"),
        (
            "every = \"1h\"\npause_on_failure = true\noverlap = \"allow_all\"",
            "has no effect with overlap 'allow_all'",
        ),
        ("every = \"1h\"\npause_on_failure = \"yes\"", "true or false, without quotes"),
    ] {
        let text = one(line);
        let found = wrong(&text);
        assert_eq!(found.len(), 1, "{line}: {found:#?}");
        let (at, said) = &found[0];
        assert!(said.contains(says), "{line}: {said}");
        // The entry's first line where something is missing, else the line itself.
        assert!((1..=5).contains(at), "{line}: line {at}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text =
        format!("{}\n{}", one("every = \"0s\"\nzone = \"Mars\""), one("cron = \"x\"\noverlap = \"?\""));
    let found = wrong(&text);
    let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 15, 17, 18], "{found:#?}");
    assert!(found[2].1.contains("is used twice: first in line 2, column 6"), "{}", found[2].1);
}

#[test]
fn a_wrong_input_is_told_field_by_field() {
    let text = one("every = \"1h\"").replace("env:ERP_001", "").replace("\"erp-001\"", "\"a b\"");
    let found = wrong(&text);
    let said: Vec<_> = found.iter().map(|(_, said)| said.as_str()).collect();
    assert!(said.len() >= 2, "{said:#?}");
    assert!(said.iter().any(|said| said.contains("integration_id in input of schedule 'a'")), "{said:#?}");
    let absent = "[[schedule]]\nid = \"a\"\nprocess = \"erp\"\nevery = \"1h\"\n";
    assert!(wrong(absent)[0].1.contains("has no input"));
    let missing = format!("{absent}input = \"nowhere.json\"\n");
    assert!(wrong(&missing)[0].1.contains("cannot read ./nowhere.json"), "{:?}", wrong(&missing));
}

#[test]
fn what_runs_once_cannot_be_repeated() {
    let found = wrong(&one("every = \"1h\"").replace("process = \"erp\"", "process = \"order\""));
    assert!(found[0].1.contains("is started for one input"), "{found:?}");
    let found = wrong(&one("every = \"1h\"").replace("process = \"erp\"", "process = \"erb\""));
    assert!(found[0].1.contains("'erb' is not known"), "{found:?}");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let found = wrong("[[schedule]]\nid = \"a\nprocess = \"b\"\n");
    assert!(found.iter().any(|(line, said)| *line == 2 && said.contains("not TOML")), "{found:?}");
    assert!(right("# nothing yet\n").is_empty());
    assert!(wrong("schedule = 1\n")[0].1.contains("begin each schedule with a line [[schedule]]"));
}

#[test]
fn the_sample_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let text = std::fs::read_to_string(folder.join("schedules.toml")).expect("the sample is there");
    let wanted = read(&text, &folder).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(wanted.len(), 3);
}
