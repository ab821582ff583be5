//! An HTTP/1.1 client that behaves like a browser, for the providers of these tests; it trusts every certificate.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use url::Url;

use super::{canary, said, tls};

const PATIENCE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 10;

/// The header of a posted form.
pub const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A response that arrived complete.
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

    /// The target of a redirect, as an absolute URL.
    pub fn location(&self) -> Option<String> {
        let base = Url::parse(&self.url).ok()?;
        let location = self.header("location")?;
        base.join(location).ok().map(String::from)
    }

    /// The form that this page submits by itself when it is opened, if it has one.
    pub fn form(&self) -> Option<Step> {
        self.body.contains("document.forms[0].submit()").then_some(())?;
        let form = &self.body[self.body.find("<form method=\"post\"")?..];
        let mut fields = url::form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input type=\"hidden\"").skip(1) {
            fields.append_pair(&attribute(input, "name")?, &attribute(input, "value")?);
        }
        let origin = Url::parse(&self.url).ok()?.origin().ascii_serialization();
        Some(Step { url: attribute(form, "action")?, form: Some((origin, fields.finish())) })
    }
}

/// Where a browser goes next.
#[derive(Clone, Debug)]
pub struct Step {
    pub url: String,
    /// The origin of the page with the form, and the form's fields.
    pub form: Option<(String, String)>,
}

impl Step {
    /// The form's fields, encoded.
    pub fn fields(&self) -> &str {
        self.form.as_ref().map_or("", |(_, fields)| fields)
    }
}

/// A connection, plain or with TLS.
trait Stream: Read + Write + Send {}

impl Stream for TcpStream {}

impl Stream for StreamOwned<ClientConnection, TcpStream> {}

/// Until it is dropped, it leaves connections open after a response, as browsers do, and stores cookies.
#[derive(Default)]
pub struct Client {
    open: Mutex<Vec<Box<dyn Stream>>>,
    /// By host: all its ports share them.
    cookies: Mutex<HashMap<(String, String), String>>,
}

impl Client {
    /// Sends one request and reads the response; redirects are not followed.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Page> {
        let mut stream = connect(url)?;
        stream.write_all(request(method, url, headers, body)?.as_bytes())?;
        let page = read_page(&mut *stream, method, url)?;
        self.keep(stream);
        Ok(page)
    }

    /// Opens a URL and follows all redirects and forms that submit themselves. Returns every page on the way, in order.
    ///
    /// # Errors
    /// The pages until then, and what went wrong.
    pub fn follow(&self, url: &str) -> Result<Vec<Page>, (Vec<Page>, io::Error)> {
        let mut pages = Vec::new();
        let mut next = Some(Step { url: url.to_string(), form: None });
        while let Some(step) = next.take() {
            match self.view(&step) {
                Ok(page) => pages.push(page),
                Err(error) => return Err((pages, error)),
            }
            if pages.len() > MOST_REDIRECTS {
                return Err((pages, io::Error::other("redirects without end")));
            }
            next = pages.last().and_then(|page| match page.location() {
                Some(url) => Some(Step { url, form: None }),
                None => page.form(),
            });
        }
        Ok(pages)
    }

    /// Requests a page with the headers that browsers send. All cookies here are `Lax`: none is sent with a form of
    /// another site.
    fn view(&self, step: &Step) -> io::Result<Page> {
        let host = parse(&step.url)?.host_str().unwrap_or_default().to_string();
        let cookies = self.cookies_of(&host);
        let mut headers = vec![("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
        let page = match &step.form {
            None => {
                headers.extend((!cookies.is_empty()).then_some(("Cookie", &*cookies)));
                self.send("GET", &step.url, &headers, "")
            }
            Some((origin, fields)) => {
                headers.extend([("Origin", &**origin), ("Sec-Fetch-Site", "cross-site"), FORM]);
                self.send("POST", &step.url, &headers, fields)
            }
        }?;
        self.keep_cookies(host, &page);
        Ok(page)
    }

    fn cookies_of(&self, host: &str) -> String {
        let cookies = self.cookies.lock().expect("the cookies");
        let of_host = cookies.iter().filter(|((owner, _), _)| owner == host);
        of_host.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, host: String, page: &Page) {
        let pair = page.header("set-cookie").and_then(|cookie| cookie.split(';').next()?.split_once('='));
        if let Some((name, value)) = pair {
            self.cookies.lock().expect("the cookies").insert((host, name.into()), value.into());
        }
    }

    /// Opens a connection and sends nothing on it, as browsers do before a likely request.
    pub fn preconnect(&self, url: &str) -> io::Result<()> {
        self.keep(connect(url)?);
        Ok(())
    }

    fn keep(&self, stream: Box<dyn Stream>) {
        self.open.lock().expect("the connections").push(stream);
    }
}

/// Sends a GET request. Panics if there is no response.
pub fn get(url: &str) -> Page {
    send("GET", url, &[])
}

/// Sends any other request. Panics if there is no response.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> Page {
    Client::default()
        .send(method, url, headers, "")
        .unwrap_or_else(|error| panic!("no answer to {method} {url}: {error}"))
}

/// Posts a form. Panics if there is no response.
pub fn post(url: &str, headers: &[(&str, &str)], fields: &str) -> Page {
    Client::default()
        .send("POST", url, headers, fields)
        .unwrap_or_else(|error| panic!("no answer to POST {url}: {error}"))
}

fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&lt;", "<").replace("&quot;", "\"").replace("&amp;", "&"))
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

/// A request without a body, as sent on the wire. Panics if the URL is invalid.
pub fn head(method: &str, url: &str) -> String {
    request(method, url, &[], "").expect("a URL")
}

/// A request as sent on the wire.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<String> {
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

/// Reads the response to such a request.
pub fn read_page(stream: impl Read, method: &str, url: &str) -> io::Result<Page> {
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
        if name.eq_ignore_ascii_case("set-cookie") {
            canary::tell_of_cookie(value);
        }
        headers.push((name.to_string(), value.trim().to_string()));
    }
    let mut page = Page { url: url.to_string(), status, headers, body: String::new() };
    if method != "HEAD" && status != 204 && status != 304 {
        page.body = read_body(&mut reader, &page)?;
        said::note(page.body.as_bytes());
    }
    Ok(page)
}

/// A stream that ends within the headers or the body is an error: pages must arrive complete.
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
