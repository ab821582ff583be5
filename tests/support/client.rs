//! HTTP/1.1 as a browser speaks it, for providers of these tests; with `https`, one that trusts their authorities.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use url::Url;

use super::tls;

const PATIENCE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 10;

/// An answer that arrived whole.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Where a redirect leads, as a full URL.
    pub fn location(&self) -> Option<String> {
        let base = Url::parse(&self.url).ok()?;
        let location = self.header("location")?;
        base.join(location).ok().map(String::from)
    }
}

/// A connection, plain or with TLS.
trait Stream: Read + Write + Send {}

impl Stream for TcpStream {}

impl Stream for StreamOwned<ClientConnection, TcpStream> {}

/// Keeps its connections open after an answer, as browsers do, until it is dropped.
#[derive(Default)]
pub struct Client {
    open: Mutex<Vec<Box<dyn Stream>>>,
}

impl Client {
    /// One request and its answer; redirects are not followed.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Page> {
        let mut stream = connect(url)?;
        stream.write_all(request(method, url, headers, body)?.as_bytes())?;
        let page = read_page(&mut *stream, method, url)?;
        self.keep(stream);
        Ok(page)
    }

    /// Goes to a URL and wherever it redirects to. All pages on the way are returned, the last one last.
    ///
    /// # Errors
    /// The pages seen until then, and what went wrong.
    pub fn follow(&self, url: &str) -> Result<Vec<Page>, (Vec<Page>, io::Error)> {
        let mut pages = Vec::new();
        let mut next = Some(url.to_string());
        while let Some(url) = next.take() {
            match self.send("GET", &url, &[], "") {
                Ok(page) => pages.push(page),
                Err(error) => return Err((pages, error)),
            }
            if pages.len() > MOST_REDIRECTS {
                return Err((pages, io::Error::other("redirects without end")));
            }
            next = pages.last().and_then(Page::location);
        }
        Ok(pages)
    }

    /// Opens a connection and sends nothing on it: browsers do so ahead of a likely request.
    pub fn preconnect(&self, url: &str) -> io::Result<()> {
        self.keep(connect(url)?);
        Ok(())
    }

    fn keep(&self, stream: Box<dyn Stream>) {
        self.open.lock().expect("the connections").push(stream);
    }
}

/// A GET by hand. Panics when there is no answer.
pub fn get(url: &str) -> Page {
    send("GET", url, &[])
}

/// Any other request by hand. Panics when there is no answer.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> Page {
    Client::default()
        .send(method, url, headers, "")
        .unwrap_or_else(|error| panic!("no answer to {method} {url}: {error}"))
}

fn parse(url: &str) -> io::Result<Url> {
    let parsed = Url::parse(url).map_err(io::Error::other)?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(io::Error::other(format!("not for this client: {url}")));
    }
    Ok(parsed)
}

fn connect(url: &str) -> io::Result<Box<dyn Stream>> {
    let url = parse(url)?;
    let stream = TcpStream::connect(&*url.socket_addrs(|| None)?)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if url.scheme() == "http" {
        return Ok(Box::new(stream));
    }
    let connection = tls::client_connection(url.host_str().unwrap_or_default()).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<String> {
    let url = parse(url)?;
    let mut text = format!("{method} {} HTTP/1.1\r\n", &url[url::Position::BeforePath..url::Position::AfterQuery]);
    let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    if !given("host") {
        text += &format!("Host: {}\r\n", &url[url::Position::BeforeHost..url::Position::AfterPort]);
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    Ok(text + "\r\n" + body)
}

fn read_page(stream: &mut dyn Stream, method: &str, url: &str) -> io::Result<Page> {
    let mut reader = BufReader::new(stream);
    let status_line = read_line(&mut reader)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.ok_or_else(|| io::Error::other(format!("not HTTP: {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(&mut reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.to_string(), value.trim().to_string()));
    }
    let mut page = Page { url: url.to_string(), status, headers, body: String::new() };
    if method != "HEAD" && status != 204 && status != 304 {
        page.body = read_body(&mut reader, &page)?;
    }
    Ok(page)
}

/// An end of the stream before the end of the headers or of the body is an error: pages must come whole.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_string()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_body(reader: &mut impl BufRead, page: &Page) -> io::Result<String> {
    let length = page.header("content-length").and_then(|length| length.parse().ok());
    let length: usize = length.ok_or_else(|| io::Error::other("no content-length"))?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    String::from_utf8(body).map_err(io::Error::other)
}
