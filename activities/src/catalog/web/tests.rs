//! Tests of pictures by web address. Names are looked up in a table, and nothing leaves this machine.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tempfile::TempDir;

use super::*;

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF;";

/// Names that lead to this machine, to a private network, and nowhere.
struct Table;

impl LookUp for Table {
    fn look_up(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let own = IpAddr::from(Ipv4Addr::LOCALHOST);
        let found = match name.as_str() {
            "cdn.example.com" | "img.example.com" => vec![own],
            "inside.example.com" => vec![Ipv4Addr::new(10, 0, 0, 7).into()],
            "both.example.com" => vec![own, Ipv4Addr::new(192, 168, 0, 7).into()],
            _ => Vec::new(),
        };
        async move { Ok(found) }.boxed()
    }
}

/// A server on this machine.
struct Server {
    port: u16,
    /// Requests so far, as they came.
    requests: Arc<Mutex<Vec<String>>>,
    /// Connections that were open at once, at most.
    at_once: Arc<AtomicUsize>,
}

impl Server {
    /// `answer`: to a request, which is the how manieth.
    fn start(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (requests, at_once) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (noted, most) = (requests.clone(), at_once.clone());
        let (answer, open) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let (noted, most, open, answer) = (noted.clone(), most.clone(), open.clone(), answer.clone());
                std::thread::spawn(move || {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                    // One that begins otherwise, such as that of TLS, is answered at once.
                    let is_http = |request: &[u8]| request.is_empty() || request.starts_with(b"GET");
                    while is_http(&request) && !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        match stream.read(&mut buffer) {
                            Ok(0) | Err(_) => break,
                            Ok(read) => request.extend_from_slice(&buffer[..read]),
                        }
                    }
                    let request = String::from_utf8_lossy(&request).to_lowercase();
                    let count = {
                        let mut noted = noted.lock().expect("a list");
                        noted.push(request.clone());
                        noted.len()
                    };
                    let answer = answer(&request, count);
                    // The next one may come as soon as this one has its answer.
                    open.fetch_sub(1, Ordering::SeqCst);
                    let _is_read = stream.write_all(&answer);
                });
            }
        });
        Self { port, requests, at_once }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    fn count(&self) -> usize {
        self.requests.lock().expect("a list").len()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn whole_gif() -> Vec<u8> {
    answer(&format!("200 OK\r\ncontent-length: {}", GIF.len()), GIF)
}

fn web(allowed: &str) -> (Web, Store, TempDir) {
    // Another test of this program may have been faster.
    let _is_first = rustls::crypto::ring::default_provider().install_default();
    let mut fetcher = Fetcher::new(allowed.parse().expect("networks"), Table).expect("a client");
    fetcher.pause = Duration::from_millis(1);
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().to_str().expect("a path")).expect("a store");
    (Web { fetcher: Arc::new(fetcher), turns: Arc::default() }, store, folder)
}

async fn said(web: &Web, store: &Store, address: &str) -> String {
    let outcome = web.picture(store, "runs/a/1", address).await.expect("a store");
    outcome.expect_err("not fetched")
}

#[tokio::test]
async fn a_picture_is_not_fetched_again_while_its_server_says_that_it_is_unchanged() {
    let server = Server::start(|request, _| match request.contains("if-none-match: \"v1\"") {
        true => answer("304 Not Modified", b""),
        false => answer(&format!("200 OK\r\netag: \"v1\"\r\ncontent-length: {}", GIF.len()), GIF),
    });
    let (web, store, _folder) = web("127.0.0.1");
    let address = server.url("cdn.example.com", "/p/8812?w=800&fmt=jpeg");
    let first = web.picture(&store, "runs/a/1", &address).await.expect("a store").expect("fetched");
    assert_eq!(store.get(&first).await.expect("kept"), GIF);
    // The second attempt of a run asks nobody.
    let again = web.picture(&store, "runs/a/1", &address).await.expect("a store");
    assert_eq!((again, server.count()), (Ok(first.clone()), 1));
    let next = web.picture(&store, "runs/a/2", &address).await.expect("a store");
    assert_eq!((next, server.count()), (Ok(first.clone()), 2));
    // Unchanged, but the content is gone here: it is fetched.
    store.remove(&first.key).await.expect("removed");
    let fetched = web.picture(&store, "runs/a/3", &address).await.expect("a store");
    assert_eq!((fetched, server.count()), (Ok(first.clone()), 3));
    // C3: the query belongs to the picture.
    let other = server.url("cdn.example.com", "/p/8812?w=80");
    let other = web.picture(&store, "runs/a/3", &other).await.expect("a store");
    assert_eq!((other, server.count()), (Ok(first), 4));
}

#[tokio::test]
async fn a_private_address_is_reached_by_no_way() {
    let (closed, store, _folder) = web("");
    let server = Server::start(|_, _| whole_gif());
    let private = "leads to a private address: SUN_MEDIA_ALLOW names the networks that are allowed";
    let literal = ["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"];
    for host in literal.into_iter().chain(["cdn.example.com", "inside.example.com", "both.example.com"]) {
        assert_eq!(said(&closed, &store, &server.url(host, "/a.gif")).await, private, "{host}");
    }
    assert_eq!(server.count(), 0);

    // This machine is allowed here, and what it leads to is not.
    let (open, store, _folder) = web("127.0.0.1");
    assert!(
        open.picture(&store, "r", &server.url("cdn.example.com", "/a.gif")).await.expect("a store").is_ok()
    );
    for target in
        ["http://10.0.0.5/a.gif", "http://inside.example.com/a.gif", "http://169.254.169.254/latest"]
    {
        let leads = Server::start(move |_, _| answer(&format!("302 Found\r\nlocation: {target}"), b""));
        assert_eq!(said(&open, &store, &leads.url("cdn.example.com", "/a.gif")).await, private, "{target}");
    }
    let both = server.url("both.example.com", "/a.gif");
    assert_eq!(said(&open, &store, &both).await, private);
}

