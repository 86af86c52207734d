use super::*;
use std::path::Path;
use std::sync::mpsc::Sender;

/// A stack of shell scripts in a folder of its own.
struct Bench {
    folder: PathBuf,
    stack: Stack,
    interrupt: Interrupt,
    raise: Sender<()>,
}

impl Bench {
    fn new(name: &str, restart: bool) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-stack-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (raise, interrupt) = Interrupt::by_hand();
        let stack = Stack::new(folder.join("pids.json"), restart);
        Self { folder, stack, interrupt, raise }
    }

    /// Runs `script`; ready once the file `<name>.ready` is there.
    fn service(&self, name: &'static str, script: &str) -> Service {
        let flag = self.folder.join(format!("{name}.ready"));
        let environment = vec![
            ("NAME", name.to_owned()),
            ("READY", flag.display().to_string()),
            ("FOLDER", self.folder.display().to_string()),
        ];
        Service {
            name,
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment,
            log: self.folder.join(format!("{name}.log")),
            ready: Box::new(move || if flag.exists() { Ok(()) } else { bail!("no flag") }),
            patience: Duration::from_secs(20),
        }
    }

    fn start(&mut self, services: Vec<Service>) -> Result<()> {
        self.stack.start(services, &self.interrupt)
    }

    fn stop(&mut self) {
        self.stack.stop(&self.interrupt);
    }

    fn pids_on_disk(&self) -> Value {
        let text = fs::read_to_string(self.folder.join("pids.json")).expect("written");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Tends the stack until `done`, at most 20 s.
    fn tend_until(&mut self, what: &str, done: impl Fn(&Stack) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done(&self.stack) {
            assert!(Instant::now() < deadline, "waited in vain: {what}");
            self.stack.tend();
            self.interrupt.wait(Duration::from_millis(10));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn alive(pid: &Value) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Notes in `order` when it ends, however busy it is.
const POLITE: &str =
    r#"trap 'echo $NAME >> "$FOLDER/order"; exit 0' TERM; touch "$READY"; while :; do sleep 0.05; done"#;
const STUBBORN: &str = r#"trap '' TERM; touch "$READY"; while :; do sleep 0.05; done"#;

#[test]
fn a_stack_starts_is_known_by_its_numbers_and_stops_in_reverse_order() {
    let mut bench = Bench::new("order", true);
    let first = vec![bench.service("temporal", POLITE), bench.service("sandbox", POLITE)];
    bench.start(first).expect("ready");
    let then = vec![bench.service("worker", POLITE)];
    bench.start(then).expect("ready");

    let pids = bench.stack.pids();
    assert!(alive(&pids["temporal"]) && alive(&pids["sandbox"]) && alive(&pids["worker"]), "{pids}");
    assert_eq!(bench.pids_on_disk(), pids);

    bench.stop();
    let order = fs::read_to_string(bench.folder.join("order")).expect("written");
    assert_eq!(order, "worker\nsandbox\ntemporal\n");
    assert_eq!(bench.pids_on_disk(), serde_json::json!({"temporal": null, "sandbox": null, "worker": null}));
}

#[test]
fn who_dies_during_the_start_makes_it_fail_with_its_last_words() {
    let mut bench = Bench::new("early-death", true);
    let services = vec![bench.service("sandbox", "echo no such database >&2; exit 3")];
    let error = bench.start(services).expect_err("died");
    let said = format!("{error:#}");
    assert!(said.contains("sandbox died during its start (exit status: 3)"), "{said}");
    assert!(said.contains("no such database"), "{said}");
    assert!(said.contains("sandbox.log"), "{said}");
}

#[test]
fn a_dead_process_is_started_again_under_a_new_number() {
    let mut bench = Bench::new("restart", true);
    let services = vec![bench.service("worker", POLITE)];
    bench.start(services).expect("ready");
    let before = bench.stack.pids()["worker"].clone();
    bench.stack.members[0].process.as_mut().expect("runs").kill();
    bench.tend_until("the death is noted", |stack| stack.pids()["worker"].is_null());
    assert!(bench.pids_on_disk()["worker"].is_null());
    bench.tend_until("started again", |stack| !stack.pids()["worker"].is_null());
    assert_ne!(bench.stack.pids()["worker"], before);
    assert_eq!(bench.pids_on_disk(), bench.stack.pids());
    bench.stop();
}

#[test]
fn a_dead_process_stays_dead_when_asked_to() {
    let mut bench = Bench::new("no-restart", false);
    let services = vec![bench.service("worker", POLITE)];
    bench.start(services).expect("ready");
    bench.stack.members[0].process.as_mut().expect("runs").kill();
    bench.tend_until("the death is noted", |stack| stack.pids()["worker"].is_null());
    assert!(bench.stack.members[0].restart_at.is_none());
    bench.stop();
}

#[test]
fn who_does_not_stop_in_time_is_killed() {
    let mut bench = Bench::new("stubborn", true);
    let mut stubborn = bench.service("worker", STUBBORN);
    stubborn.patience = Duration::from_millis(200);
    bench.start(vec![stubborn]).expect("ready");
    let pid = bench.stack.pids()["worker"].clone();
    bench.stop();
    assert!(!alive(&pid));
}

#[test]
fn a_second_signal_ends_the_patience_but_an_echo_of_the_first_does_not() {
    let mut bench = Bench::new("hurry", true);
    let services = vec![bench.service("worker", STUBBORN)];
    bench.start(services).expect("ready");
    bench.raise.send(()).expect("the echo, at once");
    let raise = bench.raise.clone();
    let second = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1_500));
        raise.send(()).expect("the second signal");
    });
    let begun = Instant::now();
    bench.stop();
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(15), "{took:?}");
    second.join().expect("no panic");
}

#[test]
fn a_signal_ends_the_start() {
    let mut bench = Bench::new("interrupted", true);
    bench.raise.send(()).expect("sent");
    let services = vec![bench.service("worker", "sleep 60")];
    let error = bench.start(services).expect_err("interrupted");
    assert_eq!(error.to_string(), "interrupted while worker was starting");
}

#[test]
fn dropping_the_stack_leaves_nobody_behind() {
    let mut bench = Bench::new("dropped", true);
    let services = vec![bench.service("worker", STUBBORN)];
    bench.start(services).expect("ready");
    let pid = bench.stack.pids()["worker"].clone();
    drop(bench);
    assert!(!alive(&pid));
}

#[test]
fn the_log_of_the_run_before_is_kept_once() {
    let mut bench = Bench::new("logs", true);
    fs::write(bench.folder.join("worker.log"), "old\n").expect("written");
    let services = vec![bench.service("worker", r#"echo new; touch "$READY"; sleep 60"#)];
    bench.start(services).expect("ready");
    bench.stop();
    assert_eq!(fs::read_to_string(bench.folder.join("worker.previous.log")).expect("kept"), "old\n");
    assert_eq!(process::tail(&bench.folder.join("worker.log"), 5), "new");
}

#[test]
fn the_tail_of_a_log_is_its_last_lines() {
    let bench = Bench::new("tail", true);
    let log = bench.folder.join("long.log");
    let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}")).collect();
    fs::write(&log, lines.join("\n")).expect("written");
    assert_eq!(process::tail(&log, 2), "line 19998\nline 19999");
    assert_eq!(process::tail(Path::new("/nowhere"), 2), "");
}
