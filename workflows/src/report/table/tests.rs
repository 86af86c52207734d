use super::*;

type TestResult = Result<(), TableError>;

fn step(name: &str, status: StepStatus, detail: Option<&str>) -> StepReport {
    StepReport {
        step: name.to_owned(),
        status,
        started_at: None,
        ended_at: None,
        detail: detail.map(str::to_owned),
        parts: Vec::new(),
        facts: Vec::new(),
    }
}

fn read(report: &Report) -> Result<Table, TableError> {
    let details = format!("A person is needed.\n\n{}\nbelow\n", report.markdown());
    Ok(Table::read(&details)?.unwrap_or_default())
}

#[test]
fn every_status_is_read_back() -> TestResult {
    let at = Timestamp::from_millisecond(1_500).ok();
    let later = Timestamp::from_millisecond(1_501).ok();
    for status in StepStatus::ALL {
        let mut told = step("send-notifications", status, Some("1 of 2"));
        (told.started_at, told.ended_at) = (at, later);
        told.parts.push(PartReport { part: "email".to_owned(), status, detail: Some("refused".to_owned()) });
        told.parts.push(PartReport { part: "sms".to_owned(), status: StepStatus::Completed, detail: None });
        let steps = vec![told, step("update-analytics", status, None)];
        let table = read(&Report { steps: steps.clone(), ..Report::default() })?;
        assert_eq!(table, Table { steps, left_out: 0 });
    }
    Ok(())
}

#[test]
fn what_an_outside_system_says_stays_in_its_cell_and_is_read_back() -> TestResult {
    let said = "pay | here: <b>[link](https://pay.example.com?a=1&b=2)</b> &amp; &#124;";
    let steps = vec![
        step("process-payment", StepStatus::Waiting, Some(said)),
        step("ship", StepStatus::Pending, None),
    ];
    let report = Report { steps: steps.clone(), ..Report::default() };
    let row = report.markdown().lines().nth(2).map(str::to_owned).unwrap_or_default();
    assert!(!row.contains(['<', '[']) && row.matches('|').count() == 6, "{row}");
    assert_eq!(read(&report)?.steps, steps);
    // A line break would end the row.
    let broken =
        Report { steps: vec![step("pay", StepStatus::Failed, Some("a\r\n| b"))], ..Report::default() };
    assert_eq!(read(&broken)?.steps[0].detail.as_deref(), Some("a  | b"));
    Ok(())
}

#[test]
fn times_are_exact_to_the_millisecond() -> TestResult {
    for took in [0, 1, 85, 1_250, 200_000, 604_800_000] {
        let mut told = step("hold", StepStatus::Completed, None);
        told.started_at = Timestamp::from_millisecond(1_764_494_724_007).ok();
        told.ended_at = Timestamp::from_millisecond(1_764_494_724_007 + took).ok();
        let table = read(&Report { steps: vec![told.clone()], ..Report::default() })?;
        assert_eq!(table.steps, [told]);
    }
    Ok(())
}

#[test]
fn a_long_table_is_cut_between_two_steps_and_says_so() -> TestResult {
    let long = "x".repeat(300);
    let mut steps: Vec<_> =
        (0..200).map(|n| step(&format!("step-{n:03}"), StepStatus::Completed, Some(&long))).collect();
    for step in &mut steps {
        step.parts.push(PartReport { part: "part".to_owned(), status: StepStatus::Failed, detail: None });
    }
    let report = Report { steps: steps.clone(), ..Report::default() };
    let markdown = report.markdown();
    assert!(markdown.len() <= DETAILS_BYTES_MAX, "{} bytes", markdown.len());
    assert!(markdown.ends_with("The query `progress` has them all.*\n"), "{markdown}");
    let table = read(&report)?;
    assert!(table.steps.len() > 40, "{} of 200 are shown", table.steps.len());
    assert_eq!(table.total(), 200);
    assert_eq!(table.steps, steps[..table.steps.len()]);
    Ok(())
}

#[test]
fn a_table_that_just_fits_is_whole() {
    let report = Report { steps: vec![step("a", StepStatus::Completed, None); 3], ..Report::default() };
    let whole = report.markdown();
    assert_eq!(write(&report, whole.len()), whole);
    let cut = write(&report, whole.len() - 1);
    assert!(cut.contains("*Steps left out for want of room: "), "{cut}");
}

#[test]
fn a_table_of_another_version_is_named() {
    let with = |row: &str| Table::read(&format!("{HEADER}{row}\n"));
    assert_eq!(with("| a | on holiday | | | |"), Err(TableError::Status("on holiday".to_owned())));
    assert_eq!(with("| a | running | soon | | |"), Err(TableError::Time("soon".to_owned())));
    assert_eq!(with("| a | running |"), Err(TableError::Row("| a | running |".to_owned())));
    assert_eq!(Table::read(""), Ok(None));
    assert_eq!(Table::read("The customer has to act.\n\n"), Ok(None));
}

#[test]
fn the_step_under_way_is_found() -> TestResult {
    let steps = vec![
        step("a", StepStatus::Completed, None),
        step("b", StepStatus::Running, None),
        step("c", StepStatus::Pending, None),
    ];
    let table = read(&Report { steps, ..Report::default() })?;
    assert_eq!(table.current().map(|step| step.step.as_str()), Some("b"));
    Ok(())
}

/// A status that is missing from `ALL` could be written and not read back. A new one does not compile here until it has
/// its place.
#[test]
fn every_status_is_in_the_list() {
    let place = |status: StepStatus| match status {
        StepStatus::Pending => 0,
        StepStatus::Running => 1,
        StepStatus::Waiting => 2,
        StepStatus::Asking => 3,
        StepStatus::Completed => 4,
        StepStatus::Skipped => 5,
        StepStatus::Failed => 6,
        StepStatus::Stopped => 7,
        StepStatus::Undone => 8,
        StepStatus::UndoStuck => 9,
        StepStatus::Resolved => 10,
        StepStatus::LeftStanding => 11,
    };
    let places: Vec<usize> = StepStatus::ALL.into_iter().map(place).collect();
    assert_eq!(places, (0..12).collect::<Vec<_>>());
}