/// C4
#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again_from_its_beginning() {
    let long = format!("200 OK\r\ncontent-length: {}", GIF.len());
    for head in [long, "200 OK".to_owned()] {
        let server = Server::start(move |_, count| match count {
            1 => answer(&head, &GIF[..18]),
            _ => whole_gif(),
        });
        let (web, store, _folder) = web("127.0.0.1");
        let address = server.url("cdn.example.com", "/a.gif");
        let content = web.picture(&store, "r", &address).await.expect("a store").expect("fetched");
        assert_eq!(store.get(&content).await.expect("kept"), GIF);
        assert_eq!(server.count(), 2);
    }
    let server = Server::start(|_, _| answer("200 OK", &GIF[..18]));
    let (web, store, _folder) = web("127.0.0.1");
    let address = server.url("cdn.example.com", "/a.gif");
    assert_eq!(said(&web, &store, &address).await, "is incomplete: its server cuts it off");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn each_picture_that_is_not_there_says_why() {
    let (web, store, _folder) = web("127.0.0.1");
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let server = Server::start(|request, _| {
        let path = request.split_whitespace().nth(1).unwrap_or_default();
        match path {
            "/zip.jpg" => {
                answer("200 OK\r\ncontent-type: image/jpeg", b"PK\x03\x04 a packed folder, no picture")
            }
            "/a.svg" => answer("200 OK", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "/2gb.jpg" => answer("200 OK\r\ncontent-length: 2147483648", b"\xFF\xD8\xFF"),
            "/long.jpg" => {
                let mut long = vec![0xFF, 0xD8, 0xFF];
                long.resize(11 * 1024 * 1024, 0);
                answer("200 OK", &long)
            }
            "/round" => answer("302 Found\r\nlocation: /round", b""),
            "/old" => answer("301 Moved Permanently\r\nlocation: /gone", b""),
            _ => answer("404 Not Found", b"nothing here"),
        }
    });
    let no_picture = "is not a picture: its first bytes are none of JPEG, PNG, WebP or GIF";
    let too_large = "has more than 10485760 bytes";
    for (path, why) in [
        ("/zip.jpg", no_picture),
        ("/a.svg", no_picture),
        ("/2gb.jpg", too_large),
        ("/long.jpg", too_large),
        ("/round", "leads through more than 5 addresses"),
        ("/old", "its server answers HTTP 404"),
    ] {
        assert_eq!(said(&web, &store, &server.url("cdn.example.com", path)).await, why, "{path}");
    }
    for (address, why) in [
        (format!("http://cdn.example.com:{unused}/a.gif"), "its server refuses connections"),
        ("http://nowhere.example.com/a.gif".to_owned(), "its server's name is not known"),
        (
            "http://lan:secret@cdn.example.com/a.gif".to_owned(),
            "is not a web address that can be fetched: it holds a name or a password",
        ),
        ("http://".to_owned(), "is not a web address that can be fetched: it cannot be read"),
    ] {
        assert_eq!(said(&web, &store, &address).await, why, "{address}");
    }
    // A server that speaks no TLS answers in plain words.
    let speaker = TcpListener::bind("127.0.0.1:0").expect("a port");
    let plain = format!("https://cdn.example.com:{}/a.gif", speaker.local_addr().expect("bound").port());
    std::thread::spawn(move || {
        for stream in speaker.incoming() {
            let mut stream = stream.expect("a caller");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("said");
            let _heard = stream.read(&mut [0; 4_096]);
        }
    });
    let told = said(&web, &store, &plain).await;
    assert!(told.contains("cannot be trusted (TLS)"), "{told}");
}

#[tokio::test]
async fn a_server_is_asked_by_one_connection_at_a_time() {
    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(30));
        whole_gif()
    });
    let (web, store, _folder) = web("127.0.0.1");
    let addresses: Vec<String> =
        (0..6).map(|number| server.url("img.example.com", &format!("/{number}.gif"))).collect();
    let all = join_all(addresses.iter().map(|address| web.picture(&store, "r", address))).await;
    assert!(all.into_iter().all(|outcome| outcome.expect("a store").is_ok()));
    assert_eq!((server.count(), server.at_once.load(Ordering::SeqCst)), (6, 1));
}

#[test]
fn a_picture_is_called_by_the_last_part_of_its_path() {
    for (address, stem) in [
        ("https://cdn.example.com/p/mug.v2.jpg?w=800", Some("mug.v2")),
        ("https://cdn.example.com/p/8812?w=800&fmt=jpeg", Some("8812")),
        ("https://img.example.com/brand.com/?token=t", Some("brand")),
        ("https://img.example.com", None),
    ] {
        assert_eq!(stem_of(address).as_deref(), stem, "{address}");
    }
}
